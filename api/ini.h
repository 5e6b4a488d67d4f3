/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini.h - the files that operators write: agents, recipes, rules, prices.
 * Lines, remarks, pairs, and errors that say where; what keys mean is for each
 * reader.  The text is the operator's and trusted.
 */
#ifndef PC_API_INI_H
#define PC_API_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

#define INI_LINE_SIZE 640

/* A text that is read line by line. */
struct ini {
	const char *file; /* as errors name it */
	const char *text;
	size_t len, at;
	unsigned line; /* the one taken last, from 1 */
	struct err *e;
	char buffer[INI_LINE_SIZE];
};

/* -1 with "file:line: what". */
int ini_fail(const struct ini *ini, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The next line as it stands, without its end; false: there is none. */
bool ini_next(struct ini *ini, const char **ret, size_t *ret_len);

/*
 * A line in the buffer, until the next: without the blanks around it and
 * without what begins with ; or # at its start or after a blank.  NULL with
 * the error: it is too long, or has a NUL byte.
 */
char *ini_line(struct ini *ini, const char *bytes, size_t len);

/* Cuts "key = value" in two, in place; false: it has no =. */
bool ini_pair(char *line, char **ret_key, char **ret_value);

/* Without the blanks around it, in place. */
char *ini_trim(char *text);

#endif
