/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B03: every call that changes or opens mounts, old interface and new, called
 * in an order in which each would work on a kernel without our controls: in a
 * user and mount namespace of our own, if that can be had.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"

#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458
#define NR_OPEN_TREE_ATTR 467

static long
report(const char *name, long rc)
{
	attempt_call(name, rc);
	return rc;
}

static void
try_old(void)
{
	mkdir("/tmp/m", 0700);
	report("mount", mount("none", "/tmp/m", "tmpfs", 0, NULL));
	report("mount-bind", mount("/tmp", "/tmp/m", NULL, MS_BIND, NULL));
	report("mount-remount",
	       mount(NULL, "/tmp/m", NULL,
		     MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_RDONLY,
		     NULL));
	report("umount", umount2("/tmp/m", MNT_DETACH));
	report("mount-proc", mount("none", "/tmp/m", "proc", 0, NULL));
}

static void
try_new(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
	struct {
		uint32_t size, spare;
		uint64_t mnt_id, param, ns;
	} request = {.size = 24, .mnt_id = UINT64_MAX};
	uint64_t ids[16];
	int fs, mnt, tree;

	fs = (int)report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	report("fsconfig", syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	mnt = (int)report("fsmount", syscall(SYS_fsmount, fs, 0, 0));
	report("move_mount",
	       syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/tmp/m", 4));
	report("fspick", syscall(SYS_fspick, AT_FDCWD, "/tmp/m", 0));
	tree = (int)report("open_tree",
			   syscall(SYS_open_tree, AT_FDCWD, "/tmp/m", 1));
	report("mount_setattr", syscall(SYS_mount_setattr, tree, "",
					AT_EMPTY_PATH, &attr, sizeof(attr)));
	report("open_tree_attr", syscall(NR_OPEN_TREE_ATTR, AT_FDCWD, "/tmp/m",
					 1, &attr, sizeof(attr)));
	report("listmount", syscall(NR_LISTMOUNT, &request, ids, 16, 0));
	request.mnt_id = ids[0];
	request.param = 1;
	report("statmount",
	       syscall(NR_STATMOUNT, &request, ids, sizeof(ids), 0));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	report("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	try_old();
	try_new();
	/* Old root and new one may be the same directory. */
	if (chdir("/tmp/m") < 0)
		perror("/tmp/m");
	report("pivot_root", syscall(SYS_pivot_root, ".", "."));
	report("chroot", chroot("/"));
	return 0;
}
