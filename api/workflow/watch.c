/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - see watch.h.  Theory of operation:
 *
 * A topic is a workflow that somebody watches, with the page of its events as
 * of the newest version that we know.  A watcher is one stream: a place in the
 * page.  It keeps the page that it is in the middle of an event of, and goes
 * on to the topic's newest at the next event, so a slow reader costs a number
 * and not a queue.
 *
 * One lock guards everything.  The thread never holds it while it asks the
 * store.  Order of locks: ours, then the stream's (http_stream_wake).
 */
#include "api/workflow/watch_impl.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define TICK_MS 1000u
#define RECHECK_MS 30000u
/* Clients come back after a restart spread over this time. */
#define RETRY_MIN_MS 1000u
#define RETRY_SPREAD_MS 2000u

/* ---- topics; all with the lock held ---------------------------------- */

static size_t
bucket_of(const char *workflow_id)
{
	uint32_t hash = 2166136261u;

	for (const char *c = workflow_id; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash & (WATCH_BUCKETS - 1);
}

static struct topic *
topic_find(struct watch *watch, const char *workflow_id)
{
	struct topic *topic = watch->buckets[bucket_of(workflow_id)];

	while (topic != NULL && strcmp(topic->workflow_id, workflow_id) != 0)
		topic = topic->next;
	return topic;
}

/* Takes the page. */
static void
topic_set_page(struct topic *topic, struct event_page *page)
{
	if (topic->page != NULL && topic->page->version >= page->version) {
		event_page_unref(page);
		return;
	}
	event_page_unref(topic->page);
	topic->page = page;
}

static void
topic_mark(struct watch *watch, struct topic *topic)
{
	topic->is_dirty = true;
	watch->has_dirty = true;
	pthread_cond_signal(&watch->changed);
}

static struct topic *
topic_new(struct watch *watch, const char *workflow_id)
{
	struct topic **bucket = &watch->buckets[bucket_of(workflow_id)];
	struct topic *topic = calloc(1, sizeof(*topic));

	if (topic == NULL)
		return NULL;
	(void)str_copy(topic->workflow_id, sizeof(topic->workflow_id),
		       workflow_id);
	topic->next = *bucket;
	topic->link = bucket;
	if (topic->next != NULL)
		topic->next->link = &topic->next;
	*bucket = topic;
	watch->topics_count++;
	return topic;
}

void
watch_topic_drop(struct watch *watch, struct topic *topic)
{
	*topic->link = topic->next;
	if (topic->next != NULL)
		topic->next->link = topic->link;
	watch->topics_count--;
	event_page_unref(topic->page);
	free(topic);
}

/* The topic after this one, the first after NULL; NULL: no more. */
static struct topic *
topic_after(struct watch *watch, const struct topic *topic)
{
	size_t bucket = 0;

	if (topic != NULL && topic->next != NULL)
		return topic->next;
	if (topic != NULL)
		bucket = bucket_of(topic->workflow_id) + 1;
	while (bucket < WATCH_BUCKETS && watch->buckets[bucket] == NULL)
		bucket++;
	return bucket < WATCH_BUCKETS ? watch->buckets[bucket] : NULL;
}

static void
topic_wake(struct topic *topic)
{
	for (struct watcher *w = topic->watchers; w != NULL; w = w->next)
		watcher_wake(w);
}

/* ---- opening --------------------------------------------------------- */

static size_t
count_of_user(struct watch *watch, const char *user_id)
{
	size_t count = 0;

	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		for (const struct watcher *w = topic->watchers; w != NULL;
		     w = w->next)
			count += strcmp(w->user.user_id, user_id) == 0;
	return count;
}

static int
check_room(struct watch *watch, const struct http_user *user, struct err *e)
{
	const struct api_config *config = &watch->api->config;

	if (watch->is_stopping)
		return err_set(e, ERR_BUSY, 0, "the service is stopping");
	if (watch->watchers_count >= config->max_streams)
		return err_set(e, ERR_BUSY, 0,
			       "all %u event streams are in use; poll the "
			       "status instead, or try again",
			       config->max_streams);
	if (count_of_user(watch, user->user_id) >= config->max_streams_per_user)
		return err_set(e, ERR_LIMIT, 0,
			       "you have %u event streams open, which is all "
			       "that one user may have; close one",
			       config->max_streams_per_user);
	return 0;
}

static struct watcher *
watcher_new(struct watch *watch, const struct http_user *user, uint64_t last_id)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->watch = watch;
	w->user = *user;
	w->last_id = last_id;
	w->heartbeat_ms = clock_mono_ms() + WATCH_HEARTBEAT_MS;
	(void)str_printf(w->control, sizeof(w->control), "retry: %u\n\n",
			 RETRY_MIN_MS + randombytes_uniform(RETRY_SPREAD_MS));
	w->control_len = strlen(w->control);
	return w;
}

/* With the lock held; takes w and the page. */
static int
join_topic(struct watch *watch, const char *workflow_id, struct watcher *w,
	   struct event_page *page)
{
	struct topic *topic = topic_find(watch, workflow_id);
	bool is_new = topic == NULL;

	if (is_new && (topic = topic_new(watch, workflow_id)) == NULL)
		return -1;
	topic_set_page(topic, page);
	/* It may have been saved between the load and now. */
	if (is_new)
		topic_mark(watch, topic);
	w->topic = topic;
	w->next = topic->watchers;
	w->link = &topic->watchers;
	if (w->next != NULL)
		w->next->link = &w->next;
	topic->watchers = w;
	watch->watchers_count++;
	return 0;
}

int
watch_open(struct watch *watch, const char *workflow_id,
	   const struct http_user *user, struct event_page *page,
	   uint64_t last_id, struct watcher **ret, struct err *e)
{
	struct watcher *w = watcher_new(watch, user, last_id);
	int rc = 0;

	if (w == NULL)
		rc = err_set(e, ERR_IO, ENOMEM, "open an event stream");
	pthread_mutex_lock(&watch->lock);
	if (rc == 0)
		rc = check_room(watch, user, e);
	if (rc == 0 && join_topic(watch, workflow_id, w, page) < 0)
		rc = err_set(e, ERR_IO, ENOMEM, "open an event stream");
	pthread_mutex_unlock(&watch->lock);
	if (rc == 0) {
		*ret = w;
		return 0;
	}
	event_page_unref(page);
	free(w);
	return -1;
}

void
watch_notify(struct watch *watch, const char *workflow_id)
{
	struct topic *topic;

	pthread_mutex_lock(&watch->lock);
	topic = topic_find(watch, workflow_id);
	if (topic != NULL)
		topic_mark(watch, topic);
	pthread_mutex_unlock(&watch->lock);
}

/* ---- the thread: news from the store --------------------------------- */

/* *ret_page stays NULL if the store has nothing newer than `known`. */
static int
load_newer(struct store *store, const char *workflow_id, uint64_t known,
	   struct event_page **ret_page, struct err *e)
{
	struct store_workflow_meta meta;
	struct workflow_state state;
	int rc;

	if (store_workflow_peek(store, workflow_id, &meta, e) < 0)
		return -1;
	if (meta.version <= known)
		return 0;
	if (workflow_state_load(store, workflow_id, &state, e) < 0)
		return -1;
	rc = event_page_new(&state, ret_page, e);
	workflow_state_done(&state);
	return rc;
}

/* With the lock held, which it gives up meanwhile. */
static void
refresh(struct watch *watch, struct topic *dirty)
{
	uint64_t known = dirty->page->version;
	struct event_page *page = NULL;
	struct err e = ERR_INIT;
	char id[40];
	struct topic *topic;
	int rc;

	dirty->is_dirty = false;
	memcpy(id, dirty->workflow_id, sizeof(id));
	pthread_mutex_unlock(&watch->lock);
	rc = load_newer(watch->api->store, id, known, &page, &e);
	pthread_mutex_lock(&watch->lock);
	topic = topic_find(watch, id);
	if (topic == NULL) {
		event_page_unref(page);
		return;
	}
	if (rc < 0 && e.kind == ERR_NOT_FOUND) {
		for (struct watcher *w = topic->watchers; w != NULL;
		     w = w->next)
			watcher_close(w, 404, "Workflow not found");
	} else if (rc < 0) {
		log_error("event=watch_load workflow=%s error=\"%s\"", id,
			  e.text);
	} else if (page != NULL) {
		topic_set_page(topic, page);
		topic_wake(topic);
	}
}

static struct topic *
find_dirty(struct watch *watch)
{
	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		if (topic->is_dirty)
			return topic;
	return NULL;
}

static void
refresh_dirty(struct watch *watch)
{
	struct topic *topic;

	while (watch->has_dirty && !watch->is_stopping) {
		watch->has_dirty = false;
		while ((topic = find_dirty(watch)) != NULL &&
		       !watch->is_stopping)
			refresh(watch, topic);
	}
}

/* ---- the thread: heartbeats, and who may still watch ----------------- */

static void
send_heartbeats(struct watch *watch, uint64_t now_ms)
{
	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		for (struct watcher *w = topic->watchers; w != NULL;
		     w = w->next) {
			if (w->heartbeat_ms > now_ms)
				continue;
			w->heartbeat_ms = now_ms + WATCH_HEARTBEAT_MS;
			watcher_control(w, ":\n\n");
			watcher_wake(w);
		}
}

/* The users of all watchers as the store knows them now. */
struct census {
	struct store_user *users;
	size_t count;
};

static int
compare_users(const void *a, const void *b)
{
	return strcmp(((const struct store_user *)a)->user_id,
		      ((const struct store_user *)b)->user_id);
}

/* With the lock held: only their ids, each once. */
static int
census_begin(struct watch *watch, struct census *census)
{
	size_t kept = 0;

	census->count = 0;
	census->users =
		calloc(watch->watchers_count + 1, sizeof(*census->users));
	if (census->users == NULL)
		return -1;
	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		for (const struct watcher *w = topic->watchers; w != NULL;
		     w = w->next)
			memcpy(census->users[census->count++].user_id,
			       w->user.user_id, sizeof(w->user.user_id));
	qsort(census->users, census->count, sizeof(*census->users),
	      compare_users);
	for (size_t i = 0; i < census->count; i++)
		if (i == 0 || compare_users(&census->users[i],
					    &census->users[kept - 1]) != 0)
			census->users[kept++] = census->users[i];
	census->count = kept;
	return 0;
}

/* A user who is gone is as one who is disabled; -1: the store is in trouble. */
static int
census_ask(struct store *store, struct census *census)
{
	for (size_t i = 0; i < census->count; i++) {
		struct store_user *user = &census->users[i];
		struct err e = ERR_INIT;
		char id[40];

		memcpy(id, user->user_id, sizeof(id));
		if (store_user_get_by_id(store, id, user, &e) == 0)
			continue;
		if (e.kind != ERR_NOT_FOUND) {
			log_error("event=watch_users error=\"%s\"", e.text);
			return -1;
		}
		user->is_disabled = true;
	}
	return 0;
}

static void
recheck_watcher(struct watcher *w, const struct census *census)
{
	struct store_user key = {0};
	const struct store_user *user;

	memcpy(key.user_id, w->user.user_id, sizeof(key.user_id));
	user = bsearch(&key, census->users, census->count, sizeof(key),
		       compare_users);
	if (user == NULL)
		return; /* came after the census */
	if (user->is_disabled || user->token_version != w->user.token_version)
		watcher_close(w, 401, "Invalid token");
	else if (w->user.token_expires_s <= clock_wall_us() / 1000000u)
		watcher_close(w, 401, "Token expired");
	else if (!workflow_access_may_see(&w->topic->page->access,
					  user->user_id, user->role))
		watcher_close(w, 403, "Access denied");
}

/* With the lock held, which it gives up meanwhile. */
static void
recheck(struct watch *watch)
{
	struct census census = {0};
	int rc;

	if (watch->watchers_count == 0 || census_begin(watch, &census) < 0)
		return;
	pthread_mutex_unlock(&watch->lock);
	rc = census_ask(watch->api->store, &census);
	pthread_mutex_lock(&watch->lock);
	if (rc == 0)
		for (struct topic *topic = topic_after(watch, NULL);
		     topic != NULL; topic = topic_after(watch, topic))
			for (struct watcher *w = topic->watchers; w != NULL;
			     w = w->next)
				recheck_watcher(w, &census);
	free(census.users);
}

static void
tick(struct watch *watch)
{
	uint64_t now_ms = clock_mono_ms();

	if (now_ms < watch->tick_ms)
		return;
	watch->tick_ms = now_ms + TICK_MS;
	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		topic_mark(watch, topic);
	send_heartbeats(watch, now_ms);
	if (now_ms < watch->recheck_ms)
		return;
	watch->recheck_ms = now_ms + RECHECK_MS;
	recheck(watch);
}

/*
 * Until something is dirty; while somebody watches, at most to the next tick.
 */
static void
wait_for_news(struct watch *watch)
{
	struct timespec until;

	if (watch->has_dirty || watch->is_stopping)
		return;
	if (watch->topics_count == 0) {
		(void)pthread_cond_wait(&watch->changed, &watch->lock);
		return;
	}
	until.tv_sec = (time_t)(watch->tick_ms / 1000u);
	until.tv_nsec = (long)(watch->tick_ms % 1000u) * 1000000L;
	(void)pthread_cond_clockwait(&watch->changed, &watch->lock,
				     CLOCK_MONOTONIC, &until);
}

static void *
thread_main(void *arg)
{
	struct watch *watch = arg;

	(void)pthread_setname_np(pthread_self(), "events");
	pthread_mutex_lock(&watch->lock);
	while (!watch->is_stopping) {
		wait_for_news(watch);
		refresh_dirty(watch);
		tick(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

/* ---- start and stop -------------------------------------------------- */

static void
on_saved(void *arg, const char *workflow_id)
{
	watch_notify(arg, workflow_id);
}

int
watch_start(struct api *api, struct watch **ret, struct err *e)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int rc;

	if (watch == NULL)
		return err_set(e, ERR_IO, ENOMEM, "event streams");
	watch->api = api;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->changed, NULL);
	rc = pthread_create(&watch->thread, NULL, thread_main, watch);
	if (rc != 0) {
		watch_free(watch);
		return err_set(e, ERR_IO, rc, "start thread for events");
	}
	watch->has_thread = true;
	workflow_state_observe(on_saved, watch);
	*ret = watch;
	return 0;
}

void
watch_stop(struct watch *watch)
{
	if (watch == NULL || !watch->has_thread)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->is_stopping = true;
	pthread_cond_signal(&watch->changed);
	for (struct topic *topic = topic_after(watch, NULL); topic != NULL;
	     topic = topic_after(watch, topic))
		for (struct watcher *w = topic->watchers; w != NULL;
		     w = w->next)
			watcher_close(w, 0, NULL);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	watch->has_thread = false;
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	watch_stop(watch);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}
