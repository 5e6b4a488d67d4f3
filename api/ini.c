/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini.c - see ini.h.
 */
#include "api/ini.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
ini_fail(const struct ini *ini, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return err_set(ini->e, ERR_INVALID, 0, "%s:%u: %s", ini->file,
		       ini->line, what);
}

bool
ini_next(struct ini *ini, const char **ret, size_t *ret_len)
{
	const char *line, *end;

	if (ini->at >= ini->len)
		return false;
	line = ini->text + ini->at;
	end = memchr(line, '\n', ini->len - ini->at);
	*ret = line;
	*ret_len = end != NULL ? (size_t)(end - line) : ini->len - ini->at;
	ini->at += *ret_len + (end != NULL);
	ini->line++;
	return true;
}

char *
ini_trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

char *
ini_line(struct ini *ini, const char *bytes, size_t len)
{
	char *text = ini->buffer;

	if (len >= sizeof(ini->buffer)) {
		ini_fail(ini, "the line is longer than %d bytes",
			 INI_LINE_SIZE - 1);
		return NULL;
	}
	if (memchr(bytes, '\0', len) != NULL) {
		ini_fail(ini, "a NUL byte");
		return NULL;
	}
	memcpy(text, bytes, len);
	text[len] = '\0';
	for (char *p = text; *p != '\0'; p++) {
		if ((*p == ';' || *p == '#') &&
		    (p == text || p[-1] == ' ' || p[-1] == '\t')) {
			*p = '\0';
			break;
		}
	}
	return ini_trim(text);
}

bool
ini_pair(char *line, char **ret_key, char **ret_value)
{
	char *value = strchr(line, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	*ret_key = ini_trim(line);
	*ret_value = ini_trim(value);
	return true;
}
