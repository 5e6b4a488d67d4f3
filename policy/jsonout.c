/* SPDX-License-Identifier: Apache-2.0 */
/* See jsonout.h. */
#include "policy/jsonout.h"

#include <string.h>

/* How many bytes the character at s has; 0 if it is none. */
static size_t
utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead, least;
	} rows[] = {{0x80, 0x00, 0},
		    {0xe0, 0xc0, 0xc2},
		    {0xf0, 0xe0, 0xe0},
		    {0xf8, 0xf0, 0xf0}};

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		size_t i = 1;

		if ((s[0] & rows[n].mask) != rows[n].lead)
			continue;
		while (i <= n && (s[i] & 0xc0) == 0x80)
			i++;
		/* Not longer than needed, no surrogates, not above U+10FFFF. */
		if (i <= n || s[0] < rows[n].least || s[0] > 0xf4 ||
		    (s[0] == 0xe0 && s[1] < 0xa0) ||
		    (s[0] == 0xed && s[1] > 0x9f) ||
		    (s[0] == 0xf0 && s[1] < 0x90) ||
		    (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return n + 1;
	}
	return 0;
}

static void
put_string(FILE *out, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i);

		if (n == 0)
			fputc('?', out);
		else if (s[i] == '"' || s[i] == '\\')
			fprintf(out, "\\%c", s[i]);
		else if (s[i] < 0x20 || s[i] == 0x7f)
			fprintf(out, "\\u%04x", s[i]);
		else
			fwrite(s + i, 1, n, out);
		i += n > 0 ? n : 1;
	}
	fputc('"', out);
}

static void
put_key(struct jsonout *j, const char *key)
{
	if (j->has_member)
		fputc(',', j->out);
	j->has_member = true;
	if (key == NULL)
		return;
	put_string(j->out, key, strlen(key));
	fputc(':', j->out);
}

void
jsonout_open(struct jsonout *j, const char *key, char bracket)
{
	put_key(j, key);
	fputc(bracket, j->out);
	j->has_member = false;
}

void
jsonout_close(struct jsonout *j, char bracket)
{
	fputc(bracket == '{' ? '}' : ']', j->out);
	j->has_member = true;
}

void
jsonout_text(struct jsonout *j, const char *key, const char *text)
{
	put_key(j, key);
	if (text == NULL)
		fputs("null", j->out);
	else
		put_string(j->out, text, strlen(text));
}

void
jsonout_number(struct jsonout *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%llu", (unsigned long long)value);
}

void
jsonout_bool(struct jsonout *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->out);
}

void
jsonout_lines(struct jsonout *j, const char *key, const char *text)
{
	jsonout_open(j, key, '[');
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0) {
			put_key(j, NULL);
			put_string(j->out, text, len);
		}
		text += len + (text[len] == '\n');
	}
	jsonout_close(j, '[');
}
