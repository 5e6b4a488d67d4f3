/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - does this host give what every jail needs?  Tried at start by
 * doing it; the answer decides whether jobs are taken at all.
 */
#ifndef PC_SUPERVISOR_HOST_H
#define PC_SUPERVISOR_HOST_H

#include <stdint.h>

#include "supervisor/base/err.h"

struct host {
	uint32_t landlock_abi; /* 0: none */
};

/* *ret is filled also on failure; *e names what is missing and the fix. */
int host_probe(struct host *ret, struct err *e);
/* Does a crash stay in its jail?  For each job: the answer can change. */
int host_check_cores(int proc_fd, struct err *e);

#endif
