/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.c - turn a chroot into a mount namespace of our own with the same root.
 *
 * Runs before the socket exists and before anything untrusted; it trusts the
 * administrator who started the process inside that root.
 */
#include "supervisor/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"

/* Any directory below "/" that every system has. */
#define INNER_DIR "/usr"
#define DEPTH_MAX 256

struct place {
	uint64_t mount_id, ino;
};

static int
place_of(const char *path, struct place *ret)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_MNT_ID,
		  &st) < 0)
		return -1;
	*ret = (struct place){.mount_id = st.stx_mnt_id, .ino = st.stx_ino};
	return 0;
}

static bool
is_same_place(const struct place *a, const struct place *b)
{
	return a->mount_id == b->mount_id && a->ino == b->ino;
}

/*
 * Make the mount namespace's root our root and cwd: with the root moved below
 * the cwd, ".." is no longer stopped by it (chroot(2), NOTES).
 */
static int
climb_to_namespace_root(int root_fd)
{
	struct place here, above;

	if (chroot(INNER_DIR) < 0 || fchdir(root_fd) < 0 ||
	    place_of(".", &here) < 0)
		return -1;
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (chdir("..") < 0 || place_of(".", &above) < 0)
			return -1;
		if (is_same_place(&here, &above))
			return chroot(".");
		here = above;
	}
	errno = ELOOP;
	return -1;
}

/* Looks from a child, whose root may move without consequence. */
static int
is_chrooted(bool *ret, struct err *e)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, "look for a chroot: fork");
	if (pid == 0) {
		struct place before, after;
		int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (root_fd < 0 || place_of("/", &before) < 0 ||
		    climb_to_namespace_root(root_fd) < 0 ||
		    place_of("/", &after) < 0)
			_exit(2);
		_exit(is_same_place(&before, &after) ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) != pid)
		return err_sys(e, "look for a chroot: wait");
	/* Not being able to look (no CAP_SYS_CHROOT) counts as no chroot. */
	*ret = WIFEXITED(status) && WEXITSTATUS(status) == 1;
	return 0;
}

int
root_leave_chroot(struct err *e)
{
	owned_fd int root_fd = -1, tree_fd = -1;
	bool chrooted = false;

	if (is_chrooted(&chrooted, e) < 0)
		return -1;
	if (!chrooted)
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "leave chroot: unshare mount namespace");
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(e, "leave chroot: open /");
	if (climb_to_namespace_root(root_fd) < 0)
		return err_sys(e, "leave chroot: find the namespace's root");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "leave chroot: make mounts private");
	tree_fd = open_tree(root_fd, "",
			    AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				    OPEN_TREE_CLOEXEC);
	if (tree_fd < 0)
		return err_sys(e, "leave chroot: clone its mounts");
	if (move_mount(tree_fd, "", root_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "leave chroot: attach its mounts");
	/* pivot_root(2), NOTES: with "." twice the old root is on top. */
	if (fchdir(tree_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "leave chroot: pivot");
	return 0;
}
