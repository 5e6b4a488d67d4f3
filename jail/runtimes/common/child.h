/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - run a program, pass its stdout and stderr on as they come, and
 * look at the bytes on their way.
 *
 * Both streams are read as they arrive, so a program that fills one of them
 * never waits for the other; the amount of output is bounded by whoever reads
 * ours, not here.
 */
#ifndef PC_RUNTIMES_CHILD_H
#define PC_RUNTIMES_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

/* Called with each piece of output; stream is 1 or 2. */
typedef void harness_output_fn(void *arg, int stream, const char *data,
			       size_t len);

struct harness_end {
	int status; /* as from waitpid(2) */
	/* Some of stdout came from other processes than the one started. */
	bool have_others_written;
};

/*
 * Run argv[0] (a path; searched in PATH if it has no '/') to its end.
 * Processes that it leaves behind are not waited for.
 */
int harness_child_run(const char *const argv[], harness_output_fn *on_output,
		      void *arg, struct harness_end *ret, struct err *e);

/* The same, but its stdout is not passed on: on_output does what is due. */
int harness_child_run_quiet(const char *const argv[],
			    harness_output_fn *on_output, void *arg,
			    struct harness_end *ret, struct err *e);

/* Become argv[0]; returns only if that fails. */
int harness_exec(const char *const argv[], struct err *e);

/* The last bytes of a stream. */
struct harness_tail {
	char data[4096];
	size_t len;
};

void harness_tail_add(struct harness_tail *tail, const char *data, size_t len);

/* "exit code 3", "killed by signal 11 (Segmentation fault)". */
void harness_status_text(int status, char *dst, size_t size);

#endif
