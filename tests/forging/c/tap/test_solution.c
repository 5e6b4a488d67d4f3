/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count, failures;

static void
check(int is_right, const char *name)
{
	failures += !is_right;
	printf("%sok %d - %s\n", is_right ? "" : "not ", ++count, name);
}

int
main(void)
{
	char text[32];

	printf("1..5\n");
	check(add(1, 2) == 3, "add");
	check(add(-5, 5) == 0, "add to nothing");
	check(is_even(4), "even");
	check(!is_even(5), "odd");
	join(text, "a", "b");
	check(strcmp(text, "a, b") == 0, "join");
	exit(failures > 0);
}
