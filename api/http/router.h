/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.h - from method and path to a row of http_routes.
 */
#ifndef PC_API_ROUTER_H
#define PC_API_ROUTER_H

#include "api/http/http.h"

#define ROUTER_ID_SIZE 65
#define ROUTER_ALLOW_SIZE 64

struct router_match {
	const struct http_route *route; /* NULL: see below */
	char id[ROUTER_ID_SIZE];	/* what matched {id}, or "" */
	bool is_path_known;		/* another method would have matched */
	char allow[ROUTER_ALLOW_SIZE];	/* methods of a known path */
};

/* HEAD is answered by the GET route.  An id has 1..64 of [A-Za-z0-9_-]. */
void router_find(const struct http_route *routes, const char *method,
		 const char *path, struct router_match *ret);

#endif
