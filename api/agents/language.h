/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language.h - the languages that a model may answer in: how models call them,
 * which files a job expects, and how their tests are written.
 */
#ifndef PC_API_AGENTS_LANGUAGE_H
#define PC_API_AGENTS_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#define LANGUAGE_WORDS_MAX 7

struct language {
	const char *name; /* of the runtime */
	const char *words[LANGUAGE_WORDS_MAX];
	const char *suffixes[LANGUAGE_WORDS_MAX]; /* the first is code's */
	const char *code_path, *tests_path;	  /* as the runtime has them */
	const char *header_path;		  /* NULL: none */
	/* One of these in a text without a name says that it is tests. */
	const char *test_marks[LANGUAGE_WORDS_MAX];
	const char *test_rules; /* for the model */
};

/* The table; its end is the first without a name. */
const struct language *languages(void);
/* "python, javascript, c, shell" */
void language_names(char *dst, size_t size);
/* By name or by what models write after a fence, in any case; or NULL. */
const struct language *language_by_word(const char *word, size_t len);
const struct language *language_by_path(const char *path);

/* "test_x.py", "x_test.c", "x.test.js", "tests.py", "tests/x.py" */
bool language_is_tests_path(const char *path);
bool language_is_header_path(const char *path);
/* Does this text look like tests? */
bool language_looks_like_tests(const struct language *language,
			       const char *text);

#endif
