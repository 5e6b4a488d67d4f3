/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - what every compiled harness does first: say that it is ready, wait
 * for the supervisor's word, and read the job that jail-init has unpacked.
 *
 * Protocol and fd numbers are those of jail/spec.h, the manifest's keys those
 * of jail/bundle.h.
 */
#ifndef PC_RUNTIMES_GATE_H
#define PC_RUNTIMES_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

/* The harness ends with this when it could not even start the job. */
#define HARNESS_EXIT_BROKEN 125

struct harness_job {
	bool is_test;
	const char *code;  /* relative to the working directory */
	const char *tests; /* NULL unless is_test */
	char **args;	   /* args_len of them, then NULL */
	size_t args_len;
	char *text; /* what all of the above points into */
};

/*
 * Wait for GATE_GO and close the gate.  From then on other processes of the
 * jail, which have the same uid, cannot look into this one: it is not dumpable,
 * so /proc/PID/fd and /proc/PID/mem are closed to them.
 */
int harness_gate_wait(struct err *e);

int harness_job_read(struct harness_job *ret, struct err *e);
void harness_job_done(struct harness_job *job);

/* The manifest's bytes; takes over text (malloc'd, NUL after len bytes). */
int harness_job_parse(char *text, size_t len, struct harness_job *ret,
		      struct err *e);

/* Report on stderr, for the person who reads the job's output; returns
 * HARNESS_EXIT_BROKEN. */
int harness_broken(const struct err *e);

#endif
