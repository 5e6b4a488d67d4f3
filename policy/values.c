/* SPDX-License-Identifier: Apache-2.0 */
/* See values.h. */
#include "policy/values.h"

#include <stdbool.h>
#include <string.h>

#include "supervisor/base/str.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Digits, then one of the suffixes; the table ends with suffix NULL. */
static int
number_with_unit(const char *s, const struct unit *units, uint64_t *ret)
{
	size_t digits = strspn(s, "0123456789");
	char number[24];
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return -1;
	memcpy(number, s, digits);
	number[digits] = '\0';
	for (; units->suffix != NULL; units++) {
		if (strcmp(s + digits, units->suffix) != 0)
			continue;
		if (str_to_u64(number, INT64_MAX / units->factor, &n) < 0)
			return -1;
		*ret = n * units->factor;
		return 0;
	}
	return -1;
}

int
value_size(const char *s, uint64_t *ret, struct err *e)
{
	static const struct unit units[] = {
		{"", 1},	 {"K", 1u << 10}, {"M", 1u << 20},
		{"G", 1u << 30}, {NULL, 0},
	};

	if (number_with_unit(s, units, ret) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is not a size: bytes, or with K, M or G "
			       "(256M)",
			       s);
	return 0;
}

int
value_time(const char *s, uint64_t *ret, struct err *e)
{
	static const struct unit units[] = {
		{"", 1000},	{"ms", 1},	{"s", 1000},
		{"min", 60000}, {"h", 3600000}, {NULL, 0},
	};

	if (number_with_unit(s, units, ret) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is not a time: seconds, or with ms, s, "
			       "min or h (30s)",
			       s);
	return 0;
}

int
value_percent(const char *s, uint64_t *ret, struct err *e)
{
	static const struct unit units[] = {{"%", 1}, {NULL, 0}};

	if (number_with_unit(s, units, ret) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is not a share of CPUs: 100%% is one "
			       "CPU, 150%% one and a half",
			       s);
	return 0;
}

int
value_count(const char *s, uint64_t *ret, struct err *e)
{
	if (str_to_u64(s, UINT32_MAX, ret) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is not a number in decimal digits", s);
	return 0;
}

int
value_bool(const char *s, uint64_t *ret, struct err *e)
{
	bool yes = strcmp(s, "yes") == 0;

	if (!yes && strcmp(s, "no") != 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is neither yes nor no", s);
	*ret = yes ? 1 : 0;
	return 0;
}

static int
check_parts(const char *s, struct err *e)
{
	const char *part = s[0] == '/' ? s + 1 : s;

	for (const char *p = s; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return err_set(e, ERR_INVALID, 0,
				       "path \"%s\" has a character that is "
				       "not printable ASCII",
				       s);
	for (;;) {
		size_t len = strcspn(part, "/");

		if (len == 0 || (len == 1 && part[0] == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.'))
			return err_set(e, ERR_INVALID, 0,
				       "path \"%s\" is not normalised: no "
				       "\"//\", \".\", \"..\" or \"/\" at the "
				       "end",
				       s);
		if (part[len] == '\0')
			return 0;
		part += len + 1;
	}
}

int
value_path(const char *s, char *dst, size_t size, struct err *e)
{
	if (s[0] != '/')
		return err_set(e, ERR_INVALID, 0,
			       "path \"%s\" is not absolute: begin with /", s);
	if (check_parts(s, e) < 0)
		return -1;
	if (str_copy(dst, size, s) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "path is longer than %zu bytes", size - 1);
	return 0;
}

int
value_path_relative(const char *s, char *dst, size_t size, struct err *e)
{
	if (s[0] == '/')
		return err_set(e, ERR_INVALID, 0,
			       "path \"%s\" must be relative: without the "
			       "leading /",
			       s);
	if (check_parts(s, e) < 0)
		return -1;
	if (str_copy(dst, size, s) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "path is longer than %zu bytes", size - 1);
	return 0;
}

int
value_env(const char *s, char *dst, size_t size, struct err *e)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	size_t len = strspn(s, letters);

	if (len > 0)
		len += strspn(s + len, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz_0123456789");
	if (len == 0 || s[len] != '=' || s[len + 1] == '\0')
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is not NAME=value with a name of "
			       "letters, digits and _",
			       s);
	for (const char *p = s; *p != '\0'; p++)
		if (*p < 0x20 || *p >= 0x7f)
			return err_set(e, ERR_INVALID, 0,
				       "environment value is not printable "
				       "ASCII");
	if (str_copy(dst, size, s) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"NAME=value\" is longer than %zu bytes",
			       size - 1);
	return 0;
}
