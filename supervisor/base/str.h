/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - bounded strings.  Nothing here allocates or truncates silently.
 */
#ifndef PC_BASE_STR_H
#define PC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Copy src with its NUL into dst[size]; -1 (dst becomes "") if it is longer. */
int str_copy(char *dst, size_t size, const char *src);

/* snprintf into dst[size]; -1 (dst becomes "") if it does not fit. */
int str_printf(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Is there a NUL within buf[size], i.e. is it a C string? */
bool str_is_terminated(const char *buf, size_t size);

/* 1..max bytes of [A-Za-z0-9_-], the first one a letter or digit? */
bool str_is_name(const char *s, size_t max);

/* Decimal without sign, space or leading '+'; -1 if malformed or > max. */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret_value);

/* Lower-case hex of len bytes into dst, which has room for 2 * len + 1. */
void str_hex(char *dst, const void *bytes, size_t len);

/*
 * Make untrusted bytes safe for a log line: printable ASCII as it is, all else
 * as \xNN, in double quotes, "..." at the end if it does not fit.
 */
void str_quote(char *dst, size_t size, const void *bytes, size_t len);

#endif
