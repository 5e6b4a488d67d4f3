/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe.h - one recipe: a folder DIR/NAME with recipe.ini, a program and its
 * tests; and how well it suits a goal.
 *
 *	; comment
 *	[recipe]
 *	name = jwt-python		; as the folder
 *	title = JSON Web Tokens (HS256)
 *	does = One sentence or two that the client reads.
 *	language = python		; python javascript c shell
 *	agent = security_agent		; whose kind of work it is
 *	code = jwt_tokens.py		; files of the folder
 *	tests = test_jwt_tokens.py
 *	file = more.h			; any number
 *	match = 10 json web token	; weight and phrase, any number
 *	words = sign verify claim*	; more that it is about; may be repeated
 *
 * A phrase occurs in a goal if its words stand there one after the other, in
 * any case; a word's plural in s is the word, and word* is any word that begins
 * so.  The score is the sum of the weights of all phrases that occur.  A goal
 * is also measured by what it says that the recipe is not about: of its words,
 * without those that say nothing of what is wanted (match.c), at least half
 * must be words of the phrases or of words.
 */
#ifndef PC_API_COOKBOOK_RECIPE_H
#define PC_API_COOKBOOK_RECIPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

#define RECIPE_NAME_SIZE 48
#define RECIPE_MATCHES_MAX 48
#define RECIPE_SCORE_MIN 10
#define RECIPE_INI_MAX (16u << 10)
#define RECIPE_FILE_MAX (128u << 10)
#define GOAL_WORDS_MAX 512
#define GOAL_TEXT_SIZE 4096

struct recipe_match {
	unsigned weight;
	char phrase[64];
};

struct recipe {
	char name[RECIPE_NAME_SIZE];
	char title[96];
	char does[512];
	char language[16];
	char agent[32];
	struct recipe_match matches[RECIPE_MATCHES_MAX];
	size_t matches_len;
	char words[1024];
	/* code, tests, code_path, tests_path, language, files; owned. */
	json_t *program;
};

/* recipe.c: reads the folder dir/name.  recipe_done() frees. */
int recipe_load(const char *dir, const char *name, struct recipe *ret,
		struct err *e);
void recipe_done(struct recipe *recipe);

/* ---- match.c --------------------------------------------------------- */

struct goal {
	char text[GOAL_TEXT_SIZE]; /* in lower case, a NUL after each word */
	const char *words[GOAL_WORDS_MAX];
	size_t len;
	bool is_generic[GOAL_WORDS_MAX]; /* says nothing of what is wanted */
	/* The language that it names: as a runtime's or not; "" none. */
	char language[16];
};

struct fit {
	unsigned score;
	size_t content, known; /* words */
};

void goal_init(struct goal *ret, const char *text);
struct fit recipe_fit(const struct recipe *recipe, const struct goal *goal);
/* Is the recipe what the goal asks for? */
bool recipe_suits(const struct fit *fit);
/* The words of the goal that the recipe is not about: a new array. */
json_t *recipe_open_words(const struct recipe *recipe, const struct goal *goal);

#endif
