/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_notify.c - what an event becomes: which deliveries, under which ids, in
 * which words; that nobody's text gets out of its place; and signatures.
 */
#include <ctype.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/notify/channel.h"
#include "supervisor/base/str.h"

#define MASTER "0123456789abcdef0123456789abcdef"
#define GOAL                                                                   \
	"Say <hi> & *bye*\r\nBcc: x@example.org\x1b[31m "                      \
	"\xe2\x80\xae"                                                         \
	"f\xc3\xbcr Z\xc3\xbcrich"

static struct api api;
static json_t *approval, *completion;

static int
setup(void **state)
{
	struct api_config *c = &api.config;

	(void)state;
	if (sodium_init() < 0)
		return -1;
	str_copy(c->slack_url, sizeof(c->slack_url), "https://slack.example/S");
	str_copy(c->hitl_url, sizeof(c->hitl_url), "https://hitl.example/H");
	str_copy(c->webhook_url, sizeof(c->webhook_url),
		 "https://hook.example/W");
	str_copy(c->webhook_secret, sizeof(c->webhook_secret), MASTER);
	str_copy(c->smtp_host, sizeof(c->smtp_host), "mail.example");
	str_copy(c->smtp_security, sizeof(c->smtp_security), "starttls");
	str_copy(c->email_from, sizeof(c->email_from), "from@mail.example");
	str_copy(c->email_to, sizeof(c->email_to), " a@b.example, c@d.example");
	c->webhook_enabled = c->email_enabled = true;
	approval = json_loads(
		"{\"approval_id\": \"A-1\", \"description\": \"Release\\nit\","
		" \"risk_level\": \"high\", \"approval_type\":"
		" \"code_deployment\", \"status\": \"pending\","
		" \"options\": {\"required_approvers\": 2}, \"expires_at\": "
		"\"2026-12-01\","
		" \"digest\": \"abc\", \"context\": {\"generated_code\":"
		" \"CANARY\"}, \"generated_code\": [\"CANARY\"],"
		" \"secret_thing\": \"CANARY\"}",
		0, NULL);
	completion = json_loads(
		"{\"status\": \"completed\", \"data\": {\"workflow_id\": \"W\","
		" \"execution_summary\": \"CANARY\", \"artifacts\":"
		" {\"generated_code\": \"CANARY\"}, \"metrics\":"
		" {\"steps_completed\": 3}}, \"metadata\": {}}",
		0, NULL);
	return approval != NULL && completion != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(approval);
	json_decref(completion);
	return 0;
}

static struct notify_event
make_event(enum notify_kind kind)
{
	bool is_end = (NOTIFY_BIT(kind) & NOTIFY_ENDS) != 0;
	bool is_approval = (NOTIFY_BIT(kind) & NOTIFY_APPROVALS) != 0;

	return (struct notify_event){
		.kind = kind,
		.event_id = "W/1",
		.workflow_id = "W",
		.user_id = "U",
		.goal = GOAL,
		.status = is_end ? "completed" : "waiting_approval",
		.client_webhook = "https://client.example/hook?token=SECRET",
		.approval = is_approval ? approval : NULL,
		.completion = is_end ? completion : NULL,
	};
}

static size_t
prepare(const struct notify_event *event, struct store_outgoing **ret)
{
	struct err e = ERR_INIT;
	size_t len = 0;

	*ret = NULL;
	if (notify_prepare(&api, event, ret, &len, &e) < 0)
		fail_msg("%s", e.text);
	return len;
}

static json_t *
find(const struct store_outgoing *out, size_t len, const char *channel)
{
	for (size_t i = 0; i < len; i++) {
		json_t *document = json_loads(out[i].document, 0, NULL);

		assert_non_null(document);
		if (strcmp(json_string_value(
				   json_object_get(document, "channel")),
			   channel) == 0)
			return document;
		json_decref(document);
	}
	fail_msg("no delivery for %s", channel);
	return NULL;
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	assert_non_null(text);
	return text;
}

static void
test_who_hears_of_what(void **state)
{
	static const struct {
		enum notify_kind kind;
		size_t count;
	} rows[] = {
		/* slack, two mails, webhook; hitl or client */
		{NOTIFY_APPROVAL_REQUESTED, 5}, {NOTIFY_APPROVAL_REMINDER, 5},
		{NOTIFY_APPROVAL_ESCALATED, 5}, {NOTIFY_APPROVAL_DECIDED, 5},
		{NOTIFY_WORKFLOW_COMPLETED, 5}, {NOTIFY_WORKFLOW_FAILED, 5},
		{NOTIFY_WORKFLOW_CANCELLED, 5}, {NOTIFY_COST_ALERT, 4},
	};

	(void)state;
	_Static_assert(ARRAY_LEN(rows) == NOTIFY_KIND_COUNT, "all kinds");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct notify_event event = make_event(rows[i].kind);
		struct store_outgoing *out;
		size_t len = prepare(&event, &out);

		assert_int_equal(len, rows[i].count);
		for (size_t n = 0; n < len; n++) {
			assert_string_equal(out[n].delivery.status, "pending");
			assert_string_equal(out[n].delivery.workflow_id, "W");
			assert_int_equal(strlen(out[n].delivery.delivery_id),
					 32);
			assert_true(out[n].delivery.due_us > 0);
		}
		notify_outgoing_free(out, len);
	}
}

/* The same event gives the same ids; another event or recipient does not. */
static void
test_ids(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_COMPLETED);
	struct store_outgoing *first, *again, *other;
	size_t len = prepare(&event, &first);

	(void)state;
	assert_int_equal(prepare(&event, &again), len);
	event.event_id = "W/2";
	assert_int_equal(prepare(&event, &other), len);
	for (size_t i = 0; i < len; i++) {
		assert_string_equal(first[i].delivery.delivery_id,
				    again[i].delivery.delivery_id);
		for (size_t n = 0; n < len; n++) {
			assert_string_not_equal(first[i].delivery.delivery_id,
						other[n].delivery.delivery_id);
			if (n != i)
				assert_string_not_equal(
					first[i].delivery.delivery_id,
					first[n].delivery.delivery_id);
		}
	}
	notify_outgoing_free(first, len);
	notify_outgoing_free(again, len);
	notify_outgoing_free(other, len);
}

/* Code is the client's own and nobody else's. */
static void
test_no_code(void **state)
{
	(void)state;
	for (int kind = 0; kind < NOTIFY_KIND_COUNT; kind++) {
		struct notify_event event = make_event((enum notify_kind)kind);
		struct store_outgoing *out;
		size_t len = prepare(&event, &out);

		for (size_t i = 0; i < len; i++) {
			json_t *d = json_loads(out[i].document, 0, NULL);
			bool is_client =
				strcmp(text_of(d, "channel"), "client") == 0;

			if (strstr(text_of(d, "payload"), "CANARY") != NULL &&
			    !is_client)
				fail_msg("%s: %s", text_of(d, "channel"),
					 text_of(d, "payload"));
			if (is_client)
				assert_non_null(strstr(text_of(d, "payload"),
						       "CANARY"));
			json_decref(d);
		}
		notify_outgoing_free(out, len);
	}
}

static void
test_slack_text(void **state)
{
	struct notify_event event = make_event(NOTIFY_APPROVAL_REQUESTED);
	struct store_outgoing *out;
	size_t len = prepare(&event, &out);
	json_t *slack = find(out, len, "slack");
	json_t *message = json_loads(text_of(slack, "payload"), 0, NULL);
	const char *text = text_of(message, "text");

	(void)state;
	assert_true(json_is_false(json_object_get(message, "mrkdwn")));
	assert_true(json_is_false(json_object_get(message, "unfurl_links")));
	assert_true(json_is_false(json_object_get(message, "unfurl_media")));
	assert_non_null(strstr(text, "Say &lt;hi&gt; &amp; *bye* Bcc:"));
	assert_non_null(strstr(text, "Step: Release it\n"));
	assert_non_null(strstr(text, "Risk: high\n"));
	assert_non_null(strstr(text, "Who: 2 approvers must decide\n"));
	assert_non_null(strstr(text, "Until: 2026-12-01\n"));
	assert_non_null(strstr(text, "Workflow: W\n"));
	assert_null(strpbrk(text, "\r\x1b<>"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_non_null(strstr(text, "f\xc3\xbcr Z\xc3\xbcrich"));
	json_decref(message);
	json_decref(slack);
	notify_outgoing_free(out, len);
}

static void
test_channels_of_an_approval(void **state)
{
	struct notify_event event = make_event(NOTIFY_APPROVAL_REQUESTED);
	struct store_outgoing *out;
	json_t *names = json_pack("[s]", "email");
	size_t len;

	(void)state;
	json_object_set_new(json_object_get(approval, "options"),
			    "notification_channels", names);
	len = prepare(&event, &out);
	assert_int_equal(len, 2); /* the two mails */
	notify_outgoing_free(out, len);
	json_array_append_new(names, json_string("slack"));
	len = prepare(&event, &out);
	assert_int_equal(len, 4);
	notify_outgoing_free(out, len);
	json_object_del(json_object_get(approval, "options"),
			"notification_channels");
}

static void
test_switched_off(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_FAILED);
	struct store_outgoing *out;
	size_t len;

	(void)state;
	api.config.webhook_enabled = api.config.email_enabled = false;
	len = prepare(&event, &out);
	assert_int_equal(len, 1); /* slack */
	notify_outgoing_free(out, len);
	api.config.webhook_enabled = api.config.email_enabled = true;
}

/* ---- requests -------------------------------------------------------- */

static void
make_send(const struct store_outgoing *out, size_t len, const char *channel,
	  json_t **ret_document, struct notify_send *send)
{
	struct store_delivery d = {.delivery_id = "D", .attempts = 1};
	struct err e = ERR_INIT;

	(void)out;
	*send = (struct notify_send){0};
	*ret_document = find(out, len, channel);
	if (notify_channel_find(channel)->request(&api, &d, *ret_document, send,
						  &e) < 0)
		fail_msg("%s", e.text);
}

/* Each line of a mail's head is one of ours, whatever the goal was. */
static void
test_mail(void **state)
{
	static const char *const names[] = {"From: ",
					    "To: ",
					    "Subject:",
					    " =?utf-8?B?",
					    "Date: ",
					    "Message-ID: ",
					    "Auto-Submitted: ",
					    "X-PromptCraft-Delivery: ",
					    "MIME-Version: ",
					    "Content-Type: ",
					    "Content-Transfer-Encoding: "};
	struct notify_event event = make_event(NOTIFY_APPROVAL_REQUESTED);
	struct store_outgoing *out;
	size_t len = prepare(&event, &out);
	struct notify_send send;
	json_t *document;
	const char *line;

	(void)state;
	make_send(out, len, "mail", &document, &send);
	assert_string_equal(send.mail.to, "a@b.example");
	assert_int_equal(send.request.trust, NET_OPERATOR);
	assert_non_null(strstr(send.body, "Message-ID: <D@mail.example>\r\n"));
	for (line = send.body; strncmp(line, "\r\n", 2) != 0;
	     line = strstr(line, "\r\n") + 2) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				is_known = true;
		if (!is_known || strcspn(line, "\r\n") > 78)
			fail_msg("%.80s", line);
	}
	for (line += 2; *line != '\0'; line = strstr(line, "\r\n") + 2)
		assert_true(strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk"
					 "lmnopqrstuvwxyz0123456789+/=") ==
			    strcspn(line, "\r"));
	free(send.body);
	json_decref(document);
	notify_outgoing_free(out, len);
}

static const char *
header(const struct notify_send *send, const char *name)
{
	for (size_t i = 0; i < send->headers_len; i++)
		if (strncmp(send->headers[i], name, strlen(name)) == 0)
			return send->headers[i] + strlen(name);
	fail_msg("no header %s", name);
	return NULL;
}

static void
check_signature(const struct notify_send *send, const char *key)
{
	const char *signature = header(send, "X-PromptCraft-Signature: ");
	crypto_auth_hmacsha256_state mac;
	unsigned char bytes[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof(bytes) + 1], t[32] = "";

	assert_int_equal(sscanf(signature, "t=%20[0-9],v1=", t), 1);
	crypto_auth_hmacsha256_init(&mac, (const unsigned char *)key,
				    strlen(key));
	crypto_auth_hmacsha256_update(&mac, (unsigned char *)t, strlen(t));
	crypto_auth_hmacsha256_update(&mac, (const unsigned char *)".", 1);
	crypto_auth_hmacsha256_update(&mac, send->request.body,
				      send->request.body_len);
	crypto_auth_hmacsha256_final(&mac, bytes);
	str_hex(hex, bytes, sizeof(bytes));
	assert_string_equal(strstr(signature, "v1=") + 3, hex);
}

static void
test_signatures(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_COMPLETED);
	struct store_outgoing *out;
	size_t len = prepare(&event, &out);
	char key[NOTIFY_SECRET_SIZE], other[NOTIFY_SECRET_SIZE];
	struct notify_send send;
	json_t *document;

	(void)state;
	make_send(out, len, "webhook", &document, &send);
	check_signature(&send, MASTER);
	assert_int_equal(send.request.trust, NET_OPERATOR);
	assert_string_equal(header(&send, "X-PromptCraft-Delivery: "), "D");
	assert_string_equal(header(&send, "X-PromptCraft-Attempt: "), "2");
	assert_string_equal(header(&send, "X-PromptCraft-Event: "),
			    "workflow_completed");
	json_decref(document);

	make_send(out, len, "client", &document, &send);
	notify_user_secret(&api.config, "U", key);
	notify_user_secret(&api.config, "V", other);
	assert_string_not_equal(key, other);
	assert_string_not_equal(key, MASTER);
	check_signature(&send, key);
	assert_int_equal(send.request.trust, NET_CLIENT);
	json_decref(document);
	notify_outgoing_free(out, len);
}

/* A completion that is too large goes without its artifacts, and says so. */
static void
test_large_completion(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_COMPLETED);
	char *code = malloc((2 << 20) + 1);
	json_t *large = json_deep_copy(completion);
	json_t *document, *payload, *data;
	struct store_outgoing *out;
	size_t len;

	(void)state;
	memset(code, 'x', 2 << 20);
	code[2 << 20] = '\0';
	json_object_set_new(
		json_object_get(json_object_get(large, "data"), "artifacts"),
		"generated_code", json_string(code));
	event.completion = large;
	len = prepare(&event, &out);
	document = find(out, len, "client");
	assert_true(strlen(text_of(document, "payload")) < 4096);
	payload = json_loads(text_of(document, "payload"), 0, NULL);
	data = json_object_get(payload, "data");
	assert_true(json_is_true(json_object_get(data, "artifacts_omitted")));
	assert_int_equal(json_object_size(json_object_get(data, "artifacts")),
			 0);
	assert_string_equal(text_of(data, "workflow_id"), "W");
	json_decref(payload);
	json_decref(document);
	notify_outgoing_free(out, len);
	json_decref(large);
	free(code);
}

static void
test_nobodys_webhook(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_COMPLETED);
	struct store_outgoing *out = NULL;
	struct err e = ERR_INIT;
	size_t len = 0;

	(void)state;
	event.user_id = NULL;
	assert_int_equal(notify_prepare(&api, &event, &out, &len, &e), -1);
	notify_outgoing_free(out, len);
}

/* ---- words ----------------------------------------------------------- */

static void
test_clean(void **state)
{
	static const struct {
		const char *text, *want;
		size_t size;
	} rows[] = {
		{"plain", "plain", 64},
		{"a\r\nb\tc", "a b c", 64},
		{"\n\n lead", " lead", 64},
		{"\x1b[2J", "[2J", 64},
		{"\xc2\x85"
		 "x",
		 "x", 64},
		{"\xe2\x80\xa8"
		 "x\xe2\x81\xa6"
		 "y",
		 "x y", 64},
		{"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", "\xc3\xbc\xc3\xbc...", 9},
		{"0123456789", "012345...", 10},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[64];

		notify_clean(text, rows[i].size, rows[i].text);
		assert_string_equal(text, rows[i].want);
	}
}

static void
test_link(void **state)
{
	char link[128];

	(void)state;
	assert_int_equal(notify_link(&api.config, "W", link, sizeof(link)), 0);
	assert_string_equal(link, "/api/v3/execute/status/W");
	str_copy(api.config.public_url, sizeof(api.config.public_url),
		 "https://pc.example/x//");
	assert_int_equal(notify_link(&api.config, "W", link, sizeof(link)), 0);
	assert_string_equal(link,
			    "https://pc.example/x/api/v3/execute/status/W");
}

/* What an admin is shown names no path and no text. */
static void
test_delivery_json(void **state)
{
	struct notify_event event = make_event(NOTIFY_WORKFLOW_COMPLETED);
	struct store_outgoing *out;
	size_t len = prepare(&event, &out);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		json_t *shown =
			notify_delivery_json(&out[i].delivery, out[i].document);
		char *text = json_dumps(shown, 0);

		assert_null(strstr(text, "SECRET"));
		assert_null(strstr(text, "CANARY"));
		assert_non_null(strstr(text, "due_at"));
		free(text);
		json_decref(shown);
	}
	notify_outgoing_free(out, len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_hears_of_what),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_no_code),
		cmocka_unit_test(test_slack_text),
		cmocka_unit_test(test_channels_of_an_approval),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_large_completion),
		cmocka_unit_test(test_nobodys_webhook),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_delivery_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
