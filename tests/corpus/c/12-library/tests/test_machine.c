#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "include/machine.h"

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct machine));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void test_arithmetic(void **state)
{
	double result;

	assert_int_equal(machine_run(*state, "3 4 + 2 *", &result), 0);
	assert_true(result == 14);
}

static void test_sqrt(void **state)
{
	double result;

	assert_int_equal(machine_run(*state, "3 3 * 4 4 * + sqrt", &result), 0);
	assert_true(result == 5);
}

static void test_underflow(void **state)
{
	struct machine *m = *state;
	double result;

	assert_int_equal(machine_run(m, "1 +", &result), -1);
	assert_string_equal(m->error, "stack underflow");
}

static void test_overflow(void **state)
{
	double result;

	assert_int_equal(machine_run(*state, "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", &result), -1);
}

static void test_unknown(void **state)
{
	struct machine *m = *state;
	double result;

	assert_int_equal(machine_run(m, "1 2 foo", &result), -1);
	assert_string_equal(m->error, "unknown word");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arithmetic, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sqrt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_underflow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overflow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
