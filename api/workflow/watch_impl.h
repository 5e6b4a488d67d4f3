/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_impl.h - what watch.c (topics, and the thread that feeds them) and
 * watcher.c (what one stream sends) share.  All of it is guarded by the
 * watch's lock.
 */
#ifndef PC_API_WORKFLOW_WATCH_IMPL_H
#define PC_API_WORKFLOW_WATCH_IMPL_H

#include <pthread.h>

#include "api/workflow/watch.h"

#define WATCH_HEARTBEAT_MS 15000u
#define WATCH_CONTROL_MAX 512
#define WATCH_BUCKETS 256u /* power of two */

struct watcher {
	struct watcher *next, **link; /* of the topic */
	struct watch *watch;
	struct topic *topic;
	struct http_stream *stream; /* NULL until it is opened */
	struct http_user user;
	struct event_page *page; /* of the event that is being sent */
	size_t index, sent;	 /* that event, and its bytes that have left */
	uint64_t last_id;	 /* seen whole */
	char control[WATCH_CONTROL_MAX]; /* sent before the next event */
	size_t control_len, control_sent;
	struct event_page *snapshot; /* the one to send first, or NULL */
	size_t snapshot_sent;
	uint64_t heartbeat_ms; /* when to say that we are here */
	bool is_closing;       /* after control comes the end */
};

struct topic {
	struct topic *next, **link; /* of the bucket */
	char workflow_id[40];
	struct event_page *page;
	struct watcher *watchers;
	bool is_dirty; /* the store may have a newer version */
};

struct watch {
	struct api *api;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct topic *buckets[WATCH_BUCKETS];
	size_t topics_count, watchers_count;
	uint64_t tick_ms, recheck_ms; /* when the next one is due */
	bool has_dirty, is_stopping, has_thread;
};

/* Its last watcher has left. */
void watch_topic_drop(struct watch *watch, struct topic *topic);

void watcher_wake(struct watcher *w);
/*
 * Say why (status 0: nothing), then end.  A client that comes back gets the
 * same as a status.
 */
void watcher_close(struct watcher *w, int status, const char *detail);
/* Send this before the next event, unless something waits already. */
void watcher_control(struct watcher *w, const char *text);

#endif
