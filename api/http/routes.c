/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - the whole surface of the API, one row a route.  Method, path, who
 * may, what limits it and where it runs are decided here and nowhere else.
 */
#include "api/http/handlers.h"

const struct http_route http_routes[] = {
	{"GET", "/health", HTTP_PUBLIC, NULL, health_get},
	{"POST", "/auth/token", HTTP_PUBLIC | HTTP_BODY | HTTP_BRIEF, NULL,
	 token_post},

	{"POST", "/api/v3/execute", HTTP_BODY, "execute", execute_post},
	{"GET", "/api/v3/execute/status/{id}", 0, "status", execute_status},
	{"POST", "/api/v3/execute/cancel/{id}", 0, NULL, execute_cancel},
	{"POST", "/api/v3/execute/approve/{id}", HTTP_BODY, NULL,
	 execute_approve},
	{"GET", "/api/v3/workflows", 0, "status", workflows_list},

	{"POST", "/api/v3/jobs", HTTP_BODY | HTTP_SLOW, "jobs", jobs_post},
	{"GET", "/api/v3/jobs/{id}", 0, "status", jobs_get},

	{"GET", "/api/v3/policies", HTTP_BRIEF, NULL, policies_list},
	{"GET", "/api/v3/runtimes", HTTP_BRIEF, NULL, runtimes_list},

	{NULL, NULL, 0, NULL, NULL},
};
