/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns.h - an empty network namespace that is kept with a slot.
 *
 * A new one costs a launch 0.3 ms and more when it is torn down.  One job
 * after the other may use the same, because there is nothing to leave behind:
 * it belongs to the supervisor's user namespace, so that nobody in a jail has
 * any right over it; its interfaces are down and stay so, and before each job
 * it is checked to hold no socket.  A policy that has loopback gets a new one
 * of the jail's own.
 */
#ifndef PC_SUPERVISOR_NETNS_H
#define PC_SUPERVISOR_NETNS_H

#include <stdbool.h>

#include "supervisor/base/err.h"
#include "supervisor/gate.h"

struct netns {
	int fd;	   /* setns(2) */
	int probe; /* a socket in it, to look at interfaces */
	int stat;  /* its /proc/net/sockstat */
	struct gate_inode inode;
};

#define NETNS_INIT                                                             \
	{                                                                      \
		.fd = -1, .probe = -1, .stat = -1                              \
	}

/* May we leave our own and come back? */
bool netns_may_return(int home_fd);
/*
 * Make one, or see that the one there is as empty as when it was made; one
 * that is not is replaced.  The caller's own namespace is home_fd; the process
 * must have one thread.
 */
int netns_prepare(struct netns *net, int home_fd, struct err *e);
void netns_done(struct netns *net);

#endif
