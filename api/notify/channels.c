/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channels.c - the table of channels, and how an event becomes deliveries.
 *
 * A delivery's id is a hash of event, channel and recipient: whoever prepares
 * the same event again, after a crash, prepares the same deliveries, and the
 * store keeps the first.
 */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/notify/channel.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ID_BYTES 16

const struct notify_channel *const notify_channels[] = {
	&notify_slack,	 &notify_hitl,	 &notify_mail,
	&notify_webhook, &notify_client, NULL,
};

static const char *const kind_names[] = {
	[NOTIFY_APPROVAL_REQUESTED] = "approval_requested",
	[NOTIFY_APPROVAL_REMINDER] = "approval_reminder",
	[NOTIFY_APPROVAL_ESCALATED] = "approval_escalated",
	[NOTIFY_APPROVAL_DECIDED] = "approval_decided",
	[NOTIFY_WORKFLOW_COMPLETED] = "workflow_completed",
	[NOTIFY_WORKFLOW_FAILED] = "workflow_failed",
	[NOTIFY_WORKFLOW_CANCELLED] = "workflow_cancelled",
	[NOTIFY_COST_ALERT] = "cost_alert",
};
_Static_assert(ARRAY_LEN(kind_names) == NOTIFY_KIND_COUNT, "a name each");

const char *
notify_kind_name(enum notify_kind kind)
{
	return kind_names[kind];
}

const struct notify_channel *
notify_channel_find(const char *name)
{
	for (size_t i = 0; notify_channels[i] != NULL; i++)
		if (strcmp(notify_channels[i]->name, name) == 0)
			return notify_channels[i];
	return NULL;
}

int
notify_send_header(struct notify_send *send, const char *fmt, ...)
{
	size_t i = send->headers_len;
	va_list ap;
	int n;

	if (i == NOTIFY_HEADERS_MAX)
		return -1;
	va_start(ap, fmt);
	n = vsnprintf(send->header_text[i], sizeof(send->header_text[i]), fmt,
		      ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(send->header_text[i]) ||
	    strpbrk(send->header_text[i], "\r\n") != NULL)
		return -1;
	send->headers[i] = send->header_text[i];
	send->headers[i + 1] = NULL;
	send->headers_len++;
	return 0;
}

static void
make_id(const char *event_id, const char *channel, const char *to, char ret[40])
{
	unsigned char hash[ID_BYTES];
	crypto_generichash_state state;

	/* Each with its NUL, so that the parts cannot be shifted. */
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const unsigned char *)event_id,
				  strlen(event_id) + 1);
	crypto_generichash_update(&state, (const unsigned char *)channel,
				  strlen(channel) + 1);
	crypto_generichash_update(&state, (const unsigned char *)to,
				  strlen(to) + 1);
	crypto_generichash_final(&state, hash, sizeof(hash));
	str_hex(ret, hash, sizeof(hash));
}

static int
fill(const struct api *api, const struct notify_channel *channel,
     const struct notify_event *event, const char *to,
     struct store_outgoing *ret, struct err *e)
{
	struct store_outgoing out = {.delivery.status = "pending",
				     .delivery.due_us = clock_wall_us()};
	json_t *document =
		json_pack("{s:s, s:s, s:s, s:I, s:s}", "channel", channel->name,
			  "event", notify_kind_name(event->kind), "to", to,
			  "created_us", (json_int_t)clock_wall_us(), "user_id",
			  event->user_id != NULL ? event->user_id : "");
	int rc = -1;

	make_id(event->event_id, channel->name, to, out.delivery.delivery_id);
	if (document == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare a notification");
	if (event->workflow_id != NULL &&
	    str_copy(out.delivery.workflow_id, sizeof(out.delivery.workflow_id),
		     event->workflow_id) < 0)
		err_set(e, ERR_INVALID, 0, "the workflow's id is too long");
	else
		rc = channel->compose(api, event, out.delivery.delivery_id,
				      document, e);
	if (rc == 0)
		out.document = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (rc == 0 && out.document == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare a notification");
	*ret = out;
	return rc;
}

static int
prepare_one(const struct api *api, const struct notify_channel *channel,
	    const struct notify_event *event, const char *to,
	    struct store_outgoing **ret, size_t *ret_len, struct err *e)
{
	struct store_outgoing out, *longer;

	if (fill(api, channel, event, to, &out, e) < 0)
		return err_wrap(e, "%s", channel->name);
	longer = realloc(*ret, (*ret_len + 1) * sizeof(**ret));
	if (longer == NULL) {
		free(out.document);
		return err_sys(e, "prepare a notification");
	}
	longer[(*ret_len)++] = out;
	*ret = longer;
	return 0;
}

/* An approval may name the channels that are to tell of it. */
static bool
is_wanted(const struct notify_channel *channel,
	  const struct notify_event *event)
{
	const json_t *names =
		json_object_get(json_object_get(event->approval, "options"),
				"notification_channels");

	if ((channel->kinds & NOTIFY_BIT(event->kind)) == 0)
		return false;
	if (!json_is_array(names) || json_array_size(names) == 0 ||
	    channel->option == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name != NULL && strcmp(name, channel->option) == 0)
			return true;
	}
	return false;
}

int
notify_prepare(const struct api *api, const struct notify_event *event,
	       struct store_outgoing **ret, size_t *ret_len, struct err *e)
{
	char to[NOTIFY_TO_SIZE];

	for (size_t c = 0; notify_channels[c] != NULL; c++) {
		const struct notify_channel *channel = notify_channels[c];

		if (!is_wanted(channel, event))
			continue;
		for (size_t i = 0;
		     channel->recipient(&api->config, event, i, to); i++)
			if (prepare_one(api, channel, event, to, ret, ret_len,
					e) < 0)
				return -1;
	}
	return 0;
}

void
notify_outgoing_free(struct store_outgoing *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(out[i].document);
	free(out);
}
