/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.c - user ids, groups, capabilities, and Landlock of the API
 * process.  Its system call filter is filter.c.
 *
 * Responsible for a taken-over API being able to do little more than speak to
 * the supervisor and read its own database.  Nothing here runs after the first
 * request; each layer is checked from the outside once it is on, and a layer
 * that the host cannot give stops the start.
 */
#include "api/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/filter.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* ---- who ------------------------------------------------------------- */

static int
resolve_user(const char *name, struct api_process_user *ret, struct err *e)
{
	const struct passwd *pw = getpwnam(name);
	uint64_t number;

	if (pw == NULL && str_to_u64(name, UINT32_MAX - 1, &number) == 0) {
		pw = getpwuid((uid_t)number);
		/* A user that is only a number has the group of that number. */
		ret->uid = (unsigned)number;
		ret->gid = (unsigned)number;
	} else if (pw == NULL) {
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_USER: there is no user %s", name);
	}
	if (pw != NULL) {
		ret->uid = pw->pw_uid;
		ret->gid = pw->pw_gid;
	}
	return 0;
}

int
api_privilege_check_start(const struct api_config *config,
			  struct api_process_user *ret, struct err *e)
{
	struct api_process_user user = {.uid = geteuid(), .gid = getegid()};

	if (config->run_as_user[0] != '\0' &&
	    resolve_user(config->run_as_user, &user, e) < 0)
		return -1;
	if (user.uid == 0 || user.gid == 0)
		return err_set(e, ERR_DENIED, 0,
			       "the API does not run as root: set "
			       "PROMPTCRAFT_USER to an unprivileged user");
	user.is_change = geteuid() == 0 || getuid() == 0;
	if (!user.is_change && user.uid != geteuid())
		return err_set(e, ERR_DENIED, 0,
			       "PROMPTCRAFT_USER: only root can become %s",
			       config->run_as_user);
	*ret = user;
	return 0;
}

/*
 * A directory that root has just made is given away through its descriptor; one
 * that exists is left as it is, since its owner is the operator's decision.
 */
int
api_privilege_make_state_dir(const struct api_config *config,
			     const struct api_process_user *user, struct err *e)
{
	owned_fd int fd = -1;

	if (mkdir(config->state_dir, 0700) < 0) {
		if (errno == EEXIST)
			return 0;
		return err_sys(e, "PROMPTCRAFT_STATE_DIR: create %s",
			       config->state_dir);
	}
	fd = open(config->state_dir,
		  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (user->is_change && fchown(fd, user->uid, user->gid) < 0))
		return err_sys(e, "PROMPTCRAFT_STATE_DIR: give %s to its user",
			       config->state_dir);
	return 0;
}

/* ---- ids and capabilities -------------------------------------------- */

static int
drop_bounding_set(struct err *e)
{
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap_get_bound(cap) == CAP_SET && cap_drop_bound(cap) < 0)
			return err_sys(e,
				       "drop capability %d from the "
				       "bounding set",
				       cap);
	return 0;
}

static int
change_user(const struct api_process_user *user, struct err *e)
{
	if (drop_bounding_set(e) < 0)
		return -1;
	if (setgroups(0, NULL) < 0)
		return err_sys(e, "leave all groups");
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return err_sys(e, "become group %u", user->gid);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return err_sys(e, "become user %u", user->uid);
	return 0;
}

static int
clear_capabilities(struct err *e)
{
	cap_t none = cap_init();
	int rc = none != NULL ? cap_set_proc(none) : -1;

	if (none != NULL)
		cap_free(none);
	if (rc < 0 || cap_reset_ambient() < 0)
		return err_sys(e, "give up capabilities");
	return 0;
}

static int
check_ids(const struct api_process_user *user, struct err *e)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return err_sys(e, "read user ids");
	for (size_t i = 0; i < 3; i++)
		if (uid[i] != user->uid || gid[i] != user->gid)
			return err_set(e, ERR_DENIED, 0,
				       "user or group ids were not dropped");
	if (user->is_change && getgroups(0, NULL) != 0)
		return err_set(e, ERR_DENIED, 0, "groups were not dropped");
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ||
	    setresgid((gid_t)-1, 0, (gid_t)-1) == 0)
		return err_set(e, ERR_DENIED, 0, "root could be regained");
	return 0;
}

static int
check_capabilities(bool is_bound_empty, struct err *e)
{
	cap_t now = cap_get_proc(), none = cap_init();
	bool is_empty =
		now != NULL && none != NULL && cap_compare(now, none) == 0;

	if (now != NULL)
		cap_free(now);
	if (none != NULL)
		cap_free(none);
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (cap_get_ambient(cap) == CAP_SET)
			is_empty = false;
		if (is_bound_empty && cap_get_bound(cap) == CAP_SET)
			is_empty = false;
	}
	if (!is_empty)
		return err_set(e, ERR_DENIED, 0,
			       "capabilities were not dropped");
	return 0;
}

static int
set_process_flags(struct err *e)
{
	static const struct rlimit no_core = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_sys(e, "set no_new_privs");
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_sys(e, "forbid core dumps");
#ifndef PROMPTCRAFT_ASAN /* the leak check traces the process at its end */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "make the process undumpable");
#endif
	return 0;
}

/*
 * Bounding set and groups need privilege to drop, so they go before the user
 * id; the capability sets are emptied after it, when the kernel has cleared
 * what it clears by itself.
 */
int
api_privilege_drop(const struct api_process_user *user, struct err *e)
{
	if (user->is_change && change_user(user, e) < 0)
		return -1;
	if (clear_capabilities(e) < 0 || set_process_flags(e) < 0 ||
	    check_ids(user, e) < 0)
		return -1;
	return check_capabilities(user->is_change, e);
}

/* ---- Landlock --------------------------------------------------------- */

/* The kernel's ABI (landlock(7)); Debian 12's headers know only the first. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};
struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

#define LL_CREATE_VERSION 1u
#define LL_RULE_PATH_BENEATH 1
#define LL_WRITE_FILE (1u << 1)
#define LL_READ_FILE (1u << 2)
#define LL_READ_DIR (1u << 3)
#define LL_REMOVE_FILE (1u << 5)
#define LL_MAKE_REG (1u << 8)
#define LL_TRUNCATE (1u << 14) /* ABI 3 */
#define LL_SCOPE_ALL 3u	       /* abstract sockets, signals */

/* What exists in each ABI, from 1 on; later ones add nothing we know of. */
static const struct {
	uint64_t fs, net, scoped;
	size_t attr_size;
} abi_rights[] = {
	{(1u << 13) - 1, 0, 0, 8},  {(1u << 14) - 1, 0, 0, 8},
	{(1u << 15) - 1, 0, 0, 8},  {(1u << 15) - 1, 3, 0, 16},
	{(1u << 16) - 1, 3, 0, 16}, {(1u << 16) - 1, 3, LL_SCOPE_ALL, 24},
};

static int
allow_path(int ruleset, const char *path, uint64_t access, uint64_t handled,
	   struct err *e)
{
	owned_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_beneath_attr rule = {.allowed_access = access & handled,
					 .parent_fd = fd};

	if (fd < 0)
		return err_sys(e, "Landlock: open %s", path);
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH_BENEATH, &rule,
		    0) < 0)
		return err_sys(e, "Landlock: allow %s", path);
	return 0;
}

static int
allow_paths(int ruleset, const char *state_dir, uint64_t handled, struct err *e)
{
	const struct {
		const char *path;
		uint64_t access;
	} paths[] = {
		/* The database, its journal and its shared memory. */
		{state_dir, LL_READ_FILE | LL_WRITE_FILE | LL_READ_DIR |
				    LL_REMOVE_FILE | LL_MAKE_REG | LL_TRUNCATE},
		/* What libraries open when they feel like it. */
		{"/dev/urandom", LL_READ_FILE},
		{"/dev/null", LL_READ_FILE | LL_WRITE_FILE},
#ifdef PROMPTCRAFT_ASAN
		{"/proc", LL_READ_FILE | LL_READ_DIR},
		{"/usr", LL_READ_FILE | LL_READ_DIR},
#endif
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (allow_path(ruleset, paths[i].path, paths[i].access, handled,
			       e) < 0)
			return -1;
	return 0;
}

/* A file that everybody may read must be out of reach now. */
static int
check_landlock(struct err *e)
{
	owned_fd int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 || errno != EACCES)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "Landlock is on and does not hold: /etc/passwd "
			       "can be opened");
	return 0;
}

static int
restrict_paths(const char *state_dir, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LL_CREATE_VERSION);
	struct ruleset_attr attr = {0};
	owned_fd int ruleset = -1;
	size_t row;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "Landlock is not available; boot with "
			       "lsm=landlock,... (kernel 5.13 or later)");
	row = (size_t)abi > ARRAY_LEN(abi_rights) ? ARRAY_LEN(abi_rights) - 1
						  : (size_t)abi - 1;
	attr.handled_access_fs = abi_rights[row].fs;
	attr.handled_access_net = abi_rights[row].net;
	attr.scoped = abi_rights[row].scoped;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       abi_rights[row].attr_size, 0);
	if (ruleset < 0)
		return err_sys(e, "Landlock: create a ruleset");
	if (allow_paths(ruleset, state_dir, attr.handled_access_fs, e) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "Landlock: restrict the process");
	return check_landlock(e);
}

int
api_privilege_confine(const struct api_config *config, struct err *e)
{
	if (restrict_paths(config->state_dir, e) < 0)
		return -1;
	return filter_install(e);
}
