/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csource.h - what the C runtime has to know about a source file before it
 * compiles it.  A scanner, not a preprocessor: comments and literals are
 * skipped, macros are not expanded.
 */
#ifndef PC_RUNTIMES_CSOURCE_H
#define PC_RUNTIMES_CSOURCE_H

#include <stdbool.h>
#include <stddef.h>

#define CSOURCE_INCLUDES_MAX 32

struct csource {
	bool defines_main;    /* "main (" outside of any braces, with a body */
	bool includes_cmocka; /* <cmocka.h> or "cmocka.h" */
	/* #include "x.c": such a file is not to be compiled once more. */
	struct {
		const char *path; /* into text */
		size_t len;
	} c_includes[CSOURCE_INCLUDES_MAX];
	size_t c_includes_len;
};

/* Is there "name (" outside of comments and literals, macros included? */
bool csource_has_call(const char *text, size_t len, const char *name);

void csource_scan(const char *text, size_t len, struct csource *ret);

#endif
