/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - the writer of the result stream: one JSON object a line, valid
 * UTF-8 without control characters, bounded in number and in size.
 *
 * start, then one line a test, then end.  The closing record is written by
 * harness_result_end only; a run that does not reach it is incomplete.  The
 * lines need no seal: no other process can open this one's fds (gate.h).
 */
#ifndef PC_RUNTIMES_RESULT_H
#define PC_RUNTIMES_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HARNESS_NAME_MAX 256
#define HARNESS_MESSAGE_MAX 4096
#define HARNESS_CASES_MAX 10000
/* Below what a client keeps of the stream (CLIENT_RESULTS_MAX). */
#define HARNESS_RESULT_BYTES_MAX (6u << 20)

enum harness_outcome {
	HARNESS_PASSED,
	HARNESS_FAILED,
	HARNESS_ERROR,
	HARNESS_SKIPPED,
	HARNESS_OUTCOME_COUNT
};

struct harness_result {
	int fd; /* not owned */
	bool is_started, is_full;
	bool is_separate; /* no code under test in the process that judges */
	bool is_shared;	  /* it has not kept so: the closing record says it */
	size_t bytes;
	uint32_t cases;
	uint32_t counts[HARNESS_OUTCOME_COUNT];
};

void harness_result_init(struct harness_result *r, int fd);

/* expected < 0: unknown.  Does nothing the second time. */
void harness_result_start(struct harness_result *r, int64_t expected);

/*
 * The same with the names of the tests that must be reported, n of them, and
 * after these the names of canaries.
 */
#define HARNESS_EXPECTED_MAX 4096
void harness_result_start_names(struct harness_result *r,
				const char *const *names, const size_t *lens,
				size_t n, size_t canaries);

/* A test of our own that must fail; it is not counted. */
void harness_result_canary(struct harness_result *r, const char *name,
			   enum harness_outcome outcome);

/* name and message are any bytes; too long ones are cut. */
void harness_result_test(struct harness_result *r, const char *name,
			 enum harness_outcome outcome, double duration_ms,
			 const char *message, size_t message_len);

/* The results were tampered with; nothing takes that back. */
void harness_result_forged(struct harness_result *r, const char *why);

/* Returns the exit code of the run: 1 if anything failed. */
int harness_result_end(struct harness_result *r);

/*
 * The text as the inside of a JSON string, cut before the character that would
 * make it longer than max bytes (as it is after reading).  Returns bytes
 * written; dst has room for 2 * max + 1.
 */
size_t harness_json_escape(char *dst, const char *text, size_t len, size_t max);

#endif
