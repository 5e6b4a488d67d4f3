/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - see text.h.  UTF-8 is checked as RFC 3629 has it (no surrogates,
 * no overlong forms), which is what jansson demands of a string.
 */
#include "api/jobs/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- dedent ---------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Length of the line without its newline. */
static size_t
line_length(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return (size_t)((newline != NULL ? newline : end) - at);
}

static bool
is_blank_line(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_blank(line[i]))
			return false;
	}
	return true;
}

/* How many bytes of `margin` line begins with. */
static size_t
common_margin(const char *margin, size_t margin_len, const char *line,
	      size_t len)
{
	size_t i = 0;

	while (i < margin_len && i < len && line[i] == margin[i])
		i++;
	return i;
}

static size_t
find_margin(const char *text, const char *end)
{
	const char *margin = NULL;
	size_t margin_len = 0;

	for (const char *at = text; at < end;) {
		size_t len = line_length(at, end);

		if (is_blank_line(at, len)) {
			at += len + 1;
			continue;
		}
		if (margin == NULL) {
			margin = at;
			while (margin_len < len && (at[margin_len] == ' ' ||
						    at[margin_len] == '\t'))
				margin_len++;
		} else {
			margin_len = common_margin(margin, margin_len, at, len);
		}
		if (margin_len == 0)
			return 0;
		at += len + 1;
	}
	return margin_len;
}

char *
text_dedent(const char *text, size_t len, size_t *ret_len,
	    bool *ret_was_indented)
{
	const char *end = text + len;
	size_t margin = find_margin(text, end);
	char *dst = malloc(len + 1);
	char *out = dst;

	if (dst == NULL)
		return NULL;
	if (margin == 0) {
		memcpy(dst, text, len);
		out += len;
	}
	for (const char *at = text; margin > 0 && at < end;) {
		size_t line = line_length(at, end);

		if (!is_blank_line(at, line)) {
			memcpy(out, at + margin, line - margin);
			out += line - margin;
		} else if (line > 0 && at[line - 1] == '\r') {
			*out++ = '\r';
		}
		at += line;
		if (at < end)
			*out++ = *at++;
	}
	*out = '\0';
	*ret_len = (size_t)(out - dst);
	*ret_was_indented = margin > 0;
	return dst;
}

/* ---- UTF-8 ----------------------------------------------------------- */

/* Allowed range of the second byte, by the first one (RFC 3629, section 4). */
static void
second_byte_range(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
}

/*
 * Bytes of the sequence that starts at p.  If it is ill-formed, *ret_is_valid
 * is false and the result is the length of what one U+FFFD stands for.
 */
static size_t
sequence_length(const unsigned char *p, size_t left, bool *ret_is_valid)
{
	unsigned char low, high;
	size_t need;

	*ret_is_valid = true;
	if (p[0] < 0x80)
		return 1;
	need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	*ret_is_valid = false;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 1;
	second_byte_range(p[0], &low, &high);
	for (size_t i = 1; i < need; i++) {
		if (i >= left || p[i] < low || p[i] > high)
			return i;
		low = 0x80;
		high = 0xbf;
	}
	*ret_is_valid = true;
	return need;
}

bool
text_is_utf8(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	bool is_valid = true;

	for (size_t i = 0; i < len && is_valid;)
		i += sequence_length(p + i, len - i, &is_valid);
	return is_valid;
}

json_t *
text_to_json_max(const void *bytes, size_t len, size_t max)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const unsigned char *p = bytes;
	size_t size = len < max / 3 ? len * 3 : max;
	char *dst;
	size_t out = 0;
	json_t *json;

	if (size == 0)
		return json_string("");
	dst = malloc(size);
	if (dst == NULL)
		return NULL;
	for (size_t i = 0; i < len;) {
		bool is_valid;
		size_t n = sequence_length(p + i, len - i, &is_valid);
		size_t put = is_valid ? n : sizeof(replacement) - 1;

		if (put > size - out)
			break;
		if (is_valid)
			memcpy(dst + out, p + i, put);
		else
			memcpy(dst + out, replacement, put);
		out += put;
		i += n;
	}
	json = json_stringn(dst, out);
	free(dst);
	return json;
}

json_t *
text_to_json(const void *bytes, size_t len)
{
	return text_to_json_max(bytes, len, SIZE_MAX);
}

size_t
text_length(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* ---- base64 ---------------------------------------------------------- */

json_t *
text_base64_to_json(const void *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/="; /* [64]: padding */
	const unsigned char *p = bytes;
	char *dst = malloc((len + 2) / 3 * 4 + 1);
	size_t out = 0;
	json_t *json;

	if (dst == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = (unsigned)p[i] << 16;

		if (n > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		dst[out++] = digits[v >> 18];
		dst[out++] = digits[v >> 12 & 63];
		dst[out++] = digits[n > 1 ? v >> 6 & 63 : 64];
		dst[out++] = digits[n > 2 ? v & 63 : 64];
	}
	json = json_stringn(dst, out);
	free(dst);
	return json;
}
