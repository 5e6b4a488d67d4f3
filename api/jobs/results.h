/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.h - the JSON lines of a job's result pipe, counted and checked.
 *
 * The lines come from inside the jail.  Only the first one was written before
 * any code of the job ran, so it says what the others must be:
 *
 *   {"type":"start", "expected": null | N | [names], "open": bool,
 *    "canaries": [names], "key": hex, "trust": "in-process"|...}
 *   {"type":"test", "test":, "of":, "outcome":, "duration_ms":, "message":}
 *   {"type":"canary", "test":, "outcome":}
 *   {"type":"forged", "message":}
 *   {"type":"end", "passed":, "failed":, "errors":, "skipped":}
 *
 * expected: each name as often as it must be reported at least, by `of` (a name
 * or several) or, if a test has none, by its own name; others may pass only if
 * `open`.  A canary is a test of the runner that must fail: if it passes or is
 * skipped, the runner is no longer what it was.  With a key, every line but the
 * first is sealed (seal.h). The runner itself writes `forged` as soon as it
 * sees that it was tampered with; the line cannot be taken back.
 */
#ifndef PC_API_JOBS_RESULTS_H
#define PC_API_JOBS_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/jobs/seal.h"

#define RESULTS_CASES_MAX                                                      \
	5000 /* kept with name and message; all are counted                    \
	      */
#define RESULTS_NAME_MAX 512
#define RESULTS_MESSAGE_MAX 8192
#define RESULTS_DOUBT_SIZE 160

enum results_kind {
	RESULTS_PASSED,
	RESULTS_FAILED,
	RESULTS_ERROR,
	RESULTS_SKIPPED,
	RESULTS_KIND_COUNT
};

struct results {
	uint32_t count[RESULTS_KIND_COUNT];
	uint32_t malformed; /* lines that are none of the records */
	bool has_start;
	bool has_end;
	bool is_broken;	  /* a record out of order, or counts that differ */
	int64_t expected; /* of the start record: at least so many; or -1 */
	json_t *cases;	  /* [{test, outcome, duration_ms, message}] */

	bool is_separate; /* the tests cannot reach their runner's process */
	bool has_names, is_open;
	json_t *missing;  /* {name: times} of expected, still to come */
	json_t *canaries; /* {name: n} still to come */
	struct seal seal;
	char doubt[RESULTS_DOUBT_SIZE]; /* why it is forged; "" if it is not */
};

/* Never fails on what the bytes say; -1 when out of memory. */
int results_parse(struct results *ret, const char *bytes, size_t len);
void results_done(struct results *results);

/* Start and matching closing record seen, nothing out of order? */
bool results_are_complete(const struct results *results);

/*
 * Fewer records than the start record announced, or one of its names missing?
 * More are in order: a test may report more than once (subtests, teardown).
 */
bool results_are_short(const struct results *results);

/* Was the runner or its stream tampered with?  `doubt` says how it is known. */
bool results_are_forged(const struct results *results);

/* Every canary reported, as failed? */
bool results_have_canaries(const struct results *results);

/* One name that is missing, NULL if none is. */
const char *results_missing(const struct results *results);

uint32_t results_total(const struct results *results);

/*
 * Passed out of all that were not skipped, 0..1; of those that are missing,
 * too, if no failure explains that.  0 if there are none, and if forged.
 */
double results_success_rate(const struct results *results);

/* {passed, failed, errors, skipped, success_rate, trust, cases, ...} */
json_t *results_to_json(const struct results *results);

#endif
