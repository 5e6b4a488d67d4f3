/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.h - the readers of what other people's tools print about a source: one
 * function and one file (read_TOOL.c) a tool.  The text is untrusted, as the
 * source is hostile and the tool parsed it: it is bounded before it is parsed,
 * and what does not look as the tool prints it is an error, never "clean".
 *
 * Each finding that is appended:
 *
 *	{"check": the tool's own id, "line_start", "line_end", "column",
 *	 "message", and where the tool says so "severity", "confidence",
 *	 "cwe": number, "file": what the tool calls the file (layout.h)}
 *
 * -1 with a reason if the tool could not analyse the source; what was appended
 * before stays and is not the whole truth.
 */
#ifndef PC_API_ANALYSIS_READ_H
#define PC_API_ANALYSIS_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

#define READ_TEXT_MAX (8u << 20)
#define READ_FINDINGS_MAX 1000
#define READ_MESSAGE_MAX 400 /* bytes */
#define READ_LINE_MAX 10000000

typedef int analysis_read_fn(const char *text, size_t len, json_t *findings,
			     struct err *e);

analysis_read_fn read_gcc, read_cppcheck, read_flawfinder, read_shellcheck,
	read_eslint;

/* For the readers. */

struct read_finding {
	const char *check, *message; /* any bytes; cut and made UTF-8 */
	json_int_t line_start, line_end, column;
	const char *severity, *confidence; /* NULL: the tool does not say */
	json_int_t cwe;			   /* 0: none */
	const char
		*file; /* any bytes, as the tool calls it; NULL: the source */
};

/* One line of UTF-8: what is not, or controls a terminal, becomes '?'. */
void read_clean(char *dst, size_t size, const char *src);

/* Past READ_FINDINGS_MAX it does nothing. */
int read_add(json_t *findings, const struct read_finding *finding,
	     struct err *e);

/*
 * JSON within READ_TEXT_MAX and with few enough values that the parsed form
 * stays small, whatever the text says; a new reference.
 */
json_t *read_json(const char *tool, const char *text, size_t len,
		  struct err *e);

/* How many values JSON text can have at most: each takes up to 240 bytes. */
size_t read_count_values(const char *text, size_t len);

/* "" and 0 where there is no such member, or one of another type. */
const char *read_string(const json_t *object, const char *key);
json_int_t read_integer(const json_t *object, const char *key);

/* Is the word in the list, which ends with NULL? */
bool read_is_one_of(const char *word, const char *const *list);

/* "TOOL: line N: what", and -1: why a source was not analysed. */
int read_refused(struct err *e, const char *tool, json_int_t line,
		 const char *what);

#endif
