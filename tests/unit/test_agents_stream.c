/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agents_stream.c - answers of a model that come in pieces: what they
 * become, wherever they are cut into pieces, and what is refused while it
 * comes; and answers as they are kept on the disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/agents/answer.h"
#include "api/agents/model.h"
#include "api/agents/stream.h"
#include "supervisor/base/str.h"

#define KEY "sk-key-that-nobody-may-see"
#define TEXT_LIMIT 64

static const struct model model = {.setting = "PROMPTCRAFT_MODEL_URL",
				   .key_setting = "PROMPTCRAFT_MODEL_KEY",
				   .url = "https://m.example/v1",
				   .key = KEY};

#define CHUNK(delta)                                                           \
	"data: {\"choices\": [{\"index\": 0, \"delta\": {" delta "}}]}\n\n"
#define END(reason)                                                            \
	"data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"" reason    \
	"\"}]}\n\n"
#define USAGE                                                                  \
	"data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 11, "          \
	"\"completion_tokens\": 22}}\n\n"
#define DONE "data: [DONE]\n\n"
#define SAYS(text) CHUNK("\"content\": \"" text "\"")

struct row {
	const char *stream;
	enum err_kind kind; /* ERR_NONE: text is what it says */
	const char *text;
	enum model_charge charge;
	bool is_cut, is_unanswered;
};

static const struct row rows[] = {
	{SAYS("he") SAYS("llo") END("stop") USAGE DONE, ERR_NONE, "hello",
	 MODEL_CHARGE_TOKENS, false, false},
	/* the first chunk has a role, some have a usage of null */
	{"data: {\"choices\": [{\"delta\": {\"role\": \"assistant\", "
	 "\"content\": \"\"}}], \"usage\": null}\n\n" SAYS("x") END("stop")
		 USAGE DONE,
	 ERR_NONE, "x", MODEL_CHARGE_TOKENS, false, false},
	/* comments, other fields, CRLF, no blank after the colon, many lines */
	{": ping\r\n\r\nevent: x\r\nid: 7\r\n"
	 "data:{\"choices\": [{\"delta\":\r\ndata: {\"content\": \"y\"}}]}\r\n"
	 "\r\n" END("stop") DONE,
	 ERR_NONE, "y", MODEL_CHARGE_UNKNOWN, false, false},
	/* a byte order mark before it all */
	{"\xef\xbb\xbf" SAYS("m") END("stop") USAGE DONE, ERR_NONE, "m",
	 MODEL_CHARGE_TOKENS, false, false},
	/* the end is said, the connection is closed without [DONE] */
	{SAYS("z") END("stop"), ERR_NONE, "z", MODEL_CHARGE_UNKNOWN, false,
	 false},
	{SAYS("z") END("length") USAGE DONE, ERR_NONE, "z", MODEL_CHARGE_TOKENS,
	 true, false},
	/* what comes after the end is not heard */
	{SAYS("a") END("stop") DONE SAYS("b"), ERR_NONE, "a",
	 MODEL_CHARGE_UNKNOWN, false, false},
	/* not ours: a second choice */
	{SAYS("a") "data: {\"choices\": [{\"index\": 1, \"delta\": "
		   "{\"content\": \"b\"}}]}\n\n" END("stop") DONE,
	 ERR_NONE, "a", MODEL_CHARGE_UNKNOWN, false, false},
	{"{\"choices\": [{\"message\": {\"content\": \"whole\"}}]}", ERR_NONE,
	 "whole", MODEL_CHARGE_UNKNOWN, false, false},
	/* cut off */
	{SAYS("he") "data: {\"choices\": [{\"de", ERR_PEER, "cut off",
	 MODEL_CHARGE_UNKNOWN, false, true},
	{SAYS("he"), ERR_PEER, "cut off", MODEL_CHARGE_UNKNOWN, false, true},
	{": ping\n\n", ERR_PEER, "cut off", MODEL_CHARGE_UNKNOWN, false, true},
	/* what is said instead */
	{SAYS("he") "data: {\"error\": {\"message\": \"" KEY "\"}}\n\n",
	 ERR_PEER, "answered 500", MODEL_CHARGE_UNKNOWN, false, false},
	{CHUNK("\"refusal\": \"no\"") END("stop") USAGE DONE, ERR_DENIED,
	 "declined", MODEL_CHARGE_TOKENS, false, false},
	{SAYS("a") END("content_filter") USAGE DONE, ERR_DENIED,
	 "content filter", MODEL_CHARGE_TOKENS, false, false},
	{CHUNK("\"tool_calls\": [{}]") END("tool_calls") DONE, ERR_INVALID,
	 "called a tool", MODEL_CHARGE_UNKNOWN, false, false},
	{DONE, ERR_INVALID, "no chat completion", MODEL_CHARGE_UNKNOWN, false,
	 false},
	{"<html>", ERR_PEER, "no JSON", MODEL_CHARGE_UNKNOWN, false, false},
};

/* In pieces of this size; 0: as it is. */
static int
hear(const char *text, size_t piece, struct model_reply *ret, struct err *e)
{
	size_t len = strlen(text);
	struct stream s;
	int rc = 0;

	*ret = (struct model_reply){0};
	stream_init(&s, TEXT_LIMIT);
	for (size_t at = 0; rc == 0 && at < len; at += piece) {
		piece = piece == 0 ? len : piece;
		rc = stream_take(&s, text + at,
				 len - at < piece ? len - at : piece, e);
	}
	if (rc == 0)
		rc = model_read_stream(&model, &s, ret, e);
	stream_done(&s);
	return rc;
}

static void
test_streams(void **state)
{
	static const size_t pieces[] = {0, 1, 2, 7, 64};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(pieces); i++) {
		const struct row *row = &rows[i / ARRAY_LEN(pieces)];
		size_t piece = pieces[i % ARRAY_LEN(pieces)];
		struct err e = ERR_INIT;
		struct model_reply reply;
		int rc = hear(row->stream, piece, &reply, &e);

		if (e.kind != row->kind || reply.charge != row->charge ||
		    reply.is_cut != row->is_cut ||
		    reply.is_unanswered != row->is_unanswered)
			fail_msg("%s (%zu): %s: %s, charge %d", row->stream,
				 piece, err_kind_name(e.kind), e.text,
				 reply.charge);
		if (rc == 0)
			assert_string_equal(reply.text, row->text);
		else if (strstr(e.text, row->text) == NULL)
			fail_msg("%s: %s", row->stream, e.text);
		assert_null(strstr(e.text, KEY));
		model_reply_done(&reply);
	}
}

/* ---- limits ---------------------------------------------------------- */

static void
expect_refused(const char *text, size_t times, enum err_kind kind,
	       const char *why)
{
	struct err e = ERR_INIT;
	struct stream s;
	size_t taken = 0;

	stream_init(&s, TEXT_LIMIT);
	while (taken < times && stream_take(&s, text, strlen(text), &e) == 0)
		taken++;
	assert_true(taken < times);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.text, why));
	stream_done(&s);
}

/* Refused while they come, not when they are over. */
static void
test_limits(void **state)
{
	char line[1001];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[1000] = '\0';
	expect_refused(SAYS("0123456789abcdef"), 5, ERR_INVALID,
		       "larger than 64 bytes");
	expect_refused(line, STREAM_EVENT_MAX / 1000 + 1, ERR_INVALID,
		       "event that is too large");
	expect_refused("data: 0123456789\n", STREAM_EVENT_MAX / 10, ERR_INVALID,
		       "event that is too large");
	expect_refused("{\"a\": \"............................\"",
		       STREAM_WHOLE_MAX / 30, ERR_INVALID, "too large");
	expect_refused("data: nonsense\n\n", 2, ERR_PEER, "no JSON");
}

/* ---- kept ------------------------------------------------------------ */

static void
check_same(const struct model_reply *a, const struct model_reply *b)
{
	assert_int_equal(a->is_cut, b->is_cut);
	assert_int_equal(a->charge, b->charge);
	assert_int_equal(a->tokens_in, b->tokens_in);
	assert_int_equal(a->tokens_out, b->tokens_out);
	assert_int_equal(a->len, b->len);
	assert_true(a->text == b->text || strcmp(a->text, b->text) == 0);
}

/* By way of its text, as it goes to the disk. */
static void
test_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT, again = ERR_INIT;
		struct model_reply reply, kept;
		int rc = hear(rows[i].stream, 0, &reply, &e);
		json_t *json = model_reply_to_json(&reply, rc < 0 ? &e : NULL);
		char *text = json_dumps(json, 0);

		json_decref(json);
		json = json_loads(text, 0, NULL);
		assert_int_equal(model_reply_from_json(json, &kept, &again),
				 rc);
		assert_int_equal(e.kind, again.kind);
		assert_string_equal(e.text, again.text);
		assert_true(kept.is_answered);
		check_same(&reply, &kept);
		json_decref(json);
		free(text);
		model_reply_done(&reply);
		model_reply_done(&kept);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
