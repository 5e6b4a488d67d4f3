/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - GET /api/v3/execute/events/{id}: what happens to a workflow, as
 * it happens, as server-sent events.
 */
#include "api/http/handlers.h"
#include "api/routes/routes.h"
#include "api/workflow/page.h"
#include "api/workflow/watch.h"

#define BUSY_RETRY_S 5

/*
 * 1: *ret is where the client was; 0: it is new; -1: *res says what is wrong.
 */
static int
parse_last_id(const struct http_request *req, uint64_t *ret,
	      struct http_response *res)
{
	const char *name = "Last-Event-ID";
	const char *text = http_header(req, name);
	struct err e;

	if (text == NULL) {
		name = "last_event_id";
		text = http_query(req, name);
	}
	*ret = 0;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (event_id_parse(text, ret, &e) == 0)
		return 1;
	http_problem(res, 422, name, "%s: %s", name, e.text);
	return -1;
}

static void
refuse_stream(struct http_response *res, const struct err *e)
{
	if (e->kind == ERR_LIMIT || e->kind == ERR_BUSY) {
		http_problem(res, e->kind == ERR_LIMIT ? 429 : 503, NULL, "%s",
			     e->text);
		res->retry_after_s = BUSY_RETRY_S;
		return;
	}
	http_problem_from_err(res, e);
}

void
execute_events(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	struct event_page *page = NULL;
	struct watcher *watcher = NULL;
	struct workflow_state state;
	uint64_t last_id = 0;
	struct err e;
	int has_last_id = parse_last_id(req, &last_id, res), rc;

	if (has_last_id < 0 || route_load_workflow(api, req, &state, res) < 0)
		return;
	rc = event_page_new(&state, &page, &e);
	workflow_state_done(&state);
	if (rc < 0) {
		http_problem_from_err(res, &e);
		return;
	}
	/* All is seen and nothing will come: 204 tells browsers to stop. */
	if (has_last_id > 0 && page->is_terminal &&
	    last_id == event_page_last_id(page)) {
		event_page_unref(page);
		res->status = 204;
		return;
	}
	if (watch_open(api->watch, req->id, &req->user, page, last_id, &watcher,
		       &e) < 0) {
		refuse_stream(res, &e);
		return;
	}
	res->status = 200;
	res->source = &watch_source;
	res->source_arg = watcher;
}
