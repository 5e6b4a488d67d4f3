/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "solution.h"

static int failures;

static void
check(bool is_right, const char *what)
{
	if (!is_right) {
		failures++;
		printf("%s is wrong\n", what);
	}
}

int
main(void)
{
	check(fabs(half(9) - 4.5) < 1e-9, "half");
	check(is_even(4) == true, "even");
	check(is_even(5) == false, "odd");
	check(strstr(greeting(), "hello") != NULL, "greeting");
	check(strlen(greeting()) == 5, "length");
	return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
