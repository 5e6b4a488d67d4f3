/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - see model.h: settings, one request, and what its answer means.
 */
#include "api/agents/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/agents/answer.h"
#include "api/agents/stream.h"
#include "api/json.h"
#include "api/net/url.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define RESPONSE_MAX STREAM_WHOLE_MAX
#define TOKENS_MAX 100000000

/* ---- settings -------------------------------------------------------- */

static int
is_missing(struct err *e, const char *set, const char *missing)
{
	return err_set(e, ERR_INVALID, 0, "%s: is set without %s", set,
		       missing);
}

/* A header of it must stay one line. */
static int
check_key(const char *setting, const char *key, struct err *e)
{
	for (const char *p = key; *p != '\0'; p++)
		if (*p < 0x21 || *p > 0x7e)
			return err_set(e, ERR_INVALID, 0,
				       "%s: a blank or a character that no "
				       "key has",
				       setting);
	return 0;
}

static bool
is_this_machine(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       (ntohl(v4.s_addr) >> 24) == 127;
}

/* Base address without a slash at its end, and no query. */
static int
take_base(const char *setting, const char *text, bool has_key, char *base,
	  size_t size, struct err *e)
{
	struct net_url url;
	size_t len;

	if (net_url_parse(setting, text, &url, e) < 0)
		return -1;
	if (strchr(text, '?') != NULL)
		return err_set(e, ERR_INVALID, 0, "%s: must have no query",
			       setting);
	if (has_key && !url.is_tls && !is_this_machine(url.host))
		return err_set(e, ERR_INVALID, 0,
			       "%s: the key is sent over https only, or to "
			       "this machine",
			       setting);
	if (str_copy(base, size, text) < 0)
		return err_set(e, ERR_INVALID, 0, "%s: is too long", setting);
	len = strlen(base);
	while (len > 0 && base[len - 1] == '/')
		base[--len] = '\0';
	return 0;
}

/* What goes into a path or a query as it is. */
static bool
is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
			   "Z0123456789._-",
			   *p) == NULL)
			return false;
	return text[0] != '\0';
}

static int
init_azure(const struct api_config *c, struct model *m, struct err *e)
{
	char base[600];

	m->setting = "AZURE_OPENAI_ENDPOINT";
	m->key_setting = "AZURE_OPENAI_API_KEY";
	m->key = c->azure_key;
	m->key_prefix = "api-key: ";
	if (c->azure_key[0] == '\0')
		return is_missing(e, m->setting, m->key_setting);
	if (c->azure_deployment[0] == '\0')
		return is_missing(e, m->setting, "AZURE_OPENAI_DEPLOYMENT");
	if (!is_plain(c->azure_deployment))
		return err_set(e, ERR_INVALID, 0,
			       "AZURE_OPENAI_DEPLOYMENT: letters, digits, ., _ "
			       "and - only");
	if (!is_plain(c->azure_version))
		return err_set(e, ERR_INVALID, 0,
			       "AZURE_OPENAI_API_VERSION: must be a version "
			       "such as 2024-02-01");
	if (check_key(m->key_setting, c->azure_key, e) < 0 ||
	    take_base(m->setting, c->azure_endpoint, true, base, sizeof(base),
		      e) < 0)
		return -1;
	if (str_copy(m->name, sizeof(m->name), c->azure_deployment) < 0 ||
	    str_printf(m->url, sizeof(m->url),
		       "%s/openai/deployments/%s/chat/completions"
		       "?api-version=%s",
		       base, c->azure_deployment, c->azure_version) < 0)
		return err_set(e, ERR_INVALID, 0, "%s: is too long",
			       m->setting);
	return 0;
}

static int
init_other(const struct api_config *c, struct model *m, struct err *e)
{
	char base[600];

	m->setting = "PROMPTCRAFT_MODEL_URL";
	m->key_setting = "PROMPTCRAFT_MODEL_KEY";
	m->key = c->model_key;
	m->key_prefix = "Authorization: Bearer ";
	m->says_model = true;
	if (c->model_name[0] == '\0')
		return is_missing(e, m->setting, "PROMPTCRAFT_MODEL");
	if (check_key(m->key_setting, c->model_key, e) < 0 ||
	    take_base(m->setting, c->model_url, c->model_key[0] != '\0', base,
		      sizeof(base), e) < 0)
		return -1;
	if (str_copy(m->name, sizeof(m->name), c->model_name) < 0 ||
	    str_printf(m->url, sizeof(m->url), "%s/chat/completions", base) < 0)
		return err_set(e, ERR_INVALID, 0, "%s: is too long",
			       m->setting);
	return 0;
}

int
model_init(const struct api_config *config, struct model *ret, struct err *e)
{
	bool is_azure = config->azure_endpoint[0] != '\0';

	*ret = (struct model){
		.is_reasoning = strcmp(config->model_kind, "reasoning") == 0,
		.is_streaming = config->model_stream,
		.max_tokens = config->model_max_tokens,
		.timeout_s = config->model_timeout_s};
	if (is_azure && config->model_url[0] != '\0')
		return err_set(e, ERR_INVALID, 0,
			       "AZURE_OPENAI_ENDPOINT and "
			       "PROMPTCRAFT_MODEL_URL are both set: there is "
			       "one model");
	if (is_azure)
		return init_azure(config, ret, e);
	if (config->model_url[0] != '\0')
		return init_other(config, ret, e);
	if (config->azure_key[0] != '\0')
		return is_missing(e, "AZURE_OPENAI_API_KEY",
				  "AZURE_OPENAI_ENDPOINT");
	if (config->model_key[0] != '\0')
		return is_missing(e, "PROMPTCRAFT_MODEL_KEY",
				  "PROMPTCRAFT_MODEL_URL");
	return 0;
}

/* ---- the request ----------------------------------------------------- */

char *
model_body(const struct model *model, const struct model_call *call)
{
	json_t *body = json_pack("{s:O, s:b}", "messages", call->messages,
				 "stream", model->is_streaming);
	char *text;

	/* Else a stream does not say what it took. */
	if (model->is_streaming)
		json_object_set_new(body, "stream_options",
				    json_pack("{s:b}", "include_usage", 1));

	if (model->says_model)
		json_object_set_new(body, "model", json_string(model->name));
	json_object_set_new(body,
			    model->is_reasoning ? "max_completion_tokens"
						: "max_tokens",
			    json_integer(model->max_tokens));
	if (!model->is_reasoning)
		json_object_set_new(body, "temperature",
				    json_real(call->temperature));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

/* ---- the answer ------------------------------------------------------ */

static int
fail(const struct model *m, struct err *e, enum err_kind kind, const char *what)
{
	struct net_url url;
	struct err ignored;

	if (net_url_parse(m->setting, m->url, &url, &ignored) < 0)
		url.host[0] = '\0';
	return err_set(e, kind, 0, "%s: %.64s: %s", m->setting, url.host, what);
}

static int
fail_status(const struct model *m, int status, struct err *e)
{
	char what[64];

	(void)str_printf(what, sizeof(what), "answered %d", status);
	return fail(m, e,
		    status == 408 || status == 409 || status >= 500
			    ? ERR_PEER
			    : ERR_INVALID,
		    what);
}

/* Of an error's body only well-known words of "code" count. */
static int
read_error(const struct model *m, int status, const json_t *root, struct err *e)
{
	const json_t *error = json_object_get(root, "error");
	const char *code = json_text(error, "code");

	if (code[0] == '\0')
		code = json_text(error, "type");
	if (strcmp(code, "insufficient_quota") == 0)
		return fail(m, e, ERR_LIMIT, "the account's quota is used up");
	if (status == 429)
		return fail(m, e, ERR_BUSY, "too many requests (429)");
	if (strcmp(code, "content_filter") == 0)
		return fail(m, e, ERR_DENIED,
			    "the goal was refused by the content filter");
	if (strcmp(code, "context_length_exceeded") == 0)
		return fail(m, e, ERR_LIMIT,
			    "goal, code and tests are too long for the model");
	if (status == 401 || status == 403)
		return err_set(e, ERR_INVALID, 0,
			       "%s: the key is not accepted (%d)",
			       m->key_setting, status);
	if (status == 404)
		return fail(m, e, ERR_NOT_FOUND,
			    "has no such model or deployment (404)");
	return fail_status(m, status, e);
}

static bool
is_count(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
	       json_integer_value(value) <= TOKENS_MAX;
}

static void
read_usage(const json_t *root, struct model_reply *ret)
{
	const json_t *usage = json_object_get(root, "usage");
	const json_t *in = json_object_get(usage, "prompt_tokens");
	const json_t *out = json_object_get(usage, "completion_tokens");

	ret->charge = MODEL_CHARGE_UNKNOWN;
	if (!is_count(in) || !is_count(out))
		return;
	ret->tokens_in = (uint64_t)json_integer_value(in);
	ret->tokens_out = (uint64_t)json_integer_value(out);
	ret->charge = MODEL_CHARGE_TOKENS;
}

static int
fail_larger(const struct model *m, struct err *e)
{
	char what[64];

	(void)str_printf(what, sizeof(what),
			 "the answer is larger than %u bytes", ANSWER_MAX);
	return fail(m, e, ERR_INVALID, what);
}

static int
read_choice(const struct model *m, const json_t *root, struct model_reply *ret,
	    struct err *e)
{
	const json_t *choices = json_object_get(root, "choices");
	const json_t *choice = json_array_get(choices, 0);
	const json_t *message = json_object_get(choice, "message");
	const json_t *content = json_object_get(message, "content");
	const char *reason = json_text(choice, "finish_reason");

	if (!json_is_object(message))
		return fail(m, e, ERR_INVALID,
			    "the answer is no chat completion");
	if (json_text(message, "refusal")[0] != '\0')
		return fail(m, e, ERR_DENIED, "the model declined the goal");
	if (strcmp(reason, "content_filter") == 0)
		return fail(m, e, ERR_DENIED,
			    "the answer was held back by the content filter");
	if (json_object_get(message, "tool_calls") != NULL &&
	    json_array_size(json_object_get(message, "tool_calls")) > 0)
		return fail(m, e, ERR_INVALID,
			    "the model called a tool, and it has none");
	if (!json_is_string(content) && !json_is_null(content))
		return fail(m, e, ERR_INVALID, "the answer has no text");
	if (json_string_length(content) > ANSWER_MAX)
		return fail_larger(m, e);
	ret->is_cut = strcmp(reason, "length") == 0;
	ret->len = json_string_length(content);
	ret->text = strdup(json_is_string(content) ? json_string_value(content)
						   : "");
	if (ret->text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "keep the model's answer");
	return 0;
}

/* The answer of a server that took the question. */
static int
read_answer(const struct model *m, const json_t *root, struct model_reply *ret,
	    struct err *e)
{
	ret->is_answered = true;
	ret->charge = MODEL_CHARGE_UNKNOWN;
	if (!json_is_object(root))
		return fail(m, e, ERR_PEER, "the answer is no JSON");
	read_usage(root, ret);
	return read_choice(m, root, ret, e);
}

int
model_read(const struct model *model, int status, const char *body, size_t len,
	   struct model_reply *ret, struct err *e)
{
	json_t *root = body == NULL ? NULL : json_loadb(body, len, 0, NULL);
	int rc;

	if (status == 200) {
		rc = read_answer(model, root, ret, e);
	} else {
		ret->charge = MODEL_CHARGE_NONE;
		/* The same question may be under way, or have been. */
		ret->is_unanswered = status == 408 || status == 409;
		rc = read_error(model, status, root, e);
	}
	json_decref(root);
	return rc;
}

/* ---- an answer in pieces --------------------------------------------- */

struct hearing {
	struct stream stream;
	struct err error; /* why the pieces were not taken */
};

/* Once it has said that it is done, nobody waits for its connection to end. */
static int
on_piece(void *arg, const char *bytes, size_t len)
{
	struct hearing *h = arg;

	if (stream_take(&h->stream, bytes, len, &h->error) < 0)
		return -1;
	return h->stream.has_ended ? -1 : 0;
}

int
model_read_stream(const struct model *model, const struct stream *stream,
		  struct model_reply *ret, struct err *e)
{
	json_t *root;
	int rc;

	if (!stream_is_complete(stream)) {
		ret->charge = MODEL_CHARGE_UNKNOWN;
		ret->is_unanswered = true;
		return fail(model, e, ERR_PEER,
			    "the answer was cut off on its way");
	}
	if (stream->is_whole)
		return model_read(model, 200, stream->line.bytes,
				  stream->line.len, ret, e);
	root = stream_answer(stream);
	if (root == NULL)
		return err_set(e, ERR_IO, ENOMEM, "hear the model");
	if (stream->error != NULL) {
		/* It had begun to answer: who knows what that costs. */
		ret->charge = MODEL_CHARGE_UNKNOWN;
		rc = read_error(model, 500, root, e);
	} else {
		rc = read_answer(model, root, ret, e);
	}
	json_decref(root);
	return rc;
}

/* ---- asking ---------------------------------------------------------- */

static uint32_t
time_for(const struct model *model, const struct model_call *call)
{
	uint64_t ms = (uint64_t)model->timeout_s * 1000;

	return (uint32_t)(call->wall_ms_max < ms ? call->wall_ms_max : ms);
}

/*
 * No answer came.  Who was never reached computed nothing: such errors carry
 * the cause of the connection, or are about the name.
 */
static void
note_failure(struct model_reply *ret, struct err *e)
{
	bool was_reached = e->kind != ERR_DENIED && e->kind != ERR_NOT_FOUND &&
			   e->errnum == 0;

	ret->charge = was_reached ? MODEL_CHARGE_UNKNOWN : MODEL_CHARGE_NONE;
	ret->is_unanswered = true;
	if (e->kind == ERR_LIMIT)
		e->kind = ERR_INVALID; /* too large an answer costs nothing */
	else if (e->kind == ERR_NOT_FOUND || e->kind == ERR_IO)
		e->kind = ERR_PEER; /* a name may be back soon */
}

/* What was heard of a call that may have ended early. */
static int
read_heard(const struct model *model, struct hearing *hearing, int rc,
	   const struct net_response *response, struct model_reply *ret,
	   struct err *e)
{
	const struct stream *stream = &hearing->stream;

	if (hearing->error.kind != ERR_NONE) {
		ret->charge = MODEL_CHARGE_UNKNOWN;
		ret->is_answered = true; /* to be asked again is no use */
		return fail(model, e, (enum err_kind)hearing->error.kind,
			    hearing->error.text);
	}
	/* A stream may be whole before its connection is closed. */
	if (rc < 0 && (stream->is_whole || !stream_is_complete(stream))) {
		note_failure(ret, e);
		return -1;
	}
	if (rc == 0 && !stream->has_begun)
		return model_read(model, response->status, response->body,
				  response->body_len, ret, e);
	return model_read_stream(model, stream, ret, e);
}

/* Headers and body are ready. */
static int
run_call(const struct model *model, struct net *net,
	 struct net_request *request, int cancel_fd, struct model_reply *ret,
	 struct err *e)
{
	struct net_response response = {0};
	struct hearing hearing = {.error = ERR_INIT};
	int rc;

	stream_init(&hearing.stream, ANSWER_MAX);
	if (model->is_streaming) {
		request->on_body = on_piece;
		request->arg = &hearing;
		request->response_max = STREAM_BYTES_MAX;
	}
	rc = net_run(net, request, cancel_fd, &response, e);
	ret->retry_after_s = response.retry_after_s < MODEL_RETRY_AFTER_MAX_S
				     ? response.retry_after_s
				     : MODEL_RETRY_AFTER_MAX_S;
	request->arg = NULL;
	rc = read_heard(model, &hearing, rc, &response, ret, e);
	stream_done(&hearing.stream);
	net_response_done(&response);
	return rc;
}

int
model_ask(const struct model *model, struct net *net,
	  const struct model_call *call, struct model_reply *ret, struct err *e)
{
	char id_header[96], key_header[320] = "";
	const char *headers[] = {"Content-Type: application/json", id_header,
				 model->key[0] != '\0' ? key_header : NULL,
				 NULL};
	owned_mem char *body = model_body(model, call);
	struct net_request request = {
		.name = model->setting,
		.trust = NET_OPERATOR,
		.url = model->url,
		.headers = headers,
		.body = body,
		.timeout_ms = time_for(model, call),
		.response_max = RESPONSE_MAX,
	};
	int rc;

	*ret = (struct model_reply){0};
	if (body == NULL ||
	    str_printf(id_header, sizeof(id_header), "Idempotency-Key: %s",
		       call->id) < 0 ||
	    str_printf(key_header, sizeof(key_header), "%s%s",
		       model->key_prefix, model->key) < 0)
		return err_set(e, ERR_IO, ENOMEM, "ask the model");
	request.body_len = strlen(body);
	rc = run_call(model, net, &request, call->cancel_fd, ret, e);
	sodium_memzero(key_header, sizeof(key_header));
	return rc;
}

void
model_reply_done(struct model_reply *reply)
{
	free(reply->text);
	*reply = (struct model_reply){0};
}
