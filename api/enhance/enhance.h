/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enhance.h - Journey 1: a short request made into a full prompt by the
 * C.R.E.A.T.E. framework: Context, Request, Examples, Augmentations, Tone and
 * format, Evaluation.  By the configured model, or by rules from the request's
 * own words.
 *
 * The request is a client's text and the model's answer a stranger's: both are
 * bounded and only ever become text of the result.
 */
#ifndef PC_API_ENHANCE_H
#define PC_API_ENHANCE_H

#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "supervisor/base/err.h"

#define CREATE_LETTERS 6
#define ENHANCE_TIER_DEFAULT 4
#define ENHANCE_TIER_MAX 10
#define ENHANCE_QUERY_MAX 4000 /* characters */
#define ENHANCE_SECTION_MAX (8u << 10)

struct create_letter {
	const char *key;     /* in JSON */
	const char *heading; /* in the prompt */
	const char *purpose; /* for a model */
};

extern const struct create_letter create_letters[CREATE_LETTERS];

struct create_prompt {
	char *section[CREATE_LETTERS]; /* malloc'd */
};

void create_prompt_done(struct create_prompt *prompt);
/* All of it as one text, malloc'd; NULL without memory. */
char *create_prompt_text(const struct create_prompt *prompt);

struct enhance_task {
	const char *query; /* UTF-8 */
	unsigned tier;	   /* 1 brief .. 10 comprehensive */
	const char *user_id;
	const char *call_id; /* a UUID: what is paid for */
	uint64_t wall_ms_max;
	int cancel_fd; /* readable: give up; -1: none */
};

/* What a model took. */
struct enhance_bill {
	char model[64];
	uint64_t tokens_in, tokens_out, micros;
	uint32_t retry_after_s; /* also when it fails; 0: not said */
};

/* By rules.  The same words give the same prompt. */
int enhance_by_template(const struct enhance_task *task,
			struct create_prompt *ret, struct err *e);

/* Is a model configured?  ERR_INVALID: its settings are wrong. */
int enhance_has_model(const struct api *api, bool *ret_has, struct err *e);

/*
 * Asks and pays.  Errors as model_ask() and cost_reserve() have them;
 * ERR_INVALID: the answer is not the six sections.
 */
int enhance_by_model(struct api *api, const struct enhance_task *task,
		     struct create_prompt *ret, struct enhance_bill *ret_bill,
		     struct err *e);

/* The six sections of a model's answer. */
int enhance_read_answer(const char *text, size_t len, struct create_prompt *ret,
			struct err *e);

#endif
