/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.c - see result.h.  A write that fails is not reported: there is
 * nobody left to tell, and the missing closing record tells it.
 */
#include "jail/runtimes/common/result.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/base/fd.h"

static const char *const outcome_names[HARNESS_OUTCOME_COUNT] = {
	[HARNESS_PASSED] = "passed",
	[HARNESS_FAILED] = "failed",
	[HARNESS_ERROR] = "error",
	[HARNESS_SKIPPED] = "skipped",
};

/* Length of the well-formed UTF-8 sequence at s, 0 if there is none. */
static size_t
utf8_length(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/* Returns the length; dst gets no NUL that counts. */
static size_t
append(char *dst, const char *text)
{
	return (size_t)(stpcpy(dst, text) - dst);
}

static size_t
escape_one(char *dst, const unsigned char *s, size_t len, size_t *ret_taken)
{
	size_t n = utf8_length(s, len);

	*ret_taken = n ? n : 1;
	if (n == 0)
		return append(dst, "\xef\xbf\xbd"); /* U+FFFD */
	switch (s[0]) {
	case '\n':
		return append(dst, "\\n");
	case '\t':
		return append(dst, "\\t");
	case '"':
		return append(dst, "\\\"");
	case '\\':
		return append(dst, "\\\\");
	default:
		break;
	}
	if (s[0] < 0x20 || s[0] == 0x7f)
		return append(dst, "\xef\xbf\xbd");
	memcpy(dst, s, n);
	return n;
}

size_t
harness_json_escape(char *dst, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t out = 0, taken;

	for (size_t at = 0; at < len; at += taken)
		out += escape_one(dst + out, s + at, len - at, &taken);
	return out;
}

void
harness_result_init(struct harness_result *r, int fd)
{
	*r = (struct harness_result){.fd = fd};
}

static void
put(struct harness_result *r, const char *line, size_t len)
{
	r->bytes += len;
	(void)fd_write_all(r->fd, line, len);
}

void
harness_result_start(struct harness_result *r, int64_t expected)
{
	char line[96], number[24] = "null";
	int n;

	if (r->is_started)
		return;
	r->is_started = true;
	if (expected >= 0)
		(void)snprintf(number, sizeof(number), "%lld",
			       (long long)expected);
	n = snprintf(line, sizeof(line),
		     "{\"type\": \"start\", \"expected\": %s}\n", number);
	put(r, line, (size_t)n);
}

/* Append text, cut to max bytes, as a JSON string's inside. */
static size_t
put_text(char *dst, const char *text, size_t len, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;

	if (len > max) {
		len = max;
		/* Not in the middle of a character. */
		while (len > max - 4 && (s[len] & 0xc0) == 0x80)
			len--;
	}
	return harness_json_escape(dst, text, len);
}

static void
put_test(struct harness_result *r, const char *name,
	 enum harness_outcome outcome, double duration_ms, const char *message,
	 size_t message_len)
{
	char line[3 * (HARNESS_NAME_MAX + HARNESS_MESSAGE_MAX) + 160];
	size_t at = 0;

	at += (size_t)sprintf(line + at, "{\"type\": \"test\", \"test\": \"");
	at += put_text(line + at, name, strlen(name), HARNESS_NAME_MAX);
	at += (size_t)sprintf(line + at,
			      "\", \"outcome\": \"%s\", \"duration_ms\": %.3f, "
			      "\"message\": \"",
			      outcome_names[outcome], duration_ms);
	at += put_text(line + at, message, message_len, HARNESS_MESSAGE_MAX);
	at += append(line + at, "\"}\n");
	put(r, line, at);
}

void
harness_result_test(struct harness_result *r, const char *name,
		    enum harness_outcome outcome, double duration_ms,
		    const char *message, size_t message_len)
{
	char text[80];

	if (r->is_full)
		return;
	harness_result_start(r, -1);
	if (r->cases >= HARNESS_CASES_MAX ||
	    r->bytes > HARNESS_RESULT_BYTES_MAX) {
		r->is_full = true;
		name = "(harness)";
		outcome = HARNESS_ERROR;
		(void)snprintf(text, sizeof(text),
			       "only the first %u tests are reported",
			       r->cases);
		message = text;
		message_len = strlen(text);
	}
	r->cases++;
	r->counts[outcome]++;
	put_test(r, name, outcome, duration_ms, message, message_len);
}

int
harness_result_end(struct harness_result *r)
{
	char line[160];
	int n;

	harness_result_start(r, -1);
	n = snprintf(line, sizeof(line),
		     "{\"type\": \"end\", \"passed\": %u, \"failed\": %u, "
		     "\"errors\": %u, \"skipped\": %u}\n",
		     r->counts[HARNESS_PASSED], r->counts[HARNESS_FAILED],
		     r->counts[HARNESS_ERROR], r->counts[HARNESS_SKIPPED]);
	put(r, line, (size_t)n);
	return r->counts[HARNESS_FAILED] || r->counts[HARNESS_ERROR] ? 1 : 0;
}
