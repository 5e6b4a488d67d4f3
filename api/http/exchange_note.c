/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_note.c - what is written down of a request that is over: a line in
 * the process' log, the metrics, and for a known user the usage log.
 */
#include <string.h>

#include "api/cost/usage.h"
#include "api/http/exchange.h"
#include "api/metrics.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define OPERATION_SIZE 24
#define DETAILS_MAX_CHARACTERS 100
#define DETAILS_SIZE (4 * DETAILS_MAX_CHARACTERS + 1)

static void
log_access(const struct exchange *ex, uint64_t duration_us)
{
	char method[32], path[160];

	str_quote(method, sizeof(method), ex->method, strlen(ex->method));
	str_quote(path, sizeof(path), ex->path, strlen(ex->path));
	log_info("request request_id=%s address=%s user=%s method=%s path=%s "
		 "status=%d ms=%llu",
		 ex->request_id, ex->req.address,
		 ex->req.user.username[0] != '\0' ? ex->req.user.username : "-",
		 method, path, ex->sent_status,
		 (unsigned long long)duration_us / 1000u);
}

/* ---- usage ----------------------------------------------------------- */

/* The name of its limit, else the last word of its pattern. */
static void
read_operation(const struct http_route *route, char dst[OPERATION_SIZE])
{
	const char *word = route->pattern, *end;

	if (route->rate_operation != NULL) {
		(void)str_copy(dst, OPERATION_SIZE, route->rate_operation);
		return;
	}
	for (const char *p = word; *p != '\0'; p++)
		if (p[0] == '/' && p[1] != '{')
			word = p + 1;
	end = strchrnul(word, '/');
	(void)str_printf(dst, OPERATION_SIZE, "%.*s", (int)(end - word), word);
}

/* The first characters of UTF-8 text. */
static void
cut(const char *text, char dst[DETAILS_SIZE])
{
	size_t characters = 0, len = 0;

	for (; text[len] != '\0'; len++) {
		bool is_start = ((unsigned char)text[len] & 0xc0) != 0x80;

		if (is_start && characters++ == DETAILS_MAX_CHARACTERS)
			break;
	}
	if (len >= DETAILS_SIZE)
		len = 0; /* no UTF-8: jansson gives none such */
	memcpy(dst, text, len);
	dst[len] = '\0';
}

/*
 * What the specification has there, else the id of the path.  Of a refused
 * request nothing: what it named need not exist, and with another name each
 * time it would be a line each time, beyond every rate limit.
 */
static void
read_details(const struct exchange *ex, const char *operation,
	     char dst[DETAILS_SIZE])
{
	static const char *const members[][2] = {
		{"execute", "goal"},
		{"analyze", "analysis_type"},
		{"jobs", "language"},
	};
	const char *text = ex->match.id;

	dst[0] = '\0';
	if (ex->sent_status >= 400 && ex->sent_status < 500)
		return;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value;

		if (strcmp(members[i][0], operation) != 0)
			continue;
		value = json_object_get(ex->req.body, members[i][1]);
		if (json_is_string(value))
			text = json_string_value(value);
	}
	cut(text, dst);
}

static void
note_usage(const struct exchange *ex, uint64_t duration_us)
{
	char operation[OPERATION_SIZE], details[DETAILS_SIZE];
	const struct usage_call call = {
		.user_id = ex->req.user.user_id,
		.operation = operation,
		.details = details,
		.status = ex->sent_status,
		.duration_us = duration_us,
	};

	if (ex->match.route == NULL || ex->req.user.user_id[0] == '\0')
		return;
	read_operation(ex->match.route, operation);
	read_details(ex, operation, details);
	usage_note(ex->server->api->usage, &call);
}

static unsigned
route_number(const struct exchange *ex)
{
	return ex->match.route != NULL
		       ? (unsigned)(ex->match.route - http_routes)
		       : METRICS_ROUTES_MAX - 1;
}

void
exchange_note(const struct exchange *ex)
{
	uint64_t duration_us = clock_mono_us() - ex->began_us;

	metrics_request(route_number(ex), ex->sent_status, duration_us);
	log_access(ex, duration_us);
	note_usage(ex, duration_us);
}
