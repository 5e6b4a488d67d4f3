/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.c - what the readers of tools' output share: bounded JSON, findings with
 * clean text.
 */
#include <stdlib.h>
#include <string.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

/* jansson takes some 100 bytes a value: about 60 MB. */
#define VALUES_MAX 600000
#define CHECK_MAX 64
#define FILE_MAX 512

/*
 * The bytes that begin a character of len bytes in UTF-8, 0 if none do: no
 * overlong forms or surrogates.
 */
static size_t
utf8_length(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/*
 * C0, DEL, C1; and what turns the order of text or begins a line: U+061C,
 * U+200E to U+200F, U+2028 to U+202E, U+2066 to U+2069.
 */
static bool
is_control(const unsigned char *s, size_t n)
{
	if (n == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (n == 2)
		return (s[0] == 0xc2 && s[1] < 0xa0) ||
		       (s[0] == 0xd8 && s[1] == 0x9c);
	if (n != 3 || s[0] != 0xe2)
		return false;
	if (s[1] == 0x80)
		return (s[2] >= 0x8e && s[2] <= 0x8f) ||
		       (s[2] >= 0xa8 && s[2] <= 0xae);
	return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

void
read_clean(char *dst, size_t size, const char *src)
{
	size_t left = strlen(src), at = 0;

	while (left > 0) {
		size_t n = utf8_length((const unsigned char *)src, left);
		size_t take = n > 0 ? n : 1, room;
		bool is_fit =
			n > 0 && !is_control((const unsigned char *)src, n);

		room = is_fit ? n : 1;
		if (at + room >= size)
			break;
		if (is_fit)
			memcpy(dst + at, src, n);
		else
			dst[at] = '?';
		at += room;
		src += take;
		left -= take;
	}
	dst[at] = '\0';
}

static json_int_t
clamp(json_int_t value, json_int_t low)
{
	if (value < low)
		return low;
	return value > READ_LINE_MAX ? READ_LINE_MAX : value;
}

static int
set_optional(json_t *object, const struct read_finding *f)
{
	int rc = 0;

	/* A name that no file of ours has is as good as none. */
	if (f->file != NULL && strlen(f->file) <= FILE_MAX)
		(void)json_object_set_new(object, "file", json_string(f->file));
	if (f->severity != NULL)
		rc |= json_object_set_new(object, "severity",
					  json_string(f->severity));
	if (f->confidence != NULL)
		rc |= json_object_set_new(object, "confidence",
					  json_string(f->confidence));
	if (f->cwe > 0 && f->cwe < 10000)
		rc |= json_object_set_new(object, "cwe", json_integer(f->cwe));
	return rc;
}

int
read_add(json_t *findings, const struct read_finding *f, struct err *e)
{
	char check[CHECK_MAX], message[READ_MESSAGE_MAX];
	json_int_t start = clamp(f->line_start, 1);
	json_t *object;

	if (json_array_size(findings) >= READ_FINDINGS_MAX)
		return 0;
	read_clean(check, sizeof(check), f->check);
	read_clean(message, sizeof(message), f->message);
	object = json_pack("{s:s, s:I, s:I, s:I, s:s}", "check", check,
			   "line_start", start, "line_end",
			   clamp(f->line_end, start), "column",
			   clamp(f->column, 0), "message", message);
	if (object == NULL || set_optional(object, f) != 0) {
		json_decref(object);
		return err_set(e, ERR_LIMIT, 0, "out of memory");
	}
	if (json_array_append_new(findings, object) != 0)
		return err_set(e, ERR_LIMIT, 0, "out of memory");
	return 0;
}

size_t
read_count_values(const char *text, size_t len)
{
	size_t values = 0;

	for (size_t i = 0; i < len; i++)
		values += text[i] == ',' || text[i] == ':' || text[i] == '[' ||
			  text[i] == '{';
	return values;
}

json_t *
read_json(const char *tool, const char *text, size_t len, struct err *e)
{
	json_error_t error;
	json_t *json;

	if (len > READ_TEXT_MAX || read_count_values(text, len) > VALUES_MAX) {
		err_set(e, ERR_LIMIT, 0, "%s: printed too much to be read",
			tool);
		return NULL;
	}
	json = json_loadb(text, len, 0, &error);
	if (json == NULL)
		err_set(e, ERR_PEER, 0, "%s: its output is not JSON at byte %d",
			tool, error.position);
	return json;
}

const char *
read_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

json_int_t
read_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool
read_is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

int
read_refused(struct err *e, const char *tool, json_int_t line, const char *what)
{
	char text[128];

	read_clean(text, sizeof(text), what);
	return err_set(e, ERR_INVALID, 0, "%s: line %lld: %s", tool,
		       (long long)clamp(line, 1), text);
}
