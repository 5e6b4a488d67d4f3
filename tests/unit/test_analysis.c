/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are read whole or not at all; a language is told only where something
 * tells; a tool finds the sources and headers of a client where it looks.
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
#include "api/analysis/layout.h"
#include "api/analysis/rule.h"
#include "api/analysis/tool.h"
#include "supervisor/base/str.h"
#include "tests/unit/rule_fixture.h"

static void
a_rule_is_read(void **state)
{
	struct err e = ERR_INIT;
	const struct rule *r;
	struct rules *rules;

	(void)state;
	assert_int_equal(read_rule(&rules, RULE, &e), 0);
	r = rules_find(rules, "c/sql-injection");
	assert_non_null(r);
	assert_string_equal(r->title, "SQL injection");
	assert_int_equal(r->type, RULE_SECURITY);
	assert_int_equal(r->severity, RULE_HIGH);
	assert_int_equal(r->confidence, RULE_MEDIUM);
	assert_int_equal(r->cwe, 89);
	assert_string_equal(r->owasp, "A03:2021");
	assert_string_equal(r->description, "One line.\nTwo.");
	assert_string_equal(r->good, "good()\n");
	assert_string_equal(r->references[0], "https://example.org/#a");
	assert_ptr_equal(rules_match(rules, "c", "gcc", "-Wsql"), r);
	assert_ptr_equal(rules_match(rules, "c", "cppcheck", "sql thing"), r);
	assert_null(rules_match(rules, "c", "cppcheck", "sql"));
	assert_null(rules_match(rules, "shell", "gcc", "-Wsql"));
	assert_null(rules_find(rules, "c/other"));
	/* A check is one rule's only. */
	assert_int_equal(rules_add(rules, "c", "again", RULE, strlen(RULE), &e),
			 -1);
	assert_non_null(strstr(e.text, "again.rule:9: "));
	assert_non_null(strstr(e.text, "is c/sql-injection's already"));
	rules_free(rules);
}

static const struct {
	const char *line, *instead, *error;
} wrong[] = {
	{"title = SQL injection\n", "", "[rule] has no title"},
	{"title = SQL injection", "title =", ":3: title has no value"},
	{"title = SQL injection", "title", ":3: expected key = value"},
	{"SQL", "S\xffL", "c/sql-injection.rule: is not UTF-8"},
	{"type = security", "type = bug", ":4: \"bug\" is not one of"},
	{"severity = high", "severity = awful", ":5: \"awful\" is not one of"},
	{"confidence = medium", "confidence = critical", ":6: \"critical\""},
	{"cwe = 89", "cwe = CWE-89", ":7: cwe is a number"},
	{"cwe = 89\n", "", "a rule of type security has a cwe"},
	{"cwe = 89", "cwe = 1\ncwe = 2", ":8: cwe is there twice"},
	{"owasp = A03:2021", "owasp = A3", ":8: owasp is like A03:2021"},
	{"match = gcc -Wsql", "match = gcc", ":9: match is a tool and"},
	{"https://", "http://", ":11: a reference begins with https://"},
	{"cwe = 89", "what = 89", ":7: unknown key what"},
	{"[rule]\n", "", ":2: a file begins with [rule]"},
	{"[recommendation]\nDo it.\n", "", "the sections are [rule],"},
	{"[bad]\n  bad()\n", "[bad]\n", "[bad] has no text"},
	{"[good]\n\ngood()\n\n", "[good]\n", "[good] has no text"},
	{"[good]\n\ngood()\n\n", "", "there is no [good]"},
};

static void
what_is_wrong_in_a_rule_is_named(void **state)
{
	struct rules *rules;
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *at = strstr(RULE, wrong[i].line);
		struct err e = ERR_INIT;

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - RULE), RULE,
			 wrong[i].instead, at + strlen(wrong[i].line));
		if (read_rule(&rules, text, &e) != -1 ||
		    strstr(e.text, wrong[i].error) == NULL ||
		    strncmp(e.text, "c/sql-injection.rule:", 21) != 0)
			fail_msg("%zu: \"%s\" instead of \"%s\"", i, e.text,
				 wrong[i].error);
		rules_free(rules);
	}
}

/* ---- languages ------------------------------------------------------- */

static const struct {
	const char *path, *text, *language;
} texts[] = {
	{"a/b.py", "#!/bin/sh\n", "python"},
	{"x.JS", "", "javascript"},
	{"x.ts", "const x = require('a')", "typescript"},
	{"main.cpp", "", "cpp"},
	{"run", "#!/usr/bin/env -S python3.11 -u\n", "python"},
	{"run", "#!/usr/bin/env LANG=C bash\n", "shell"},
	{"run", "#!/opt/strange\necho 1\n", ""},
	{"", "#!", ""},
	{"", "def f(x):\n    return x\n", "python"},
	{"", "        def f(x):\n            return x\n", "python"},
	{"", "import os\nimport sys\nfor x in y:\n", "python"},
	{"", "#include <stdio.h>\nint main(void) { }\n", "c"},
	{"", "#include <iostream>\nusing namespace std;\n", "cpp"},
	{"", "const a = require('a');\nfunction f() {\n}\n", "javascript"},
	{"", "if [ -f x ]; then\n  echo y\nfi\n", "shell"},
	{"", "package main\nfunc main() {\n}\n", "go"},
	{"", "<?php echo $_GET['x'];\n", "php"},
	{"", "public class A {\n}\n", "java"},
	/* Nothing that tells, or too little. */
	{"", "", ""},
	{"", "x = 1\n", ""},
	{"", "Dear colleague, please import the goods from here.\n", ""},
	{"notes.unknown", "hello", ""},
};

static void
a_language_is_told_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *got = analysis_detect_language(
			texts[i].path, texts[i].text, strlen(texts[i].text));

		if (strcmp(got, texts[i].language) != 0)
			fail_msg("%zu: \"%s\" instead of \"%s\"", i, got,
				 texts[i].language);
	}
	assert_true(analysis_is_data_path("a/data.JSON"));
	assert_false(analysis_is_data_path("a.json/run.py"));
}

/* ---- where a tool finds the sources ---------------------------------- */

#define SOURCE(name)                                                           \
	{                                                                      \
		.path = (name), .language = "c", .text = "x\n", .len = 2       \
	}

static void
paths_of_a_client_are_plain_in_a_job(void **state)
{
	static const struct {
		const char *path, *code_path, *header;
	} rows[] = {
		{"a.h", "source.c", "a.h"},
		{"src/a.h", "src/source.c", "src/a.h"},
		{"./src/a.h", "src/source.c", "src/a.h"},
		{"/abs/a.h", "abs/source.c", "abs/a.h"},
		{"../../b/a.h", "b/source.c", "b/a.h"},
		{"-rf/-o.h", "-rf/source.c", "-rf/-o.h"},
		{"a/../../etc/x.h", "source.c", NULL},
		{"a//b.h", "source.c", NULL},
		{"a\nb.h", "source.c", NULL},
		{"..", "source.c", NULL},
		{"", "source.c", NULL},
		{".h", "source.c", NULL},
		{"main.c", "source.c", NULL},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/a.h",
		 "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/source.c",
		 "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/a.h"},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/a.h", "source.c",
		 NULL},
	};
	char code_path[BUNDLE_PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct analysis_source source = SOURCE(rows[i].path);
		json_t *header = layout_header(&source);
		const char *path =
			json_string_value(json_object_get(header, "path"));

		layout_code_path(&source, code_path);
		assert_string_equal(code_path, rows[i].code_path);
		assert_int_equal(path == NULL, rows[i].header == NULL);
		if (path != NULL)
			assert_string_equal(path, rows[i].header);
		json_decref(header);
	}
}

static void
no_header_takes_the_sources_place(void **state)
{
	static const char *const paths[] = {
		"src/a.h", "src/source.c/x.h", "src.h/y.h",
		"src/a.h", "src/a.h/b.h",      "src.h",
		"z.h",
	};
	json_t *headers[ARRAY_LEN(paths)], *files;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct analysis_source source = SOURCE(paths[i]);

		headers[i] = layout_header(&source);
		assert_non_null(headers[i]);
	}
	files = layout_files(headers, ARRAY_LEN(paths), "src/source.c");
	assert_int_equal(json_array_size(files), 3);
	assert_ptr_equal(json_array_get(files, 0), headers[0]);
	assert_ptr_equal(json_array_get(files, 1), headers[2]);
	assert_ptr_equal(json_array_get(files, 2), headers[6]);
	json_decref(files);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		json_decref(headers[i]);
}

static void
what_is_in_a_header_is_the_headers(void **state)
{
	static const struct analysis_source sources[] = {
		SOURCE("src/main.c"), SOURCE("src/a.h"), SOURCE("/b.h"),
		SOURCE("main.c")};
	static const struct analysis_task task = {
		.sources = sources, .sources_len = ARRAY_LEN(sources)};
	static const struct {
		size_t source;
		const char *file;
		size_t expected;
	} rows[] = {
		{0, "source.c", 0},
		{0, "a.h", 1},
		{0, "./a.h", 1},
		{0, "../src/a.h", 1},
		{0, "../b.h", 2},
		{0, "/work/b.h", 2},
		{0, "/work/src/../b.h", 2},
		{0, "/work/a.h", 0},
		{0, "/usr/include/a.h", 0},
		{0, "", 0},
		{0, "../main.c", 0},
		{0, "../../../src/a.h", 1},
		{3, "src/a.h", 1},
		{3, "a.h", 3},
		{3, "src/source.c", 3},
		{1, "source.c", 1},
		{1, "a.h", 1},
	};
	char long_name[4000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			layout_source_of(&task, rows[i].source, rows[i].file),
			rows[i].expected);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(layout_source_of(&task, 0, long_name), 0);
	long_name[400] = '\0';
	assert_int_equal(layout_source_of(&task, 0, long_name), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_read),
		cmocka_unit_test(what_is_wrong_in_a_rule_is_named),
		cmocka_unit_test(a_language_is_told_or_not),
		cmocka_unit_test(paths_of_a_client_are_plain_in_a_job),
		cmocka_unit_test(no_header_takes_the_sources_place),
		cmocka_unit_test(what_is_in_a_header_is_the_headers),
	};

	return cmocka_run_group_tests_name("analysis", tests, NULL, NULL);
}
