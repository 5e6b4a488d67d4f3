/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_results.c - api/jobs/results.h and the rules of api/jobs/verdict.c: what
 * a run must show to count as passed, and what every other ending is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/jobs/report.h"

#define START "{\"type\":\"start\",\"expected\":null}\n"
#define START_N(n) "{\"type\":\"start\",\"expected\":" #n "}\n"
#define TEST(name, outcome)                                                    \
	"{\"type\":\"test\",\"test\":\"" name "\",\"outcome\":\"" outcome      \
	"\",\"duration_ms\":1.5,\"message\":\"m\"}\n"
#define END(p, f, e, s)                                                        \
	"{\"type\":\"end\",\"passed\":" #p ",\"failed\":" #f ",\"errors\":" #e \
	",\"skipped\":" #s "}\n"

struct stream_case {
	const char *name;
	const char *bytes;
	uint32_t passed, failed, errors, skipped, malformed;
	bool is_complete;
};

static const struct stream_case stream_cases[] = {
	{"nothing", "", 0, 0, 0, 0, 0, false},
	{"empty run", START END(0, 0, 0, 0), 0, 0, 0, 0, 0, true},
	{"one of each",
	 START TEST("a", "passed") TEST("b", "failed") TEST("c", "error")
		 TEST("d", "skipped") END(1, 1, 1, 1),
	 1, 1, 1, 1, 0, true},
	{"plan kept", START_N(1) TEST("a", "passed") END(1, 0, 0, 0), 1, 0, 0,
	 0, 0, true},
	{"plan broken, but closed",
	 START_N(2) TEST("a", "passed") END(1, 0, 0, 0), 1, 0, 0, 0, 0, true},
	{"subtests",
	 START_N(1) TEST("a", "passed") TEST("a", "failed") END(1, 1, 0, 0), 1,
	 1, 0, 0, 0, true},
	{"no closing record", START TEST("a", "passed"), 1, 0, 0, 0, 0, false},
	{"no start", TEST("a", "passed") END(1, 0, 0, 0), 1, 0, 0, 0, 0, false},
	{"count too high", START TEST("a", "passed") END(2, 0, 0, 0), 1, 0, 0,
	 0, 0, false},
	{"count too low",
	 START TEST("a", "passed") TEST("b", "passed") END(1, 0, 0, 0), 2, 0, 0,
	 0, 0, false},
	{"test after the end",
	 START TEST("a", "passed") END(1, 0, 0, 0) TEST("b", "passed"), 2, 0, 0,
	 0, 0, false},
	{"two ends", START TEST("a", "passed") END(1, 0, 0, 0) END(1, 0, 0, 0),
	 1, 0, 0, 0, 0, false},
	{"two starts", START START TEST("a", "passed") END(1, 0, 0, 0), 1, 0, 0,
	 0, 0, false},
	{"end without counts", START TEST("a", "passed") "{\"type\":\"end\"}\n",
	 1, 0, 0, 0, 0, false},
	{"noise between",
	 START "hello\n" TEST("a", "passed") "[1]\n{\"type\":\"x\"}\n"
					     "\n" END(1, 0, 0, 0),
	 1, 0, 0, 0, 4, true},
	{"unknown outcome", START TEST("a", "great") END(0, 0, 0, 0), 0, 0, 0,
	 0, 1, true},
	{"name no string",
	 START "{\"type\":\"test\",\"test\":1,\"outcome\":\"passed\"}\n" END(
		 0, 0, 0, 0),
	 0, 0, 0, 0, 1, true},
	{"cut in the middle", START TEST("a", "passed") "{\"type\":\"en", 1, 0,
	 0, 0, 1, false},
	{"last newline missing",
	 START TEST("a", "passed") "{\"type\":\"end\",\"passed\":1,\"failed\":"
				   "0,\"errors\":0,\"skipped\":0}",
	 1, 0, 0, 0, 0, true},
	{"invalid UTF-8 in a name",
	 START TEST("\xff", "passed") END(1, 0, 0, 0), 1, 0, 0, 0, 0, true},
	{"negative plan",
	 "{\"type\":\"start\",\"expected\":-1}\n" END(0, 0, 0, 0), 0, 0, 0, 0,
	 1, false},
};

static void
test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stream_cases) / sizeof(stream_cases[0]);
	     i++) {
		const struct stream_case *c = &stream_cases[i];
		struct results r;

		print_message("%s\n", c->name);
		assert_int_equal(results_parse(&r, c->bytes, strlen(c->bytes)),
				 0);
		assert_int_equal(r.count[RESULTS_PASSED], c->passed);
		assert_int_equal(r.count[RESULTS_FAILED], c->failed);
		assert_int_equal(r.count[RESULTS_ERROR], c->errors);
		assert_int_equal(r.count[RESULTS_SKIPPED], c->skipped);
		assert_int_equal(r.malformed, c->malformed);
		assert_int_equal(results_are_complete(&r), c->is_complete);
		results_done(&r);
	}
}

/* A test record with `count` empty objects in it that nobody asked for. */
static uint32_t
passed_of_rich_line(size_t count, uint32_t *ret_malformed)
{
	static char text[400000];
	struct results r;
	size_t len = (size_t)snprintf(
		text, sizeof(text),
		START "{\"type\":\"test\",\"test\":\"a\",\"outcome\":"
		      "\"passed\",\"x\":[");
	uint32_t passed;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "{},");
	len += (size_t)snprintf(text + len, sizeof(text) - len, "1]}\n");
	assert_int_equal(results_parse(&r, text, len), 0);
	passed = r.count[RESULTS_PASSED];
	*ret_malformed = r.malformed;
	results_done(&r);
	return passed;
}

/* 8 MiB of "{}," took 635 MB to parse. */
static void
test_rich_line_is_not_parsed(void **state)
{
	uint32_t malformed;

	(void)state;
	assert_int_equal(passed_of_rich_line(100, &malformed), 1);
	assert_int_equal(malformed, 0);
	assert_int_equal(passed_of_rich_line(100000, &malformed), 0);
	assert_int_equal(malformed, 1);
}

static void
test_cases_are_kept(void **state)
{
	static const char bytes[] = START TEST("\xff one", "failed")
		TEST("two", "passed") END(1, 1, 0, 0);
	const json_t *cases, *first;
	struct results r;
	json_t *json;

	(void)state;
	assert_int_equal(results_parse(&r, bytes, sizeof(bytes) - 1), 0);
	json = results_to_json(&r);
	cases = json_object_get(json, "cases");
	first = json_array_get(cases, 0);
	assert_int_equal(json_array_size(cases), 2);
	assert_string_equal(json_string_value(json_object_get(first, "test")),
			    "\xef\xbf\xbd one");
	assert_string_equal(
		json_string_value(json_object_get(first, "outcome")), "failed");
	assert_true(json_real_value(json_object_get(json, "success_rate")) ==
		    0.5);
	json_decref(json);
	results_done(&r);
}

/* ---- verdicts -------------------------------------------------------- */

#define ONE_PASSED START TEST("a", "passed") END(1, 0, 0, 0)
#define ONE_FAILED START TEST("a", "passed") TEST("b", "failed") END(1, 1, 0, 0)

/* What the first record promises, and what is kept of it. */
#define NAMES(list, more)                                                      \
	"{\"type\":\"start\",\"expected\":[" list "]" more "}\n"
#define OPEN ",\"open\":true"
#define CANARY(outcome)                                                        \
	"{\"type\":\"canary\",\"test\":\"c\",\"outcome\":\"" outcome "\"}\n"
#define CANARIES ",\"canaries\":[\"c\"]"
#define OF(name, of, outcome)                                                  \
	"{\"type\":\"test\",\"test\":\"" name "\",\"of\":" of                  \
	",\"outcome\":\"" outcome "\"}\n"
#define FORGED "{\"type\":\"forged\",\"message\":\"because\"}\n"
#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SEALED_START                                                           \
	"{\"type\":\"start\",\"expected\":[\"a\"],\"key\":\"" KEY "\"}\n"
#define SEALED(body, mac) "{" body ",\"mac\":\"" mac "\"}\n"
#define BODY_TEST "\"type\":\"test\",\"test\":\"a\",\"outcome\":\"passed\""
#define BODY_END                                                               \
	"\"type\":\"end\",\"passed\":1,\"failed\":0,\"errors\":0,\"skipped\":" \
	"0"
/* By Python's hmac: number in 8 bytes, then the line up to ,"mac". */
#define MAC_TEST_1                                                             \
	"d87be2fc80acaec8751f7b7ab453a6156b019fd1690ea218ab4e1011542d2d3b"
#define MAC_END_2                                                              \
	"7975957b685736a09ce693e77a169a3bbbed1b54547f38abb3e2cdf73438470f"

struct verdict_case {
	const char *name;
	const char *results; /* NULL: no tests asked for */
	enum proto_outcome ending;
	enum proto_reason sandbox;
	int exit_code, signal;
	bool is_truncated;
	enum job_outcome outcome;
	const char *reason;
};

static const struct verdict_case verdict_cases[] = {
	{"passed", ONE_PASSED, PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_PASSED,
	 NULL},
	{"failed", ONE_FAILED, PROTO_OUTCOME_EXITED, 0, 1, 0, false, JOB_FAILED,
	 NULL},
	{"failed with exit 0", ONE_FAILED, PROTO_OUTCOME_EXITED, 0, 0, 0, false,
	 JOB_FAILED, NULL},
	{"an error is a failure", START TEST("a", "error") END(0, 0, 1, 0),
	 PROTO_OUTCOME_EXITED, 0, 1, 0, false, JOB_FAILED, NULL},
	{"passed, but exit 3", ONE_PASSED, PROTO_OUTCOME_EXITED, 0, 3, 0, false,
	 JOB_ERROR, "inconsistent"},
	{"passed, but died", ONE_PASSED, PROTO_OUTCOME_SIGNALED, 0, 0, 11,
	 false, JOB_ERROR, "inconsistent"},
	{"no tests", START END(0, 0, 0, 0), PROTO_OUTCOME_EXITED, 0, 0, 0,
	 false, JOB_ERROR, "no tests"},
	{"all skipped", START TEST("a", "skipped") END(0, 0, 0, 1),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "no tests"},
	{"fewer than planned", START_N(2) TEST("a", "passed") END(1, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "incomplete"},
	{"fewer than planned, and failed",
	 START_N(2) TEST("a", "failed") END(0, 1, 0, 0), PROTO_OUTCOME_EXITED,
	 0, 1, 0, false, JOB_FAILED, NULL},
	{"silence with exit 0", "", PROTO_OUTCOME_EXITED, 0, 0, 0, false,
	 JOB_ERROR, "incomplete"},
	{"no closing record", START TEST("a", "passed"), PROTO_OUTCOME_EXITED,
	 0, 0, 0, false, JOB_ERROR, "incomplete"},
	{"incomplete for want of pids", START, PROTO_OUTCOME_EXITED,
	 PROTO_REASON_PIDS, 1, 0, false, JOB_ERROR, "pids"},
	{"passed though a call was denied", ONE_PASSED, PROTO_OUTCOME_EXITED,
	 PROTO_REASON_DENIED, 0, 0, false, JOB_PASSED, "denied"},
	{"program ran", NULL, PROTO_OUTCOME_EXITED, 0, 0, 0, false,
	 JOB_COMPLETED, NULL},
	{"program exit 7", NULL, PROTO_OUTCOME_EXITED, 0, 7, 0, false,
	 JOB_COMPLETED, NULL},
	{"program died", NULL, PROTO_OUTCOME_SIGNALED, 0, 0, 11, false,
	 JOB_COMPLETED, NULL},
	{"program denied", NULL, PROTO_OUTCOME_EXITED, PROTO_REASON_DENIED, 1,
	 0, false, JOB_COMPLETED, "denied"},
	{"timeout", ONE_PASSED, PROTO_OUTCOME_TIMEOUT, PROTO_REASON_TIMEOUT, 0,
	 9, false, JOB_TIMEOUT, "timeout"},
	{"timeout of a fork bomb", NULL, PROTO_OUTCOME_TIMEOUT,
	 PROTO_REASON_PIDS, 0, 9, false, JOB_TIMEOUT, "pids"},
	{"memory", START, PROTO_OUTCOME_KILLED, PROTO_REASON_MEMORY, 0, 9,
	 false, JOB_KILLED, "memory"},
	{"memory, seen as a signal", NULL, PROTO_OUTCOME_SIGNALED,
	 PROTO_REASON_MEMORY, 0, 9, false, JOB_KILLED, "memory"},
	{"cancelled", NULL, PROTO_OUTCOME_KILLED, PROTO_REASON_CANCELLED, 0, 9,
	 false, JOB_KILLED, "cancelled"},
	{"output limit", NULL, PROTO_OUTCOME_KILLED, PROTO_REASON_OUTPUT_LIMIT,
	 0, 9, true, JOB_KILLED, "output_limit"},
	{"output limit, ended first", ONE_PASSED, PROTO_OUTCOME_EXITED, 0, 0, 0,
	 true, JOB_KILLED, "output_limit"},
	{"supervisor stopped", NULL, PROTO_OUTCOME_KILLED,
	 PROTO_REASON_SHUTDOWN, 0, 9, false, JOB_ERROR, "shutdown"},
	{"refused", NULL, PROTO_OUTCOME_REFUSED, 0, 0, 0, false, JOB_ERROR,
	 "refused"},
	{"our side failed", NULL, PROTO_OUTCOME_ERROR, 0, 0, 0, false,
	 JOB_ERROR, "internal"},
	{"names kept",
	 NAMES("\"a\",\"b\"", "") TEST("b", "passed")
		 OF("a[1]", "\"a\"", "passed") END(2, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_PASSED, NULL},
	{"a name is missing",
	 NAMES("\"a\",\"b\"", OPEN) TEST("a", "passed") TEST("x", "passed")
		 END(2, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "incomplete"},
	{"a name comes once of twice",
	 NAMES("\"a\",\"a\"", OPEN) TEST("a", "passed") TEST("x", "passed")
		 END(2, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "incomplete"},
	{"another name passes",
	 NAMES("\"a\"", "") TEST("a", "passed") TEST("x", "passed")
		 END(2, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"another name fails",
	 NAMES("\"a\"", "") TEST("a", "passed") TEST("x", "failed")
		 END(1, 1, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 1, 0, false, JOB_FAILED, NULL},
	{"one record for several names",
	 NAMES("\"a\",\"b\",\"d\"", "") OF("class", "[\"a\",\"b\"]", "skipped")
		 TEST("d", "passed") END(1, 0, 0, 1),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "incomplete"},
	{"canary failed, as it must",
	 NAMES("\"a\"", CANARIES) TEST("a", "passed") CANARY("failed")
		 END(1, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_PASSED, NULL},
	{"canary passed",
	 NAMES("\"a\"", CANARIES) TEST("a", "passed") CANARY("passed")
		 END(1, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"canary skipped, and a failure",
	 NAMES("\"a\"", CANARIES) TEST("a", "failed") CANARY("skipped")
		 END(0, 1, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 1, 0, false, JOB_ERROR, "forged"},
	{"canary silent",
	 NAMES("\"a\"", CANARIES) TEST("a", "passed") END(1, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"canary silent, and a failure",
	 NAMES("\"a\"", CANARIES) TEST("a", "failed") END(0, 1, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 1, 0, false, JOB_FAILED, NULL},
	{"the runner says forged", START TEST("a", "passed") FORGED,
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"a line of nobody",
	 START "hello\n" TEST("a", "passed") END(1, 0, 0, 0),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"sealed",
	 SEALED_START SEALED(BODY_TEST, MAC_TEST_1) SEALED(BODY_END, MAC_END_2),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_PASSED, NULL},
	{"sealed, twice the same line",
	 SEALED_START SEALED(BODY_TEST, MAC_TEST_1)
		 SEALED(BODY_TEST, MAC_TEST_1) SEALED(BODY_END, MAC_END_2),
	 PROTO_OUTCOME_EXITED, 0, 0, 0, false, JOB_ERROR, "forged"},
	{"sealed, but one line is not",
	 SEALED_START TEST("a", "passed") END(1, 0, 0, 0), PROTO_OUTCOME_EXITED,
	 0, 0, 0, false, JOB_ERROR, "forged"},
	{"sealed, the first line left out",
	 SEALED_START SEALED(BODY_END, MAC_END_2), PROTO_OUTCOME_EXITED, 0, 0,
	 0, false, JOB_ERROR, "forged"},
};

static void
check_verdict(const struct verdict_case *c)
{
	static struct client_job_result result;
	struct results parsed = {0};
	struct job_verdict v;

	memset(&result, 0, sizeof(result));
	result.done.outcome = c->ending;
	result.done.reason = c->sandbox;
	result.done.exit_code = c->exit_code;
	result.done.signal = c->signal;
	result.out.is_truncated = c->is_truncated;
	if (c->results != NULL)
		assert_int_equal(
			results_parse(&parsed, c->results, strlen(c->results)),
			0);
	job_judge(&result, c->results != NULL ? &parsed : NULL, NULL, &v);
	assert_string_equal(job_outcome_name(v.outcome),
			    job_outcome_name(c->outcome));
	if (c->reason == NULL)
		assert_null(v.reason);
	else
		assert_string_equal(v.reason, c->reason);
	results_done(&parsed);
}

static void
test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(verdict_cases) / sizeof(verdict_cases[0]);
	     i++) {
		print_message("%s\n", verdict_cases[i].name);
		check_verdict(&verdict_cases[i]);
	}
}

static void
test_lost(void **state)
{
	static struct client_job_result result;
	struct job_verdict v;

	(void)state;
	result.is_lost = true;
	job_judge(&result, NULL, JOB_REASON_LOST_RESTARTED, &v);
	assert_int_equal(v.outcome, JOB_ERROR);
	assert_string_equal(v.reason, "supervisor restarted");
	assert_true(v.is_retryable);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_cases_are_kept),
		cmocka_unit_test(test_rich_line_is_not_parsed),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
