/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"

#include <string.h>

int
add(int a, int b)
{
	return a + b;
}

int
is_even(int n)
{
	return n % 2 == 0;
}

void
join(char *dst, const char *a, const char *b)
{
	strcpy(dst, a);
	strcat(dst, ", ");
	strcat(dst, b);
}
