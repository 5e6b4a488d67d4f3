/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_dedent.c - api/jobs/text.h: dedenting as textwrap.dedent does it, and
 * bytes of any kind as JSON strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/jobs/text.h"

struct dedent_case {
	const char *in, *out;
	bool was_indented;
};

static const struct dedent_case dedent_cases[] = {
	{"", "", false},
	{"a\nb\n", "a\nb\n", false},
	{"  a\n  b\n", "a\nb\n", true},
	{"  a\n    b\n  c", "a\n  b\nc", true},
	{"    a\n  b\n", "  a\nb\n", true},
	/* Blank lines have no say in the margin and lose their blanks. */
	{"  a\n\n  b\n", "a\n\nb\n", true},
	{"  a\n \t \n  b\n", "a\n\nb\n", true},
	{"\n        x = 1\n        y = 2\n    ", "\nx = 1\ny = 2\n", true},
	/* Tabs and spaces are different, also where they look the same. */
	{"\ta\n\tb\n", "a\nb\n", true},
	{"\ta\n        b\n", "\ta\n        b\n", false},
	{" \ta\n \tb\n", "a\nb\n", true},
	{" \ta\n  b\n", "\ta\n b\n", true},
	/* Without a margin every byte stays, blank lines too. */
	{"a\n   \n  b\n", "a\n   \n  b\n", false},
	{"   \n \n", "   \n \n", false},
	{"  a\r\n  b\r\n", "a\r\nb\r\n", true},
	{"  a\r\n\r\n  b\r\n", "a\r\n\r\nb\r\n", true},
	{"  é\n  \xe4\xb8\xad\n", "é\n\xe4\xb8\xad\n", true},
};

static void
test_dedent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dedent_cases) / sizeof(dedent_cases[0]);
	     i++) {
		const struct dedent_case *c = &dedent_cases[i];
		bool was_indented = !c->was_indented;
		size_t len = 0;
		char *out =
			text_dedent(c->in, strlen(c->in), &len, &was_indented);

		assert_non_null(out);
		assert_string_equal(out, c->out);
		assert_int_equal(len, strlen(c->out));
		assert_int_equal(was_indented, c->was_indented);
		free(out);
	}
}

struct utf8_case {
	const char *in;
	size_t len;
	const char *out; /* NULL: unchanged */
};

#define FFFD "\xef\xbf\xbd"

static const struct utf8_case utf8_cases[] = {
	{"", 0, NULL},
	{"plain", 5, NULL},
	{"a\0b", 3, NULL},
	{"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", 9, NULL},
	{"\xff", 1, FFFD},
	{"a\x80z", 3, "a" FFFD "z"},
	{"\xc3", 1, FFFD},
	{"\xe4\xb8", 2, FFFD},
	{"\xe4\xb8z", 3, FFFD "z"},
	{"\xf0\x9f\x98", 3, FFFD},
	{"\xc0\xaf", 2, FFFD FFFD},	     /* overlong */
	{"\xe0\x80\xaf", 3, FFFD FFFD FFFD}, /* overlong */
	{"\xed\xa0\x80", 3, FFFD FFFD FFFD}, /* surrogate */
	{"\xf4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD},
	{"\xf4\x8f\xbf\xbf", 4, NULL},
};

static void
test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(utf8_cases) / sizeof(utf8_cases[0]);
	     i++) {
		const struct utf8_case *c = &utf8_cases[i];
		const char *want = c->out != NULL ? c->out : c->in;
		size_t len = c->out != NULL ? strlen(c->out) : c->len;
		json_t *json = text_to_json(c->in, c->len);

		assert_non_null(json);
		assert_int_equal(json_string_length(json), len);
		assert_memory_equal(json_string_value(json), want, len);
		assert_int_equal(text_is_utf8(c->in, c->len), c->out == NULL);
		json_decref(json);
	}
}

static void
test_cut_between_characters(void **state)
{
	json_t *json = text_to_json_max("ab\xe4\xb8\xad", 5, 4);

	(void)state;
	assert_string_equal(json_string_value(json), "ab");
	json_decref(json);
	json = text_to_json_max("\xff\xff", 2, 3);
	assert_string_equal(json_string_value(json), FFFD);
	json_decref(json);
}

static void
test_base64(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},	 {"f", "Zg=="},	       {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe", "//4="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json =
			text_base64_to_json(rows[i][0], strlen(rows[i][0]));

		assert_string_equal(json_string_value(json), rows[i][1]);
		json_decref(json);
	}
	assert_int_equal(text_length("a\xc3\xa9\xe4\xb8\xad"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dedent),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
