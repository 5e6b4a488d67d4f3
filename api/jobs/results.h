/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.h - the JSON lines of a job's result pipe, counted and checked.
 *
 * The lines come from inside the jail and prove nothing by themselves: a run
 * counts as tested only if they begin with one start record and end with one
 * closing record whose counts are those of the lines between.
 */
#ifndef PC_API_JOBS_RESULTS_H
#define PC_API_JOBS_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESULTS_CASES_MAX                                                      \
	5000 /* kept with name and message; all are counted                    \
	      */
#define RESULTS_NAME_MAX 512
#define RESULTS_MESSAGE_MAX 8192

enum results_kind {
	RESULTS_PASSED,
	RESULTS_FAILED,
	RESULTS_ERROR,
	RESULTS_SKIPPED,
	RESULTS_KIND_COUNT
};

struct results {
	uint32_t count[RESULTS_KIND_COUNT];
	uint32_t malformed; /* lines that are none of the three records */
	bool has_start;
	bool has_end;
	bool is_broken;	  /* a record out of order, or counts that differ */
	int64_t expected; /* of the start record: at least so many; or -1 */
	json_t *cases;	  /* [{test, outcome, duration_ms, message}] */
};

/* Never fails on what the bytes say; -1 when out of memory. */
int results_parse(struct results *ret, const char *bytes, size_t len);
void results_done(struct results *results);

/* Start and matching closing record seen, nothing out of order? */
bool results_are_complete(const struct results *results);

/*
 * Fewer records than the start record announced?  More are in order: a test
 * may report more than once (subtests, its teardown).
 */
bool results_are_short(const struct results *results);

uint32_t results_total(const struct results *results);

/* Passed out of all that were not skipped, 0..1; 0 if there are none. */
double results_success_rate(const struct results *results);

/* {passed, failed, errors, skipped, success_rate, cases, ...} */
json_t *results_to_json(const struct results *results);

#endif
