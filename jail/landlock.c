/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock for the payload: a second opinion on the file system beside the
 * mounts, and the only one on scopes.  Every right that the kernel's ABI knows
 * is handled, so what no rule grants is denied; the rules follow the policy's
 * mounts.  An ABI below the policy's minimum refuses the job.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* Newer than the headers of Debian 12; the numbers are the kernel's ABI. */
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

#define FS_READ ((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE)
#define FS_LIST ((uint64_t)LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_EXEC ((uint64_t)LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_WRITE ((uint64_t)LANDLOCK_ACCESS_FS_WRITE_FILE)
/* What ABI 1 has: EXECUTE to MAKE_SYM. */
#define FS_ABI1 ((UINT64_C(1) << 13) - 1)
#define FS_DEVICES                                                             \
	((uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR |                             \
		    LANDLOCK_ACCESS_FS_MAKE_BLOCK))
/* What a rule on a file may name. */
#define FS_ON_FILE (FS_EXEC | FS_WRITE | FS_READ | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

struct ruleset {
	int fd;
	uint64_t handled_fs;
};

/* From which ABI on the kernel knows a group of rights. */
static const struct {
	int abi;
	uint64_t fs, net, scoped;
} rights[] = {
	{.abi = 1, .fs = FS_ABI1},
	{.abi = 2, .fs = LANDLOCK_ACCESS_FS_REFER},
	{.abi = 3, .fs = FS_TRUNCATE},
	{.abi = 4, .net = NET_BIND_TCP | NET_CONNECT_TCP},
	{.abi = 5, .fs = FS_IOCTL_DEV},
	{.abi = 6, .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL},
};

/* 0 when the kernel has none or it is switched off. */
static int
kernel_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static void
attr_for(int abi, const struct policy *policy, struct ruleset_attr *ret)
{
	*ret = (struct ruleset_attr){0};
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		if (rights[i].abi > abi)
			continue;
		ret->handled_fs |= rights[i].fs;
		ret->handled_net |= rights[i].net;
		ret->scoped |= rights[i].scoped;
	}
	if (policy->has_loopback)
		ret->handled_net = 0;
}

/* Kernels before ABI 4 and 6 do not know the later fields. */
static size_t
attr_size(int abi)
{
	if (abi < 4)
		return sizeof(uint64_t);
	return abi < 6 ? 2 * sizeof(uint64_t) : 3 * sizeof(uint64_t);
}

static int
grant(const struct ruleset *rs, const char *path, uint64_t access,
      struct err *e)
{
	owned_fd int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	rule.parent_fd = fd;
	rule.allowed_access = access & rs->handled_fs;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_ON_FILE;
	if (syscall(SYS_landlock_add_rule, rs->fd, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0) < 0)
		return err_sys(e, "rule for %s", path);
	return 0;
}

static int
grant_mount(const struct ruleset *rs, const struct policy_mount *m,
	    struct err *e)
{
	bool is_optional = (m->flags & POLICY_MOUNT_OPTIONAL) != 0;
	uint64_t access = FS_READ | FS_LIST;
	struct err why = ERR_INIT;

	if ((m->flags & POLICY_MOUNT_DEVICE) != 0)
		access |= FS_WRITE | FS_TRUNCATE;
	else if ((m->flags & POLICY_MOUNT_NOEXEC) == 0)
		access |= FS_EXEC;
	if (grant(rs, m->target, access, &why) == 0 ||
	    (is_optional && why.errnum == ENOENT))
		return 0;
	*e = why;
	return -1;
}

static int
grant_all(const struct ruleset *rs, const struct policy *p, struct err *e)
{
	for (uint32_t i = 0; i < p->mounts_len; i++)
		if (grant_mount(rs, &p->mounts[i], e) < 0)
			return -1;
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		uint64_t access = rs->handled_fs & ~FS_DEVICES & ~FS_IOCTL_DEV;

		if (p->tmpfs[i].is_noexec)
			access &= ~FS_EXEC;
		if (grant(rs, p->tmpfs[i].target, access, e) < 0)
			return -1;
	}
	/* Listing the root lists only what the policy put there; /etc keeps
	 * itself unlistable by its mode. */
	if (grant(rs, "/", FS_LIST, e) < 0 ||
	    grant(rs, RUNTIME_JAIL_DIR, FS_READ | FS_LIST | FS_EXEC, e) < 0 ||
	    grant(rs, "/proc", FS_READ | FS_LIST, e) < 0 ||
	    grant(rs, "/run", FS_READ, e) < 0)
		return -1;
	return 0;
}

/*
 * Nobody outside can see whether a process is restricted, so it is tried.
 * Anybody may make the character device 0:0 (a whiteout of overlayfs) where he
 * may write; no rule grants it.
 */
static int
check_holds(struct err *e)
{
	static const char probe[] = JAIL_WORK_DIR "/.landlock";

	if (mknod(probe, S_IFCHR, 0) < 0 && errno == EACCES)
		return 0;
	(void)unlink(probe);
	return err_set(e, ERR_DENIED, EPERM, "it does not hold");
}

int
landlock_apply(const struct policy *policy, struct err *e)
{
	int abi = kernel_abi();
	owned_fd int fd = -1;
	struct ruleset_attr attr;
	struct ruleset rs;

	if ((uint32_t)abi < policy->landlock_abi_min)
		return err_set(e, ERR_UNSUPPORTED, ENOSYS,
			       "policy needs Landlock ABI %u, kernel has %d",
			       policy->landlock_abi_min, abi);
	if (abi == 0) /* and the policy says that it may be so */
		return 0;
	attr_for(abi, policy, &attr);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi),
			  0);
	if (fd < 0)
		return err_sys(e, "make ruleset");
	rs = (struct ruleset){.fd = fd, .handled_fs = attr.handled_fs};
	if (grant_all(&rs, policy, e) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_sys(e, "restrict self");
	return check_holds(e);
}
