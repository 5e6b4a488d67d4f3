/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size) {
		dst[0] = '\0';
		return -1;
	}
	memcpy(dst, src, len + 1);
	return 0;
}

int
str_printf(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size) {
		dst[0] = '\0';
		return -1;
	}
	return 0;
}

bool
str_is_terminated(const char *buf, size_t size)
{
	return memchr(buf, '\0', size) != NULL;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

bool
str_is_name(const char *s, size_t max)
{
	size_t i;

	if (!is_alnum(s[0]))
		return false;
	for (i = 0; s[i] != '\0'; i++) {
		if (i >= max)
			return false;
		if (!is_alnum(s[i]) && s[i] != '_' && s[i] != '-')
			return false;
	}
	return i <= max;
}

int
str_to_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		uint64_t digit;

		if (*s < '0' || *s > '9')
			return -1;
		digit = (uint64_t)(*s - '0');
		if (digit > max || value > (max - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return 0;
}

void
str_hex(char *dst, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		*dst++ = digits[p[i] >> 4];
		*dst++ = digits[p[i] & 15];
	}
	*dst = '\0';
}

void
str_quote(char *dst, size_t size, const void *bytes, size_t len)
{
	static const char tail[] = "...\"";
	const unsigned char *p = bytes;
	size_t used = 1;

	if (size < sizeof(tail) + 1) {
		if (size > 0)
			dst[0] = '\0';
		return;
	}
	dst[0] = '"';
	for (size_t i = 0; i < len; i++) {
		bool plain = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' &&
			     p[i] != '\\';
		size_t need = plain ? 1 : 4;

		if (used + need + sizeof(tail) > size) {
			memcpy(dst + used, tail, sizeof(tail));
			return;
		}
		if (plain) {
			dst[used] = (char)p[i];
		} else {
			char hex[3];

			str_hex(hex, &p[i], 1);
			dst[used] = '\\';
			dst[used + 1] = 'x';
			memcpy(dst + used + 2, hex, 2);
		}
		used += need;
	}
	dst[used] = '"';
	dst[used + 1] = '\0';
}
