/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - what people read: what happened, to which workflow, who must do what
 * by when, and where.  The goal and an approval's description are somebody's
 * text: one line each, without control characters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/notify/channel.h"
#include "supervisor/base/str.h"

#define GOAL_MAX 200
#define SUBJECT_GOAL_MAX 120

static const char *const titles[] = {
	[NOTIFY_APPROVAL_REQUESTED] = "Approval needed",
	[NOTIFY_APPROVAL_REMINDER] = "Approval still needed",
	[NOTIFY_APPROVAL_ESCALATED] = "Approval overdue",
	[NOTIFY_APPROVAL_DECIDED] = "Approval decided",
	[NOTIFY_WORKFLOW_COMPLETED] = "Workflow completed",
	[NOTIFY_WORKFLOW_FAILED] = "Workflow failed",
	[NOTIFY_WORKFLOW_CANCELLED] = "Workflow cancelled",
	[NOTIFY_COST_ALERT] = "Cost alert",
};
_Static_assert(ARRAY_LEN(titles) == NOTIFY_KIND_COUNT, "a title each");

/* Length of the UTF-8 character at p, 1 if it is none. */
static size_t
char_len(const unsigned char *p)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc0 ? 1
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
				   : 4;

	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	return len;
}

/* C0, DEL, C1, line and paragraph separators, bidirectional overrides. */
static bool
is_control(const unsigned char *p, size_t len)
{
	if (len == 1)
		return p[0] < 0x20 || p[0] >= 0x7f;
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return (p[2] >= 0x8e && p[2] <= 0x8f) ||
		       (p[2] >= 0xa8 && p[2] <= 0xae);
	return len == 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 &&
	       p[2] <= 0xa9;
}

void
notify_clean(char *dst, size_t size, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t used = 0;

	while (*p != '\0') {
		size_t len = char_len(p);
		bool is_blank = is_control(p, len);

		if (used + (is_blank ? 1 : len) + 4 > size) {
			memcpy(dst + used, "...", 3);
			used += 3;
			break;
		}
		if (!is_blank) {
			memcpy(dst + used, p, len);
			used += len;
		} else if (used > 0 && dst[used - 1] != ' ') {
			dst[used++] = ' ';
		}
		p += len;
	}
	dst[used] = '\0';
}

char *
notify_subject(const struct notify_event *event)
{
	const char *risk = json_text(event->approval, "risk_level");
	char goal[SUBJECT_GOAL_MAX], clean_risk[16], *text = NULL;
	bool is_open = event->kind == NOTIFY_APPROVAL_REQUESTED ||
		       event->kind == NOTIFY_APPROVAL_REMINDER ||
		       event->kind == NOTIFY_APPROVAL_ESCALATED;

	notify_clean(goal, sizeof(goal),
		     event->goal != NULL ? event->goal : "");
	notify_clean(clean_risk, sizeof(clean_risk), risk);
	if (asprintf(&text, "PromptCraft: %s%s%s%s%s%s", titles[event->kind],
		     is_open && risk[0] != '\0' ? " (risk " : "",
		     is_open ? clean_risk : "",
		     is_open && risk[0] != '\0' ? ")" : "",
		     goal[0] != '\0' ? ": " : "", goal) < 0)
		return NULL;
	return text;
}

int
notify_link(const struct api_config *config, const char *workflow_id, char *dst,
	    size_t size)
{
	size_t len = strlen(config->public_url);

	while (len > 0 && config->public_url[len - 1] == '/')
		len--;
	return str_printf(dst, size, "%.*s/api/v3/execute/status/%s", (int)len,
			  config->public_url, workflow_id);
}

/* "Name: text" if there is a text. */
static void
add_line(FILE *out, const char *name, const char *text)
{
	char clean[GOAL_MAX + 4];

	if (text == NULL || text[0] == '\0')
		return;
	notify_clean(clean, sizeof(clean), text);
	fprintf(out, "%s: %s\n", name, clean);
}

static void
add_approval(FILE *out, const struct notify_event *event)
{
	const json_t *a = event->approval;
	const json_t *options = json_object_get(a, "options");
	const json_t *needed = json_object_get(options != NULL ? options : a,
					       "required_approvers");
	json_int_t count =
		json_is_integer(needed) ? json_integer_value(needed) : 1;

	add_line(out, "Step", json_text(a, "description"));
	add_line(out, "Type", json_text(a, "approval_type"));
	add_line(out, "Risk", json_text(a, "risk_level"));
	if (event->kind == NOTIFY_APPROVAL_DECIDED) {
		add_line(out, "Decision", json_text(a, "status"));
		add_line(out, "By", json_text(a, "response_by_username"));
		return;
	}
	if (count > 1)
		fprintf(out, "Who: %lld approvers must decide\n",
			(long long)count);
	else
		fputs("Who: an approver must decide\n", out);
	add_line(out, "Until", json_text(a, "expires_at"));
	add_line(out, "Approval", json_text(a, "approval_id"));
}

static void
write_text(FILE *out, const struct api *api, const struct notify_event *event)
{
	char link[512];

	fprintf(out, "%s\n", titles[event->kind]);
	add_line(out, "Goal", event->goal);
	add_line(out, "Workflow", event->workflow_id);
	add_line(out, "Status", event->status);
	if (event->approval != NULL)
		add_approval(out, event);
	if (event->workflow_id != NULL && event->workflow_id[0] != '\0' &&
	    notify_link(&api->config, event->workflow_id, link, sizeof(link)) ==
		    0)
		fprintf(out, "Where: %s\n", link);
}

char *
notify_text(const struct api *api, const struct notify_event *event)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	write_text(out, api, event);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

json_t *
notify_approval_json(const json_t *approval)
{
	static const char *const told[] = {
		"approval_id",
		"step_id",
		"description",
		"approval_type",
		"status",
		"risk_level",
		"digest",
		"requested_at",
		"expires_at",
		"responded_at",
		"response_by",
		"response_by_username",
		"required_approvers",
	};
	json_t *copy = json_object();

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		json_t *value = json_object_get(approval, told[i]);

		if (value != NULL && !json_is_object(value) &&
		    !json_is_array(value))
			json_object_set(copy, told[i], value);
	}
	return copy;
}
