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

/* api/auth/token.c */
HTTP_HANDLER(token_post); /* POST /auth/token */

/* api/jobs */
HTTP_HANDLER(jobs_post); /* POST /api/v3/jobs */
HTTP_HANDLER(jobs_get);	 /* GET /api/v3/jobs/{id} */

/* api/workflow */
HTTP_HANDLER(execute_post);    /* POST /api/v3/execute */
HTTP_HANDLER(execute_status);  /* GET /api/v3/execute/status/{id} */
HTTP_HANDLER(execute_cancel);  /* POST /api/v3/execute/cancel/{id} */
HTTP_HANDLER(execute_approve); /* POST /api/v3/execute/approve/{id} */
HTTP_HANDLER(workflows_list);  /* GET /api/v3/workflows?limit= */

#endif
