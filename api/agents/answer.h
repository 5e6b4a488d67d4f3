/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - the program in a model's answer.
 *
 * The answer is untrusted: it may be shaped by whoever wrote the goal, the code
 * or what the code printed.  Nothing in it is obeyed; code and tests are cut
 * out by fixed rules, and what cannot be told apart for certain is refused with
 * the reason rather than guessed.  What comes out is checked as a client's
 * program is.
 */
#ifndef PC_API_AGENTS_ANSWER_H
#define PC_API_AGENTS_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

#define ANSWER_MAX (512u << 10)
#define ANSWER_FILE_MAX (256u << 10)
#define ANSWER_BLOCKS_MAX 32
#define ANSWER_PATH_MAX 100

/*
 * language is what is wanted, "" any.  is_cut: the model
 * ran into its token limit.  *ret_program has code and, where the answer has
 * them, tests, language, code_path, tests_path and files, as a request's
 * context; the caller owns it.  ERR_INVALID: no program can be told from it;
 * ERR_DENIED: the model declined.
 */
int answer_read(const char *text, size_t len, const char *language, bool is_cut,
		json_t **ret_program, struct err *e);

/* ---- what its files share -------------------------------------------- */

/* One fenced block; text is NUL-terminated and owned by the list. */
struct answer_block {
	char word[24];		    /* after the fence: "python"; "" none */
	char path[ANSWER_PATH_MAX]; /* "" none */
	char *text;
};

struct answer_blocks {
	struct answer_block at[ANSWER_BLOCKS_MAX];
	size_t len;
};

/* fence.c: ERR_INVALID for one that is not closed, too many, too large. */
int answer_split(const char *text, size_t len, struct answer_blocks *ret,
		 struct err *e);
void answer_blocks_done(struct answer_blocks *blocks);

#endif
