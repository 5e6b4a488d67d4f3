/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.c - matches a decoded path against the patterns of the route table.
 *
 * The path is hostile.  An {id} takes one segment of letters, digits, '_' and
 * '-' only, so that no handler ever meets a slash, a dot or a control
 * character in an id.
 */
#include "api/http/router.h"

#include <string.h>

#include "supervisor/base/str.h"

static bool
is_id(const char *segment, size_t len)
{
	char id[ROUTER_ID_SIZE];

	if (len == 0 || len >= sizeof(id))
		return false;
	memcpy(id, segment, len);
	id[len] = '\0';
	return str_is_name(id, sizeof(id) - 1);
}

/* Both begin at the first character of a segment or at the end. */
static bool
matches(const char *pattern, const char *path, char id[ROUTER_ID_SIZE])
{
	static const char variable[] = "{id}";

	for (;;) {
		size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");

		if (want == sizeof(variable) - 1 &&
		    memcmp(pattern, variable, want) == 0) {
			if (!is_id(path, have))
				return false;
			memcpy(id, path, have);
			id[have] = '\0';
		} else if (want != have || memcmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
		if (*pattern == '\0' || *path == '\0')
			return *pattern == *path;
		pattern++;
		path++;
	}
}

static void
allow_add(struct router_match *match, const char *method)
{
	size_t used = strlen(match->allow);

	(void)str_printf(match->allow + used, sizeof(match->allow) - used,
			 "%s%s%s", used > 0 ? ", " : "", method,
			 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

void
router_find(const struct http_route *routes, const char *method,
	    const char *path, struct router_match *ret)
{
	*ret = (struct router_match){0};
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (const struct http_route *r = routes; r->method != NULL; r++) {
		char id[ROUTER_ID_SIZE] = "";

		if (!matches(r->pattern, path, id))
			continue;
		ret->is_path_known = true;
		allow_add(ret, r->method);
		if (strcmp(r->method, method) == 0) {
			ret->route = r;
			memcpy(ret->id, id, sizeof(id));
		}
	}
	if (ret->is_path_known)
		allow_add(ret, "OPTIONS");
}
