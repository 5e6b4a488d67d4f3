/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.c - what was used and what it cost: GET /api/v3/usage and GET
 * /api/v3/costs, of a day.  A user sees what is theirs, an admin everything.
 */
#include <string.h>

#include "api/cost/cost.h"
#include "api/cost/money.h"
#include "api/cost/usage.h"
#include "api/http/handlers.h"
#include "api/routes/routes.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define LIST_DEFAULT 100
#define LIST_MAX 1000
/* Lines of a day that are looked at; the store reads them whole. */
#define SCAN_MAX 50000
#define FLUSH_WAIT_MS 2000

/* ---- ?date= ---------------------------------------------------------- */

static bool
is_date(const char *text)
{
	static const char shape[] = "dddd-dd-dd";
	unsigned month, day;

	for (size_t i = 0; i < sizeof(shape); i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !is_digit : text[i] != shape[i])
			return false;
	}
	month = (unsigned)(text[5] - '0') * 10 + (unsigned)(text[6] - '0');
	day = (unsigned)(text[8] - '0') * 10 + (unsigned)(text[9] - '0');
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int
parse_date(const struct http_request *req, char ret_date[COST_DATE_SIZE],
	   struct http_response *res)
{
	const char *text = http_query(req, "date");

	if (text == NULL) {
		cost_today(clock_wall_us(), ret_date);
		return 0;
	}
	if (is_date(text))
		return str_copy(ret_date, COST_DATE_SIZE, text);
	http_problem(res, 422, "date",
		     "date must be a day in UTC, such as 2026-01-31");
	return -1;
}

/* ---- GET /api/v3/usage?date=&limit= ---------------------------------- */

struct usage_list {
	const char *user_id; /* NULL: of everybody */
	json_t *entries;     /* at most limit */
	json_t *operations;  /* name -> sums */
	uint64_t limit;
	uint32_t scanned;
};

static void
add_number(json_t *sums, const char *name, double more)
{
	json_object_set_new(
		sums, name,
		json_real(json_number_value(json_object_get(sums, name)) +
			  more));
}

static void
add_count(json_t *sums, const char *name, json_int_t more)
{
	json_object_set_new(
		sums, name,
		json_integer(json_integer_value(json_object_get(sums, name)) +
			     more));
}

static void
add_sums(struct usage_list *list, const json_t *entry)
{
	const char *operation = json_text(entry, "operation");
	json_int_t count = json_number(entry, "count");
	json_t *sums = json_object_get(list->operations, operation);

	if (sums == NULL) {
		sums = json_pack("{s:i, s:i, s:i, s:f}", "requests", 0,
				 "errors", 0, "refused", 0, "duration_ms", 0.0);
		json_object_set_new(list->operations, operation, sums);
	}
	add_count(sums, "requests", count);
	if (json_number(entry, "status") >= 400)
		add_count(sums, "errors", count);
	if (json_number(entry, "status") == 429)
		add_count(sums, "refused", count);
	add_number(sums, "duration_ms",
		   json_number_value(json_object_get(entry, "duration_ms")));
}

static int
add_entry(void *arg, const char *text)
{
	struct usage_list *list = arg;
	json_t *entry = json_loads(text, 0, NULL);

	list->scanned++;
	if (json_is_object(entry) &&
	    (list->user_id == NULL ||
	     strcmp(json_text(entry, "user_id"), list->user_id) == 0)) {
		add_sums(list, entry);
		if (json_array_size(list->entries) < list->limit)
			json_array_append(list->entries, entry);
	}
	json_decref(entry);
	return 0;
}

void
usage_get(struct api *api, const struct http_request *req,
	  struct http_response *res)
{
	struct usage_list list = {.limit = LIST_DEFAULT};
	char date[COST_DATE_SIZE];
	struct err e;

	if (parse_date(req, date, res) < 0 ||
	    route_number(req, "limit", 1, LIST_MAX, &list.limit, res) < 0)
		return;
	if (req->user.role != USER_ROLE_ADMIN)
		list.user_id = req->user.user_id;
	/* What was called just now; without it the list is a second old. */
	(void)usage_flush(api->usage, FLUSH_WAIT_MS);
	list.entries = json_array();
	list.operations = json_object();
	if (store_usage_list(api->store, date, SCAN_MAX, add_entry, &list, &e) <
	    0) {
		json_decref(list.entries);
		json_decref(list.operations);
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:s, s:o, s:o, s:b}}", "status",
			    "success", "data", "date", date, "operations",
			    list.operations, "entries", list.entries,
			    "truncated", (int)(list.scanned >= SCAN_MAX)));
}

/* ---- GET /api/v3/costs?date= ----------------------------------------- */

static int
add_money(json_t *object, uint64_t micros)
{
	return json_object_set_new(object, "total_cost",
				   json_real(money_dollars(micros))) |
	       json_object_set_new(object, "total_micros",
				   json_integer((json_int_t)micros));
}

struct cost_list {
	struct api *api;
	const char *date;
	json_t *users;
	struct err *e;
	int rc;
};

/* Who has spent nothing is not listed. */
static int
add_user(void *arg, const struct store_user *user)
{
	struct cost_list *list = arg;
	uint64_t micros = 0;
	json_t *row;

	list->rc = store_spend_sum(list->api->store, list->date, user->user_id,
				   NULL, &micros, list->e);
	if (list->rc < 0 || micros == 0)
		return list->rc;
	row = json_pack("{s:s, s:s}", "user_id", user->user_id, "username",
			user->username);
	add_money(row, micros);
	json_array_append_new(list->users, row);
	return 0;
}

/* null: no limit. */
static json_t *
limit_or_null(uint64_t micros)
{
	return micros > 0 ? json_real(money_dollars(micros)) : json_null();
}

static json_t *
make_limits(const struct api_config *config)
{
	char resets_at[CLOCK_ISO_SIZE];

	clock_iso8601(cost_day_end_us(clock_wall_us()), resets_at);
	return json_pack("{s:o, s:o, s:f, s:b, s:s}", "daily_cost_limit",
			 limit_or_null(config->daily_cost_limit_micros),
			 "execution_cost_limit",
			 limit_or_null(config->execution_cost_limit_micros),
			 "alert_threshold",
			 money_dollars(config->cost_alert_millionths),
			 "is_tracking", (int)config->enable_cost_tracking,
			 "resets_at", resets_at);
}

static int
list_users(struct api *api, const char *date, json_t **ret, struct err *e)
{
	struct cost_list list = {
		.api = api, .date = date, .users = json_array(), .e = e};

	if (store_user_list(api->store, add_user, &list, e) < 0 ||
	    list.rc < 0) {
		json_decref(list.users);
		return -1;
	}
	*ret = list.users;
	return 0;
}

void
costs_get(struct api *api, const struct http_request *req,
	  struct http_response *res)
{
	bool is_admin = req->user.role == USER_ROLE_ADMIN;
	char date[COST_DATE_SIZE];
	json_t *users = NULL, *data;
	uint64_t micros = 0;
	struct err e;

	if (parse_date(req, date, res) < 0)
		return;
	if (store_spend_sum(api->store, date,
			    is_admin ? NULL : req->user.user_id, NULL, &micros,
			    &e) < 0 ||
	    (is_admin && list_users(api, date, &users, &e) < 0)) {
		http_problem_from_err(res, &e);
		return;
	}
	data = json_pack("{s:s, s:o}", "date", date, "limits",
			 make_limits(&api->config));
	add_money(data, micros);
	if (users != NULL)
		json_object_set_new(data, "users", users);
	http_json(res, 200,
		  json_pack("{s:s, s:o}", "status", "success", "data", data));
}
