/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - what people see.  Bytes that came out of a jail never reach a
 * terminal as they are.
 */
#include <ctype.h>
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
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
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

void
cli_print_untrusted(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		/* Bytes above 0x9f are UTF-8; the C1 controls come as two. */
		bool is_c1 = c == 0xc2 && i + 1 < len &&
			     (unsigned char)text[i + 1] < 0xa0;
		if ((iscntrl(c) && c != '\n' && c != '\t') || is_c1)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
}

const char *
cli_json_string(const json_t *object, const char *key, const char *fallback)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value != NULL ? value : fallback;
}
