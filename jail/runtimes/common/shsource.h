/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shsource.h - what the shell runtime has to know about a script's text: which
 * commands it calls by name, and which tests a bats file has.
 *
 * A scanner, not a parser: it knows quotes, comments and here-documents, and
 * takes a word for a command where one may begin.
 */
#ifndef PC_RUNTIMES_SHSOURCE_H
#define PC_RUNTIMES_SHSOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* Called for each word in the place of a command; at: offset in text. */
typedef void shsource_command_fn(void *arg, size_t at, size_t len);

void shsource_commands(const char *text, size_t len, shsource_command_fn *fn,
		       void *arg);

/* Is there a command of this name? */
bool shsource_has_command(const char *text, size_t len, const char *name);

/* Is there this word, anywhere? */
bool shsource_has_word(const char *text, size_t len, const char *word);

/*
 * The next function that a line at or after *at begins to define, "name() {"
 * at its very start; the rest as for tests.
 */
bool shsource_next_function(const char *text, size_t len, size_t *at,
			    const char **ret_name, size_t *ret_len);

struct shsource_test {
	size_t at;	  /* of its line */
	const char *name; /* into text, without quotes */
	size_t name_len;
	const char *body; /* the rest of the line */
	size_t body_len;
};

/* The next bats test at or after *at, which is moved on; false if none. */
bool shsource_next_test(const char *text, size_t len, size_t *at,
			struct shsource_test *ret);

#endif
