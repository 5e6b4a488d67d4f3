/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - what people see.  Bytes that came out of a jail never reach a
 * terminal as they are.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/promptcraft/cli.h"

static const char *const style_codes[] = {
	[CLI_PLAIN] = "",	[CLI_BOLD] = "\033[1m",
	[CLI_DIM] = "\033[2m",	[CLI_GOOD] = "\033[32m",
	[CLI_BAD] = "\033[31m", [CLI_WARN] = "\033[33m",
};
_Static_assert(sizeof(style_codes) / sizeof(style_codes[0]) == CLI_STYLE_COUNT,
	       "a code for each style");

void
cli_styled(const struct cli *cli, enum cli_style style, const char *fmt, ...)
{
	bool is_on = cli->has_color && style != CLI_PLAIN;
	va_list ap;
	if (is_on)
		fputs(style_codes[style], stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (is_on)
		fputs("\033[0m", stdout);
}

int
cli_fail(const struct err *e)
{
	fprintf(stderr, "promptcraft: %s\n", e->text);
	return CLI_ERROR;
}

void
cli_print_json(json_t *object)
{
	json_dumpf(object, stdout,
		   JSON_INDENT(2) | JSON_PRESERVE_ORDER |
			   JSON_REAL_PRECISION(12));
	putchar('\n');
	json_decref(object);
}

void
cli_progress(const struct cli *cli, const char *fmt, ...)
{
	if (!cli->has_progress)
		return;
	bool is_terminal = isatty(STDERR_FILENO);
	va_list ap;
	if (is_terminal)
		fputs("\r\033[K", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (!is_terminal)
		fputc('\n', stderr);
	fflush(stderr);
}

void
cli_progress_end(const struct cli *cli)
{
	if (cli->has_progress && isatty(STDERR_FILENO)) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
}

/* Length of the well-formed UTF-8 sequence at text, its value in *ret; or 0. */
static size_t
decode_utf8(const unsigned char *text, size_t len, unsigned *ret)
{
	static const struct {
		unsigned char mask, lead;
		unsigned least;
	} forms[] = {
		{0x80, 0x00, 0},
		{0xe0, 0xc0, 0x80},
		{0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000},
	};
	for (size_t n = 0; n < 4; n++) {
		if ((text[0] & forms[n].mask) != forms[n].lead)
			continue;
		unsigned value = text[0] & (unsigned char)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if (i >= len || (text[i] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (text[i] & 0x3fu);
		}
		*ret = value;
		return value >= forms[n].least ? n + 1 : 0;
	}
	return 0;
}

/* Neither a control (C0, DEL, C1) nor one that turns the writing round. */
static bool
is_harmless(unsigned c)
{
	if (c == '\n' || c == '\t')
		return true;
	return c >= 0x20 && (c < 0x7f || c >= 0xa0) &&
	       !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

void
cli_print_untrusted(FILE *out, const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + len;
	while (at < end) {
		unsigned value = 0;
		size_t n = decode_utf8(at, (size_t)(end - at), &value);
		if (n > 0 && is_harmless(value)) {
			fwrite(at, 1, n, out);
			at += n;
		} else {
			fprintf(out, "\\x%02x", *at++);
		}
	}
}

const char *
cli_json_string(const json_t *object, const char *key, const char *fallback)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value != NULL ? value : fallback;
}
