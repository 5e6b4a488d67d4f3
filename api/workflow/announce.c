/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announce.c - see announce.h.  What cannot be announced is logged and does not
 * keep the workflow from ending.
 */
#include "api/workflow/announce.h"

#include <stdio.h>
#include <string.h>

#include "api/notify/notify.h"
#include "api/workflow/completion.h"
#include "supervisor/base/log.h"

static enum notify_kind
kind_of(enum workflow_status status)
{
	switch (status) {
	case WORKFLOW_COMPLETED:
		return NOTIFY_WORKFLOW_COMPLETED;
	case WORKFLOW_CANCELLED:
		return NOTIFY_WORKFLOW_CANCELLED;
	default:
		return NOTIFY_WORKFLOW_FAILED;
	}
}

static int
prepare(struct api *api, struct workflow_state *state, json_t *completion,
	struct err *e)
{
	const json_t *options = workflow_state_part(state, "options");
	enum workflow_status status = workflow_state_status(state);
	char event_id[64];
	const struct notify_event event = {
		.kind = kind_of(status),
		.event_id = event_id,
		.workflow_id = state->meta.workflow_id,
		.user_id = state->meta.user_id,
		.goal = json_text(state->doc, "goal"),
		.status = state->meta.status,
		.client_webhook = json_string_value(
			json_object_get(options, "notification_webhook")),
		.completion = completion,
	};

	snprintf(event_id, sizeof(event_id), "%s/end", state->meta.workflow_id);
	return notify_prepare(api, &event, &state->out, &state->out_len, e);
}

void
workflow_announce(struct api *api, struct workflow_state *state)
{
	json_t *completion;
	struct err e;

	if (state->is_announced ||
	    !workflow_status_is_terminal(workflow_state_status(state)))
		return;
	completion = completion_new(state);
	if (prepare(api, state, completion, &e) < 0)
		log_error("event=notify workflow=%s error=\"%s\"",
			  state->meta.workflow_id, e.text);
	json_decref(completion);
	state->is_announced = true;
}
