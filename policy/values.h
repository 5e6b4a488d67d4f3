/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.h - the values of directives: sizes, times, paths.  On failure *e
 * says what would be right.
 */
#ifndef PC_POLICY_VALUES_H
#define PC_POLICY_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

/* "4096", "64K", "256M", "1G": bytes, base 1024. */
int value_size(const char *s, uint64_t *ret, struct err *e);
/* "500ms", "30", "30s", "5min", "1h": milliseconds; a bare number: seconds. */
int value_time(const char *s, uint64_t *ret, struct err *e);
/* "150%": 150. */
int value_percent(const char *s, uint64_t *ret, struct err *e);
int value_count(const char *s, uint64_t *ret, struct err *e);
/* "yes" or "no". */
int value_bool(const char *s, uint64_t *ret, struct err *e);

/*
 * Copy a path into dst[size].  absolute: "/a/b"; relative: "a/b".  Both
 * normalised: no empty, "." or ".." part, no "/" at the end, printable ASCII.
 */
int value_path(const char *s, char *dst, size_t size, struct err *e);
int value_path_relative(const char *s, char *dst, size_t size, struct err *e);

/* "NAME=value" with a name of [A-Z0-9_a-z], for an environment. */
int value_env(const char *s, char *dst, size_t size, struct err *e);

#endif
