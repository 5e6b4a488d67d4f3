/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tap_shsource.c - jail/runtimes/common/shsource.h: which words of a
 * script are commands, and which tests a bats file has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jail/runtimes/common/csource.h"
#include "jail/runtimes/common/shsource.h"

struct words {
	const char *text;
	char joined[256];
};

static void
join(void *arg, size_t at, size_t len)
{
	struct words *w = arg;
	size_t n = strlen(w->joined);

	(void)snprintf(w->joined + n, sizeof(w->joined) - n, "%s%.*s",
		       n > 0 ? " " : "", (int)len, w->text + at);
}

static const struct {
	const char *text, *commands;
} scripts[] = {
	{"", ""},
	{"exit 1", "exit"},
	{"a=1 b=2 run x; y", "a=1 b=2 run y"},
	{"if [ x = exit ]; then exit 1; else exit; fi",
	 "if [ then exit else exit fi"},
	{"x || exit 1 && y | z & q", "x exit y z q"},
	{"f() { exit 2; }", "f { exit }"},
	{"(exit 3)", "exit"},
	{"echo exit 'exit' \"; exit\" \\; exit", "echo"},
	{"# exit\nx # exit", "x"},
	{"echo a#b; exit", "echo exit"},
	{"'exit' 1; ex\"it\" 1", ""},
	{"cat <<E\nexit 1\nE\nexit 2", "cat exit"},
	{"cat <<-'E F'\n\texit 1\n\tE F\nexit 2", "cat exit"},
	{"cat <<A <<B\nexit\nA\nexit\nB\nx", "cat x"},
	{"cat <<<word\nexit", "cat exit"},
	{"x >file exit", "x"},
	{"case x in a) exit ;; esac", "case exit esac"},
	{"while read -r l; do exit; done", "while read do exit done"},
	{"cat <<E\nnever closed exit", "cat"},
	{"x 'never closed\nexit", "x"},
	{"! exit", "! exit"},
};

static void
test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct words w = {.text = scripts[i].text};

		shsource_commands(w.text, strlen(w.text), join, &w);
		assert_string_equal(w.joined, scripts[i].commands);
	}
}

/* Each script cut at each byte, so that sanitizers see a read past the end. */
static void
test_cut_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		size_t len = strlen(scripts[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			char *copy = test_malloc(cut + 1);
			struct words w = {.text = copy};
			struct shsource_test test = {0};
			size_t at = 0;

			memcpy(copy, scripts[i].text, cut);
			shsource_commands(copy, cut, join, &w);
			assert_false(shsource_next_test(copy, cut, &at, &test));
			test_free(copy);
		}
	}
}

static void
test_words(void **state)
{
	(void)state;
	assert_true(shsource_has_word("a skip b", 8, "skip"));
	assert_true(shsource_has_word("skip", 4, "skip"));
	assert_true(shsource_has_word("skips skip", 10, "skip"));
	assert_false(shsource_has_word("skips noskip", 12, "skip"));
	assert_true(shsource_has_command(". ./x", 5, "."));
	assert_false(shsource_has_command("ls .", 4, "."));
}

static void
test_bats(void **state)
{
	static const char text[] = "@test \"one\" {\n}\n"
				   "  @test two words { echo { }\n"
				   "@test 'it''s' {\n"
				   "@tests \"no\" {\n"
				   "@test \"no brace\"\n"
				   "# @test \"no\" {\n"
				   "f() { # @test\n"
				   "function g { #@test\n"
				   "x { # @testing\n"
				   "@test \"end\" {";
	static const char *const want[] = {
		"one", "two words { echo", "it''s", "f", "g", "end"};
	struct shsource_test test = {0};
	size_t at = 0, n = 0;

	(void)state;
	while (shsource_next_test(text, strlen(text), &at, &test)) {
		assert_true(n < sizeof(want) / sizeof(want[0]));
		assert_int_equal(test.name_len, strlen(want[n]));
		assert_memory_equal(test.name, want[n], test.name_len);
		n++;
	}
	assert_int_equal(n, sizeof(want) / sizeof(want[0]));
}

static void
test_functions(void **state)
{
	static const char text[] = "one() {\n two() {\nthree ()\n{\n"
				   "function four {\nfive(a\nsix()";
	static const char *const want[] = {"one", "three", "six"};
	const char *name = "";
	size_t at = 0, n, len = 0;

	(void)state;
	for (n = 0; n < sizeof(want) / sizeof(want[0]); n++) {
		assert_true(shsource_next_function(text, strlen(text), &at,
						   &name, &len));
		assert_int_equal(len, strlen(want[n]));
		assert_memory_equal(name, want[n], len);
	}
	assert_false(
		shsource_next_function(text, strlen(text), &at, &name, &len));
}

static bool
calls(const char *text)
{
	return csource_has_call(text, strlen(text), "exit");
}

static void
test_c_calls(void **state)
{
	(void)state;
	assert_true(calls("exit(1);"));
	assert_true(calls("#define END exit (0)\n"));
	assert_false(calls("_exit(1); exits(2); my.exit;"));
	assert_false(calls("/* exit(1) */ // exit(1)\n\"exit(1)\" 'x'"));
	assert_false(calls("exit"));
	assert_false(calls(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bats),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_c_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
