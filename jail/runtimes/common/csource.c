/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csource.c - see csource.h.
 */
#include "jail/runtimes/common/csource.h"

#include <ctype.h>
#include <string.h>

struct scanner {
	const char *at, *end;
	struct csource *source;
	int depth;	   /* of braces */
	int parens;	   /* of parentheses, outside braces */
	bool is_main;	   /* last word was "main", outside of everything */
	bool is_main_head; /* behind "main (" and before '{' or ';' */
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void
skip_line(struct scanner *s)
{
	while (s->at < s->end && *s->at != '\n') {
		if (*s->at == '\\' && s->end - s->at > 1)
			s->at++; /* a continued line */
		s->at++;
	}
}

static void
skip_comment(struct scanner *s)
{
	const char *close;

	if (s->at[1] == '/') {
		skip_line(s);
		return;
	}
	s->at += 2;
	close = memmem(s->at, (size_t)(s->end - s->at), "*/", 2);
	s->at = close ? close + 2 : s->end;
}

static void
skip_literal(struct scanner *s)
{
	char quote = *s->at++;

	while (s->at < s->end && *s->at != quote && *s->at != '\n') {
		if (*s->at == '\\' && s->end - s->at > 1)
			s->at++;
		s->at++;
	}
	if (s->at < s->end)
		s->at++;
}

static bool
ends_with(const char *s, size_t len, const char *ending)
{
	size_t n = strlen(ending);

	return len >= n && memcmp(s + len - n, ending, n) == 0;
}

static void
note_include(struct csource *source, const char *path, size_t len, bool is_own)
{
	if (len == strlen("cmocka.h") && ends_with(path, len, "cmocka.h"))
		source->includes_cmocka = true;
	if (!is_own || !ends_with(path, len, ".c") ||
	    source->c_includes_len == CSOURCE_INCLUDES_MAX)
		return;
	source->c_includes[source->c_includes_len].path = path;
	source->c_includes[source->c_includes_len].len = len;
	source->c_includes_len++;
}

static void
skip_blanks(struct scanner *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

static void
scan_directive(struct scanner *s)
{
	const char *from, *close;
	char quote;

	s->at++;
	skip_blanks(s);
	if (s->end - s->at > 7 && memcmp(s->at, "include", 7) == 0) {
		s->at += 7;
		skip_blanks(s);
	} else {
		skip_line(s);
		return;
	}
	if (s->at < s->end && (*s->at == '"' || *s->at == '<')) {
		quote = *s->at == '"' ? '"' : '>';
		from = s->at + 1;
		close = memchr(from, quote, (size_t)(s->end - from));
		if (close != NULL)
			note_include(s->source, from, (size_t)(close - from),
				     quote == '"');
	}
	skip_line(s);
}

static void
scan_word(struct scanner *s)
{
	const char *from = s->at;

	while (s->at < s->end && is_word(*s->at))
		s->at++;
	s->is_main = s->depth == 0 && s->parens == 0 && s->at - from == 4 &&
		     memcmp(from, "main", 4) == 0;
}

static void
scan_punctuation(struct scanner *s)
{
	char c = *s->at++;

	if (isspace((unsigned char)c))
		return;
	if (s->depth == 0) {
		if (c == '(') {
			s->is_main_head |= s->is_main;
			s->parens++;
		} else if (c == ')' && s->parens > 0) {
			s->parens--;
		} else if (c == ';' && s->parens == 0) {
			s->is_main_head = false;
		} else if (c == '{' && s->is_main_head) {
			s->source->defines_main = true;
		}
	}
	s->is_main = false;
	if (c == '{')
		s->depth++;
	else if (c == '}' && s->depth > 0)
		s->depth--;
	if (s->depth > 0)
		s->is_main_head = false;
}

void
csource_scan(const char *text, size_t len, struct csource *ret)
{
	struct scanner s = {.at = text, .end = text + len, .source = ret};
	bool at_line_start = true;

	*ret = (struct csource){0};
	while (s.at < s.end) {
		char c = *s.at;
		char next = '\0';

		if (s.end - s.at > 1)
			next = s.at[1];
		if (c == '/' && (next == '/' || next == '*'))
			skip_comment(&s);
		else if (c == '"' || c == '\'')
			skip_literal(&s);
		else if (c == '#' && at_line_start)
			scan_directive(&s);
		else if (is_word(c))
			scan_word(&s);
		else
			scan_punctuation(&s);
		if (c == '\n')
			at_line_start = true;
		else if (c != ' ' && c != '\t')
			at_line_start = false;
	}
}

bool
csource_has_call(const char *text, size_t len, const char *name)
{
	struct scanner s = {.at = text, .end = text + len};
	size_t n = strlen(name);

	while (s.at < s.end) {
		char c = *s.at, next = '\0';
		const char *from = s.at;

		if (s.end - s.at > 1)
			next = s.at[1];
		if (c == '/' && (next == '/' || next == '*')) {
			skip_comment(&s);
		} else if (c == '"' || c == '\'') {
			skip_literal(&s);
		} else if (!is_word(c)) {
			s.at++;
		} else {
			while (s.at < s.end && is_word(*s.at))
				s.at++;
			if ((size_t)(s.at - from) != n ||
			    memcmp(from, name, n) != 0)
				continue;
			skip_blanks(&s);
			if (s.at < s.end && *s.at == '(')
				return true;
		}
	}
	return false;
}
