/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - where the policy compiler writes what is wrong with a text: one
 * "file:line: message" line each, all of a file's errors in one run.
 */
#ifndef PC_POLICY_DIAG_H
#define PC_POLICY_DIAG_H

#include <stdio.h>

struct jsonout;

struct diag {
	FILE *out;
	struct jsonout *json; /* if set: an object each, in place of lines */
	unsigned errors;
};

/* line 0: the file as a whole ("file: message"). */
void diag_error(struct diag *d, const char *file, unsigned line,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
