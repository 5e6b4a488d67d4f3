/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - signed JSON: to the operator's PROMPTCRAFT_WEBHOOK_URL of every
 * event, to a client's notification_webhook when its workflow ends.
 *
 * The signature is HMAC-SHA256 over "TIMESTAMP.BODY" with the time of sending,
 * so that a receiver can refuse what is old; the body names the delivery, so
 * that it can refuse what it had.  The operator's key is
 * PROMPTCRAFT_WEBHOOK_SECRET; each user's is derived from it, so that nobody
 * can sign for another.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/notify/channel.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* A larger completion goes without its artifacts. */
#define PAYLOAD_MAX (1u << 20)

/* ---- keys ------------------------------------------------------------ */

static void
hmac_hex(const char *key, const char *prefix, const char *text, size_t len,
	 char ret[NOTIFY_SECRET_SIZE])
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key,
				    strlen(key));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)prefix,
				      strlen(prefix));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, len);
	crypto_auth_hmacsha256_final(&state, mac);
	str_hex(ret, mac, sizeof(mac));
	sodium_memzero(&state, sizeof(state));
}

void
notify_user_secret(const struct api_config *config, const char *user_id,
		   char ret[NOTIFY_SECRET_SIZE])
{
	hmac_hex(config->webhook_secret, "promptcraft webhook user ", user_id,
		 strlen(user_id), ret);
}

/* ---- whom ------------------------------------------------------------ */

static bool
operator_recipient(const struct api_config *config,
		   const struct notify_event *event, size_t i,
		   char to[NOTIFY_TO_SIZE])
{
	(void)event;
	to[0] = '\0';
	return i == 0 && config->webhook_enabled &&
	       config->webhook_url[0] != '\0';
}

static bool
client_recipient(const struct api_config *config,
		 const struct notify_event *event, size_t i,
		 char to[NOTIFY_TO_SIZE])
{
	return i == 0 && config->webhook_enabled &&
	       event->client_webhook != NULL &&
	       event->client_webhook[0] != '\0' &&
	       str_copy(to, NOTIFY_TO_SIZE, event->client_webhook) == 0;
}

/* ---- what ------------------------------------------------------------ */

static int
set_payload(json_t *document, const json_t *payload, struct err *e)
{
	owned_mem char *text = json_dumps(payload, JSON_COMPACT);

	if (text == NULL ||
	    json_object_set_new(document, "payload", json_string(text)) < 0)
		return err_set(e, ERR_IO, ENOMEM, "write a notification");
	return 0;
}

static json_t *
text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static int
operator_compose(const struct api *api, const struct notify_event *event,
		 const char *delivery_id, json_t *document, struct err *e)
{
	const json_t *data = json_object_get(event->completion, "data");
	json_t *payload =
		json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "event",
			  notify_kind_name(event->kind), "event_id",
			  event->event_id, "delivery_id", delivery_id,
			  "workflow_id", text_or_null(event->workflow_id),
			  "goal", text_or_null(event->goal), "status",
			  text_or_null(event->status));
	char link[512];
	int rc;

	if (payload == NULL)
		return err_set(e, ERR_INVALID, 0, "the text is not UTF-8");
	if (event->approval != NULL)
		json_object_set_new(payload, "approval",
				    notify_approval_json(event->approval));
	if (json_object_get(data, "metrics") != NULL)
		json_object_set(payload, "metrics",
				json_object_get(data, "metrics"));
	if (event->workflow_id != NULL &&
	    notify_link(&api->config, event->workflow_id, link, sizeof(link)) ==
		    0)
		json_object_set_new(payload, "url", json_string(link));
	rc = set_payload(document, payload, e);
	json_decref(payload);
	return rc;
}

static void
omit_artifacts(json_t *payload)
{
	json_t *data = json_object_get(payload, "data");

	json_object_set_new(data, "artifacts", json_object());
	json_object_set_new(data, "artifacts_omitted", json_true());
}

static int
client_compose(const struct api *api, const struct notify_event *event,
	       const char *delivery_id, json_t *document, struct err *e)
{
	json_t *payload =
		event->completion != NULL
			? json_deep_copy(event->completion)
			: json_pack("{s:s, s:{s:s}}", "status", event->status,
				    "data", "workflow_id", event->workflow_id);
	int rc = -1;

	(void)api;
	if (payload == NULL)
		return err_set(e, ERR_IO, ENOMEM, "write a notification");
	json_object_set_new(payload, "event",
			    json_string(notify_kind_name(event->kind)));
	json_object_set_new(payload, "delivery_id", json_string(delivery_id));
	if (json_dumpb(payload, NULL, 0, JSON_COMPACT) > PAYLOAD_MAX)
		omit_artifacts(payload);
	if (event->user_id == NULL || event->user_id[0] == '\0')
		err_set(e, ERR_INVALID, 0, "nobody's notification_webhook");
	else
		rc = set_payload(document, payload, e);
	json_decref(payload);
	return rc;
}

/* ---- how ------------------------------------------------------------- */

static int
sign(const char *key, const struct store_delivery *d, const json_t *document,
     struct notify_send *send, struct err *e)
{
	const char *payload =
		json_string_value(json_object_get(document, "payload"));
	const char *event =
		json_string_value(json_object_get(document, "event"));
	uint64_t now_s = clock_wall_us() / 1000000u;
	char mac[NOTIFY_SECRET_SIZE], prefix[32];

	if (payload == NULL || event == NULL)
		return err_set(e, ERR_DENIED, 0, "the delivery is damaged");
	(void)str_printf(prefix, sizeof(prefix), "%" PRIu64 ".", now_s);
	hmac_hex(key, prefix, payload, strlen(payload), mac);
	if (notify_send_header(send, "Content-Type: application/json") < 0 ||
	    notify_send_header(send,
			       "X-PromptCraft-Signature: t=%" PRIu64 ",v1=%s",
			       now_s, mac) < 0 ||
	    notify_send_header(send, "X-PromptCraft-Delivery: %s",
			       d->delivery_id) < 0 ||
	    notify_send_header(send, "X-PromptCraft-Event: %s", event) < 0 ||
	    notify_send_header(send, "X-PromptCraft-Attempt: %u",
			       d->attempts + 1) < 0)
		return err_set(e, ERR_DENIED, 0, "the delivery is damaged");
	send->request.body = payload;
	send->request.body_len = strlen(payload);
	return 0;
}

static int
operator_request(const struct api *api, const struct store_delivery *d,
		 const json_t *document, struct notify_send *send,
		 struct err *e)
{
	if (!api->config.webhook_enabled || api->config.webhook_url[0] == '\0')
		return err_set(e, ERR_DENIED, 0,
			       "PROMPTCRAFT_WEBHOOK_URL: is no longer set");
	send->request.name = "PROMPTCRAFT_WEBHOOK_URL";
	send->request.trust = NET_OPERATOR;
	send->request.url = api->config.webhook_url;
	return sign(api->config.webhook_secret, d, document, send, e);
}

static int
client_request(const struct api *api, const struct store_delivery *d,
	       const json_t *document, struct notify_send *send, struct err *e)
{
	const char *user =
		json_string_value(json_object_get(document, "user_id"));
	char key[NOTIFY_SECRET_SIZE];
	int rc;

	send->request.url = json_string_value(json_object_get(document, "to"));
	if (!api->config.webhook_enabled || send->request.url == NULL ||
	    user == NULL)
		return err_set(e, ERR_DENIED, 0,
			       "WEBHOOK_NOTIFICATIONS_ENABLED: is false");
	send->request.name = "notification_webhook";
	send->request.trust = NET_CLIENT;
	notify_user_secret(&api->config, user, key);
	rc = sign(key, d, document, send, e);
	sodium_memzero(key, sizeof(key));
	return rc;
}

const struct notify_channel notify_webhook = {
	.name = "webhook",
	.option = "webhook",
	.kinds = NOTIFY_ALL,
	.recipient = operator_recipient,
	.compose = operator_compose,
	.request = operator_request,
};

const struct notify_channel notify_client = {
	.name = "client",
	.kinds = NOTIFY_ENDS,
	.recipient = client_recipient,
	.compose = client_compose,
	.request = client_request,
};
