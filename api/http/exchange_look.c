/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_look.c - who sends the request, and is it one too many?
 *
 * Where the path names a workflow, the store is asked once for all that a
 * request must know before its handler: the account, the count against its
 * rate limit, the workflow's row.  Elsewhere it is asked for each in turn.
 */
#include "api/auth/bearer.h"
#include "api/http/exchange.h"

static int
fail(struct exchange *ex, const struct err *e)
{
	http_problem_from_err(&ex->res, e);
	return -1;
}

static int
look(struct exchange *ex, const struct jwt_claims *claims,
     struct store_glance *ret)
{
	const struct http_route *route = ex->match.route;
	struct api *api = ex->server->api;
	char key[RATE_KEY_SIZE] = "";
	struct err e = ERR_INIT;

	if (route->rate_operation != NULL &&
	    rate_limit_key(api, claims->user_id, route->rate_operation, key,
			   &e) < 0)
		return fail(ex, &e);
	if (store_glance(api->store, claims->user_id, claims->token_version,
			 ex->match.id, key[0] != '\0' ? key : NULL,
			 RATE_WINDOW_S, ret, &e) < 0)
		return fail(ex, &e);
	return 0;
}

static int
authenticate_at_a_glance(struct exchange *ex, const char *authorization)
{
	struct jwt_claims claims;
	struct store_glance glance;

	if (bearer_claims(ex->server->api, authorization, &claims, &ex->res) <
		    0 ||
	    look(ex, &claims, &glance) < 0 ||
	    bearer_admit(&claims, &glance.user, &ex->req.user, &ex->res) < 0)
		return -1;
	ex->workflow = glance.meta;
	ex->req.workflow = &ex->workflow;
	ex->hits = glance.hits;
	ex->reset_s = glance.reset_s;
	return 0;
}

int
exchange_authenticate(struct exchange *ex, const char *authorization)
{
	if (ex->match.route->flags & HTTP_WORKFLOW)
		return authenticate_at_a_glance(ex, authorization);
	return bearer_authenticate(ex->server->api, authorization,
				   &ex->req.user, &ex->res);
}

int
exchange_count(struct exchange *ex)
{
	const struct http_route *route = ex->match.route;

	if (route->rate_operation == NULL)
		return 0;
	if (ex->req.workflow != NULL)
		return rate_limit_judge(ex->server->api, route->rate_operation,
					ex->hits, ex->reset_s, &ex->rate,
					&ex->res);
	return rate_limit_check(ex->server->api, ex->req.user.user_id,
				route->rate_operation, &ex->rate, &ex->res);
}
