/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt.h - what a model is asked.
 *
 * Instructions are ours alone: the agent's text and the rules of the answer, in
 * the system message.  Goal, context, code, tests and failures are data: each
 * stands between two lines with a marker that nobody outside can know, and the
 * rules say that nothing in there changes them.  That hinders injections and
 * does not stop all: the answer stays untrusted.
 */
#ifndef PC_API_AGENTS_PROMPT_H
#define PC_API_AGENTS_PROMPT_H

#include <jansson.h>
#include <stddef.h>

#include "api/agents/agent.h"
#include "api/workflow/author.h"
#include "supervisor/base/err.h"

#define PROMPT_MAX (256u << 10)
#define PROMPT_CONTEXT_MAX (16u << 10)
#define PROMPT_MARKER_SIZE 33

/*
 * The marker of one call: it follows from (workflow, step, call) and the key,
 * so that a call which is repeated is the same.
 */
void prompt_marker(const struct author_task *task, const void *key,
		   size_t key_len, char ret[PROMPT_MARKER_SIZE]);

/*
 * The messages of a chat, owned by the caller, and how long their texts are.
 * ERR_LIMIT: they would be longer than PROMPT_MAX.
 */
int prompt_new(const struct agent *agent, const struct author_task *task,
	       const char *marker, json_t **ret_messages, size_t *ret_bytes,
	       struct err *e);

#endif
