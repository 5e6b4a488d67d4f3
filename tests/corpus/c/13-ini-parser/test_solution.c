#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ini.h"

static char seen[500];

static void note(void *arg, const char *section, const char *key, const char *value)
{
	size_t n = strlen(seen);

	(void)arg;
	snprintf(seen + n, sizeof(seen) - n, "%s.%s=%s;", section, key, value);
}

static int parse(const char *text)
{
	seen[0] = '\0';
	return ini_parse(text, note, NULL);
}

static void test_sections(void **state)
{
	(void)state;
	assert_int_equal(parse("a = 1\n[s]\nb=2 \n  c  =  x y\n"), 0);
	assert_string_equal(seen, ".a=1;s.b=2;s.c=x y;");
}

static void test_comments(void **state)
{
	(void)state;
	assert_int_equal(parse("# one\n; two\n\na=1"), 0);
	assert_string_equal(seen, ".a=1;");
}

static void test_bad_line(void **state)
{
	(void)state;
	assert_int_equal(parse("a=1\nnonsense\n"), 2);
}

static void test_comment_behind(void **state)
{
	(void)state;
	parse("a = 1 ; one\n");
	assert_string_equal(seen, ".a=1;");
}

static void test_long_line(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "a=", 2);
	text[299] = '\0';
	parse(text);
	assert_int_equal(strlen(seen), 301);
}

static int no_set_up(void **state)
{
	(void)state;
	return -1;
}

static void test_never_runs(void **state)
{
	(void)state;
}

static void test_skipped(void **state)
{
	(void)state;
	skip();
}

static void test_crash(void **state)
{
	const char *volatile nothing = NULL;

	(void)state;
	parse(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_bad_line),
		cmocka_unit_test(test_comment_behind),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test_setup(test_never_runs, no_set_up),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
