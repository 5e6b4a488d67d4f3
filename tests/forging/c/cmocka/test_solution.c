/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "solution.h"

static void
test_add(void **state)
{
	(void)state;
	assert_int_equal(add(1, 2), 3);
	assert_int_equal(add(-5, 5), 0);
}

static void
test_is_even(void **state)
{
	(void)state;
	assert_true(is_even(4));
	assert_false(is_even(5));
}

static void
test_join(void **state)
{
	char text[32];

	(void)state;
	join(text, "a", "b");
	assert_string_equal(text, "a, b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_is_even),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
