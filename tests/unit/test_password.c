/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_password.c - rules of names and passwords, argon2id hashes, and that an
 * unknown user costs what a known one does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/auth/password.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

static bool
verify(const char *hash, const char *password)
{
	bool matches = true;
	struct err e = ERR_INIT;

	if (password_verify(hash, password, &matches, &e) < 0)
		fail_msg("%s", e.text);
	return matches;
}

static void
test_hash_and_verify(void **state)
{
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(password_hash("test_pass", hash, &e), 0);
	assert_int_equal(password_hash("test_pass", again, &e), 0);
	assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
	assert_string_not_equal(hash, again);
	assert_true(verify(hash, "test_pass"));
	assert_false(verify(hash, "test_pasS"));
	assert_false(verify(hash, ""));
	assert_false(verify(NULL, "test_pass"));
	assert_false(verify("", "test_pass"));
	assert_false(verify("$argon2id$nonsense", "test_pass"));
}

static void
test_password_rules(void **state)
{
	char hash[PASSWORD_HASH_SIZE] = "untouched", text[300];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(password_check("12345678", &e), 0);
	assert_int_equal(password_check("p\xc3\xa4ssw\xc3\xb6rt", &e), 0);
	assert_int_equal(password_check("1234567", &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "at least 8"));
	assert_int_equal(password_check("1234567\n", &e), -1);
	memset(text, 'x', sizeof(text));
	text[257] = '\0';
	assert_int_equal(password_check(text, &e), -1);
	assert_non_null(strstr(e.text, "at most 256"));
	text[256] = '\0';
	assert_int_equal(password_check(text, &e), 0);
	assert_int_equal(password_hash("short", hash, &e), -1);
	assert_string_equal(hash, "untouched");
}

static void
test_user_names(void **state)
{
	static const char *const good[] = {"a", "test_user", "_x", "A.b-c@d",
					   "7"};
	static const char *const bad[] = {"",	 ".a",	"-a",	   "@a",
					  "a b", "a/b", "a\nb",	   "\xc3\xa9",
					  "a:b", "a\"", "<script>"};
	char name[USERNAME_MAX_BYTES + 2];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(username_check(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(username_check(bad[i], &e), -1);
	memset(name, 'n', sizeof(name));
	name[USERNAME_MAX_BYTES + 1] = '\0';
	assert_int_equal(username_check(name, &e), -1);
	name[USERNAME_MAX_BYTES] = '\0';
	assert_int_equal(username_check(name, &e), 0);
}

static void
test_generated(void **state)
{
	char a[PASSWORD_GENERATED_SIZE], b[PASSWORD_GENERATED_SIZE];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(password_generate(a, &e), 0);
	assert_int_equal(password_generate(b, &e), 0);
	assert_int_equal(strlen(a), PASSWORD_GENERATED_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_int_equal(password_check(a, &e), 0);
}

static uint64_t
time_of_verify(const char *hash)
{
	uint64_t best_us = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t start_us = clock_mono_us(), took_us;

		assert_false(verify(hash, "wrong password"));
		took_us = clock_mono_us() - start_us;
		if (took_us < best_us)
			best_us = took_us;
	}
	return best_us;
}

/* Within a factor of two: without the work it would be a factor of 1000. */
static void
test_unknown_user_costs_the_same(void **state)
{
	char hash[PASSWORD_HASH_SIZE];
	uint64_t known_us, unknown_us;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(password_hash("test_pass", hash, &e), 0);
	/* Again if others began or ended to use the memory in between. */
	for (int i = 0; i < 5; i++) {
		known_us = time_of_verify(hash);
		unknown_us = time_of_verify(NULL);
		if (unknown_us >= known_us / 2 && unknown_us <= known_us * 2)
			break;
	}
	assert_in_range(unknown_us, known_us / 2, known_us * 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_and_verify),
		cmocka_unit_test(test_password_rules),
		cmocka_unit_test(test_user_names),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_unknown_user_costs_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
