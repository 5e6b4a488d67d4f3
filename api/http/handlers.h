/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handlers.h - every route handler of the API by name; api/http/routes.c puts
 * them in the table.  Each one lives with its subject: api/auth, api/jobs,
 * api/workflow, and api/http for what speaks of the service itself.
 *
 * A handler that blocks also watches req->gone_fd (HTTP_SLOW) or api->stop_fd
 * (HTTP_BRIEF).
 */
#ifndef PC_API_HANDLERS_H
#define PC_API_HANDLERS_H

#include "api/http/http.h"

#define HTTP_HANDLER(name)                                                     \
	void name(struct api *api, const struct http_request *req,             \
		  struct http_response *res)

/* api/http/service.c */
HTTP_HANDLER(health_get);    /* GET /health */
HTTP_HANDLER(policies_list); /* GET /api/v3/policies */
HTTP_HANDLER(runtimes_list); /* GET /api/v3/runtimes */

/* api/http/asset.c */
HTTP_HANDLER(asset_get); /* GET /openapi.json, /docs and what it needs */

/* api/auth/token.c */
HTTP_HANDLER(token_post); /* POST /auth/token */

/* api/routes/notifications.c */
HTTP_HANDLER(notifications_list);   /* GET /api/v3/notifications */
HTTP_HANDLER(notifications_secret); /* GET /api/v3/notifications/secret */
HTTP_HANDLER(notifications_retry);  /* POST /api/v3/notifications/{id}/retry */

/* api/jobs */
HTTP_HANDLER(jobs_post); /* POST /api/v3/jobs */
HTTP_HANDLER(jobs_get);	 /* GET /api/v3/jobs/{id} */

/* api/workflow */
HTTP_HANDLER(execute_post);    /* POST /api/v3/execute */
HTTP_HANDLER(execute_status);  /* GET /api/v3/execute/status/{id} */
HTTP_HANDLER(execute_cancel);  /* POST /api/v3/execute/cancel/{id} */
HTTP_HANDLER(execute_approve); /* POST /api/v3/execute/approve/{id} */
HTTP_HANDLER(approvals_list);  /* GET /api/v3/approvals */
HTTP_HANDLER(approvals_get);   /* GET /api/v3/approvals/{id} */
HTTP_HANDLER(artifacts_get);   /* GET /api/v3/execute/artifacts/{id}?path= */
HTTP_HANDLER(execute_events);  /* GET /api/v3/execute/events/{id} */
HTTP_HANDLER(workflows_list);  /* GET /api/v3/workflows?limit= */

/* api/routes/analyze.c */
HTTP_HANDLER(analyze_post);	/* POST /api/v3/analyze */
HTTP_HANDLER(orchestrate_post); /* POST /api/v2/orchestrate */

/* api/routes/enhance.c */
HTTP_HANDLER(enhance_post); /* POST /api/v1/enhance */

/* api/routes/usage.c */
HTTP_HANDLER(usage_get); /* GET /api/v3/usage?date=&limit= */
HTTP_HANDLER(costs_get); /* GET /api/v3/costs?date= */

/* api/routes/metrics.c */
HTTP_HANDLER(metrics_get); /* GET /metrics */

/*
 * What a route with HTTP_BODY takes, beside its handler; the document of
 * api/http/openapi says the same (tests/unit/test_openapi.c).
 */
extern const struct field_table token_body;   /* api/auth/token.c */
extern const struct field_table jobs_body;    /* api/routes/jobs.c */
extern const struct field_table execute_body; /* api/routes/execute.c */
extern const struct field_table approve_body; /* api/routes/approvals.c */
extern const struct field_table enhance_body; /* api/routes/enhance.c */
extern const struct field_table analyze_body; /* api/routes/analyze.c */

#endif
