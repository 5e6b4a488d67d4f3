/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_send.c - an answer as it goes over the wire.
 *
 * Responsible for every answer of ours being JSON with the headers that keep
 * browsers and caches from doing anything else with it.  (What is no HTTP at
 * all, libmicrohttpd answers by itself.)
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/exchange.h"
#include "supervisor/base/str.h"

static void
add_headers(struct exchange *ex, struct MHD_Response *response)
{
	static const char *const always[][2] = {
		{"X-Content-Type-Options", "nosniff"},
		{"Cache-Control", "no-store"},
	};
	char number[16];

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		MHD_add_response_header(response, always[i][0], always[i][1]);
	MHD_add_response_header(response, "X-Request-Id", ex->request_id);
	if (ex->res.body != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					ex->res.status >= 400
						? "application/problem+json"
						: "application/json");
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
	if (ex->res.retry_after_s > 0 &&
	    str_printf(number, sizeof(number), "%u", ex->res.retry_after_s) ==
		    0)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
					number);
}

/* 2.842 is to be read as 2.842, not as 2.8420000000000001. */
#define ANSWER_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

/* malloc'd text of the body; NULL if there is none. */
static char *
render(struct exchange *ex)
{
	struct err e = ERR_INIT;
	char *text;

	if (ex->res.body == NULL)
		return NULL;
	text = json_dumps(ex->res.body, ANSWER_FLAGS);
	if (text != NULL)
		return text;
	err_set(&e, ERR_IO, 0, "the answer cannot be written as JSON");
	http_problem_from_err(&ex->res, &e);
	return json_dumps(ex->res.body, ANSWER_FLAGS);
}

enum MHD_Result
exchange_send(struct exchange *ex)
{
	char *text = render(ex);
	size_t len = text != NULL ? strlen(text) : 0;
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(len, text,
						   MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return MHD_NO;
	}
	add_headers(ex, response);
	ex->sent_status = ex->res.status;
	result = MHD_queue_response(ex->connection, (unsigned)ex->res.status,
				    response);
	MHD_destroy_response(response);
	json_decref(ex->res.body);
	ex->res.body = NULL;
	peer_enter(ex->peer, PEER_SENDING, EXCHANGE_SEND_TIMEOUT_S);
	return result;
}
