/* SPDX-License-Identifier: Apache-2.0 */
/*
 * author.h - who writes code for a workflow (a model, the cookbook, a test's
 * script), as the engine sees it.  What comes back is untrusted: it is checked
 * as a program of a client's is.
 */
#ifndef PC_API_WORKFLOW_AUTHOR_H
#define PC_API_WORKFLOW_AUTHOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/base/err.h"

#define AUTHOR_STEPS_MAX 8

struct author_task {
	const char *goal;
	const char *language;	/* "": the author's choice */
	const json_t *context;	/* of the request */
	const json_t *previous; /* program to be mended; NULL: a first one */
	/*
	 * Why it must be mended: {"tests": [failing cases], "outcome",
	 * "findings": [...], "stdout", "stderr", "more_failing": how many
	 * cases are left out}; NULL for a first one.
	 */
	const json_t *feedback;
	const char *workflow_id;
	const char *user_id;
	uint32_t step, attempt; /* with the workflow's id: what is paid for */
	/*
	 * With workflow and step: the question's identity.  It stays the same
	 * while nobody knows whether the question was answered.
	 */
	uint32_t call;
	const json_t *plan; /* what plan() gave for the goal; NULL: none */
	uint32_t iteration; /* 0: first program, 1: first mending, ... */
	uint64_t wall_ms_max;
	int cancel_fd; /* readable: give up */
	/*
	 * Puts an answer that was paid for on the disk.  The author calls it
	 * before it does anything with the answer, and stops with this error
	 * if it fails; reply is borrowed and the author's own affair.
	 */
	int (*keep)(void *arg, json_t *reply, struct err *e);
	void *keep_arg;
	/* What was kept under this identity before a crash: not asked again. */
	const json_t *kept;
};

struct author_work {
	/*
	 * Members as in a request's context: code, and where it has them
	 * tests, language, code_path, tests_path, files.  Owned.
	 */
	json_t *program;
	char source[32]; /* "model", "cookbook" */
	char agent[32];	 /* as in the plan: "create_agent" */
	char model[64];	 /* "" if none */
	uint64_t tokens_in, tokens_out;
	uint64_t cost_micros; /* millionths of a dollar */
	/*
	 * If it was not written for this goal, what it is: {"name", "title",
	 * "does", "score", "not_about": [words of the goal]}.  Owned; or NULL.
	 */
	json_t *recipe;
	/* Filled in also when it fails: not sooner again; 0: not said. */
	uint32_t retry_after_s;
	/* It failed, and the question may have been answered all the same. */
	bool is_unanswered;
};

struct workflow_author {
	void *arg;
	bool never_mends; /* what fails is not to be brought to it again */
	/*
	 * 0 if code for this goal can be had; ERR_NOT_FOUND: nobody writes it,
	 * and *e names the settings that would change that.
	 */
	int (*check_ready)(void *arg, const struct author_task *task,
			   struct err *e);
	/*
	 * 0 with *ret; ERR_PEER and ERR_BUSY: worth another try later;
	 * ERR_INVALID: the answer held no usable code; ERR_LIMIT: it would
	 * cost more than is allowed; ERR_DENIED: the model refused.  Money that
	 * was spent is accounted by the author also when it fails.
	 */
	int (*write)(void *arg, const struct author_task *task,
		     struct author_work *ret, struct err *e);
	/*
	 * Breaks the goal down: as write(), with program an array of 1 to
	 * AUTHOR_STEPS_MAX texts, checked.  NULL: it does not plan.
	 */
	int (*plan)(void *arg, const struct author_task *task,
		    struct author_work *ret, struct err *e);
};

#endif
