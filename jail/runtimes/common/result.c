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

struct character {
	size_t taken; /* bytes of the text */
	size_t shown; /* bytes of UTF-8 that it becomes */
	char json[8]; /* inside of a JSON string */
};

static void
escape_one(const unsigned char *s, size_t len, struct character *ret)
{
	size_t n = utf8_length(s, len);

	*ret = (struct character){.taken = n ? n : 1, .shown = n};
	if (s[0] == '\n' || s[0] == '\t' || s[0] == '"' || s[0] == '\\') {
		ret->json[0] = '\\';
		ret->json[1] = (char)s[0];
		if (s[0] == '\n')
			ret->json[1] = 'n';
		else if (s[0] == '\t')
			ret->json[1] = 't';
	} else if (n == 0 || s[0] < 0x20 || s[0] == 0x7f) {
		(void)strcpy(ret->json, "\xef\xbf\xbd"); /* U+FFFD */
		ret->shown = 3;
	} else {
		memcpy(ret->json, s, n);
	}
}

size_t
harness_json_escape(char *dst, const char *text, size_t len, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;
	struct character c;
	size_t out = 0, shown = 0;

	for (size_t at = 0; at < len; at += c.taken) {
		escape_one(s + at, len - at, &c);
		shown += c.shown;
		if (shown > max)
			break;
		out = (size_t)(stpcpy(dst + out, c.json) - dst);
	}
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
	char line[128], number[24] = "null";
	int n;

	if (r->is_started)
		return;
	r->is_started = true;
	if (expected >= 0)
		(void)snprintf(number, sizeof(number), "%lld",
			       (long long)expected);
	n = snprintf(line, sizeof(line),
		     "{\"type\": \"start\", \"expected\": %s, "
		     "\"trust\": \"%s\"}\n",
		     number,
		     r->is_separate ? "separate-process" : "in-process");
	put(r, line, (size_t)n);
}

static void
put_names(struct harness_result *r, const char *const *names,
	  const size_t *lens, size_t n)
{
	char text[2 * HARNESS_NAME_MAX + 8];

	put(r, "[", 1);
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)sprintf(text, "%s\"", i > 0 ? ", " : "");
		/* As long as testrun.h keeps of a name. */
		size_t len = lens[i] < HARNESS_NAME_MAX ? lens[i]
							: HARNESS_NAME_MAX - 1;

		at += harness_json_escape(text + at, names[i], len,
					  HARNESS_NAME_MAX);
		text[at++] = '"';
		put(r, text, at);
	}
	put(r, "]", 1);
}

void
harness_result_start_names(struct harness_result *r, const char *const *names,
			   const size_t *lens, size_t n, size_t canaries)
{
	static const char head[] = "{\"type\": \"start\", \"expected\": ";
	static const char middle[] = ", \"canaries\": ";
	char tail[64];
	int len = snprintf(tail, sizeof(tail), ", \"trust\": \"%s\"}\n",
			   r->is_separate ? "separate-process" : "in-process");

	r->is_started = true;
	put(r, head, sizeof(head) - 1);
	put_names(r, names, lens, n);
	put(r, middle, sizeof(middle) - 1);
	put_names(r, names + n, lens + n, canaries);
	put(r, tail, (size_t)len);
}

void
harness_result_canary(struct harness_result *r, const char *name,
		      enum harness_outcome outcome)
{
	char line[2 * HARNESS_NAME_MAX + 96];
	size_t at;

	at = (size_t)sprintf(line, "{\"type\": \"canary\", \"test\": \"");
	at += harness_json_escape(line + at, name, strlen(name),
				  HARNESS_NAME_MAX);
	at += (size_t)sprintf(line + at, "\", \"outcome\": \"%s\"}\n",
			      outcome_names[outcome]);
	put(r, line, at);
}

static void
put_test(struct harness_result *r, const char *name,
	 enum harness_outcome outcome, double duration_ms, const char *message,
	 size_t message_len)
{
	char line[2 * (HARNESS_NAME_MAX + HARNESS_MESSAGE_MAX) + 160];
	size_t at = 0;

	at += (size_t)sprintf(line + at, "{\"type\": \"test\", \"test\": \"");
	at += harness_json_escape(line + at, name, strlen(name),
				  HARNESS_NAME_MAX);
	at += (size_t)sprintf(line + at,
			      "\", \"outcome\": \"%s\", \"duration_ms\": %.3f, "
			      "\"message\": \"",
			      outcome_names[outcome], duration_ms);
	at += harness_json_escape(line + at, message, message_len,
				  HARNESS_MESSAGE_MAX);
	at = (size_t)(stpcpy(line + at, "\"}\n") - line);
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

void
harness_result_forged(struct harness_result *r, const char *why)
{
	char line[2 * HARNESS_NAME_MAX + 64];
	size_t at;

	harness_result_start(r, -1);
	at = (size_t)sprintf(line, "{\"type\": \"forged\", \"message\": \"");
	at += harness_json_escape(line + at, why, strlen(why),
				  HARNESS_NAME_MAX);
	at = (size_t)(stpcpy(line + at, "\"}\n") - line);
	put(r, line, at);
}

int
harness_result_end(struct harness_result *r)
{
	char line[160];
	int n;

	harness_result_start(r, -1);
	n = snprintf(line, sizeof(line),
		     "{\"type\": \"end\", \"passed\": %u, \"failed\": %u, "
		     "\"errors\": %u, \"skipped\": %u%s}\n",
		     r->counts[HARNESS_PASSED], r->counts[HARNESS_FAILED],
		     r->counts[HARNESS_ERROR], r->counts[HARNESS_SKIPPED],
		     r->is_shared ? ", \"trust\": \"in-process\"" : "");
	put(r, line, (size_t)n);
	return r->counts[HARNESS_FAILED] || r->counts[HARNESS_ERROR] ? 1 : 0;
}
