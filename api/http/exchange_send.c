/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_send.c - an answer as it goes over the wire.
 *
 * Responsible for every answer of ours being JSON (but for metrics and files)
 * with the headers that keep browsers and caches from doing anything else with
 * it. (What is no HTTP at all, libmicrohttpd answers by itself.)
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/asset.h"
#include "api/http/exchange.h"
#include "supervisor/base/str.h"

#define ANSWER_LARGE ((size_t)1 << 20)
#define ANSWERS_MAX ((size_t)256 << 20)
#define ANSWERS_RETRY_S 5

static void
add_number(struct MHD_Response *response, const char *name, uint32_t value)
{
	char text[16];

	if (str_printf(text, sizeof(text), "%u", value) == 0)
		MHD_add_response_header(response, name, text);
}

/*
 * The three names that clients know.  RateLimit and RateLimit-Policy are an
 * Internet-Draft whose syntax has changed with each version.
 */
static void
add_rate(const struct exchange *ex, struct MHD_Response *response)
{
	if (ex->rate.limit > 0) {
		add_number(response, "RateLimit-Limit", ex->rate.limit);
		add_number(response, "RateLimit-Remaining", ex->rate.remaining);
		add_number(response, "RateLimit-Reset", ex->rate.reset_s);
	}
	if (ex->res.retry_after_s > 0)
		add_number(response, MHD_HTTP_HEADER_RETRY_AFTER,
			   ex->res.retry_after_s);
}

void
http_attachment(struct http_response *res, const char *name)
{
	size_t i;

	/* Quoted below: nothing that a header or a file system might read. */
	for (i = 0; i < sizeof(res->file_name) - 1 && name[i] != '\0'; i++) {
		bool is_plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				       "mnopqrstuvwxyz0123456789._-",
				       name[i]) != NULL;

		res->file_name[i] = (char)(is_plain ? name[i] : '_');
	}
	res->file_name[i] = '\0';
	res->status = 200;
}

static void
add_file_headers(const struct exchange *ex, struct MHD_Response *response)
{
	char text[96];

	(void)str_printf(text, sizeof(text), "attachment; filename=\"%s\"",
			 ex->res.file_name);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"application/octet-stream");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
				text);
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'; sandbox");
}

/* To be kept, and asked for again: an upgrade shows at once. */
static void
add_asset_headers(const struct http_asset *asset, int status,
		  struct MHD_Response *response)
{
	if (status == 200)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					asset->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG,
				asset_etag(asset));
	if (asset->policy == NULL)
		return;
	MHD_add_response_header(response, "Content-Security-Policy",
				asset->policy);
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
}

static void
add_legacy(const struct exchange *ex, struct MHD_Response *response)
{
	const struct http_route *route = ex->match.route;

	if (route == NULL || !(route->flags & HTTP_LEGACY))
		return;
	for (const struct http_successor *s = http_successors;
	     s->pattern != NULL; s++) {
		if (strcmp(s->pattern, route->pattern) != 0)
			continue;
		MHD_add_response_header(response, "Deprecation",
					s->deprecation);
		MHD_add_response_header(response, "Link", s->link);
	}
}

static const char *
json_media_type(const struct http_response *res)
{
	if (res->is_problem)
		return "application/problem+json";
	return res->media_type != NULL ? res->media_type : "application/json";
}

static void
add_headers(struct exchange *ex, struct MHD_Response *response)
{
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				ex->res.asset != NULL ? "public, no-cache"
						      : "no-store");
	MHD_add_response_header(response, "X-Request-Id", ex->request_id);
	if (ex->res.asset != NULL)
		add_asset_headers(ex->res.asset, ex->res.status, response);
	if (ex->stream != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					"text/event-stream");
	else if (ex->res.body != NULL || ex->res.shared != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					json_media_type(&ex->res));
	else if (ex->res.file_name[0] != '\0')
		add_file_headers(ex, response);
	else if (ex->res.text != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					"text/plain; version=0.0.4; "
					"charset=utf-8");
	if (ex->res.status == 401)
		MHD_add_response_header(response,
					MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					"Bearer realm=\"promptcraft\"");
	if (ex->res.status == 405 || ex->res.status == 204)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					ex->match.allow);
	if (ex->is_unframed || atomic_load(&ex->server->is_stopping))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION,
					"close");
	if (ex->res.is_replayed)
		MHD_add_response_header(response, "Idempotency-Replayed",
					"true");
	add_rate(ex, response);
	add_legacy(ex, response);
}

/* Malloc'd text of the body; NULL if there is none. */
static char *
render(struct exchange *ex)
{
	struct err e = ERR_INIT;
	char *text;

	if (ex->res.body == NULL)
		return NULL;
	text = json_dumps(ex->res.body, HTTP_JSON_FLAGS);
	if (text != NULL)
		return text;
	err_set(&e, ERR_IO, 0, "the answer cannot be written as JSON");
	http_problem_from_err(&ex->res, &e);
	return json_dumps(ex->res.body, HTTP_JSON_FLAGS);
}

void
exchange_render(struct exchange *ex)
{
	if (ex->text == NULL && ex->res.text == NULL)
		ex->text = render(ex);
}

/* ---- room for large answers ------------------------------------------ */

/*
 * An answer is in memory until its client has taken it, and one can ask for
 * many and take none: so all large ones together are bounded.
 */
bool
exchange_has_room(const struct exchange *ex)
{
	return atomic_load(&ex->server->answer_bytes) < ANSWERS_MAX;
}

void
exchange_drop_answer(struct exchange *ex)
{
	atomic_fetch_sub(&ex->server->answer_bytes, ex->answer_len);
	ex->answer_len = 0;
	free(ex->text);
	ex->text = NULL;
}

/*
 * What a POST has done cannot be asked for again: it is counted and sent, and
 * the next one waits (exchange.c).
 */
static int
take_room(struct exchange *ex, size_t len)
{
	if (len < ANSWER_LARGE)
		return 0;
	if (!exchange_has_room(ex) && strcmp(ex->method, "GET") == 0)
		return -1;
	ex->answer_len = len;
	atomic_fetch_add(&ex->server->answer_bytes, len);
	return 0;
}

static void
refuse_large(struct exchange *ex)
{
	free(ex->text);
	free(ex->res.text);
	ex->text = ex->res.text = NULL;
	ex->res.file_name[0] = '\0';
	http_problem(&ex->res, 503, NULL, EXCHANGE_NO_ROOM);
	ex->res.retry_after_s = ANSWERS_RETRY_S;
	exchange_render(ex);
}

static void
free_text(void *text)
{
	http_text_unref(text);
}

static struct MHD_Response *
make_shared_response(struct http_text *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback_cls(
			http_text_len(text), http_text_bytes(text), free_text,
			text);

	if (response != NULL)
		http_text_ref(text);
	return response;
}

static struct MHD_Response *
make_asset_response(const struct exchange *ex)
{
	const struct http_asset *asset = ex->res.asset;
	size_t len = ex->res.status == 304 ? 0 : asset_len(asset);

	/* libmicrohttpd does not write into what is persistent. */
	return MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)asset->begin, MHD_RESPMEM_PERSISTENT);
}

/* How much of text there is; *ret_text NULL: nothing. */
static size_t
answer_text(struct exchange *ex, char **ret_text)
{
	exchange_render(ex);
	*ret_text = ex->res.text != NULL ? ex->res.text : ex->text;
	if (ex->res.file_name[0] != '\0')
		return ex->res.text_len;
	return *ret_text != NULL ? strlen(*ret_text) : 0;
}

static struct MHD_Response *
make_text_response(struct exchange *ex)
{
	struct MHD_Response *response;
	char *text;
	size_t len = answer_text(ex, &text);

	if (take_room(ex, len) < 0) {
		refuse_large(ex);
		len = answer_text(ex, &text);
	}
	response = MHD_create_response_from_buffer(len, text,
						   MHD_RESPMEM_MUST_FREE);
	ex->text = NULL; /* the response's, or freed */
	if (response == NULL) {
		free(text);
		ex->res.text = NULL;
	}
	return response;
}

static struct MHD_Response *
make_response(struct exchange *ex)
{
	if (ex->res.source != NULL)
		return stream_open(ex);
	if (ex->res.shared != NULL)
		return make_shared_response(ex->res.shared);
	if (ex->res.asset != NULL)
		return make_asset_response(ex);
	return make_text_response(ex);
}

enum MHD_Result
exchange_send(struct exchange *ex)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	exchange_once_end(ex); /* if no handler ran */
	response = make_response(ex);
	if (response == NULL)
		return MHD_NO;
	add_headers(ex, response);
	ex->res.text = NULL; /* the response's, or freed */
	ex->sent_status = ex->res.status;
	result = MHD_queue_response(ex->connection, (unsigned)ex->res.status,
				    response);
	MHD_destroy_response(response);
	json_decref(ex->res.body);
	ex->res.body = NULL;
	http_text_unref(ex->res.shared);
	ex->res.shared = NULL;
	peer_enter(ex->peer, PEER_SENDING, EXCHANGE_SEND_TIMEOUT_S);
	return result;
}
