/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slack.c - Slack's incoming webhooks: SLACK_WEBHOOK_URL hears of everything,
 * HITL_NOTIFICATION_WEBHOOK of approvals.  Somebody's text can neither mention
 * people nor hide where a link goes: &, < and > are escaped, as Slack asks for,
 * and formatting is off.  A bare address in it can be clicked, but Slack does
 * not fetch it to show what is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/notify/channel.h"
#include "supervisor/base/fd.h"

static bool
slack_recipient(const struct api_config *config,
		const struct notify_event *event, size_t i,
		char to[NOTIFY_TO_SIZE])
{
	(void)event;
	to[0] = '\0';
	return i == 0 && config->slack_url[0] != '\0';
}

/* The same URL in both settings hears of it once. */
static bool
hitl_recipient(const struct api_config *config,
	       const struct notify_event *event, size_t i,
	       char to[NOTIFY_TO_SIZE])
{
	(void)event;
	to[0] = '\0';
	return i == 0 && config->hitl_url[0] != '\0' &&
	       strcmp(config->hitl_url, config->slack_url) != 0;
}

static char *
escape(const char *text)
{
	char *escaped = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&escaped, &len);

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fputc(*text, out);
	}
	if (fclose(out) != 0) {
		free(escaped);
		return NULL;
	}
	return escaped;
}

static json_t *
message(const char *text)
{
	owned_mem char *escaped = escape(text);

	if (escaped == NULL)
		return NULL;
	return json_pack("{s:s, s:b, s:b, s:b}", "text", escaped, "mrkdwn", 0,
			 "unfurl_links", 0, "unfurl_media", 0);
}

static int
compose(const struct api *api, const struct notify_event *event,
	const char *delivery_id, json_t *document, struct err *e)
{
	owned_mem char *text = notify_text(api, event);
	json_t *payload = text != NULL ? message(text) : NULL;
	owned_mem char *bytes = json_dumps(payload, JSON_COMPACT);

	(void)delivery_id;
	json_decref(payload);
	if (bytes == NULL ||
	    json_object_set_new(document, "payload", json_string(bytes)) < 0)
		return err_set(e, ERR_INVALID, 0, "the text is not UTF-8");
	return 0;
}

static int
request(const char *setting, const char *url, const json_t *document,
	struct notify_send *send, struct err *e)
{
	const char *payload =
		json_string_value(json_object_get(document, "payload"));

	if (url[0] == '\0' || payload == NULL)
		return err_set(e, ERR_DENIED, 0, "%s: is no longer set",
			       setting);
	(void)notify_send_header(send, "Content-Type: application/json");
	send->request.name = setting;
	send->request.trust = NET_OPERATOR;
	send->request.url = url;
	send->request.body = payload;
	send->request.body_len = strlen(payload);
	return 0;
}

static int
slack_request(const struct api *api, const struct store_delivery *d,
	      const json_t *document, struct notify_send *send, struct err *e)
{
	(void)d;
	return request("SLACK_WEBHOOK_URL", api->config.slack_url, document,
		       send, e);
}

static int
hitl_request(const struct api *api, const struct store_delivery *d,
	     const json_t *document, struct notify_send *send, struct err *e)
{
	(void)d;
	return request("HITL_NOTIFICATION_WEBHOOK", api->config.hitl_url,
		       document, send, e);
}

const struct notify_channel notify_slack = {
	.name = "slack",
	.option = "slack",
	.kinds = NOTIFY_ALL,
	.recipient = slack_recipient,
	.compose = compose,
	.request = slack_request,
};

const struct notify_channel notify_hitl = {
	.name = "hitl",
	.option = "slack",
	.kinds = NOTIFY_APPROVALS,
	.recipient = hitl_recipient,
	.compose = compose,
	.request = hitl_request,
};
