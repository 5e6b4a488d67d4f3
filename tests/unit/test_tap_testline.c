/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line parsers of the compiled harnesses: TAP, Unity, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jail/runtimes/common/testline.h"

typedef void parse_fn(const char *line, size_t len, struct testline *ret);

struct row {
	const char *line;
	enum testline_kind kind;
	enum harness_outcome outcome;
	const char *name, *message; /* NULL: not looked at */
	uint64_t tests;
};

static void
assert_text(const char *want, const char *got, size_t got_len)
{
	char text[256];

	if (want == NULL)
		return;
	assert_true(got_len < sizeof(text));
	memcpy(text, got, got_len);
	text[got_len] = '\0';
	assert_string_equal(text, want);
}

static void
check_rows(parse_fn *parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct testline l;

		parse(row->line, strlen(row->line), &l);
		print_message("%s\n", row->line);
		assert_int_equal(l.kind, row->kind);
		if (row->kind == TESTLINE_CASE)
			assert_int_equal(l.outcome, row->outcome);
		if (row->name != NULL)
			assert_text(row->name, l.name, l.name_len);
		assert_text(row->message, l.message, l.message_len);
		assert_int_equal(l.tests, row->tests);
	}
}

#define CHECK(parse, rows)                                                     \
	check_rows(parse, rows, sizeof(rows) / sizeof((rows)[0]))

static void
test_tap(void **state)
{
	static const struct row rows[] = {
		{"ok", TESTLINE_CASE, HARNESS_PASSED, "", "", 0},
		{"ok 1", TESTLINE_CASE, HARNESS_PASSED, "", "", 0},
		{"ok 1 - a name", TESTLINE_CASE, HARNESS_PASSED, "a name", "",
		 0},
		{"ok - no number", TESTLINE_CASE, HARNESS_PASSED, "no number",
		 "", 0},
		{"not ok 2 bare name \r", TESTLINE_CASE, HARNESS_FAILED,
		 "bare name", "", 0},
		{"ok 3 - x # SKIP no net", TESTLINE_CASE, HARNESS_SKIPPED, "x",
		 "no net", 0},
		{"ok 3 # skipped: why", TESTLINE_CASE, HARNESS_SKIPPED, "",
		 "why", 0},
		{"not ok 4 - y # TODO later", TESTLINE_CASE, HARNESS_SKIPPED,
		 "y", "later", 0},
		{"ok 4 - y # todo", TESTLINE_CASE, HARNESS_PASSED, "y", "", 0},
		{"ok 5 - issue \\# SKIP", TESTLINE_CASE, HARNESS_PASSED,
		 "issue \\# SKIP", "", 0},
		{"ok 6 - # skipping/rope", TESTLINE_CASE, HARNESS_PASSED,
		 "# skipping/rope", "", 0},
		{"1..5", TESTLINE_PLAN, 0, NULL, "", 5},
		{"1..0 # SKIP no luck", TESTLINE_PLAN, 0, NULL, "no luck", 0},
		{"1..99999999999999999999", TESTLINE_PLAN, 0, NULL, NULL,
		 9999999999999999u},
		{"TAP version 13", TESTLINE_MARK, 0, NULL, NULL, 0},
		{"Bail out! disk full", TESTLINE_BAIL, 0, NULL, "disk full", 0},
		{"# got 3", TESTLINE_DETAIL, 0, NULL, "got 3", 0},
		{"  ---", TESTLINE_DETAIL, 0, NULL, "---", 0},
		{"    ok 1 - a subtest", TESTLINE_DETAIL, 0, NULL, NULL, 0},
	};

	(void)state;
	CHECK(testline_parse_tap, rows);
}

static void
test_not_tap(void **state)
{
	static const struct row rows[] = {
		{"", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"okay then", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"not okay", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"not", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"Ok 1", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{" ok 1", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"1..5 apples", TESTLINE_OTHER, 0, NULL, NULL, 5},
		{"1..", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"2..5", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"bail out!", TESTLINE_OTHER, 0, NULL, NULL, 0},
	};

	(void)state;
	CHECK(testline_parse_tap, rows);
}

static void
test_unity(void **state)
{
	static const struct row rows[] = {
		{"test_a.c:12:test_add:PASS", TESTLINE_CASE, HARNESS_PASSED,
		 "test_add", "", 0},
		{"src/a.c:3:test_x:FAIL: Expected 1 Was 2", TESTLINE_CASE,
		 HARNESS_FAILED, "test_x", "Expected 1 Was 2", 0},
		{"a.c:3:t:FAIL:Expected 1", TESTLINE_CASE, HARNESS_FAILED, "t",
		 "Expected 1", 0},
		{"a.c:3:t:IGNORE", TESTLINE_CASE, HARNESS_SKIPPED, "t", "", 0},
		{"a.c:3:t:IGNORE: later", TESTLINE_CASE, HARNESS_SKIPPED, "t",
		 "later", 0},
		{"3 Tests 1 Failures 0 Ignored ", TESTLINE_TOTAL, 0, NULL, NULL,
		 3},
		{"a.c:3:t:PASSED", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"a.c:x:t:PASS", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"a.c:3:5: error: no", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{":3:t:PASS", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"a.c:3::PASS", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"a.c:3:t", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"OK", TESTLINE_OTHER, 0, NULL, NULL, 0},
	};
	struct testline l;
	const char *total = "7 Tests 2 Failures 1 Ignored";

	(void)state;
	CHECK(testline_parse_unity, rows);
	testline_parse_unity(total, strlen(total), &l);
	assert_true(l.has_counts);
	assert_int_equal(l.failures, 2);
	assert_int_equal(l.ignored, 1);
}

static void
test_cmocka(void **state)
{
	static const struct row rows[] = {
		{"[==========] Running 3 test(s).", TESTLINE_MARK, 0, NULL,
		 NULL, 0},
		{"[==========] ini: Running 3 test(s).", TESTLINE_MARK, 0, NULL,
		 NULL, 0},
		{"[ RUN      ] test_a", TESTLINE_STARTED, 0, "test_a", NULL, 0},
		{"[       OK ] test_a", TESTLINE_CASE, HARNESS_PASSED, "test_a",
		 "", 0},
		{"[  FAILED  ] test_b", TESTLINE_CASE, HARNESS_FAILED, "test_b",
		 "", 0},
		{"[  SKIPPED ] test_c", TESTLINE_CASE, HARNESS_SKIPPED,
		 "test_c", "", 0},
		{"[==========] 3 test(s) run.", TESTLINE_TOTAL, 0, NULL, NULL,
		 3},
		{"[==========] ini 2: 41 test(s) run.", TESTLINE_TOTAL, 0, NULL,
		 NULL, 41},
		{"[==========] test(s) run.", TESTLINE_MARK, 0, NULL, NULL, 0},
		{"[       OK ]", TESTLINE_OTHER, 0, NULL, NULL, 0},
		{"ok 1", TESTLINE_OTHER, 0, NULL, NULL, 0},
	};

	(void)state;
	CHECK(testline_parse_cmocka, rows);
}

/* No parser may look behind the end: every prefix of every line, exactly
 * allocated, under whatever watches memory. */
static void
test_prefixes(void **state)
{
	static const char *const lines[] = {
		"not ok 12 - name \\# # TODO: reason",
		"1..12 # SKIP why",
		"Bail out! now",
		"a.c:12:test:FAIL: text",
		"12 Tests 3 Failures 4 Ignored ",
		"[==========] group: 12 test(s) run.",
		"[  FAILED  ] name",
	};
	static parse_fn *const parsers[] = {testline_parse_tap,
					    testline_parse_unity,
					    testline_parse_cmocka};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (size_t len = 0; len <= strlen(lines[i]); len++)
			for (size_t p = 0; p < 3; p++) {
				char *copy = test_malloc(len ? len : 1);
				struct testline l;

				memcpy(copy, lines[i], len);
				parsers[p](copy, len, &l);
				if (l.kind == TESTLINE_CASE)
					assert_in_range(l.name_len, 0, len);
				assert_in_range(l.message_len, 0, len);
				test_free(copy);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tap),	 cmocka_unit_test(test_not_tap),
		cmocka_unit_test(test_unity),	 cmocka_unit_test(test_cmocka),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
