/* SPDX-License-Identifier: Apache-2.0 */
#define PC_BASE_ERR_IMPLEMENTATION
#include "supervisor/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_INVALID] = "invalid",
	[ERR_DENIED] = "denied",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_BUSY] = "busy",
	[ERR_LIMIT] = "limit",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_IO] = "io",
	[ERR_PEER] = "peer",
	[ERR_UNAVAILABLE] = "unavailable",
};

_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == ERR_KIND_COUNT,
	       "every err_kind has a name");

const char *
err_kind_name(enum err_kind kind)
{
	if ((unsigned)kind >= ERR_KIND_COUNT)
		return "unknown";
	return kind_names[kind];
}

/* Append text at *used, cut where the buffer ends. */
static void
append(char dst[ERR_TEXT_MAX], size_t used, const char *text)
{
	size_t room = ERR_TEXT_MAX - 1 - used;
	size_t len = strnlen(text, room);

	memcpy(dst + used, text, len);
	dst[used + len] = '\0';
}

/* The length of what a printf-like call with result n left in the buffer. */
static size_t
text_len(int n)
{
	if (n < 0)
		return 0;
	return n < ERR_TEXT_MAX ? (size_t)n : ERR_TEXT_MAX - 1;
}

static int __attribute__((format(printf, 4, 0)))
err_vset(struct err *e, enum err_kind kind, int errnum, const char *fmt,
	 va_list ap)
{
	size_t used;

	e->kind = (uint32_t)kind;
	e->errnum = errnum;
	used = text_len(vsnprintf(e->text, sizeof(e->text), fmt, ap));
	e->text[used] = '\0';
	if (errnum != 0) {
		const char *desc = strerrordesc_np(errnum);

		append(e->text, used, ": ");
		append(e->text, strlen(e->text),
		       desc != NULL ? desc : "unknown error");
	}
	return -1;
}

int
err_set(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, kind, errnum, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, ERR_IO, saved, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;
	size_t used;

	memcpy(inner, e->text, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	va_start(ap, fmt);
	used = text_len(vsnprintf(e->text, sizeof(e->text), fmt, ap));
	va_end(ap);
	e->text[used] = '\0';
	append(e->text, used, ": ");
	append(e->text, strlen(e->text), inner);
	return -1;
}
