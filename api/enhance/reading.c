/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.c - see reading.h.  Everything is cut to bounds; the text is only
 * compared with tables and copied.
 */
#include "api/enhance/reading.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "supervisor/base/str.h"

#define SENTENCE_SIZE 1024

static bool
is_word_byte(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || isalnum(u) || u == '_';
}

const char *
reading_find(const char *text, const char *words)
{
	size_t len = strlen(words);

	for (const char *at = text; (at = strcasestr(at, words)) != NULL;
	     at++) {
		bool begins = at == text || !is_word_byte(at[-1]) ||
			      !is_word_byte(words[0]);
		bool ends =
			!is_word_byte(at[len]) || !is_word_byte(words[len - 1]);

		if (begins && ends)
			return at;
	}
	return NULL;
}

/* ---- pieces of text -------------------------------------------------- */

/* The length without the last character, if it has several bytes. */
static size_t
whole_characters(const char *text, size_t len)
{
	size_t i = len;

	while (i > 0 && ((unsigned char)text[i - 1] & 0xc0) == 0x80)
		i--;
	return i > 0 && (unsigned char)text[i - 1] >= 0xc0 ? i - 1 : len;
}

/* Searches go through what is near, not each time through all of a text. */
static void
copy_part(char *dst, size_t size, const char *at, size_t len)
{
	if (len > size - 1)
		len = whole_characters(at, size - 1);
	memcpy(dst, at, len);
	dst[len] = '\0';
}

/*
 * Without blanks and stops at both ends, on one line, cut between characters.
 */
static void
copy_clean(const char *at, size_t len, char dst[READING_TEXT_SIZE])
{
	size_t used = 0;

	while (len > 0 && strchr(" \t\r\n,;:-", at[0]) != NULL) {
		at++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n,;:.!?", at[len - 1]) != NULL)
		len--;
	for (size_t i = 0; i < len && used < READING_TEXT_SIZE - 1; i++) {
		char c = at[i];

		if (c == '\n' || c == '\t' || c == '\r')
			c = ' ';
		if (c == ' ' && used > 0 && dst[used - 1] == ' ')
			continue;
		dst[used++] = c;
	}
	if (used == READING_TEXT_SIZE - 1)
		used = whole_characters(dst, used);
	dst[used] = '\0';
}

static void
list_add(struct reading_list *list, const char *at, size_t len)
{
	char text[READING_TEXT_SIZE];

	copy_clean(at, len, text);
	if (text[0] == '\0' || list->len == READING_LIST_MAX)
		return;
	for (size_t i = 0; i < list->len; i++)
		if (strcasestr(list->text[i], text) != NULL)
			return; /* it says so already */
	(void)str_copy(list->text[list->len++], READING_TEXT_SIZE, text);
}

/* A stop ends a sentence before a blank, not within 3.11, a.py or e.g. */
static size_t
sentence_len(const char *at)
{
	for (size_t i = 0; at[i] != '\0'; i++) {
		char next = at[i + 1];
		bool is_short = i >= 1 && at[i] == '.' &&
				(i < 2 || !is_word_byte(at[i - 2])) &&
				is_word_byte(at[i - 1]);

		if (at[i] == '\n')
			return i + 1;
		if (strchr(".!?;", at[i]) != NULL && !is_short &&
		    (next == '\0' || isspace((unsigned char)next)))
			return i + 1;
	}
	return strlen(at);
}

/* To the comma that is no thousands separator, or the end. */
static size_t
clause_len(const char *at, size_t max)
{
	for (size_t i = 0; i < max; i++)
		if ((at[i] == ',' && !isdigit((unsigned char)at[i + 1])) ||
		    at[i] == ')' || at[i] == '\n')
			return i;
	return max;
}

/* ---- what binds ------------------------------------------------------ */

static const char *const limit_words[] = {
	"must not",   "must",		"should not",	 "should",
	"shall",      "has to",		"have to",	 "needs to",
	"need to",    "without",	"only",		 "at most",
	"at least",   "no more than",	"not more than", "less than",
	"fewer than", "more than",	"under",	 "within",
	"up to",      "maximum",	"minimum",	 "max",
	"min",	      "do not",		"don't",	 "avoid",
	"never",      "no longer than", "exactly",	 "not use",
};
static const char *const example_words[] = {
	"for example", "for instance", "e.g.",	 "such as",
	"like this",   "example:",     "input:", "given:",
};
static const char *const audience_words[] = {
	"beginner",  "beginners",  "child",	"children",	  "kid",
	"kids",	     "student",	   "students",	"developer",	  "developers",
	"engineer",  "engineers",  "manager",	"managers",	  "boss",
	"customer",  "customers",  "client",	"clients",	  "team",
	"colleague", "colleagues", "user",	"users",	  "audience",
	"reader",    "readers",	   "executive", "executives",	  "expert",
	"experts",   "layman",	   "laypeople", "non-technical",  "newcomers",
	"patients",  "investors",  "admins",	"administrators", "teenagers",
};
static const struct {
	const char *word, *form;
} forms[] = {
	{"json", "JSON"},
	{"yaml", "YAML"},
	{"csv file", ""}, /* rather what goes in */
	{"markdown", "Markdown"},
	{"table", "a table"},
	{"bullet points", "bullet points"},
	{"bullets", "bullet points"},
	{"bullet list", "bullet points"},
	{"checklist", "a checklist"},
	{"step by step", "numbered steps"},
	{"step-by-step", "numbered steps"},
	{"email", "an email"},
	{"e-mail", "an email"},
	{"letter", "a letter"},
	{"essay", "an essay"},
	{"blog post", "a blog post"},
	{"article", "an article"},
	{"slides", "slides"},
	{"presentation", "slides"},
	{"one sentence", "one sentence"},
	{"paragraph", "a paragraph"},
	{"diagram", "a diagram"},
	{"html", "HTML"},
};

/* Of a sentence, from each word that binds to the end of its clause. */
static void
read_limits(const char *sentence, struct reading *r)
{
	const char *done = sentence;

	for (;;) {
		const char *first = NULL;
		size_t len;

		for (size_t i = 0; i < ARRAY_LEN(limit_words); i++) {
			const char *at = reading_find(done, limit_words[i]);

			if (at != NULL && (first == NULL || at < first))
				first = at;
		}
		if (first == NULL || r->limits.len == READING_LIST_MAX)
			return;
		len = clause_len(first, strlen(first));
		list_add(&r->limits, first, len);
		done = first + len;
	}
}

static void
read_examples(const char *sentence, struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(example_words); i++) {
		const char *at = reading_find(sentence, example_words[i]);

		if (at == NULL)
			continue;
		at += strlen(example_words[i]);
		list_add(&r->examples, at, strlen(at));
	}
}

static void
read_quoted(const char *query, struct reading *r)
{
	static const char *const pairs[][2] = {
		{"\"", "\""}, {"`", "`"}, {"\u201c", "\u201d"}};

	for (size_t k = 0; k < ARRAY_LEN(pairs); k++) {
		const char *at = query, *end;

		while ((at = strstr(at, pairs[k][0])) != NULL) {
			at += strlen(pairs[k][0]);
			end = strstr(at, pairs[k][1]);
			if (end == NULL)
				break;
			if (end > at && end - at < 120)
				list_add(&r->quoted, at, (size_t)(end - at));
			at = end + strlen(pairs[k][1]);
		}
	}
}

/* "for complete beginners": two or three words between "for" and the reader. */
static void
read_audience(const char *query, struct reading *r)
{
	for (const char *at = query; (at = reading_find(at, "for")) != NULL;
	     at += 3) {
		char near[48];

		copy_part(near, sizeof(near), at + 3,
			  clause_len(at + 3, sentence_len(at + 3)));
		for (size_t i = 0; i < ARRAY_LEN(audience_words); i++) {
			const char *who = reading_find(near, audience_words[i]);

			if (who == NULL)
				continue;
			copy_clean(near,
				   (size_t)(who - near) +
					   strlen(audience_words[i]),
				   r->audience);
			return;
		}
	}
}

static void
read_form(const char *query, struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (forms[i].form[0] == '\0' ||
		    reading_find(query, forms[i].word) == NULL)
			continue;
		(void)str_copy(r->form, sizeof(r->form), forms[i].form);
		return;
	}
}

static void
read_sentences(const char *query, struct reading *r)
{
	for (const char *at = query; *at != '\0';) {
		size_t len = sentence_len(at);
		char sentence[SENTENCE_SIZE];

		copy_part(sentence, sizeof(sentence), at, len);
		read_limits(sentence, r);
		read_examples(sentence, r);
		list_add(&r->asked, at, len);
		at += len;
	}
}

/* ---- kind and fields ------------------------------------------------- */

static bool
has_one(const char *query, const char *const words[WORDS_MAX])
{
	for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
		if (reading_find(query, words[i]) != NULL)
			return true;
	return words[0] == NULL;
}

/* The verb that comes first says it; the subject is what follows. */
static void
read_work(const char *query, struct reading *r)
{
	const struct work *w = works;
	const char *first = NULL, *after = query;

	for (; w->words[0] != NULL; w++) {
		if (!has_one(query, w->nouns))
			continue;
		for (size_t i = 0; i < WORDS_MAX && w->words[i] != NULL; i++) {
			const char *at = reading_find(query, w->words[i]);

			if (at == NULL || (first != NULL && at >= first))
				continue;
			first = at;
			after = at + strlen(w->words[i]);
			r->work = w;
		}
	}
	if (r->work == NULL)
		r->work = w; /* the last, without words */
	copy_clean(after, clause_len(after, sentence_len(after)), r->subject);
}

static void
read_fields(const char *query, struct reading *r)
{
	for (const struct field_of_work *f = fields_of_work;
	     f->name != NULL && r->fields_len < READING_FIELDS_MAX; f++)
		if (has_one(query, f->words))
			r->fields[r->fields_len++] = f;
}

void
reading_read(const char *query, struct reading *ret)
{
	*ret = (struct reading){0};
	read_work(query, ret);
	read_fields(query, ret);
	read_sentences(query, ret);
	read_quoted(query, ret);
	read_audience(query, ret);
	read_form(query, ret);
	ret->has_numbers = strpbrk(query, "0123456789") != NULL;
}
