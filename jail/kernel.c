/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.c - see kernel.h; empty where libc has these calls.
 */
#include "jail/kernel.h"

#ifndef __GLIBC__
#include <sys/syscall.h>
#include <unistd.h>

int
fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

int
fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

int
fsmount(int fd, unsigned flags, unsigned attrs)
{
	return (int)syscall(SYS_fsmount, fd, flags, attrs);
}

int
move_mount(int from, const char *from_path, int to, const char *to_path,
	   unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path,
			    flags);
}

int
mount_setattr(int dir, const char *path, unsigned flags,
	      struct mount_attr *attr, size_t size)
{
	return (int)syscall(SYS_mount_setattr, dir, path, flags, attr, size);
}
#endif
