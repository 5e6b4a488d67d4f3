/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h - a root directory from which user namespaces can be made.
 *
 * The kernel refuses CLONE_NEWUSER to a process whose root directory is not
 * the root of its mount namespace (user_namespaces(7), "EPERM ... chroot").
 * People do build and try software in a chroot, so a supervisor started in one
 * gives itself a mount namespace whose root is that chroot's directory.
 * Nothing outside becomes reachable by it: the old root is detached.
 */
#ifndef PC_SUPERVISOR_ROOT_H
#define PC_SUPERVISOR_ROOT_H

#include "supervisor/base/err.h"

/*
 * Call once at start, as root, single-threaded, before any capability is
 * dropped.  Does nothing where "/" is the mount namespace's root already.
 */
int root_leave_chroot(struct err *e);

#endif
