/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - who watches which workflow: streams of events, fed by one thread
 * however many they are.
 *
 * A save in this process wakes it at once; what other nodes save is found by
 * asking the store for versions once a second, one question for all streams of
 * a workflow.  That the watcher may still see the workflow is checked again
 * every half minute.
 */
#ifndef PC_API_WORKFLOW_WATCH_H
#define PC_API_WORKFLOW_WATCH_H

#include "api/api.h"
#include "api/http/http.h"
#include "api/workflow/page.h"
#include "supervisor/base/err.h"

struct watch;
struct watcher;

int watch_start(struct api *api, struct watch **ret, struct err *e);
/* Ends every stream, takes no more, ends the thread. */
void watch_stop(struct watch *watch);
/* When no stream is left; NULL is ignored. */
void watch_free(struct watch *watch);

/* A workflow was saved: look at it now.  Never blocks for long. */
void watch_notify(struct watch *watch, const char *workflow_id);

/*
 * A watcher of the workflow for this user who has seen all up to last_id.
 * Takes the page, which the caller has loaded and may see.  ERR_BUSY: too many
 * streams in all; ERR_LIMIT: too many of this user.
 */
int watch_open(struct watch *watch, const char *workflow_id,
	       const struct http_user *user, struct event_page *page,
	       uint64_t last_id, struct watcher **ret, struct err *e);

/* What the HTTP server reads from; its argument is the watcher. */
extern const struct http_stream_source watch_source;

#endif
