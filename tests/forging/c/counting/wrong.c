/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"

double
half(int n)
{
	return n;
}

int
is_even(int n)
{
	return n % 2 == 0;
}

const char *
greeting(void)
{
	return "hello";
}
