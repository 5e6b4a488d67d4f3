/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifications.c - the outbox for admins: GET /api/v3/notifications and POST
 * /api/v3/notifications/{id}/retry; and for everybody the key that their
 * webhooks are signed with.
 */
#include <sodium.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/notify/notify.h"
#include "api/routes/routes.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

static int
append_row(void *arg, const struct store_delivery *delivery,
	   const char *document)
{
	return json_array_append_new(arg,
				     notify_delivery_json(delivery, document));
}

static int
parse_status(const struct http_request *req, const char **ret,
	     struct http_response *res)
{
	static const char *const words[] = {"pending", "delivered", "dead"};
	const char *status = http_query(req, "status");

	*ret = status;
	if (status == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], status) == 0)
			return 0;
	http_problem(res, 422, "status",
		     "status must be one of: pending, delivered, dead");
	return -1;
}

void
notifications_list(struct api *api, const struct http_request *req,
		   struct http_response *res)
{
	struct err e = ERR_INIT;
	const char *status;
	uint64_t limit = LIST_DEFAULT;
	json_t *rows;

	if (parse_status(req, &status, res) < 0 ||
	    route_number(req, "limit", 1, LIST_MAX, &limit, res) < 0)
		return;
	rows = json_array();
	if (store_delivery_list(api->store, status, (uint32_t)limit, append_row,
				rows, &e) < 0) {
		json_decref(rows);
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:o}}", "status", "success", "data",
			    "notifications", rows));
}

void
notifications_retry(struct api *api, const struct http_request *req,
		    struct http_response *res)
{
	struct err e = ERR_INIT;

	if (store_delivery_retry(api->store, req->id, clock_wall_us(), &e) <
	    0) {
		if (e.kind == ERR_NOT_FOUND)
			http_problem(res, 404, NULL,
				     "There is no dead notification of this "
				     "id");
		else
			http_problem_from_err(res, &e);
		return;
	}
	notify_kick(api->notifier);
	log_info("event=notify_retry delivery=%s by=%s", req->id,
		 req->user.user_id);
	http_json(res, 200,
		  json_pack("{s:s, s:{s:s, s:s}}", "status", "success", "data",
			    "delivery_id", req->id, "status", "pending"));
}

/* The operator's own key is for admins. */
void
notifications_secret(struct api *api, const struct http_request *req,
		     struct http_response *res)
{
	char secret[NOTIFY_SECRET_SIZE];
	json_t *data;

	notify_user_secret(&api->config, req->user.user_id, secret);
	data = json_pack("{s:s}", "webhook_secret", secret);
	if (req->user.role == USER_ROLE_ADMIN)
		json_object_set_new(data, "operator_webhook_secret",
				    json_string(api->config.webhook_secret));
	sodium_memzero(secret, sizeof(secret));
	http_json(res, 200,
		  json_pack("{s:s, s:o}", "status", "success", "data", data));
}
