/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.c - user ids, groups, capabilities, and reach of the API process.
 * Its system call filter is filter.c; who connects for it is net/broker.h.
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
#include <unistd.h>

#include "api/filter.h"
#include "api/landlock.h"
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
static int
make_dir(const char *path, const char *setting, mode_t mode,
	 const struct api_process_user *user, struct err *e)
{
	owned_fd int fd = -1;

	if (mkdir(path, 0700) < 0) {
		if (errno == EEXIST)
			return 0;
		return err_sys(e, "%s: create %s", setting, path);
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0 ||
	    (user->is_change && fchown(fd, user->uid, user->gid) < 0))
		return err_sys(e, "%s: give %s to its user", setting, path);
	return 0;
}

int
api_privilege_make_dirs(const struct api_config *config,
			const struct api_process_user *user, struct err *e)
{
	if (make_dir(config->state_dir, "PROMPTCRAFT_STATE_DIR", 0700, user,
		     e) < 0)
		return -1;
	return make_dir(config->release_dir, "PROMPTCRAFT_RELEASE_DIR", 0750,
			user, e);
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

/* ---- Landlock and seccomp -------------------------------------------- */

int
api_privilege_confine(const struct api_config *config, struct err *e)
{
	const struct landlock_path paths[] = {
		/* The database, its journal and its shared memory. */
		{config->state_dir,
		 LANDLOCK_READ | LANDLOCK_LIST | LANDLOCK_EDIT, false},
		{config->release_dir,
		 LANDLOCK_READ | LANDLOCK_LIST | LANDLOCK_EDIT | LANDLOCK_TREE,
		 false},
		/* What libraries open when they feel like it. */
		{"/dev/urandom", LANDLOCK_READ, false},
		{"/dev/null", LANDLOCK_READ | LANDLOCK_WRITE, false},
#ifdef PROMPTCRAFT_ASAN
		{"/proc", LANDLOCK_READ | LANDLOCK_LIST, false},
		{"/usr", LANDLOCK_READ | LANDLOCK_LIST, false},
#endif
	};

	if (landlock_restrict(paths, ARRAY_LEN(paths), NULL, 0, e) < 0)
		return -1;
	return filter_install(&filter_api, e);
}
