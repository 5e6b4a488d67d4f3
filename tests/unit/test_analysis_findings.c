/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools find is checked, merged, scored and named the same way each time;
 * what our own print is read whole or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/analysis/analysis.h"
#include "api/analysis/finding.h"
#include "api/analysis/rule.h"
#include "api/analysis/tool.h"
#include "supervisor/base/str.h"
#include "tests/unit/rule_fixture.h"

/* ---- our own analyzers' output --------------------------------------- */

static int
read_text(const char *text, struct own_output *ret, struct err *e)
{
	json_t *found = json_array();
	int rc = read_own(text, strlen(text), found, ret, e);

	if (rc == 0)
		rc = (int)json_array_size(found);
	json_decref(found);
	return rc;
}

static void
own_output_is_read_or_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{"", "not JSON"},
		{"{\"format\": 1, \"status\": \"ok\"", "not JSON"},
		{"[]", "not of format 1"},
		{"{\"format\": 2, \"status\": \"ok\", \"findings\": []}",
		 "not of format 1"},
		{"{\"format\": 1, \"status\": \"fine\", \"findings\": []}",
		 "unknown status"},
		{"{\"format\": 1, \"status\": \"ok\"}", "no findings"},
		{"{\"format\": 1, \"status\": \"not_analysed\"}", "no reason"},
		{"{\"format\": 1, \"status\": \"not_analysed\", \"reason\": "
		 "\"line 3: no\"}",
		 "line 3: no"},
	};
	struct own_output own;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
		read_text("{\"format\": 1, \"status\": \"ok\", \"version\": "
			  "\"1.2\", \"findings\": [{}, {}], \"truncated\": "
			  "true}",
			  &own, &e),
		2);
	assert_string_equal(own.version, "1.2");
	assert_true(own.is_truncated);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_text(bad[i].text, &own, &e) != -1 ||
		    strstr(e.text, bad[i].error) == NULL)
			fail_msg("%zu: \"%s\"", i, e.text);
}

static void
own_output_is_bounded(void **state)
{
	size_t len = (2u << 20) + 1;
	char *text = malloc(len);
	struct own_output own;
	struct err e = ERR_INIT;
	json_t *found = json_array();
	char *at = text;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	assert_int_equal(read_own(text, len, found, &own, &e), -1);
	assert_non_null(strstr(e.text, "too long"));
	memset(text, '[', 100000);
	assert_int_equal(read_own(text, 100000, found, &own, &e), -1);
	at += sprintf(at, "{\"format\":1,\"status\":\"ok\",\"findings\":[0");
	for (size_t i = 0; i < 1000; i++)
		at += sprintf(at, ",0");
	at += sprintf(at, "]}");
	assert_int_equal(read_own(text, (size_t)(at - text), found, &own, &e),
			 -1);
	assert_non_null(strstr(e.text, "too many"));
	/* Small as text, 160 MB as values. */
	for (size_t i = 0; i < len; i++)
		text[i] = "{},"[i % 3];
	assert_int_equal(read_own(text, len - 1, found, &own, &e), -1);
	assert_non_null(strstr(e.text, "too many values"));
	assert_int_equal(json_array_size(found), 0);
	json_decref(found);
	free(text);
}

/* ---- findings -------------------------------------------------------- */

struct fixture {
	struct rules *rules;
	struct findings findings;
};

static const struct analysis_tool *
tool(const char *name)
{
	size_t len;
	const struct analysis_tool *tools = analysis_tools(&len);

	for (size_t i = 0; i < len; i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	fail_msg("no tool %s", name);
	return NULL;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	assert_int_equal(read_rule(&f->rules, RULE, &e), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	findings_done(&f->findings);
	rules_free(f->rules);
	free(f);
	return 0;
}

static int
add(struct fixture *f, const char *name, json_t *raw, struct err *e)
{
	int rc = findings_add(&f->findings, f->rules, tool(name), 0, 100, raw,
			      e);

	json_decref(raw);
	return rc;
}

static json_t *
found(const char *check, int start, int end)
{
	return json_pack("{s:s, s:i, s:i, s:s}", "check", check, "line_start",
			 start, "line_end", end, "message", "It is so.");
}

static json_t *
with(json_t *raw, const char *name, json_t *value)
{
	json_object_set_new(raw, name, value);
	return raw;
}

static void
what_cannot_be_true_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	assert_int_equal(add(f, "gcc", found("-Wsql", 0, 1), &e), -1);
	assert_int_equal(add(f, "gcc", found("", 1, 1), &e), -1);
	assert_int_equal(add(f, "gcc", json_string("x"), &e), -1);
	/* Our own name rules that there are. */
	assert_int_equal(add(f, "shell",
			     json_pack("{s:s, s:i}", "rule", "shell/none",
				       "line_start", 1),
			     &e),
			 -1);
	assert_non_null(strstr(e.text, "unknown rule"));
	assert_int_equal(f->findings.len, 0);
	/* Behind the end is the end. */
	assert_int_equal(add(f, "gcc", found("-Wsql", 101, 5000), &e), 0);
	assert_int_equal(f->findings.at[0].line_start, 100);
	assert_int_equal(f->findings.at[0].line_end, 100);
}

/* A message has names of the source in it; people see it in a terminal. */
static void
what_a_tool_says_controls_no_terminal(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char text[2001];

	assert_int_equal(
		add(f, "gcc",
		    with(found("-Wsql", 3, 3), "message",
			 json_string("\x1b[31m a\nb \xc2\x9b"
				     "2J \xe2\x80\xae \xe2\x81\xa7 \xd8\x9c "
				     "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")),
		    &e),
		0);
	assert_string_equal(f->findings.at[0].message,
			    "?[31m a?b ?2J ? ? ? "
			    "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	/* Cut between characters. */
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[0] = 'x';
	text[1] = 'x';
	text[2] = 'x';
	memmove(text + 3, text + 4, sizeof(text) - 5);
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(
		add(f, "gcc",
		    with(found("-Wsql", 4, 4), "message", json_string(text)),
		    &e),
		0);
	assert_int_equal(strlen(f->findings.at[1].message), 999);
}

static void
a_check_becomes_a_rule_or_stays_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	const struct finding *at;

	assert_int_equal(add(f, "gcc", found("-Wsql", 3, 3), &e), 0);
	assert_int_equal(add(f, "gcc", found("-Wunused", 4, 4), &e), 0);
	assert_int_equal(
		add(f, "gcc",
		    with(with(found("-Wother", 5, 5), "cwe", json_integer(787)),
			 "severity", json_string("critical")),
		    &e),
		0);
	/* Unused values are no weakness, whatever their number. */
	assert_int_equal(
		add(f, "cppcheck",
		    with(with(found("unread", 6, 6), "cwe", json_integer(563)),
			 "severity", json_string("high")),
		    &e),
		0);
	at = f->findings.at;
	assert_string_equal(at[0].rule, "c/sql-injection");
	assert_int_equal(at[0].severity, RULE_HIGH);
	assert_int_equal(at[0].cwe, 89);
	assert_string_equal(at[1].rule, "gcc/-Wunused");
	assert_int_equal(at[1].type, RULE_STYLE);
	assert_int_equal(at[1].severity, RULE_LOW);
	assert_int_equal(at[2].type, RULE_SECURITY);
	assert_int_equal(at[2].severity, RULE_CRITICAL);
	assert_int_equal(at[3].type, RULE_STYLE);
	assert_int_equal(at[3].severity, RULE_LOW);
}

static void
what_two_tools_found_is_one(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	const struct finding *at;

	/* The same rule; the same CWE without a rule; another line. */
	add(f, "gcc", found("-Wsql", 10, 10), &e);
	add(f, "cppcheck",
	    with(found("sql thing", 9, 11), "confidence", json_string("high")),
	    &e);
	add(f, "flawfinder",
	    with(with(found("query", 10, 10), "cwe", json_integer(89)),
		 "severity", json_string("critical")),
	    &e);
	add(f, "gcc", found("-Wsql", 20, 20), &e);
	/* Two of one tool with one CWE are two. */
	add(f, "gcc", with(found("-Wa", 30, 30), "cwe", json_integer(121)), &e);
	add(f, "gcc", with(found("-Wb", 30, 30), "cwe", json_integer(121)), &e);
	/* The same again is one. */
	add(f, "gcc", with(found("-Wb", 30, 30), "cwe", json_integer(121)), &e);
	findings_merge(&f->findings);
	findings_sort(&f->findings);
	at = f->findings.at;
	assert_int_equal(f->findings.len, 4);
	assert_string_equal(at[0].rule, "c/sql-injection");
	assert_int_equal(at[0].severity, RULE_CRITICAL);
	assert_int_equal(at[0].confidence, RULE_HIGH);
	assert_int_equal(__builtin_popcountll(at[0].tools), 3);
	assert_int_equal(at[1].line_start, 20);
	assert_string_equal(at[2].rule, "gcc/-Wa");
	assert_string_equal(at[3].rule, "gcc/-Wb");
}

static void
what_a_merge_makes_the_same_is_one(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	/* gcc's takes cppcheck's second for its CWE, and then its name. */
	add(f, "gcc", with(found("-Wa", 10, 10), "cwe", json_integer(121)), &e);
	add(f, "cppcheck", found("other", 10, 10), &e);
	add(f, "cppcheck",
	    with(with(found("other", 10, 12), "cwe", json_integer(121)),
		 "severity", json_string("high")),
	    &e);
	/* Of the same name, but beside it. */
	add(f, "cppcheck", found("other", 14, 14), &e);
	findings_merge(&f->findings);
	findings_sort(&f->findings);
	assert_int_equal(f->findings.len, 2);
	assert_string_equal(f->findings.at[0].rule, "cppcheck/other");
	assert_int_equal(__builtin_popcountll(f->findings.at[0].tools), 2);
	assert_int_equal(f->findings.at[0].severity, RULE_HIGH);
	assert_int_equal(f->findings.at[1].line_start, 14);
}

static unsigned
score_with(struct fixture *f, const char *severity, const char *confidence)
{
	struct err e = ERR_INIT;

	add(f, "gcc",
	    with(with(found("-Wsql", 1, 1), "severity", json_string(severity)),
		 "confidence", json_string(confidence)),
	    &e);
	return findings_score(&f->findings);
}

static void
more_never_scores_higher(void **state)
{
	static const char *const levels[] = {"low", "medium", "high",
					     "critical"};
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	unsigned before = 100;

	assert_int_equal(findings_score(&f->findings), 100);
	add(f, "gcc", found("-Wunused", 1, 1), &e);
	assert_int_equal(findings_score(&f->findings), 100); /* no weakness */
	assert_int_equal(score_with(f, "low", "high"), 98);
	assert_int_equal(score_with(f, "medium", "high"), 88);
	assert_int_equal(score_with(f, "high", "high"), 63);
	for (size_t i = 0; i < 12; i++) {
		unsigned now = score_with(f, levels[i % 4], levels[i / 4]);

		assert_true(now <= before);
		before = now;
	}
	assert_int_equal(before, 0);
	/* One alone: the worse, the lower; the surer, the lower. */
	for (size_t s = 0; s < 4; s++)
		for (size_t c = 0; c < 3; c++) {
			unsigned one, worse;

			findings_done(&f->findings);
			one = score_with(f, levels[s], levels[c]);
			findings_done(&f->findings);
			worse = score_with(f, levels[s],
					   levels[c + 1 < 3 ? c + 1 : c]);
			assert_true(worse <= one && one < 100);
			findings_done(&f->findings);
			worse = score_with(f, levels[s < 3 ? s + 1 : s],
					   levels[c]);
			assert_true(worse <= one);
		}
}

static void
ids_are_the_texts_own(void **state)
{
	static const char text[] = "a\n  x = 1\nx = 1\ny\n";
	struct analysis_source source = {
		.path = "a.c", .text = text, .len = sizeof(text) - 1};
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	json_t *ids = json_object(), *one, *same, *moved, *other;

	add(f, "gcc", found("-Wsql", 2, 2), &e);
	add(f, "gcc", found("-Wsql", 3, 3), &e);
	add(f, "gcc", found("-Wsql", 4, 4), &e);
	one = finding_to_json(&f->findings.at[0], &source, ids);
	same = finding_to_json(&f->findings.at[1], &source, ids);
	other = finding_to_json(&f->findings.at[2], &source, ids);
	json_object_clear(ids);
	moved = finding_to_json(&f->findings.at[1], &source, ids);
	/* Equal lines are told apart by their order ... */
	assert_false(json_equal(json_object_get(one, "id"),
				json_object_get(same, "id")));
	assert_false(json_equal(json_object_get(one, "id"),
				json_object_get(other, "id")));
	/* ... and one that has moved is still the same. */
	assert_true(json_equal(json_object_get(one, "id"),
			       json_object_get(moved, "id")));
	assert_int_equal(json_string_length(json_object_get(one, "id")), 36);
	assert_string_equal(
		json_string_value(json_object_get(one, "description")),
		"It is so. One line.\nTwo.");
	assert_string_equal(json_string_value(json_object_get(one, "cwe")),
			    "CWE-89");
	json_decref(one);
	json_decref(same);
	json_decref(other);
	json_decref(moved);
	json_decref(ids);
}

static void
compliance_is_not_claimed_of_what_nobody_saw(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	json_t *status = findings_compliance(&f->findings, false);

	assert_true(json_is_null(json_object_get(status, "owasp_compliant")));
	json_decref(status);
	status = findings_compliance(&f->findings, true);
	assert_true(json_is_true(json_object_get(status, "owasp_compliant")));
	json_decref(status);
	add(f, "gcc", found("-Wsql", 2, 2), &e);
	status = findings_compliance(&f->findings, false);
	assert_true(json_is_false(json_object_get(status, "owasp_compliant")));
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(status, "cwes"), 0)),
			    "CWE-89");
	json_decref(status);
}

#define WITH_FIXTURE(test)                                                     \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_output_is_read_or_refused),
		cmocka_unit_test(own_output_is_bounded),
		WITH_FIXTURE(what_cannot_be_true_is_refused),
		WITH_FIXTURE(what_a_tool_says_controls_no_terminal),
		WITH_FIXTURE(a_check_becomes_a_rule_or_stays_what_it_is),
		WITH_FIXTURE(what_two_tools_found_is_one),
		WITH_FIXTURE(what_a_merge_makes_the_same_is_one),
		WITH_FIXTURE(more_never_scores_higher),
		WITH_FIXTURE(ids_are_the_texts_own),
		WITH_FIXTURE(compliance_is_not_claimed_of_what_nobody_saw),
	};

	return cmocka_run_group_tests_name("analysis findings", tests, NULL,
					   NULL);
}
