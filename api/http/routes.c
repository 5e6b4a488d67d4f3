/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - the whole surface of the API, one row a route.  Method, path, who
 * may, what limits it and where it runs are decided here and nowhere else.
 */
#include "api/http/handlers.h"
#include "api/metrics.h"
#include "supervisor/base/str.h"

const struct http_route http_routes[] = {
	{"GET", "/health", HTTP_PUBLIC, NULL, health_get, NULL},
	{"GET", "/openapi.json", HTTP_PUBLIC, NULL, asset_get, NULL},
	{"GET", "/docs", HTTP_PUBLIC, NULL, asset_get, NULL},
	{"GET", "/docs/style.css", HTTP_PUBLIC, NULL, asset_get, NULL},
	{"GET", "/docs/script.js", HTTP_PUBLIC, NULL, asset_get, NULL},
	{"GET", "/metrics", HTTP_ADMIN | HTTP_SCRAPE | HTTP_BRIEF, NULL,
	 metrics_get, NULL},
	{"POST", "/auth/token", HTTP_PUBLIC | HTTP_BODY | HTTP_BRIEF, NULL,
	 token_post, &token_body},

	{"POST", "/api/v3/execute", HTTP_BODY | HTTP_IDEMPOTENT, "execute",
	 execute_post, &execute_body},
	{"GET", "/api/v3/execute/status/{id}", HTTP_WORKFLOW, "status",
	 execute_status, NULL},
	{"GET", "/api/v3/execute/events/{id}", HTTP_WORKFLOW, "status",
	 execute_events, NULL},
	{"POST", "/api/v3/execute/cancel/{id}", HTTP_IDEMPOTENT, NULL,
	 execute_cancel, NULL},
	{"POST", "/api/v3/execute/approve/{id}",
	 HTTP_BODY | HTTP_BRIEF | HTTP_IDEMPOTENT, NULL, execute_approve,
	 &approve_body},
	{"GET", "/api/v3/execute/artifacts/{id}", HTTP_BRIEF, "status",
	 artifacts_get, NULL},
	{"GET", "/api/v3/approvals", 0, "status", approvals_list, NULL},
	{"GET", "/api/v3/approvals/{id}", HTTP_BRIEF, "status", approvals_get,
	 NULL},
	{"GET", "/api/v3/workflows", 0, "status", workflows_list, NULL},

	{"POST", "/api/v3/analyze", HTTP_BODY | HTTP_SLOW | HTTP_IDEMPOTENT,
	 "analyze", analyze_post, &analyze_body},
	{"POST", "/api/v2/orchestrate",
	 HTTP_BODY | HTTP_SLOW | HTTP_IDEMPOTENT | HTTP_LEGACY, "analyze",
	 orchestrate_post, &analyze_body},
	{"POST", "/api/v1/enhance", HTTP_BODY | HTTP_SLOW | HTTP_IDEMPOTENT,
	 "enhance", enhance_post, &enhance_body},

	{"POST", "/api/v3/jobs", HTTP_BODY | HTTP_SLOW | HTTP_IDEMPOTENT,
	 "jobs", jobs_post, &jobs_body},
	{"GET", "/api/v3/jobs/{id}", HTTP_BRIEF, "status", jobs_get, NULL},

	{"GET", "/api/v3/usage", HTTP_BRIEF, "status", usage_get, NULL},
	{"GET", "/api/v3/costs", HTTP_BRIEF, "status", costs_get, NULL},
	{"GET", "/api/v3/notifications", HTTP_ADMIN, NULL, notifications_list,
	 NULL},
	{"GET", "/api/v3/notifications/secret", 0, "status",
	 notifications_secret, NULL},
	{"POST", "/api/v3/notifications/{id}/retry", HTTP_ADMIN, NULL,
	 notifications_retry, NULL},

	{"GET", "/api/v3/policies", HTTP_BRIEF, NULL, policies_list, NULL},
	{"GET", "/api/v3/runtimes", HTTP_BRIEF, NULL, runtimes_list, NULL},

	{NULL, NULL, 0, NULL, NULL, NULL},
};

const struct http_successor http_successors[] = {
	/* 2026-11-22 */
	{"/api/v2/orchestrate", "@1795305600",
	 "</api/v3/analyze>; rel=\"successor-version\""},
	{NULL, NULL, NULL},
};

_Static_assert(ARRAY_LEN(http_routes) < METRICS_ROUTES_MAX,
	       "each route has its counters");
