/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - a goal broken down into steps by a model: what it is asked, and what
 * of its answer is taken.  The answer is untrusted: it is one JSON object of
 * exactly one form, or it is refused.
 */
#ifndef PC_API_AGENTS_PLAN_H
#define PC_API_AGENTS_PLAN_H

#include <jansson.h>
#include <stddef.h>

#include "api/agents/agent.h"
#include "api/workflow/author.h"
#include "supervisor/base/err.h"

#define PLAN_STEP_MIN 5	  /* characters */
#define PLAN_STEP_MAX 200 /* characters */

/* As prompt_new(); the agent's own text is not used. */
int plan_prompt_new(const struct agent *agent, const struct author_task *task,
		    const char *marker, json_t **ret_messages,
		    size_t *ret_bytes, struct err *e);

/*
 * {"steps": ["...", ...]}, as answer_object_read() finds it; *ret_steps is a
 * new array of 1 to AUTHOR_STEPS_MAX texts.  ERR_INVALID: anything else.
 */
int plan_read(const char *text, size_t len, json_t **ret_steps, struct err *e);

#endif
