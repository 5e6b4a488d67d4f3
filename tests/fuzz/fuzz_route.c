/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_route.c - method and path to a route, media types, quoted text.
 *
 * Input: a method, a path and a media type, one a line.  A route may be found
 * only for a path that is its pattern part by part, with a name for the id;
 * that is decided here a second way.
 */
#include "api/http/body.h"
#include "api/http/handlers.h"
#include "api/http/router.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fake_api.h"
#include "tests/fuzz/fuzz.h"

static bool
is_id(const char *part)
{
	return strlen(part) < ROUTER_ID_SIZE && part[0] != '\0' &&
	       part[0] != '_' && part[0] != '-' &&
	       part[strspn(part, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
		       '\0';
}

/* Cut both at "/" and compare; *ret_id is what stood for {id}. */
static bool
is_match(const char *pattern, const char *path, char ret_id[ROUTER_ID_SIZE])
{
	char *p = strdup(pattern), *q = strdup(path), *p_at = p, *q_at = q;
	bool is_same = true;

	ret_id[0] = '\0';
	while (is_same && p_at != NULL && q_at != NULL) {
		char *want = strsep(&p_at, "/"), *have = strsep(&q_at, "/");

		if (strcmp(want, "{id}") == 0)
			is_same = is_id(have) &&
				  str_copy(ret_id, ROUTER_ID_SIZE, have) == 0;
		else
			is_same = strcmp(want, have) == 0;
	}
	is_same = is_same && p_at == NULL && q_at == NULL;
	free(p);
	free(q);
	return is_same;
}

static void
check_route(const char *method, const char *path)
{
	struct router_match m;
	char id[ROUTER_ID_SIZE];
	const struct http_route *want = NULL;
	bool is_known = false;

	router_find(http_routes, method, path, &m);
	for (const struct http_route *r = http_routes; r->method != NULL; r++) {
		if (!is_match(r->pattern, path, id))
			continue;
		is_known = true;
		if (strcmp(method, r->method) == 0 ||
		    (strcmp(method, "HEAD") == 0 &&
		     strcmp(r->method, "GET") == 0)) {
			FUZZ_CHECK(want == NULL);
			want = r;
			FUZZ_CHECK(strcmp(m.id, id) == 0);
		}
	}
	FUZZ_CHECK(m.is_path_known == is_known);
	FUZZ_CHECK(m.route == want);
	FUZZ_CHECK(is_known == (m.allow[0] != '\0'));
}

/* What of a stranger goes into a log line must stay in its quotes. */
static void
check_quote(const char *text)
{
	char quoted[64];
	size_t n;

	str_quote(quoted, sizeof(quoted), text, strlen(text));
	n = strlen(quoted);
	FUZZ_CHECK(n >= 2 && quoted[0] == '"');
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(quoted[i] >= 0x20 && quoted[i] < 0x7f);
	for (size_t i = 1; i + 1 < n; i++)
		FUZZ_CHECK(quoted[i] != '"' || quoted[i - 1] == '\\' ||
			   strcmp(quoted + i, "\"...") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	char *method, *path, *type;

	if (len > 2048)
		return -1;
	method = fuzz_text_until(&in, '\n', NULL);
	path = fuzz_text_until(&in, '\n', NULL);
	type = fuzz_text_until(&in, '\n', NULL);
	check_route(method, path);
	check_quote(path);
	if (body_is_json_type(type))
		FUZZ_CHECK(strncasecmp(type, "application/json", 16) == 0);
	free(method);
	free(path);
	free(type);
	return 0;
}
