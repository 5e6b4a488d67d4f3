/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build the jail's root and move into it.
 *
 * The root is a small tmpfs, read-only in the end.  What the host lends comes
 * as detached mounts that the supervisor has made read-only; here they are
 * only moved into place, after a check that they are what they must be.  No
 * path is resolved through a symlink and nothing untrusted runs yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/kernel.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ROOT_BYTES 65536u
#define ROOT_INODES 512u
#define RUN_BYTES (UINT64_C(2) * BUNDLE_MANIFEST_MAX)
#define RUN_INODES 8u

/* Directories of the root that the payload may pass but not list. */
static const char *const unlisted_dirs[] = {"etc"};

struct tmpfs_spec {
	uint64_t bytes, inodes;
	uint32_t mode;
	int owner; /* uid and gid in the jail */
	unsigned attrs;
};

static int
set_number(int fs_fd, const char *key, const char *fmt, uint64_t value,
	   struct err *e)
{
	char text[32];

	if (strcmp(fmt, "o") == 0)
		(void)snprintf(text, sizeof(text), "%" PRIo64, value);
	else
		(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, key, text, 0) < 0)
		return err_sys(e, "tmpfs %s=%s", key, text);
	return 0;
}

static int
make_tmpfs(const struct tmpfs_spec *spec, int *ret_fd, struct err *e)
{
	owned_fd int fs_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs_fd < 0)
		return err_sys(e, "open tmpfs");
	if (set_number(fs_fd, "size", "u", spec->bytes, e) < 0 ||
	    set_number(fs_fd, "nr_inodes", "u", spec->inodes, e) < 0 ||
	    set_number(fs_fd, "mode", "o", spec->mode, e) < 0)
		return -1;
	/* It belongs to its maker, if nothing else is said. */
	if (spec->owner != JAIL_UID_INIT &&
	    (set_number(fs_fd, "uid", "u", (uint64_t)spec->owner, e) < 0 ||
	     set_number(fs_fd, "gid", "u", (uint64_t)spec->owner, e) < 0))
		return -1;
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "make tmpfs");
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, spec->attrs);
	if (fd < 0)
		return err_sys(e, "mount tmpfs");
	*ret_fd = fd;
	return 0;
}

static mode_t
dir_mode(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(unlisted_dirs); i++)
		if (strcmp(path, unlisted_dirs[i]) == 0)
			return 0711;
	return 0755;
}

/* Open directory `name` in dirfd, made if it is not there. */
static int
enter_dir(int dirfd, const char *name, mode_t mode)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(dirfd, name, mode) < 0)
		return -1;
	return openat(dirfd, name, flags);
}

/* The directory that holds the last component of path, if it is there. */
static int
open_parent(const struct jail *jail, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	char parent[POLICY_PATH_MAX] = ".";
	size_t len = (size_t)(strrchr(path, '/') - path);

	if (len > 0) {
		memcpy(parent, path + 1, len - 1);
		parent[len - 1] = '\0';
	}
	return (int)syscall(SYS_openat2, jail->root_fd, parent, &how,
			    sizeof(how));
}

/*
 * Open the directory that holds the last component of an absolute path,
 * making what is missing; *ret_name points to that component within path.
 */
static int
enter_parent(const struct jail *jail, const char *path, int *ret_fd,
	     const char **ret_name, struct err *e)
{
	owned_fd int dirfd = open_parent(jail, path);
	char part[POLICY_PATH_MAX];
	const char *at = path + 1;

	if (dirfd >= 0) {
		*ret_name = strrchr(path, '/') + 1;
		*ret_fd = fd_take(&dirfd);
		return 0;
	}
	if (errno != ENOENT)
		return err_sys(e, "%s", path);
	dirfd = openat(jail->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "%s", path);
	for (const char *slash; (slash = strchr(at, '/')) != NULL;
	     at = slash + 1) {
		size_t len = (size_t)(slash - path) - 1;
		int next;

		/* For the mode, the whole path; for the lookup, its end. */
		memcpy(part, path + 1, len);
		part[len] = '\0';
		next = enter_dir(dirfd, part + (at - path - 1), dir_mode(part));
		if (next < 0)
			return err_sys(e, "%s", path);
		fd_close(&dirfd);
		dirfd = next;
	}
	*ret_name = at;
	*ret_fd = fd_take(&dirfd);
	return 0;
}

/* A mount point at `path`: a directory, or an empty file. */
static int
make_target(const struct jail *jail, const char *path, int is_dir, int *ret_fd,
	    struct err *e)
{
	owned_fd int parent = -1;
	const char *name;
	int fd;

	if (enter_parent(jail, path, &parent, &name, e) < 0)
		return -1;
	if (is_dir) {
		fd = enter_dir(parent, name, dir_mode(path + 1));
	} else {
		int file = openat(parent, name,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
					  O_CLOEXEC,
				  0444);

		fd_close(&file); /* if it exists, it is mounted over */
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(e, "%s", path);
	*ret_fd = fd;
	return 0;
}

static int
attach(const struct jail *jail, int mount_fd, const char *path, int is_dir,
       struct err *e)
{
	owned_fd int target = -1;

	if (make_target(jail, path, is_dir, &target, e) < 0)
		return -1;
	if (move_mount(mount_fd, "", target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

/*
 * The root goes on top of the old one, because "/" is the only directory that
 * exists everywhere; it is reached by its fd until the pivot.
 */
int
mount_root(struct jail *jail, struct err *e)
{
	const struct tmpfs_spec spec = {
		.bytes = ROOT_BYTES,
		.inodes = ROOT_INODES,
		.mode = 0755,
		.owner = JAIL_UID_INIT,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
	};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make mounts private");
	if (make_tmpfs(&spec, &jail->root_fd, e) < 0)
		return -1;
	if (move_mount(jail->root_fd, "", AT_FDCWD, "/",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "attach root");
	return 0;
}

/* Fail closed if the supervisor lent more than it should. */
static int
check_source(int fd, const struct policy_mount *m, struct stat *ret_st,
	     struct err *e)
{
	unsigned long need = ST_RDONLY | ST_NOSUID;
	struct statvfs vfs;

	if (fstat(fd, ret_st) < 0 || fstatvfs(fd, &vfs) < 0)
		return err_sys(e, "%s", m->target);
	if ((m->flags & POLICY_MOUNT_DEVICE) == 0)
		need |= ST_NODEV;
	if ((m->flags & POLICY_MOUNT_NOEXEC) != 0)
		need |= ST_NOEXEC;
	if ((vfs.f_flag & need) != need)
		return err_set(e, ERR_DENIED, EPERM,
			       "%s: lent without its restrictions", m->target);
	if ((m->flags & POLICY_MOUNT_DEVICE) != 0 &&
	    (!S_ISCHR(ret_st->st_mode) ||
	     major(ret_st->st_rdev) != m->dev_major ||
	     minor(ret_st->st_rdev) != m->dev_minor))
		return err_set(e, ERR_DENIED, ENODEV,
			       "%s: not character device %u:%u", m->target,
			       m->dev_major, m->dev_minor);
	return 0;
}

static int
attach_source(const struct jail *jail, int fd, const struct policy_mount *m,
	      struct err *e)
{
	struct stat st;

	if (check_source(fd, m, &st, e) < 0 ||
	    attach(jail, fd, m->target, S_ISDIR(st.st_mode), e) < 0)
		return -1;
	(void)close(fd);
	return 0;
}

static int
attach_tmpfs(const struct jail *jail, const char *path,
	     const struct tmpfs_spec *spec, struct err *e)
{
	owned_fd int fd = -1;

	if (make_tmpfs(spec, &fd, e) < 0)
		return err_wrap(e, "%s", path);
	return attach(jail, fd, path, 1, e);
}

static int
open_work(struct jail *jail, struct err *e)
{
	struct statvfs vfs;

	jail->work_fd = openat(jail->root_fd, JAIL_WORK_DIR + 1,
			       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (jail->work_fd < 0)
		return err_sys(e, "policy has no " JAIL_WORK_DIR);
	if (fstatvfs(jail->work_fd, &vfs) < 0)
		return err_sys(e, JAIL_WORK_DIR);
	if ((vfs.f_flag & ST_RDONLY) != 0)
		return err_set(e, ERR_INVALID, EROFS, JAIL_WORK_DIR);
	return 0;
}

static int
make_job_file(struct jail *jail, struct err *e)
{
	const struct tmpfs_spec spec = {
		.bytes = RUN_BYTES,
		.inodes = RUN_INODES,
		.mode = 0755,
		.owner = JAIL_UID_INIT,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
	};

	if (attach_tmpfs(jail, "/run", &spec, e) < 0)
		return -1;
	/* Written when the bundle has come, by an fd opened before the drop. */
	jail->job_fd = openat(
		jail->root_fd, JAIL_JOB_FILE + 1,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (jail->job_fd < 0)
		return err_sys(e, JAIL_JOB_FILE);
	return 0;
}

int
mount_sources(struct jail *jail, struct err *e)
{
	static const struct policy_mount harness = {.target = RUNTIME_JAIL_DIR};
	const struct policy *p = jail->policy;

	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if (!jail->has_mount[i]) {
			if ((m->flags & POLICY_MOUNT_OPTIONAL) != 0)
				continue;
			return err_set(e, ERR_NOT_FOUND, ENOENT, "%s: not lent",
				       m->target);
		}
		if (attach_source(jail, (int)(JAIL_FD_MOUNT0 + i), m, e) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		const struct policy_tmpfs *t = &p->tmpfs[i];
		const struct tmpfs_spec spec = {
			.bytes = t->bytes,
			.inodes = t->inodes,
			.mode = t->mode,
			.owner = JAIL_UID_PAYLOAD,
			.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				 (t->is_noexec ? MOUNT_ATTR_NOEXEC : 0u),
		};

		if (attach_tmpfs(jail, t->target, &spec, e) < 0)
			return -1;
	}
	if (attach_source(jail, JAIL_FD_HARNESS, &harness, e) < 0 ||
	    make_job_file(jail, e) < 0)
		return -1;
	return open_work(jail, e);
}

static int
make_symlink(const struct jail *jail, const char *target, const char *path,
	     struct err *e)
{
	owned_fd int parent = -1;
	const char *name;

	if (enter_parent(jail, path, &parent, &name, e) < 0)
		return -1;
	if (symlinkat(target, parent, name) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

/* The policy's links, those of /dev among them; its devices are mounts. */
int
mount_dev(struct jail *jail, struct err *e)
{
	const struct policy *p = jail->policy;

	for (uint32_t i = 0; i < p->symlinks_len; i++)
		if (make_symlink(jail, p->symlinks[i].target,
				 p->symlinks[i].path, e) < 0)
			return -1;
	return 0;
}

/*
 * The kernel grants a user namespace a procfs only while a fully visible one
 * is in reach, and only with the same access-time mode: so before the pivot,
 * and with the old one's flags.
 */
int
mount_proc(struct jail *jail, struct err *e)
{
	unsigned attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			 MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	owned_fd int fs_fd = fsopen("proc", FSOPEN_CLOEXEC);
	owned_fd int fd = -1;
	struct statvfs vfs;

	if (fs_fd < 0)
		return err_sys(e, "open proc");
	if (statvfs("/proc", &vfs) == 0 && (vfs.f_flag & ST_RELATIME) == 0)
		attrs |= (vfs.f_flag & ST_NOATIME) != 0
				 ? MOUNT_ATTR_NOATIME
				 : MOUNT_ATTR_STRICTATIME;
	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "subset", "pid", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "hidepid", "invisible", 0) <
		    0 ||
	    fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "configure proc");
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, attrs);
	if (fd < 0)
		return err_sys(e, "proc (is the host's /proc partly covered, "
				  "as in a container?)");
	return attach(jail, fd, "/proc", 1, e);
}

int
mount_pivot(struct jail *jail, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (fchdir(jail->root_fd) < 0)
		return err_sys(e, "enter root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "pivot");
	/* The old root now lies on top of ".". */
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "detach old root");
	if (chdir("/") < 0)
		return err_sys(e, "enter new root");
	if (mount_setattr(jail->root_fd, "", AT_EMPTY_PATH, &attr,
			  sizeof(attr)) < 0)
		return err_sys(e, "make root read-only");
	return 0;
}
