/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policyc.h - run promptcraft-policyc as an unprivileged child and take what
 * it writes.
 */
#ifndef PC_SUPERVISOR_POLICYC_H
#define PC_SUPERVISOR_POLICYC_H

#include <stddef.h>

#include "supervisor/base/err.h"

struct policyc_request {
	int compiler_fd; /* promptcraft-policyc */
	/* Directories that the child sees as POLICYC_DIR_A and _B; -1: none. */
	int dir_a, dir_b;
	const char *dir_a_name; /* what to call dir_a in messages */
	const char *argv[6];	/* NULL-terminated */
};

#define POLICYC_DIR_A "/proc/self/fd/3"
#define POLICYC_DIR_B "/proc/self/fd/4"

/*
 * Exactly size bytes of output into dst, or *e with the compiler's first
 * message.  All its messages are logged.  Bounded in time, memory and output.
 */
int policyc_run(const struct policyc_request *request, void *dst, size_t size,
		struct err *e);

#endif
