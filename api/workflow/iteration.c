/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iteration.c - see iteration.h.
 */
#include "api/workflow/iteration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/text.h"
#include "api/workflow/digest.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

/* Of one version's texts that a record repeats; longer ones are a digest. */
#define CODE_KEPT_MAX 65536
/* What an author is told. */
#define CASES_MAX 20
#define WORST_NAMED 2 /* by name, in a sentence */
#define FINDINGS_MAX 20
#define TEXT_MAX 2000
#define OUTPUT_MAX 4000

static json_t *
results_of(const struct workflow_state *state)
{
	return json_object_get(workflow_state_part(state, "artifacts"),
			       "test_results");
}

static json_t *
findings_of(const struct workflow_state *state)
{
	const json_t *report = json_object_get(
		workflow_state_part(state, "artifacts"), "security_report");

	return json_object_get(report, "vulnerabilities");
}

static bool
is_serious(const json_t *finding)
{
	const char *severity = json_text(finding, "severity");

	return strcmp(severity, "high") == 0 ||
	       strcmp(severity, "critical") == 0;
}

int64_t
iteration_findings(const struct workflow_state *state, bool only_serious)
{
	const json_t *findings = findings_of(state);
	int64_t count = 0;

	for (size_t i = 0; i < json_array_size(findings); i++)
		count += !only_serious ||
			 is_serious(json_array_get(findings, i));
	return count;
}

/* "SQL injection (app.py:3)" */
static void
add_place(char *dst, size_t size, const json_t *finding)
{
	const char *path = json_text(finding, "path");
	const char *slash = strrchr(path, '/');
	size_t len = strlen(dst);

	(void)snprintf(dst + len, size - len, "%s%.60s (%.40s:%lld)",
		       len > 0 ? ", " : "", json_text(finding, "title"),
		       slash != NULL ? slash + 1 : path,
		       (long long)json_number(finding, "line_start"));
	/* The path is a client's, and may have been cut in a character. */
	for (char *p = dst + len; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
}

void
iteration_worst_text(const struct workflow_state *state, char *dst, size_t size)
{
	const json_t *findings = findings_of(state);
	int64_t more = iteration_findings(state, true) - WORST_NAMED;
	size_t named = 0, len;

	dst[0] = '\0';
	for (size_t i = 0; i < json_array_size(findings) && named < WORST_NAMED;
	     i++) {
		const json_t *finding = json_array_get(findings, i);

		if (!is_serious(finding))
			continue;
		add_place(dst, size, finding);
		named++;
	}
	len = strlen(dst);
	if (more > 0)
		(void)snprintf(dst + len, size - len, " and %lld more",
			       (long long)more);
}

int64_t
iteration_number(const struct workflow_state *state)
{
	return json_number(state->doc, "iteration");
}

static bool
has_failed(const json_t *test)
{
	const char *outcome = json_text(test, "outcome");

	return strcmp(outcome, "passed") != 0 &&
	       strcmp(outcome, "skipped") != 0;
}

static const json_t *
cases_of(const struct workflow_state *state)
{
	return json_object_get(json_object_get(results_of(state), "tests"),
			       "cases");
}

bool
iteration_has_crashed(const struct workflow_state *state)
{
	const json_t *results = results_of(state);
	const char *source =
		json_text(workflow_state_part(state, "sources"), "code");

	if (strcmp(json_text(results, "outcome"), "completed") != 0 ||
	    strncmp(source, "context.", 8) == 0)
		return false;
	return json_number(results, "exit_code") != 0 ||
	       json_is_integer(json_object_get(results, "signal")) ||
	       json_is_string(json_object_get(results, "signal"));
}

/* ---- the record ------------------------------------------------------ */

/* The first of these names; a new reference. */
static json_t *
shortened(const json_t *names)
{
	json_t *first = json_array();

	for (size_t i = 0; i < json_array_size(names) && i < CASES_MAX; i++)
		json_array_append_new(
			first,
			text_to_json_max(
				json_string_value(json_array_get(names, i)),
				json_string_length(json_array_get(names, i)),
				TEXT_MAX));
	return first;
}

/* Tests that the author wrote are his attempt as much as the code is. */
static void
set_tests(json_t *record, const struct workflow_state *state)
{
	json_t *tests =
		json_object_get(workflow_state_part(state, "program"), "tests");
	const char *source =
		json_text(workflow_state_part(state, "sources"), "tests");

	if (!json_is_string(tests) || strncmp(source, "context.", 8) == 0)
		return;
	if (json_string_length(tests) <= CODE_KEPT_MAX)
		json_object_set(record, "test_code", tests);
}

/* What is wrong, by name: the same faults again are no progress. */
static void
set_faults(json_t *record, const struct workflow_state *state)
{
	const json_t *results = results_of(state), *cases = cases_of(state);
	const json_t *findings = findings_of(state);
	json_t *names = json_array(), *found = json_array(), *faults;
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *test = json_array_get(cases, i);

		if (has_failed(test))
			json_array_append(names, json_object_get(test, "test"));
	}
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);

		if (is_serious(finding))
			json_array_append_new(
				found,
				json_pack("[O*, O*]",
					  json_object_get(finding, "severity"),
					  json_object_get(finding, "title")));
	}
	faults = json_pack("{s:b, s:O*, s:O*, s:o, s:o}", "has_crashed",
			   iteration_has_crashed(state), "outcome",
			   json_object_get(results, "outcome"), "reason",
			   json_object_get(results, "reason"), "tests", names,
			   "findings", found);
	digest_json(faults, hex);
	json_object_set_new(record, "faults_sha256", json_string(hex));
	json_object_set_new(record, "failing", shortened(names));
	json_decref(faults);
}

static json_t *
counts_of_tests(const struct workflow_state *state)
{
	const json_t *tests = json_object_get(results_of(state), "tests");

	if (!json_is_object(tests))
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "passed",
			 json_number(tests, "passed"), "failed",
			 json_number(tests, "failed"), "errors",
			 json_number(tests, "errors"));
}

static json_t *
counts_of_findings(const struct workflow_state *state)
{
	if (findings_of(state) == NULL)
		return json_null();
	return json_pack("{s:I, s:I}", "serious",
			 iteration_findings(state, true), "all",
			 iteration_findings(state, false));
}

json_t *
iteration_record_new(const struct workflow_state *state)
{
	const json_t *results = results_of(state);
	json_t *code = json_object_get(workflow_state_part(state, "artifacts"),
				       "generated_code");
	json_t *source =
		json_object_get(workflow_state_part(state, "sources"), "code");
	size_t len = json_string_length(code);
	char hex[DIGEST_HEX_SIZE];
	json_t *record;

	digest_program(state, hex);
	record = json_pack(
		"{s:I, s:O*, s:s, s:I, s:O*, s:O*, s:o, s:o}", "iteration",
		iteration_number(state), "source", source, "program_sha256",
		hex, "code_bytes", (json_int_t)len, "job_id",
		json_object_get(results, "job_id"), "outcome",
		json_object_get(results, "outcome"), "tests",
		counts_of_tests(state), "findings", counts_of_findings(state));
	if (record == NULL)
		return NULL;
	if (len <= CODE_KEPT_MAX)
		json_object_set(record, "code", code);
	if (iteration_has_crashed(state))
		json_object_set_new(record, "has_crashed", json_true());
	set_tests(record, state);
	set_faults(record, state);
	json_set_time(record, "at", clock_wall_us());
	return record;
}

static size_t
text_bytes(const json_t *record)
{
	return json_string_length(json_object_get(record, "code")) +
	       json_string_length(json_object_get(record, "test_code"));
}

static json_t *
without_texts(json_t *record)
{
	json_t *copy = json_copy(record);

	json_object_del(copy, "code");
	json_object_del(copy, "test_code");
	json_object_set_new(copy, "code_omitted", json_true());
	return copy;
}

json_t *
iteration_shown_new(const json_t *records)
{
	size_t len = json_array_size(records), first = len, bytes = 0;
	json_t *shown = json_array();

	while (first > 0) {
		bytes += text_bytes(json_array_get(records, first - 1));
		if (bytes > ITERATION_SHOWN_MAX)
			break;
		first--;
	}
	for (size_t i = 0; i < len; i++) {
		json_t *record = json_array_get(records, i);

		json_array_append_new(shown, i < first ? without_texts(record)
						       : json_incref(record));
	}
	return shown;
}

/* ---- comparing ------------------------------------------------------- */

static bool
is_passing(const json_t *record)
{
	const char *outcome = json_text(record, "outcome");

	if (json_is_true(json_object_get(record, "has_crashed")))
		return false;
	return strcmp(outcome, "passed") == 0 ||
	       strcmp(outcome, "completed") == 0;
}

static int64_t
count(const json_t *record, const char *group, const char *name)
{
	return json_number(json_object_get(record, group), name);
}

/* In this order; more is better. */
static void
rank(const json_t *record, int64_t ret[4])
{
	ret[0] = is_passing(record);
	ret[1] = count(record, "tests", "passed");
	ret[2] = -count(record, "findings", "serious");
	ret[3] = -count(record, "findings", "all");
}

bool
iteration_is_better(const json_t *a, const json_t *b)
{
	int64_t of_a[4], of_b[4];

	rank(a, of_a);
	rank(b, of_b);
	for (size_t i = 0; i < ARRAY_LEN(of_a); i++) {
		if (of_a[i] != of_b[i])
			return of_a[i] > of_b[i];
	}
	return false;
}

bool
iteration_is_repeated(const struct workflow_state *state, const char *member)
{
	const json_t *records = workflow_state_part(state, "iterations");
	size_t last = json_array_size(records);
	const char *value;

	if (last-- == 0)
		return false;
	value = json_text(json_array_get(records, last), member);
	for (size_t i = 0; i < last; i++) {
		if (strcmp(json_text(json_array_get(records, i), member),
			   value) == 0)
			return true;
	}
	return false;
}

/* ---- what the author is told ----------------------------------------- */

/* The end of it, where errors are said; cut between characters. */
static json_t *
tail_of(const json_t *text)
{
	const char *s = json_string_value(text);
	size_t len = json_string_length(text), skip = 0;

	if (s == NULL)
		return json_null();
	if (len > OUTPUT_MAX)
		skip = len - OUTPUT_MAX;
	while (skip < len && ((unsigned char)s[skip] & 0xc0) == 0x80)
		skip++;
	return text_to_json(s + skip, len - skip);
}

/* "1..3", "ok 2 - x", "not ok 2": what a TAP program says of its cases. */
static bool
is_result(const char *line)
{
	if (strncmp(line, "not ", 4) == 0)
		line += 4;
	if (strncmp(line, "ok ", 3) == 0)
		return true;
	return strncmp(line, "1..", 3) == 0 && line[3] >= '0' && line[3] <= '9';
}

/*
 * What the program printed besides: the cases that failed are told apart, and
 * nothing of those that passed.
 */
static json_t *
stdout_told(const json_t *results)
{
	const json_t *text = json_object_get(results, "stdout");
	const char *at = json_string_value(text);
	json_t *told, *tail;
	size_t len = 0;
	char *rest;

	if (at == NULL || !json_is_object(json_object_get(results, "tests")))
		return tail_of(text);
	rest = malloc(json_string_length(text) + 1);
	if (rest == NULL)
		return json_null();
	while (*at != '\0') {
		size_t n = strcspn(at, "\n");

		n += at[n] == '\n';
		if (!is_result(at)) {
			memcpy(rest + len, at, n);
			len += n;
		}
		at += n;
	}
	told = json_stringn(rest, len);
	free(rest);
	tail = tail_of(told);
	json_decref(told);
	return tail;
}

static void
set_short(json_t *object, const char *name, const json_t *from)
{
	const json_t *text = json_object_get(from, name);

	if (json_is_string(text))
		json_object_set_new(object, name,
				    text_to_json_max(json_string_value(text),
						     json_string_length(text),
						     TEXT_MAX));
}

static json_t *
failing_cases(const struct workflow_state *state)
{
	const json_t *cases = cases_of(state);
	json_t *failing = json_array();

	for (size_t i = 0;
	     i < json_array_size(cases) && json_array_size(failing) < CASES_MAX;
	     i++) {
		const json_t *test = json_array_get(cases, i);
		json_t *told;

		if (!has_failed(test))
			continue;
		told = json_object();
		set_short(told, "test", test);
		set_short(told, "outcome", test);
		set_short(told, "message", test);
		json_array_append_new(failing, told);
	}
	return failing;
}

static json_t *
worst_findings(const struct workflow_state *state)
{
	static const char *const names[] = {"severity",	   "title",
					    "description", "recommendation",
					    "tool",	   "rule"};
	const json_t *findings = findings_of(state);
	json_t *worst = json_array();

	for (size_t i = 0; i < json_array_size(findings) &&
			   json_array_size(worst) < FINDINGS_MAX;
	     i++) {
		const json_t *finding = json_array_get(findings, i);
		json_t *told, *line = json_object_get(finding, "line_start");

		if (!is_serious(finding))
			continue;
		told = json_object();
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			set_short(told, names[k], finding);
		if (json_is_integer(line))
			json_object_set(told, "line_start", line);
		json_array_append_new(worst, told);
	}
	return worst;
}

/* The first CASES_MAX are told in full, of the others how many. */
static void
set_more(json_t *feedback, const json_t *results)
{
	const json_t *tests = json_object_get(results, "tests");
	int64_t more = json_number(tests, "failed") +
		       json_number(tests, "errors") - CASES_MAX;

	if (more > 0)
		json_object_set_new(feedback, "more_failing",
				    json_integer(more));
}

json_t *
iteration_feedback_new(const struct workflow_state *state)
{
	const json_t *results = results_of(state);
	json_t *feedback =
		json_pack("{s:o, s:o, s:o, s:o}", "tests", failing_cases(state),
			  "findings", worst_findings(state), "stdout",
			  stdout_told(results), "stderr",
			  tail_of(json_object_get(results, "stderr")));

	if (feedback == NULL)
		return NULL;
	if (json_array_size(json_object_get(feedback, "tests")) == CASES_MAX)
		set_more(feedback, results);
	set_short(feedback, "outcome", results);
	set_short(feedback, "reason", results);
	set_short(feedback, "error", results);
	return feedback;
}
