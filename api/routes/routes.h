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

/*
 * A number of the query; *ret stays as it is if there is none.  -1: 422 is in
 * *res.
 */
int route_number(const struct http_request *req, const char *name,
		 uint64_t least, uint64_t most, uint64_t *ret,
		 struct http_response *res);

/* 503 that says what an operator has to do. */
void route_unavailable(struct http_response *res, const struct err *e);

/*
 * Load the workflow that the path names, if the user may see it: its owner, an
 * admin, and an approver if it has asked for an approval.  Else 404 or 403 is
 * in *res and -1 returned.
 */
int route_load_workflow(struct api *api, const struct http_request *req,
			struct workflow_state *ret, struct http_response *res);

typedef int (*route_load_fn)(struct api *api, const struct http_request *req,
			     struct workflow_state *ret,
			     struct http_response *res);
/* 1: *state is changed, save it; 0: nothing to save; -1: *res says why.  With 1
 * *res may be a problem, too. */
typedef int (*route_change_fn)(struct api *api, const struct http_request *req,
			       struct workflow_state *state,
			       struct http_response *res);

/*
 * Load, change, compare-and-set.  A worker writes the same document: whoever
 * loses the race looks again, a few times.
 */
int route_change_workflow(struct api *api, const struct http_request *req,
			  route_load_fn load, route_change_fn change,
			  struct http_response *res);

#endif
