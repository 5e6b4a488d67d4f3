/* SPDX-License-Identifier: Apache-2.0 */
/* loose.h - for tests only: which controls this binary was built without. */
#ifndef PC_TESTS_ESCAPE_LOOSE_H
#define PC_TESTS_ESCAPE_LOOSE_H

#include <stdbool.h>
#include <string.h>

/* " word word ", with a blank at both ends; escape.py gives it. */
#ifndef LOOSE
#define LOOSE " "
#endif

static inline bool
is_loose(const char *control)
{
	static const char all[] = LOOSE;
	size_t len = strlen(control);

	for (const char *at = all; (at = strstr(at, control)) != NULL; at++)
		if (at > all && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

#endif
