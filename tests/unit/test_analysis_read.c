/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_analysis_read.c - the readers of other tools' output, on what the tools
 * really print and on what they would never print.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

static json_t *
findings_of(analysis_read_fn *reader, const char *text)
{
	json_t *findings = json_array();
	struct err e = ERR_INIT;

	assert_non_null(findings);
	if (reader(text, strlen(text), findings, &e) != 0)
		fail_msg("%s", e.text);
	return findings;
}

static void
refuses(analysis_read_fn *reader, const char *text, const char *why)
{
	json_t *findings = json_array();
	struct err e = ERR_INIT;

	assert_int_equal(reader(text, strlen(text), findings, &e), -1);
	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, e.text);
	json_decref(findings);
}

static void
expect(json_t *findings, size_t i, const char *check, json_int_t line)
{
	const json_t *f = json_array_get(findings, i);

	assert_string_equal(read_string(f, "check"), check);
	assert_int_equal(read_integer(f, "line_start"), line);
	assert_true(read_integer(f, "line_end") >= line);
	assert_true(read_string(f, "message")[0] != '\0');
}

#define CARET(line)                                                            \
	"\"locations\": [{\"caret\": {\"line\": " #line                        \
	", \"file\": \"source.c\", \"column\": 3}}]"

static void
test_gcc(void **state)
{
	json_t *f = findings_of(
		read_gcc,
		"[{\"kind\": \"warning\", \"locations\": [], \"path\": "
		"[{\"location\": {\"line\": 14, \"column\": 12}, \"depth\": 1},"
		" {\"description\": \"here\"}], \"option\": "
		"\"-Wanalyzer-double-free\", \"metadata\": {\"cwe\": 415}, "
		"\"message\": \"double-\xe2\x80\x98"
		"free\xe2\x80\x99 of p\"}, "
		"{\"kind\": \"warning\", \"option\": \"-Wformat-overflow=\", "
		"\"message\": \"m\", " CARET(4) "}, {\"kind\": \"note\"}, "
						"{\"kind\": \"warning\", "
						"\"option\": \"-Wattributes\", "
						"\"message\": \"m\", " CARET(
							5) "}]\n");

	(void)state;
	assert_int_equal(json_array_size(f), 2);
	expect(f, 0, "-Wanalyzer-double-free", 14);
	assert_int_equal(read_integer(json_array_get(f, 0), "cwe"), 415);
	expect(f, 1, "-Wformat-overflow", 4);
	assert_string_equal(read_string(json_array_get(f, 1), "file"),
			    "source.c");
	json_decref(f);
	f = findings_of(read_gcc, "[]\n");
	assert_int_equal(json_array_size(f), 0);
	json_decref(f);
}

static void
test_gcc_not_analysed(void **state)
{
	(void)state;
	refuses(read_gcc,
		"[{\"kind\": \"fatal error\", \"message\": \"nope.h: No such "
		"file or directory\", " CARET(7) "}]\ncompilation "
						 "terminated.\n",
		"line 7: nope.h: No such file");
	refuses(read_gcc, "", "no diagnostics");
	refuses(read_gcc, "gcc: internal compiler error: Killed\n",
		"no diagnostics");
	refuses(read_gcc, "[{\"kind\": \"warning\"", "no diagnostics");
	refuses(read_gcc, "[{\"kind\": ]", "not JSON");
	refuses(read_gcc, "[[]]", "no diagnostic");
	refuses(read_gcc, "[1]", "no diagnostic");
}

static void
test_cppcheck(void **state)
{
	json_t *f = findings_of(
		read_cppcheck,
		"15\t3\terror\tarrayIndexOutOfBounds\t788\t../a.h\tArray "
		"'b[10]' is\t"
		"out\n13\t6\tstyle\tvariableScope\t398\tsource.c\tscope\n"
		"0\t0\twarning\tuninitvar\t0\ta\tb\tm\n"
		"2\t0\terror\tx\t0\t\xff.h\tm\n");

	(void)state;
	assert_int_equal(json_array_size(f), 3);
	expect(f, 0, "arrayIndexOutOfBounds", 15);
	assert_string_equal(read_string(json_array_get(f, 0), "file"),
			    "../a.h");
	/* Names that are no file's of a client; nothing is lost by them. */
	assert_string_equal(read_string(json_array_get(f, 1), "file"), "a");
	assert_null(json_object_get(json_array_get(f, 2), "file"));
	assert_string_equal(read_string(json_array_get(f, 0), "severity"),
			    "high");
	assert_string_equal(read_string(json_array_get(f, 0), "message"),
			    "Array 'b[10]' is?out");
	expect(f, 1, "uninitvar", 1);
	assert_null(json_object_get(json_array_get(f, 1), "cwe"));
	json_decref(f);
	json_decref(findings_of(read_cppcheck, ""));
}

static void
test_cppcheck_not_analysed(void **state)
{
	(void)state;
	refuses(read_cppcheck,
		"3\t8\terror\tsyntaxError\t0\ta.h\tUnmatched '{'.\n",
		"line 3: Unmatched");
	refuses(read_cppcheck, "3\t8\terror\tx\t0\tcut", "cut off");
	refuses(read_cppcheck, "Segmentation fault\n", "no finding");
	refuses(read_cppcheck, "-3\t8\terror\tx\t0\tf\tm\n", "no finding");
	refuses(read_cppcheck, "3\t8\terror\tx\t99999999999\tf\tm\n",
		"no finding");
}

#define TABLE                                                                  \
	"File,Line,Column,DefaultLevel,Level,Category,Name,Warning,Suggestion" \
	",Note,CWEs,Context,Fingerprint,ToolVersion,RuleId,HelpUri\r\n"

static void
test_flawfinder(void **state)
{
	json_t *f = findings_of(
		read_flawfinder, TABLE
		"t.c,21,29,5,5,tmpfile,mktemp,\"Races (CWE-377, \"\"x\"\")"
		".\",,,\"CWE-377, CWE-20\",\"a\r\nb\",f,2.0.19,F,u\r\n"
		"t.c,8,2,4,4,buffer,strcpy,m,,,CWE-120,c,f,2.0.19,F,u\r\n"
		"\r\n");

	(void)state;
	assert_int_equal(json_array_size(f), 1);
	expect(f, 0, "mktemp", 21);
	assert_string_equal(read_string(json_array_get(f, 0), "message"),
			    "Races (CWE-377, \"x\").");
	assert_int_equal(read_integer(json_array_get(f, 0), "cwe"), 377);
	json_decref(f);
	json_decref(findings_of(read_flawfinder, TABLE));
}

static void
test_flawfinder_not_analysed(void **state)
{
	(void)state;
	refuses(read_flawfinder, "", "no table");
	refuses(read_flawfinder, "Traceback (most recent call last):\n",
		"no table");
	refuses(read_flawfinder, TABLE "t.c,21,29,5,5,tmpfile,mktemp,m",
		"cut off");
	refuses(read_flawfinder, TABLE "t.c,21,29,5,5,tmpfile,\"mktemp\r\n",
		"cut off");
	refuses(read_flawfinder, TABLE "a,b\r\n", "cut off");
	refuses(read_flawfinder,
		TABLE "t.c,x,29,5,5,b,mktemp,m,,,CWE-377,c,f,2.0.19,F,u\r\n",
		"no hit");
}

static void
test_shellcheck(void **state)
{
	json_t *f = findings_of(
		read_shellcheck,
		"{\"comments\":[{\"file\":\"source.sh\",\"line\":2,\"endLine\":"
		"3,\"column\":6,\"endColumn\":8,\"level\":\"info\",\"code\":"
		"2086,\"message\":\"Double quote\",\"fix\":null},{\"line\":4,"
		"\"level\":\"style\",\"code\":1091,\"message\":\"m\"}]}\n");

	(void)state;
	assert_int_equal(json_array_size(f), 1);
	expect(f, 0, "SC2086", 2);
	assert_int_equal(read_integer(json_array_get(f, 0), "line_end"), 3);
	json_decref(f);
	json_decref(findings_of(read_shellcheck, "{\"comments\":[]}"));
}

static void
test_shellcheck_not_analysed(void **state)
{
	(void)state;
	refuses(read_shellcheck,
		"{\"comments\":[{\"line\":3,\"level\":\"error\",\"code\":1072,"
		"\"message\":\"Expected 'fi'.\"}]}",
		"line 3: Expected 'fi'");
	refuses(read_shellcheck, "", "not JSON");
	refuses(read_shellcheck, "{}", "no comments");
	refuses(read_shellcheck, "{\"comments\":[{}]}", "no comment");
}

static void
test_eslint(void **state)
{
	json_t *f = findings_of(
		read_eslint,
		"[{\"filePath\":\"source.js\",\"messages\":[{\"ruleId\":"
		"\"security/detect-new-buffer\",\"severity\":1,\"message\":"
		"\"Found new Buffer\",\"line\":4,\"column\":3,\"endLine\":5},"
		"{\"ruleId\":\"security/detect-object-injection\",\"message\":"
		"\"m\",\"line\":9,\"column\":1}]}]\n");

	(void)state;
	assert_int_equal(json_array_size(f), 1);
	expect(f, 0, "security/detect-new-buffer", 4);
	assert_int_equal(read_integer(json_array_get(f, 0), "line_end"), 5);
	json_decref(f);
	json_decref(findings_of(
		read_eslint, "[{\"filePath\":\"source.js\",\"messages\":[]}]"));
}

static void
test_eslint_not_analysed(void **state)
{
	(void)state;
	refuses(read_eslint,
		"[{\"messages\":[{\"ruleId\":null,\"fatal\":true,\"message\":"
		"\"Parsing error: Unexpected token ;\",\"line\":7}]}]",
		"line 7: Parsing error");
	refuses(read_eslint, "", "not JSON");
	refuses(read_eslint, "[]", "no messages");
	refuses(read_eslint, "[{\"messages\":[]},{\"messages\":[]}]",
		"no messages");
	refuses(read_eslint, "[{\"messages\":[{}]}]", "no message");
	refuses(read_eslint, "[{\"messages\":[7]}]", "no message");
}

/* A text that makes a parser take much memory is not parsed. */
static void
test_bombs(void **state)
{
	static const size_t len = 3u << 20;
	json_t *findings = json_array();
	char *bomb = malloc(len);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(bomb);
	for (size_t i = 0; i < len; i++)
		bomb[i] = "[{},"[i == 0 ? 0 : 1 + (i - 1) % 3];
	bomb[len - 1] = ']';
	assert_int_equal(read_gcc(bomb, len, findings, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(read_shellcheck(bomb, len, findings, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	memset(bomb, '[', len);
	bomb[20000] = ']';
	assert_int_equal(read_gcc(bomb, 20001, findings, &e), -1);
	assert_int_equal(e.kind, ERR_PEER);
	assert_int_equal(json_array_size(findings), 0);
	free(bomb);
	json_decref(findings);
}

/* No more findings than fit, and none with bytes that JSON cannot have. */
static void
test_bounds(void **state)
{
	json_t *findings = json_array();
	struct err e = ERR_INIT;
	struct read_finding f = {
		.check = "x",
		.message = "a\xff\x01\xc3\xa4\xed\xa0\x80z",
		.line_start = -5,
		.line_end = -9,
		.column = INT64_MAX,
	};

	(void)state;
	for (int i = 0; i < READ_FINDINGS_MAX + 5; i++)
		assert_int_equal(read_add(findings, &f, &e), 0);
	assert_int_equal(json_array_size(findings), READ_FINDINGS_MAX);
	expect(findings, 0, "x", 1);
	assert_string_equal(read_string(json_array_get(findings, 0), "message"),
			    "a??\xc3\xa4???z");
	json_decref(findings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcc),
		cmocka_unit_test(test_gcc_not_analysed),
		cmocka_unit_test(test_cppcheck),
		cmocka_unit_test(test_cppcheck_not_analysed),
		cmocka_unit_test(test_flawfinder),
		cmocka_unit_test(test_flawfinder_not_analysed),
		cmocka_unit_test(test_shellcheck),
		cmocka_unit_test(test_shellcheck_not_analysed),
		cmocka_unit_test(test_eslint),
		cmocka_unit_test(test_eslint_not_analysed),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
