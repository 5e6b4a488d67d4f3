/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - bytes of unknown origin made fit for JSON, and the dedenting of code
 * that came indented.  Inputs are untrusted; nothing here interprets them.
 */
#ifndef PC_API_JOBS_TEXT_H
#define PC_API_JOBS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Remove the leading blanks (spaces and tabs, compared as they are) that all
 * non-blank lines share, and all blanks of blank lines; without a common
 * margin the text is copied unchanged.  Returns a malloc'd string with a NUL
 * after *ret_len bytes, or NULL (out of memory).
 */
char *text_dedent(const char *text, size_t len, size_t *ret_len,
		  bool *ret_was_indented);

/*
 * A JSON string of these bytes; each ill-formed UTF-8 sequence becomes one
 * U+FFFD.  NULL when out of memory.
 */
json_t *text_to_json(const void *bytes, size_t len);

/* Same, cut to at most max bytes between characters. */
json_t *text_to_json_max(const void *bytes, size_t len, size_t max);

bool text_is_utf8(const void *bytes, size_t len);

/* Standard base64 with padding; NULL when out of memory. */
json_t *text_base64_to_json(const void *bytes, size_t len);

/* Number of code points of valid UTF-8. */
size_t text_length(const char *text);

#endif
