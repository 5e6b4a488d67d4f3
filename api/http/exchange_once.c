/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_once.c - a request with an Idempotency-Key: whether to run it, and
 * what becomes of its answer.
 */
#include <strings.h>

#include "api/http/exchange.h"

#define HEADER "Idempotency-Key"

static enum MHD_Result
count_keys(void *cls, enum MHD_ValueKind kind, const char *name,
	   const char *value)
{
	unsigned *count = cls;

	(void)kind;
	(void)value;
	if (strcasecmp(name, HEADER) == 0)
		(*count)++;
	return MHD_YES;
}

static int
read_key(struct exchange *ex)
{
	const char *value = MHD_lookup_connection_value(
		ex->connection, MHD_HEADER_KIND, HEADER);
	unsigned count = 0;

	(void)MHD_get_connection_values(ex->connection, MHD_HEADER_KIND,
					count_keys, &count);
	if (count == 0)
		return 0;
	if (count > 1 || value == NULL) {
		http_problem(&ex->res, 400, HEADER,
			     HEADER " must be given once");
		return -1;
	}
	return idempotency_read_key(value, ex->once.key, &ex->res);
}

int
exchange_once_begin(struct exchange *ex)
{
	const struct idempotency_asked asked = {
		.user_id = ex->req.user.user_id,
		.method = ex->method,
		.path = ex->path,
		.body = ex->body,
		.body_len = ex->body_len,
		.is_limited = ex->match.route->rate_operation != NULL,
	};

	if (!(ex->match.route->flags & HTTP_IDEMPOTENT))
		return 0;
	if (read_key(ex) < 0)
		return -1;
	if (ex->once.key[0] == '\0')
		return 0;
	if (idempotency_begin(ex->server->keys, ex->server->api, &asked,
			      &ex->once, &ex->res) == 0)
		return -1;
	ex->req.once_id = ex->once.once_id;
	ex->req.is_retry = ex->once.is_retry;
	return 0;
}

void
exchange_once_end(struct exchange *ex)
{
	if (ex->once.is_held)
		idempotency_end(ex->server->keys, ex->server->api, &ex->once,
				&ex->res);
}
