#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

unsigned queens(unsigned n);
unsigned long ackermann(unsigned long m, unsigned long n);
uint64_t catalan(unsigned n);
int flood_fill(char *grid, int width, int height, int x, int y);

static void test_queens(void **state)
{
	(void)state;
	assert_int_equal(queens(4), 2);
	assert_int_equal(queens(8), 92);
	assert_int_equal(queens(10), 724);
}

static void test_ackermann(void **state)
{
	(void)state;
	assert_int_equal(ackermann(2, 9), 21);
	assert_int_equal(ackermann(3, 6), 509);
}

static void test_catalan(void **state)
{
	(void)state;
	assert_true(catalan(35) == 3116285494907301262u);
}

static void test_flood_fill(void **state)
{
	char grid[] = "..#.." "..#.." "##..." ;

	(void)state;
	assert_int_equal(flood_fill(grid, 5, 3, 0, 0), 4);
	assert_int_equal(flood_fill(grid, 5, 3, 4, 2), 7);
	assert_string_equal(grid, "~~#~~~~#~~##~~~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queens),
		cmocka_unit_test(test_ackermann),
		cmocka_unit_test(test_catalan),
		cmocka_unit_test(test_flood_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
