/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testline.c - see testline.h.  All parsers work with a cursor that never
 * passes the end of the line.
 */
#include "jail/runtimes/common/testline.h"

#include <string.h>
#include <strings.h>

struct cursor {
	const char *at, *end;
};

static size_t
left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static bool
take(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (left(c) < n || memcmp(c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

static bool
take_nocase(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (left(c) < n || strncasecmp(c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

static void
skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

/* Decimal digits; false if there is none, values past 10^15 are cut there. */
static bool
take_number(struct cursor *c, uint64_t *ret)
{
	const char *from = c->at;
	uint64_t value = 0;

	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
		if (value < 1000000000000000u)
			value = value * 10 + (uint64_t)(*c->at - '0');
	*ret = value;
	return c->at > from;
}

static size_t
without_trailing_blanks(const char *s, size_t len)
{
	while (len > 0 &&
	       (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
		len--;
	return len;
}

/* ---- TAP ------------------------------------------------------------- */

/* The rest of the line as the message. */
static void
rest_as_message(const struct cursor *c, struct testline *ret)
{
	ret->message = c->at;
	ret->message_len = without_trailing_blanks(c->at, left(c));
}

/* "# SKIP reason" or "# TODO reason" at c? */
static bool
tap_directive(struct cursor c, bool *ret_is_skip, struct testline *ret)
{
	if (!take(&c, "#"))
		return false;
	skip_blanks(&c);
	if (take_nocase(&c, "skip"))
		*ret_is_skip = true;
	else if (take_nocase(&c, "todo"))
		*ret_is_skip = false;
	else
		return false;
	/* "# SKIP", "# SKIP: why", "# skipped why"; not "# todos/x". */
	while (c.at < c.end && *c.at >= 'a' && *c.at <= 'z')
		c.at++;
	if (c.at < c.end && *c.at == ':')
		c.at++;
	if (c.at < c.end && *c.at != ' ' && *c.at != '\t')
		return false;
	skip_blanks(&c);
	rest_as_message(&c, ret);
	return true;
}

static void
tap_case(struct cursor c, bool is_ok, struct testline *ret)
{
	bool is_skip = false;

	ret->kind = TESTLINE_CASE;
	ret->outcome = is_ok ? HARNESS_PASSED : HARNESS_FAILED;
	skip_blanks(&c);
	if (take_number(&c, &ret->number))
		skip_blanks(&c);
	if (take(&c, "- "))
		skip_blanks(&c);
	ret->name = c.at;
	ret->name_len = left(&c);
	for (const char *at = c.at; at < c.end; at++) {
		if (at > c.at && at[-1] == '\\')
			continue;
		if (tap_directive((struct cursor){at, c.end}, &is_skip, ret)) {
			ret->name_len = (size_t)(at - c.at);
			/* A TODO that works is a success; not is expected. */
			if (is_skip || !is_ok)
				ret->outcome = HARNESS_SKIPPED;
			break;
		}
	}
	ret->name_len = without_trailing_blanks(ret->name, ret->name_len);
}

static bool
tap_plan(struct cursor c, struct testline *ret)
{
	bool is_skip;

	if (!take(&c, "1..") || !take_number(&c, &ret->tests))
		return false;
	skip_blanks(&c);
	if (c.at < c.end && *c.at == '\r')
		c.at++;
	if (c.at < c.end && *c.at != '#')
		return false;
	(void)tap_directive(c, &is_skip, ret);
	ret->kind = TESTLINE_PLAN;
	return true;
}

/* "ok" or "not ok" as a word of its own? */
static bool
tap_verdict(struct cursor *c, bool *ret_is_ok)
{
	*ret_is_ok = !take(c, "not ");
	if (!take(c, "ok"))
		return false;
	return c->at == c->end || *c->at == ' ' || *c->at == '\t' ||
	       *c->at == '\r';
}

void
testline_parse_tap(const char *line, size_t len, struct testline *ret)
{
	struct cursor c = {line, line + len};
	bool is_ok;

	*ret = (struct testline){.message = line};
	if (tap_verdict(&c, &is_ok)) {
		tap_case(c, is_ok, ret);
		return;
	}
	c.at = line;
	if (tap_plan(c, ret))
		return;
	if (take(&c, "TAP version ")) {
		ret->kind = TESTLINE_MARK;
	} else if (take(&c, "Bail out!")) {
		skip_blanks(&c);
		ret->kind = TESTLINE_BAIL;
		rest_as_message(&c, ret);
	} else if (take(&c, "#") || take(&c, "  ")) {
		/* A comment, or a line of a YAML block. */
		if (line[0] == '#')
			(void)take(&c, " ");
		ret->kind = TESTLINE_DETAIL;
		rest_as_message(&c, ret);
	}
}

/* ---- Unity ----------------------------------------------------------- */

/* "3 Tests 1 Failures 0 Ignored" */
static bool
unity_total(struct cursor c, struct testline *ret)
{
	if (!take_number(&c, &ret->tests) || !take(&c, " Tests ") ||
	    !take_number(&c, &ret->failures) || !take(&c, " Failures ") ||
	    !take_number(&c, &ret->ignored) || !take(&c, " Ignored"))
		return false;
	ret->kind = TESTLINE_TOTAL;
	ret->has_counts = true;
	return true;
}

/* "PASS", "FAIL: why" or "IGNORE: why", after "file:line:name:". */
static bool
unity_verdict(struct cursor c, struct testline *ret)
{
	if (take(&c, "PASS"))
		ret->outcome = HARNESS_PASSED;
	else if (take(&c, "FAIL"))
		ret->outcome = HARNESS_FAILED;
	else if (take(&c, "IGNORE"))
		ret->outcome = HARNESS_SKIPPED;
	else
		return false;
	(void)take(&c, "\r");
	if (c.at < c.end && *c.at != ':' && *c.at != ' ')
		return false;
	(void)take(&c, ":");
	skip_blanks(&c);
	rest_as_message(&c, ret);
	return true;
}

void
testline_parse_unity(const char *line, size_t len, struct testline *ret)
{
	struct cursor c = {line, line + len};
	const char *colon;
	uint64_t number;

	*ret = (struct testline){.message = line};
	if (unity_total(c, ret))
		return;
	colon = memchr(c.at, ':', left(&c)); /* after the file */
	if (colon == NULL || colon == line)
		return;
	c.at = colon + 1;
	if (!take_number(&c, &number) || !take(&c, ":"))
		return;
	colon = memchr(c.at, ':', left(&c)); /* after the name */
	if (colon == NULL || colon == c.at)
		return;
	ret->name = c.at;
	ret->name_len = (size_t)(colon - c.at);
	c.at = colon + 1;
	if (unity_verdict(c, ret))
		ret->kind = TESTLINE_CASE;
}

/* ---- cmocka ---------------------------------------------------------- */

/* "[==========] 3 test(s) run.", since 1.1.6 with the group's name before. */
static bool
cmocka_total(struct cursor c, struct testline *ret)
{
	static const char ending[] = " test(s) run.";
	size_t n = sizeof(ending) - 1;
	struct cursor number;

	if (!take(&c, "[==========] "))
		return false;
	ret->kind = TESTLINE_MARK;
	if (left(&c) <= n || memcmp(c.end - n, ending, n) != 0)
		return true;
	number = (struct cursor){c.end - n, c.end - n};
	while (number.at > c.at && number.at[-1] >= '0' && number.at[-1] <= '9')
		number.at--;
	if (take_number(&number, &ret->tests))
		ret->kind = TESTLINE_TOTAL;
	return true;
}

static const struct {
	const char *word;
	enum testline_kind kind;
	enum harness_outcome outcome;
} cmocka_words[] = {
	{"[ RUN      ] ", TESTLINE_STARTED, HARNESS_PASSED},
	{"[       OK ] ", TESTLINE_CASE, HARNESS_PASSED},
	{"[  FAILED  ] ", TESTLINE_CASE, HARNESS_FAILED},
	{"[  SKIPPED ] ", TESTLINE_CASE, HARNESS_SKIPPED},
};

void
testline_parse_cmocka(const char *line, size_t len, struct testline *ret)
{
	struct cursor c = {line, line + len};

	*ret = (struct testline){.message = line};
	if (cmocka_total(c, ret))
		return;
	for (size_t i = 0; i < sizeof(cmocka_words) / sizeof(*cmocka_words);
	     i++) {
		if (!take(&c, cmocka_words[i].word))
			continue;
		ret->kind = cmocka_words[i].kind;
		ret->outcome = cmocka_words[i].outcome;
		rest_as_message(&c, ret);
		ret->name = ret->message;
		ret->name_len = ret->message_len;
		if (ret->kind == TESTLINE_CASE)
			ret->message_len = 0;
		return;
	}
}
