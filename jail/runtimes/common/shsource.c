/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shsource.c - see shsource.h.
 */
#include "jail/runtimes/common/shsource.h"

#include <ctype.h>
#include <string.h>

#include "supervisor/base/str.h"

#define HEREDOCS_MAX 8

struct heredoc {
	const char *word;
	size_t len;
	bool has_tabs; /* <<- */
};

struct scanner {
	const char *text;
	size_t at, len;
	bool at_command;
	struct heredoc
		heredocs[HEREDOCS_MAX]; /* that begin with the next line */
	size_t heredocs_len;
};

/* After these words a command begins, too. */
static const char *const openers[] = {"if",    "then",	"else",	   "elif",
				      "while", "until", "do",	   "!",
				      "time",  "{",	"command", "builtin"};

static char
peek(const struct scanner *s, size_t ahead)
{
	if (s->at + ahead >= s->len)
		return '\0';
	return s->text[s->at + ahead];
}

static bool
is_word_end(char c)
{
	return c == '\0' || isspace((unsigned char)c) ||
	       strchr(";&|()<>", c) != NULL;
}

static void
skip_single(struct scanner *s)
{
	const char *close =
		memchr(s->text + s->at + 1, '\'', s->len - s->at - 1);

	s->at = close ? (size_t)(close - s->text) + 1 : s->len;
}

static void
skip_double(struct scanner *s)
{
	for (s->at++; s->at < s->len && s->text[s->at] != '"'; s->at++)
		if (s->text[s->at] == '\\')
			s->at++;
	if (s->at < s->len)
		s->at++;
	else
		s->at = s->len;
}

/* From "<<": remember its word. */
static void
note_heredoc(struct scanner *s)
{
	struct heredoc doc = {0};
	char quote;

	s->at += 2;
	if (peek(s, 0) == '<') { /* <<< is no here-document */
		s->at++;
		return;
	}
	if (peek(s, 0) == '-') {
		doc.has_tabs = true;
		s->at++;
	}
	while (peek(s, 0) == ' ' || peek(s, 0) == '\t')
		s->at++;
	quote = peek(s, 0);
	if (quote == '\'' || quote == '"' || quote == '\\')
		s->at++;
	doc.word = s->text + s->at;
	if (quote == '\'' || quote == '"')
		while (s->at < s->len && s->text[s->at] != quote &&
		       s->text[s->at] != '\n')
			s->at++;
	else
		while (s->at < s->len && !is_word_end(s->text[s->at]))
			s->at++;
	doc.len = (size_t)(s->text + s->at - doc.word);
	if (peek(s, 0) == quote && (quote == '\'' || quote == '"'))
		s->at++;
	if (doc.len > 0 && s->heredocs_len < HEREDOCS_MAX)
		s->heredocs[s->heredocs_len++] = doc;
}

static size_t
line_end(const struct scanner *s, size_t at)
{
	const char *newline = memchr(s->text + at, '\n', s->len - at);

	return newline ? (size_t)(newline - s->text) : s->len;
}

/* At the begin of a line: the bodies that wait for it. */
static void
skip_heredocs(struct scanner *s)
{
	for (size_t i = 0; i < s->heredocs_len; i++) {
		const struct heredoc *doc = &s->heredocs[i];

		while (s->at < s->len) {
			size_t from = s->at, end = line_end(s, s->at);

			s->at = end < s->len ? end + 1 : s->len;
			while (doc->has_tabs && from < end &&
			       s->text[from] == '\t')
				from++;
			if (end - from == doc->len &&
			    memcmp(s->text + from, doc->word, doc->len) == 0)
				break;
		}
	}
	s->heredocs_len = 0;
}

static bool
is_opener(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(openers); i++)
		if (strlen(openers[i]) == len &&
		    memcmp(openers[i], word, len) == 0)
			return true;
	return false;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* NAME=value before a command. */
static bool
is_assignment(const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);

	if (equals == NULL || equals == word)
		return false;
	for (const char *at = word; at < equals; at++)
		if (!is_name_char(*at))
			return false;
	return true;
}

static void
take_word(struct scanner *s, shsource_command_fn *fn, void *arg)
{
	size_t from = s->at;
	bool was_command = s->at_command, is_plain = true;

	while (s->at < s->len && !is_word_end(s->text[s->at])) {
		char c = s->text[s->at];

		is_plain = is_plain && c != '\'' && c != '"' && c != '\\';
		if (c == '\'')
			skip_single(s);
		else if (c == '"')
			skip_double(s);
		else
			s->at += c == '\\' && s->at + 1 < s->len ? 2 : 1;
	}
	s->at_command =
		was_command && (is_opener(s->text + from, s->at - from) ||
				is_assignment(s->text + from, s->at - from));
	if (was_command && is_plain)
		fn(arg, from, s->at - from);
}

void
shsource_commands(const char *text, size_t len, shsource_command_fn *fn,
		  void *arg)
{
	struct scanner s = {.text = text, .len = len, .at_command = true};

	while (s.at < s.len) {
		char c = s.text[s.at];

		if (c == '\n') {
			s.at++;
			skip_heredocs(&s);
			s.at_command = true;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			s.at++;
		} else if (c == '#') {
			s.at = line_end(&s, s.at);
		} else if (c == '<' && peek(&s, 1) == '<') {
			note_heredoc(&s);
		} else if (is_word_end(c)) { /* ; & | ( ), not < > */
			s.at_command |= c != '<' && c != '>';
			s.at++;
		} else {
			take_word(&s, fn, arg);
		}
	}
}

struct search {
	const char *text, *name;
	bool is_found;
};

static void
compare(void *arg, size_t at, size_t len)
{
	struct search *search = arg;

	search->is_found |= strlen(search->name) == len &&
			    memcmp(search->text + at, search->name, len) == 0;
}

bool
shsource_has_command(const char *text, size_t len, const char *name)
{
	struct search search = {.text = text, .name = name};

	shsource_commands(text, len, compare, &search);
	return search.is_found;
}

bool
shsource_has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text, *end = text + len;
	     (at = memmem(at, (size_t)(end - at), word, n)) != NULL; at += n) {
		bool is_begin = at == text || !isalnum((unsigned char)at[-1]);

		if (is_begin &&
		    (at + n == end || !isalnum((unsigned char)at[n])))
			return true;
	}
	return false;
}

static const char *skip_blanks(const char *at, const char *end);

bool
shsource_next_function(const char *text, size_t len, size_t *at,
		       const char **ret_name, size_t *ret_len)
{
	while (*at < len) {
		const char *from = text + *at, *name_end = from;
		const char *newline = memchr(from, '\n', len - *at);
		const char *end = newline ? newline : text + len;

		*at = (size_t)(end - text) + 1;
		while (name_end < end && is_name_char(*name_end))
			name_end++;
		*ret_name = from;
		*ret_len = (size_t)(name_end - from);
		from = skip_blanks(name_end, end);
		if (*ret_len > 0 && end - from > 1 && from[0] == '(' &&
		    from[1] == ')')
			return true;
	}
	return false;
}

/* ---- bats ------------------------------------------------------------ */

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The last '{' with a blank before it, after `from`. */
static const char *
find_brace(const char *from, const char *end)
{
	for (const char *at = end; at > from + 1; at--)
		if (at[-1] == '{' && is_blank(at[-2]))
			return at - 1;
	return NULL;
}

static void
set_name(const char *at, const char *end, const char *brace,
	 const char *line_end, struct shsource_test *ret)
{
	while (end > at && is_blank(end[-1]))
		end--;
	if (end > at && (*at == '"' || *at == '\''))
		at++;
	if (end > at && (end[-1] == '"' || end[-1] == '\''))
		end--;
	ret->name = at;
	ret->name_len = (size_t)(end - at);
	ret->body = brace + 1;
	ret->body_len = (size_t)(line_end - ret->body);
}

/* name() { # @test */
static bool
read_comment_line(const char *from, const char *end, struct shsource_test *ret)
{
	const char *hash = memrchr(from, '#', (size_t)(end - from)), *at, *name;
	const char *mark;

	if (hash == NULL)
		return false;
	mark = skip_blanks(hash + 1, end);
	if (end - mark < 5 || memcmp(mark, "@test", 5) != 0 ||
	    skip_blanks(mark + 5, end) != end)
		return false;
	at = hash;
	while (at > from && is_blank(at[-1]))
		at--;
	if (at == from || at[-1] != '{' || at == hash)
		return false;
	name = at - 1;
	while (name > from && strchr(" \t()", name[-1]) != NULL)
		name--;
	mark = name;
	while (name > from && strchr(" \t()", name[-1]) == NULL)
		name--;
	set_name(name, mark, end - 1, end, ret);
	return ret->name_len > 0;
}

/* As bats-preprocess has it: @test NAME {, and the other form. */
static bool
read_test_line(const char *from, const char *end, struct shsource_test *ret)
{
	const char *at = skip_blanks(from, end), *brace;

	if (end - at < 6 || memcmp(at, "@test", 5) != 0 || !is_blank(at[5]))
		return read_comment_line(from, end, ret);
	at = skip_blanks(at + 5, end);
	brace = find_brace(at, end);
	if (brace == NULL)
		return false;
	set_name(at, brace, brace, end, ret);
	return ret->name_len > 0;
}

bool
shsource_next_test(const char *text, size_t len, size_t *at,
		   struct shsource_test *ret)
{
	while (*at < len) {
		const char *from = text + *at;
		const char *newline = memchr(from, '\n', len - *at);
		const char *end = newline ? newline : text + len;

		ret->at = *at;
		*at = (size_t)(end - text) + 1;
		if (read_test_line(from, end, ret))
			return true;
	}
	return false;
}
