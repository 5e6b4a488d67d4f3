/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agents_model.c - which settings make a model, what it is asked, and what
 * its HTTP answers mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/agents/model.h"
#include "supervisor/base/str.h"

#define KEY "sk-key-that-nobody-may-see"

/* ---- settings -------------------------------------------------------- */

static struct api_config
config_of(const char *azure, const char *azure_key, const char *deployment,
	  const char *url, const char *name, const char *key)
{
	struct api_config c = {.azure_version = "2024-02-01",
			       .model_kind = "chat",
			       .model_max_tokens = 1000,
			       .model_timeout_s = 10};

	assert_int_equal(
		str_copy(c.azure_endpoint, sizeof(c.azure_endpoint), azure), 0);
	assert_int_equal(str_copy(c.azure_key, sizeof(c.azure_key), azure_key),
			 0);
	assert_int_equal(str_copy(c.azure_deployment,
				  sizeof(c.azure_deployment), deployment),
			 0);
	assert_int_equal(str_copy(c.model_url, sizeof(c.model_url), url), 0);
	assert_int_equal(str_copy(c.model_name, sizeof(c.model_name), name), 0);
	assert_int_equal(str_copy(c.model_key, sizeof(c.model_key), key), 0);
	return c;
}

struct setting_row {
	const char *azure, *azure_key, *deployment, *url, *name, *key;
	const char *ends_in; /* "": no model */
	const char *error;
};

static const struct setting_row setting_rows[] = {
	{"", "", "", "", "", "", "", NULL},
	{"https://x.openai.azure.com/", KEY, "gpt-4o", "", "", "",
	 "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/"
	 "completions?api-version=2024-02-01",
	 NULL},
	{"", "", "", "http://vllm:8000/v1", "qwen", "",
	 "http://vllm:8000/v1/chat/completions", NULL},
	{"", "", "", "http://127.0.0.1:11434/v1/", "qwen", KEY,
	 "http://127.0.0.1:11434/v1/chat/completions", NULL},
	{"", "", "", "https://model.example/v1", "qwen", KEY,
	 "https://model.example/v1/chat/completions", NULL},
	{"https://x.example", "", "gpt-4o", "", "", "", NULL,
	 "AZURE_OPENAI_ENDPOINT: is set without AZURE_OPENAI_API_KEY"},
	{"https://x.example", KEY, "", "", "", "", NULL,
	 "without AZURE_OPENAI_DEPLOYMENT"},
	{"https://x.example", KEY, "a/../b", "", "", "", NULL,
	 "AZURE_OPENAI_DEPLOYMENT: letters"},
	{"http://x.example", KEY, "gpt-4o", "", "", "", NULL,
	 "AZURE_OPENAI_ENDPOINT: the key is sent over https only"},
	{"https://x.example", "two\nlines", "gpt-4o", "", "", "", NULL,
	 "AZURE_OPENAI_API_KEY: a blank"},
	{"https://x.example/?a=b", KEY, "gpt-4o", "", "", "", NULL,
	 "must have no query"},
	{"", KEY, "", "", "", "", NULL, "without AZURE_OPENAI_ENDPOINT"},
	{"", "", "", "", "", KEY, NULL, "without PROMPTCRAFT_MODEL_URL"},
	{"", "", "", "http://h/v1", "", "", NULL,
	 "PROMPTCRAFT_MODEL_URL: is set without PROMPTCRAFT_MODEL"},
	{"", "", "", "http://h/v1", "m", KEY, NULL, "over https only"},
	{"", "", "", "ftp://h/v1", "m", "", NULL, "PROMPTCRAFT_MODEL_URL"},
	{"https://x.example", KEY, "d", "http://h/v1", "m", "", NULL,
	 "both set"},
};

static void
test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(setting_rows); i++) {
		const struct setting_row *row = &setting_rows[i];
		struct api_config c =
			config_of(row->azure, row->azure_key, row->deployment,
				  row->url, row->name, row->key);
		struct err e = ERR_INIT;
		struct model m;
		int rc = model_init(&c, &m, &e);

		if ((rc == 0) != (row->error == NULL))
			fail_msg("row %zu: %s", i, e.text);
		if (rc == 0 || row->error == NULL)
			assert_string_equal(m.url, row->ends_in);
		else if (strstr(e.text, row->error) == NULL ||
			 strstr(e.text, KEY) != NULL)
			fail_msg("row %zu: %s", i, e.text);
	}
}

/* ---- the request ----------------------------------------------------- */

static void
test_body(void **state)
{
	struct model m = {.name = "qwen", .says_model = true, .max_tokens = 77};
	json_t *messages = json_pack("[{s:s}]", "role", "user");
	struct model_call call = {.messages = messages, .temperature = 0.5};
	char *text = model_body(&m, &call);

	(void)state;
	assert_string_equal(text, "{\"messages\":[{\"role\":\"user\"}],"
				  "\"stream\":false,\"model\":\"qwen\","
				  "\"max_tokens\":77,\"temperature\":0.5}");
	free(text);
	m.says_model = false;
	m.is_reasoning = true;
	text = model_body(&m, &call);
	assert_string_equal(text, "{\"messages\":[{\"role\":\"user\"}],"
				  "\"stream\":false,"
				  "\"max_completion_tokens\":77}");
	free(text);
	m.is_streaming = true;
	text = model_body(&m, &call);
	assert_non_null(strstr(text, "\"stream\":true,\"stream_options\":{"
				     "\"include_usage\":true}"));
	free(text);
	json_decref(messages);
}

/* ---- the answer ------------------------------------------------------ */

#define CHOICE(members) "{\"choices\": [{" members "}]" USAGE "}"
#define USAGE ", \"usage\": {\"prompt_tokens\": 11, \"completion_tokens\": 22}"
#define SAYS(text) "\"message\": {\"content\": " text "}"

struct answer_row {
	int status;
	enum err_kind kind; /* ERR_NONE: text is what it says */
	const char *body;
	const char *text;
	enum model_charge charge;
	bool is_cut;
};

static const struct answer_row answer_rows[] = {
	{.status = 200,
	 .body = CHOICE(SAYS("\"hi\"")),
	 .kind = ERR_NONE,
	 .text = "hi",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = CHOICE(SAYS("\"hi\"") ", \"finish_reason\": \"length\""),
	 .kind = ERR_NONE,
	 .text = "hi",
	 MODEL_CHARGE_TOKENS,
	 true},
	{.status = 200,
	 .body = CHOICE(SAYS("null")),
	 .kind = ERR_NONE,
	 .text = "",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = "{\"choices\": [{" SAYS("\"hi\"") "}]}",
	 .kind = ERR_NONE,
	 .text = "hi",
	 MODEL_CHARGE_UNKNOWN,
	 false},
	{.status = 200,
	 .body = "{\"choices\": [{" SAYS(
		 "\"hi\"") "}], \"usage\": {"
			   "\"prompt_tokens\": -5, \"completion_tokens\": 1}}",
	 .kind = ERR_NONE,
	 .text = "hi",
	 MODEL_CHARGE_UNKNOWN,
	 false},
	{.status = 200,
	 .body = CHOICE("\"message\": {\"refusal\": \"no\"}"),
	 .kind = ERR_DENIED,
	 .text = "declined",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = CHOICE(SAYS("\"\"") ", \"finish_reason\": \"content_filter\""),
	 .kind = ERR_DENIED,
	 .text = "content filter",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = CHOICE(
		 "\"message\": {\"content\": null, \"tool_calls\": [1]}"),
	 .kind = ERR_INVALID,
	 .text = "called a tool",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = CHOICE(SAYS("[1]")),
	 .kind = ERR_INVALID,
	 .text = "has no text",
	 MODEL_CHARGE_TOKENS,
	 false},
	{.status = 200,
	 .body = "{\"choices\": []}",
	 .kind = ERR_INVALID,
	 .text = "no chat completion",
	 MODEL_CHARGE_UNKNOWN,
	 false},
	{.status = 200,
	 .body = "<html>",
	 .kind = ERR_PEER,
	 .text = "no JSON",
	 MODEL_CHARGE_UNKNOWN,
	 false},
	{.status = 200,
	 .body = NULL,
	 .kind = ERR_PEER,
	 .text = "no JSON",
	 MODEL_CHARGE_UNKNOWN,
	 false},
	{.status = 429,
	 .body = "{}",
	 .kind = ERR_BUSY,
	 .text = "429",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 429,
	 .body = NULL,
	 .kind = ERR_BUSY,
	 .text = "429",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 429,
	 .body = "{\"error\": {\"code\": \"insufficient_quota\"}}",
	 .kind = ERR_LIMIT,
	 .text = "quota",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 400,
	 .body = "{\"error\": {\"code\": \"content_filter\"}}",
	 .kind = ERR_DENIED,
	 .text = "content filter",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 400,
	 .body = "{\"error\": {\"code\": \"context_length_exceeded\"}}",
	 .kind = ERR_LIMIT,
	 .text = "too long",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 400,
	 .body = "{\"error\": {\"code\": \"x\", \"message\": \"" KEY "\"}}",
	 .kind = ERR_INVALID,
	 .text = "answered 400",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 401,
	 .body = "{}",
	 .kind = ERR_INVALID,
	 .text = "PROMPTCRAFT_MODEL_KEY",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 403,
	 .body = NULL,
	 .kind = ERR_INVALID,
	 .text = "PROMPTCRAFT_MODEL_KEY",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 404,
	 .body = "",
	 .kind = ERR_NOT_FOUND,
	 .text = "404",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 408,
	 .body = NULL,
	 .kind = ERR_PEER,
	 .text = "408",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 409,
	 .body = "{}",
	 .kind = ERR_PEER,
	 .text = "answered 409",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 500,
	 .body = NULL,
	 .kind = ERR_PEER,
	 .text = "answered 500",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 503,
	 .body = "[]",
	 .kind = ERR_PEER,
	 .text = "answered 503",
	 MODEL_CHARGE_NONE,
	 false},
	{.status = 204,
	 .body = NULL,
	 .kind = ERR_INVALID,
	 .text = "answered 204",
	 MODEL_CHARGE_NONE,
	 false},
};

static void
test_answers(void **state)
{
	struct api_config c = config_of(
		"", "", "", "https://m.example/v1/secret-path", "m", KEY);
	struct err e = ERR_INIT;
	struct model m;

	(void)state;
	assert_int_equal(model_init(&c, &m, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++) {
		const struct answer_row *row = &answer_rows[i];
		struct model_reply reply = {0};
		int rc;

		e = ERR_INIT;
		rc = model_read(&m, row->status, row->body,
				row->body != NULL ? strlen(row->body) : 0,
				&reply, &e);
		if (e.kind != row->kind || reply.charge != row->charge ||
		    reply.is_cut != row->is_cut)
			fail_msg("row %zu: %s: %s, charge %d", i,
				 err_kind_name(e.kind), e.text, reply.charge);
		if (strstr(rc == 0 ? reply.text : e.text, row->text) == NULL)
			fail_msg("row %zu: %s", i, e.text);
		/* What may have been paid for is over, and is kept. */
		assert_int_equal(reply.is_answered, row->status == 200);
		assert_int_equal(reply.is_unanswered,
				 row->status == 408 || row->status == 409);
		/* Neither path nor key, nor what the server says. */
		assert_null(strstr(e.text, "secret-path"));
		assert_null(strstr(e.text, KEY));
		if (reply.charge == MODEL_CHARGE_TOKENS)
			assert_int_equal(reply.tokens_in + reply.tokens_out,
					 33);
		model_reply_done(&reply);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
