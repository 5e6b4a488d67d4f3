/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "solution.h"

int
main(void)
{
	char text[32];

	assert(add(1, 2) == 3);
	assert(add(-5, 5) == 0);
	assert(is_even(4));
	assert(!is_even(5));
	join(text, "a", "b");
	assert(strcmp(text, "a, b") == 0);
	puts("all good");
	return 0;
}
