/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testrun.h - turn the output and the end of a test program into results.
 *
 * The format is what the first line that belongs to one says; it stays for
 * the whole run.  Output without any such line makes the exit status the one
 * test.  A run is only as good as its books: a plan, a total or an exit status
 * that does not agree with the cases seen becomes a case of outcome error.
 */
#ifndef PC_RUNTIMES_TESTRUN_H
#define PC_RUNTIMES_TESTRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/runtimes/common/child.h"
#include "jail/runtimes/common/result.h"

#define TESTRUN_LINE_MAX 4096

enum testrun_format {
	TESTRUN_UNKNOWN = 0, /* by the first line that tells */
	TESTRUN_TAP,
	TESTRUN_BATS, /* TAP of bats: its own failures are errors */
	TESTRUN_UNITY,
	TESTRUN_CMOCKA,
};

struct testrun {
	struct harness_result *result; /* not owned */
	const char *file;	       /* names what has no name; not owned */
	enum testrun_format format;
	bool is_tap_only; /* no line of other formats decides it */

	char line[TESTRUN_LINE_MAX];
	size_t line_len; /* what is past the maximum is not looked at */

	/* The case whose details may still come. */
	bool has_case, is_started; /* is_started: no verdict yet (cmocka) */
	enum harness_outcome outcome;
	char name[HARNESS_NAME_MAX];
	char message[HARNESS_MESSAGE_MAX];
	size_t message_len;
	uint64_t since_us; /* when the case before was complete */
	uint64_t case_us;

	uint64_t cases, group_cases;
	uint64_t counts[HARNESS_OUTCOME_COUNT];
	bool has_plan, has_total, has_bailed;
	bool has_gap;	 /* a number of a TAP case was left out */
	uint64_t number; /* of the last one */
	uint64_t plan;

	struct harness_tail out_tail, err_tail;
	/* Why a good exit status is no success; NULL: it is one. */
	const char *early;
	/* stderr that no case has taken as its message (cmocka). */
	char errors[16384];
	size_t errors_len;
};

void testrun_init(struct testrun *run, struct harness_result *result,
		  const char *file, enum testrun_format format);

/* A harness_output_fn; arg is the testrun. */
void testrun_output(void *arg, int stream, const char *data, size_t len);

/* After the program's end; status as from waitpid(2).  Does not write the
 * closing record. */
void testrun_finish(struct testrun *run, int status);

#endif
