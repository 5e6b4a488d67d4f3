/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_notice.c - telling people of an approval: that they are asked, that
 * they still are, that others are asked now, and how it ended.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/notify/notify.h"
#include "api/workflow/approval.h"
#include "supervisor/base/str.h"

static const struct {
	enum notify_kind kind;
	const char *word; /* of the event's id and in the history */
} news_rows[] = {
	[APPROVAL_NEWS_REQUESTED] = {NOTIFY_APPROVAL_REQUESTED, "requested"},
	[APPROVAL_NEWS_REMINDER] = {NOTIFY_APPROVAL_REMINDER, "reminder"},
	[APPROVAL_NEWS_ESCALATED] = {NOTIFY_APPROVAL_ESCALATED, "escalated"},
	[APPROVAL_NEWS_DECIDED] = {NOTIFY_APPROVAL_DECIDED, "decided"},
};

/* As a list shows it, and what one must know to decide; never code. */
static json_t *
told_of(const struct workflow_state *state, const json_t *approval)
{
	json_t *told = approval_brief(approval);

	if (told == NULL)
		return NULL;
	json_object_set_new(told, "workflow_id",
			    json_string(state->meta.workflow_id));
	json_object_set(told, "username",
			json_object_get(state->doc, "username"));
	json_object_set(told, "context", json_object_get(approval, "context"));
	json_object_set(told, "options", json_object_get(approval, "options"));
	return told;
}

int
approval_tell(const struct api *api, struct workflow_state *state,
	      const json_t *approval, enum approval_news news, struct err *e)
{
	const char *word = news_rows[news].word;
	char event_id[64], event[40];
	json_t *told = told_of(state, approval);
	struct notify_event n = {
		.kind = news_rows[news].kind,
		.event_id = event_id,
		.workflow_id = state->meta.workflow_id,
		.user_id = state->meta.user_id,
		.goal = json_text(state->doc, "goal"),
		.status = state->meta.status,
		.client_webhook = json_string_value(
			json_object_get(workflow_state_part(state, "options"),
					"notification_webhook")),
		.approval = told,
	};
	int rc;

	if (told == NULL)
		return err_set(e, ERR_IO, ENOMEM, "tell of an approval");
	(void)str_printf(event_id, sizeof(event_id), "%s/%s",
			 json_text(approval, "approval_id"), word);
	if (news != APPROVAL_NEWS_DECIDED) { /* its vote has its own event */
		(void)str_printf(event, sizeof(event), "approval_%s", word);
		workflow_state_event(state, event, NULL,
				     json_text(approval, "description"));
	}
	rc = notify_prepare(api, &n, &state->out, &state->out_len, e);
	json_decref(told);
	return rc;
}
