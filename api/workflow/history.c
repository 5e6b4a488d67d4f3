/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.c - what happened to a workflow, as an array of its document, so that
 * it is stored in the same write as the change it tells of.  Messages are for
 * people: never code, never a prompt.
 */
#include <string.h>

#include "api/jobs/text.h"
#include "api/workflow/state.h"
#include "supervisor/base/clock.h"

#define MESSAGE_MAX 300 /* bytes */

static json_t *
history_of(const struct workflow_state *state)
{
	json_t *history = workflow_state_part(state, "history");

	if (history == NULL) {
		history = json_array();
		json_object_set_new(state->doc, "history", history);
	}
	return history;
}

/* Ids follow from how many there ever were, so none is given twice. */
static json_int_t
next_id(const struct workflow_state *state, const json_t *history)
{
	return json_number(state->doc, "history_dropped") +
	       (json_int_t)json_array_size(history) + 1;
}

static void
drop_oldest(struct workflow_state *state, json_t *history)
{
	int64_t dropped = json_number(state->doc, "history_dropped");

	for (; json_array_size(history) > WORKFLOW_HISTORY_MAX; dropped++)
		json_array_remove(history, 0);
	json_object_set_new(state->doc, "history_dropped",
			    json_integer(dropped));
}

void
workflow_state_event(struct workflow_state *state, const char *event,
		     const json_t *step, const char *message)
{
	json_t *history = history_of(state);
	json_t *entry = json_pack(
		"{s:I, s:s, s:s, s:f}", "id", next_id(state, history), "event",
		event, "status", state->meta.status, "progress_percentage",
		workflow_state_progress(state));
	size_t len = message != NULL ? strnlen(message, MESSAGE_MAX) : 0;

	if (entry == NULL)
		return;
	json_set_time(entry, "at", clock_wall_us());
	if (step != NULL)
		json_object_set(entry, "step_id",
				json_object_get(step, "step_id"));
	json_object_set_new(entry, "message",
			    len > 0 ? text_to_json(message, len) : json_null());
	json_array_append_new(history, entry);
	drop_oldest(state, history);
}
