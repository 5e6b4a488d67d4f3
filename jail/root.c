/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.c - see root.h.  Linked by both: nothing here depends on who calls.
 *
 * What the host lends comes as detached mounts that the supervisor has made
 * read-only; here they are only moved into place, after a check that they are
 * what they must be.  No path is resolved through a symlink.
 */
#include "jail/root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "jail/kernel.h"
#include "jail/spec.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ROOT_BYTES 65536u
#define ROOT_INODES 512u

/* Directories of the root that the payload may pass but not list. */
static const char *const unlisted_dirs[] = {"etc"};

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

int
root_make_tmpfs(const struct tmpfs_spec *spec, int *ret_fd, struct err *e)
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
open_parent(int root_fd, const char *path)
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
	return (int)syscall(SYS_openat2, root_fd, parent, &how, sizeof(how));
}

/*
 * Open the directory that holds the last component of an absolute path,
 * making what is missing; *ret_name points to that component within path.
 */
static int
enter_parent(int root_fd, const char *path, int *ret_fd, const char **ret_name,
	     struct err *e)
{
	owned_fd int dirfd = open_parent(root_fd, path);
	char part[POLICY_PATH_MAX];
	const char *at = path + 1;

	if (dirfd >= 0) {
		*ret_name = strrchr(path, '/') + 1;
		*ret_fd = fd_take(&dirfd);
		return 0;
	}
	if (errno != ENOENT)
		return err_sys(e, "%s", path);
	dirfd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
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
make_target(int root_fd, const char *path, int is_dir, int *ret_fd,
	    struct err *e)
{
	owned_fd int parent = -1;
	const char *name;
	int fd;

	if (enter_parent(root_fd, path, &parent, &name, e) < 0)
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

int
root_attach(int root_fd, int mount_fd, const char *path, int is_dir,
	    struct err *e)
{
	owned_fd int target = -1;

	if (make_target(root_fd, path, is_dir, &target, e) < 0)
		return -1;
	if (move_mount(mount_fd, "", target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

int
root_make(int *ret_fd, struct err *e)
{
	const struct tmpfs_spec spec = {
		.bytes = ROOT_BYTES,
		.inodes = ROOT_INODES,
		.mode = 0755,
		.owner = JAIL_UID_INIT,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
	};

	return root_make_tmpfs(&spec, ret_fd, e);
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
attach_source(int root_fd, int fd, const struct policy_mount *m, struct err *e)
{
	struct stat st;

	if (check_source(fd, m, &st, e) < 0)
		return -1;
	return root_attach(root_fd, fd, m->target, S_ISDIR(st.st_mode), e);
}

static int
attach_sources(int root_fd, const struct root_sources *s, struct err *e)
{
	static const struct policy_mount harness = {.target = RUNTIME_JAIL_DIR};
	const struct policy *p = s->policy;

	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if (s->mounts[i] < 0) {
			if ((m->flags & POLICY_MOUNT_OPTIONAL) != 0)
				continue;
			return err_set(e, ERR_NOT_FOUND, ENOENT, "%s: not lent",
				       m->target);
		}
		if (attach_source(root_fd, s->mounts[i], m, e) < 0)
			return -1;
	}
	return attach_source(root_fd, s->harness, &harness, e);
}

static int
make_symlink(int root_fd, const char *target, const char *path, struct err *e)
{
	owned_fd int parent = -1;
	const char *name;

	if (enter_parent(root_fd, path, &parent, &name, e) < 0)
		return -1;
	if (symlinkat(target, parent, name) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

static bool
is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && path[len] == '/';
}

static bool
is_in_tmpfs(const struct policy *p, const char *path)
{
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		if (is_below(path, p->tmpfs[i].target))
			return true;
	return false;
}

int
root_link(int root_fd, const struct policy *p, bool in_tmpfs, struct err *e)
{
	for (uint32_t i = 0; i < p->symlinks_len; i++) {
		const struct policy_symlink *l = &p->symlinks[i];

		if (is_in_tmpfs(p, l->path) == in_tmpfs &&
		    make_symlink(root_fd, l->target, l->path, e) < 0)
			return -1;
	}
	return 0;
}

static int
make_mount_point(int root_fd, const char *path, struct err *e)
{
	owned_fd int fd = -1;

	return make_target(root_fd, path, 1, &fd, e);
}

int
root_fill(int root_fd, const struct root_sources *sources, struct err *e)
{
	const struct policy *p = sources->policy;

	if (attach_sources(root_fd, sources, e) < 0)
		return -1;
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		if (make_mount_point(root_fd, p->tmpfs[i].target, e) < 0)
			return -1;
	if (root_link(root_fd, p, false, e) < 0 ||
	    make_mount_point(root_fd, "/run", e) < 0)
		return -1;
	return make_mount_point(root_fd, "/proc", e);
}
