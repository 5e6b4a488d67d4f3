/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - the kernel's mount interface of Linux 5.2 and later, for a libc
 * that does not have it (musl 1.2.3): the same names as glibc 2.36 gives them
 * in <sys/mount.h>.  Nothing but system calls.
 */
#ifndef PC_JAIL_KERNEL_H
#define PC_JAIL_KERNEL_H

#include <sys/mount.h>

#ifndef __GLIBC__
#include <linux/mount.h>
#include <stddef.h>

int fsopen(const char *type, unsigned flags);
int fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux);
int fsmount(int fd, unsigned flags, unsigned attrs);
int move_mount(int from, const char *from_path, int to, const char *to_path,
	       unsigned flags);
int mount_setattr(int dir, const char *path, unsigned flags,
		  struct mount_attr *attr, size_t size);
#endif

#endif
