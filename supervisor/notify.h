/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - the supervisor's end of a jail's seccomp listener: record a call
 * of the Audit class, answer it with its errno.
 *
 * The answer depends on the call's number alone.  The target's memory is never
 * read and "continue" is never said, so nothing that the jail can rewrite
 * matters here.
 */
#ifndef PC_SUPERVISOR_NOTIFY_H
#define PC_SUPERVISOR_NOTIFY_H

#include <stdint.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"

#define NOTIFY_PER_TURN 32 /* a flood must not starve other jobs */

struct notify_call {
	uint64_t id; /* the kernel's */
	uint32_t nr, arch;
	uint64_t args[6];
	uint32_t pid;	 /* of the thread, in our PID namespace */
	uint32_t errnum; /* what it is to be answered */
	int audit_index; /* in policy->audit; -1: not there */
};

enum notify_status {
	NOTIFY_CALL,  /* *ret filled; its thread waits for notify_refuse */
	NOTIFY_NONE,  /* nothing pending */
	NOTIFY_ENDED, /* no process uses the filter any more */
	NOTIFY_FAILED,
};

/* The kernel's listener structs fit ours? */
int notify_check_host(struct err *e);

/* Take one call.  Does not block. */
enum notify_status notify_next(int listener, const struct policy *policy,
			       struct notify_call *ret, struct err *e);
/* Answer it with its errnum; 0 also if the thread is gone by now. */
int notify_refuse(int listener, const struct notify_call *call, struct err *e);

#endif
