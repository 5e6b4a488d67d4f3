/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_results.c - the result stream of a jail as code under test could write
 * it, and the verdict that is made from it.
 *
 * Input: how the program ended, then the stream.  A job is passed only if the
 * stream is complete, nothing in it failed and at least one test passed; counts
 * are those of the lines; the report is always writable as JSON.
 */
#include "api/jobs/report.h"
#include "api/jobs/results.h"
#include "api/jobs/text.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static void
check_counts(const struct results *r, const uint8_t *data, size_t len)
{
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	FUZZ_CHECK((size_t)results_total(r) + r->malformed <= lines + 1);
	FUZZ_CHECK(json_array_size(r->cases) <= RESULTS_CASES_MAX);
	FUZZ_CHECK(json_array_size(r->cases) <= results_total(r));
	FUZZ_CHECK(results_success_rate(r) >= 0 &&
		   results_success_rate(r) <= 1);
	if (results_are_complete(r))
		FUZZ_CHECK(r->has_start && r->has_end && !r->is_broken);
}

/* A stream that counts as complete closes with the counts of its lines. */
static void
check_closing(const struct results *r, const uint8_t *data, size_t len)
{
	static const char *const names[RESULTS_KIND_COUNT] = {
		"passed", "failed", "errors", "skipped"};
	struct fuzz_input in = {data, len};

	while (in.left > 0) {
		size_t n;
		char *line = fuzz_text_until(&in, '\n', &n);
		json_t *json = json_loadb(line, n, 0, NULL);
		const json_t *type = json_object_get(json, "type");

		if (json_is_string(type) &&
		    strcmp(json_string_value(type), "end") == 0)
			for (int i = 0; i < RESULTS_KIND_COUNT; i++)
				FUZZ_CHECK(json_integer_value(json_object_get(
						   json, names[i])) ==
					   r->count[i]);
		json_decref(json);
		free(line);
	}
}

static void
check_case(const json_t *one)
{
	const json_t *name = json_object_get(one, "test");
	const json_t *message = json_object_get(one, "message");

	FUZZ_CHECK(json_is_string(name) &&
		   json_string_length(name) <= RESULTS_NAME_MAX);
	FUZZ_CHECK(json_is_null(message) ||
		   json_string_length(message) <= RESULTS_MESSAGE_MAX);
	FUZZ_CHECK(json_is_string(json_object_get(one, "outcome")));
}

static void
check_verdict(const struct results *r, const struct job_verdict *v,
	      const struct client_job_result *job)
{
	FUZZ_CHECK(v->outcome < JOB_OUTCOME_COUNT &&
		   v->outcome != JOB_COMPLETED);
	if (v->outcome != JOB_PASSED)
		return;
	FUZZ_CHECK(results_are_complete(r) && !results_are_short(r));
	FUZZ_CHECK(!results_are_forged(r) && results_have_canaries(r));
	FUZZ_CHECK(r->malformed == 0);
	FUZZ_CHECK(r->count[RESULTS_PASSED] > 0);
	FUZZ_CHECK(r->count[RESULTS_FAILED] == 0);
	FUZZ_CHECK(r->count[RESULTS_ERROR] == 0);
	FUZZ_CHECK(!job->is_lost && job->done.outcome == PROTO_OUTCOME_EXITED &&
		   job->done.exit_code == 0);
}

static void
check_report(const struct results *r, const struct job_verdict *v,
	     const struct client_job_result *job)
{
	static struct job_request request = {.policy = "strict"};
	json_t *json = job_report("33333333-3333-4333-8333-333333333333",
				  &request, job, r, v);
	char *text = json_dumps(json, JSON_COMPACT);

	FUZZ_CHECK(text != NULL);
	free(text);
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	struct client_job_result job = {
		.has_started = true,
		.done.outcome = fuzz_u8(&in) % PROTO_OUTCOME_COUNT,
		.done.exit_code = fuzz_u8(&in) % 4,
		.done.reason = fuzz_u8(&in) % PROTO_REASON_COUNT,
	};
	struct job_verdict verdict;
	struct results r;

	if (in.left > 1u << 18)
		return -1;
	FUZZ_CHECK(results_parse(&r, (const char *)in.at, in.left) == 0);
	check_counts(&r, in.at, in.left);
	if (results_are_complete(&r) && !results_are_forged(&r))
		check_closing(&r, in.at, in.left);
	for (size_t i = 0; i < json_array_size(r.cases); i++)
		check_case(json_array_get(r.cases, i));
	/* The bytes as everything else that a jail sends back, too. */
	job.out = job.err_out = (struct client_buffer){(char *)(uintptr_t)in.at,
						       in.left, false};
	job.collected = job.out;
	job_judge(&job, &r, NULL, &verdict);
	check_verdict(&r, &verdict, &job);
	check_report(&r, &verdict, &job);
	results_done(&r);
	return 0;
}
