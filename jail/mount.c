/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Move into the jail's root.
 *
 * The root is a small tmpfs, read-only in the end, with what the host lends; it
 * comes as one tree, or is made here out of single mounts (root.h).  What is
 * this jail's own is mounted on it: the policy's tmpfs, the job's, /proc.
 * Nothing untrusted runs yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/kernel.h"
#include "jail/root.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define RUN_BYTES (UINT64_C(2) * BUNDLE_MANIFEST_MAX)
#define RUN_INODES 8u

/*
 * The root goes on top of the old one, because "/" is the only directory that
 * exists everywhere; it is reached by its fd until the pivot.
 */
int
mount_root(struct jail *jail, struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make mounts private");
	if (jail->has_tree)
		jail->root_fd = JAIL_FD_ROOT;
	else if (root_make(&jail->root_fd, e) < 0)
		return -1;
	if (move_mount(jail->root_fd, "", AT_FDCWD, "/",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "attach root");
	return 0;
}

/* What the host lends, mount by mount. */
static int
fill_root(const struct jail *jail, struct err *e)
{
	const struct policy *p = jail->policy;
	int mounts[POLICY_MOUNTS_MAX];
	const struct root_sources sources = {
		.policy = p, .mounts = mounts, .harness = JAIL_FD_HARNESS};

	for (uint32_t i = 0; i < p->mounts_len; i++)
		mounts[i] = jail->has_mount[i] ? (int)(JAIL_FD_MOUNT0 + i) : -1;
	if (root_fill(jail->root_fd, &sources, e) < 0)
		return -1;
	(void)close(JAIL_FD_HARNESS);
	for (uint32_t i = 0; i < p->mounts_len; i++)
		fd_close(&mounts[i]);
	return 0;
}

static int
attach_tmpfs(const struct jail *jail, const char *path,
	     const struct tmpfs_spec *spec, struct err *e)
{
	owned_fd int fd = -1;

	if (root_make_tmpfs(spec, &fd, e) < 0)
		return err_wrap(e, "%s", path);
	return root_attach(jail->root_fd, fd, path, 1, e);
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
	const struct policy *p = jail->policy;

	if (!jail->has_tree && fill_root(jail, e) < 0)
		return -1;
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
	if (root_link(jail->root_fd, p, true, e) < 0 ||
	    make_job_file(jail, e) < 0)
		return -1;
	return open_work(jail, e);
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
	return root_attach(jail->root_fd, fd, "/proc", 1, e);
}

int
mount_pivot(struct jail *jail, struct err *e)
{
	if (fchdir(jail->root_fd) < 0)
		return err_sys(e, "enter root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "pivot");
	return 0;
}

int
mount_detach(struct jail *jail, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	/* The old root now lies on top of ".". */
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "detach old root");
	if (chdir("/") < 0)
		return err_sys(e, "enter new root");
	if (mount_setattr(jail->root_fd, "", AT_EMPTY_PATH, &attr,
			  sizeof(attr)) < 0)
		return err_sys(e, "make root read-only");
	fd_close(&jail->root_fd);
	return 0;
}
