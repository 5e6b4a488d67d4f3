/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.h - what the handlers of jobs and workflows share.
 */
#ifndef PC_API_ROUTES_H
#define PC_API_ROUTES_H

#include "api/http/http.h"
#include "api/jobs/host.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

/* Room for any text that a body can bring; the body's own limit is lower. */
#define ROUTE_TEXT_MAX (64 << 20)

/* The field tables of what a job may be given beside its code. */
extern const struct field route_files_item; /* {path, content} */
extern const struct field route_arg_item;
extern const struct field route_path_item;
extern const struct field route_limits_fields[2];
extern const char *const route_levels[];

/* 503 that says what an operator has to do. */
void route_unavailable(struct http_response *res, const struct err *e);

/*
 * Load the workflow that the path names, if the user may see it: its owner, an
 * admin, and an approver if it has asked for an approval.  Else 404 or 403 is
 * in *res and -1 returned.
 */
int route_load_workflow(struct api *api, const struct http_request *req,
			struct workflow_state *ret, struct http_response *res);

#endif
