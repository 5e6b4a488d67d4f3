/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transition.c - see transition.h.
 */
#include "api/workflow/transition.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define W TRANSITION_WORKFLOW
#define S TRANSITION_STEP

/* At most one row for each pair of statuses. */
static const struct transition table[] = {
	{W, "", "workflow_created", "created", "a client asked for it"},
	{W, "created", "workflow_started", "running",
	 "a worker begins its first step"},
	{W, "created", "workflow_failed", "failed",
	 "its time was over before a worker came to it"},
	{W, "created", "workflow_cancelled", "cancelled",
	 "somebody cancelled it"},
	{W, "running", "workflow_waiting", "waiting_approval",
	 "people are asked"},
	{W, "running", "workflow_completed", "completed",
	 "its last step is done"},
	{W, "running", "workflow_failed", "failed", "a step failed"},
	{W, "running", "workflow_cancelled", "cancelled",
	 "somebody cancelled it"},
	{W, "waiting_approval", "workflow_resumed", "running",
	 "people said yes"},
	{W, "waiting_approval", "workflow_failed", "failed",
	 "people said no, or nothing in time"},
	{W, "waiting_approval", "workflow_cancelled", "cancelled",
	 "somebody cancelled it"},

	{S, "", "step_planned", "pending", "it belongs to the plan"},
	{S, "pending", "step_started", "running", "it is its turn"},
	{S, "pending", "step_failed", "failed",
	 "the workflow's time was over before its turn"},
	{S, "pending", "step_skipped", "skipped",
	 "it is not needed, or the workflow ended before its turn"},
	{S, "running", "step_completed", "completed", "it did its work"},
	{S, "running", "step_failed", "failed",
	 "it could not do its work, or the workflow was ended"},
	{S, "running", "step_reopened", "pending",
	 "it found faults that are to be mended first"},
	{S, "completed", "step_reopened", "pending",
	 "what it made is to be mended"},
};

static atomic_bool refusal_is_fatal;

void
transition_set_fatal(bool is_fatal)
{
	refusal_is_fatal = is_fatal;
}

const struct transition *
transition_table(size_t *ret_len)
{
	*ret_len = ARRAY_LEN(table);
	return table;
}

const struct transition *
transition_find(enum transition_subject subject, const char *from,
		const char *to)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].subject == subject &&
		    strcmp(table[i].from, from) == 0 &&
		    strcmp(table[i].to, to) == 0)
			return &table[i];
	}
	log_error("event=transition_refused subject=%s from=%s to=%s",
		  subject == TRANSITION_WORKFLOW ? "workflow" : "step", from,
		  to);
	assert(!refusal_is_fatal);
	return NULL;
}
