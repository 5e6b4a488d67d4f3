/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher.c - one stream: what it sends next.  In this order: the rest of the
 * event that it is in the middle of, a snapshot if it has missed events, what
 * is not an event (retry, heartbeat, the reason of the end), the next event.
 */
#include "api/workflow/watch_impl.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

/* ---- watchers; with the lock held ------------------------------------ */

void
watcher_wake(struct watcher *w)
{
	if (w->stream != NULL)
		http_stream_wake(w->stream);
}

void
watcher_close(struct watcher *w, int status, const char *detail)
{
	if (w->is_closing)
		return;
	w->is_closing = true;
	if (status != 0 &&
	    str_printf(w->control + w->control_len,
		       sizeof(w->control) - w->control_len,
		       "event: closed\ndata: {\"status\":%d,\"detail\":\"%s\"}"
		       "\n\n",
		       status, detail) == 0)
		w->control_len += strlen(w->control + w->control_len);
	watcher_wake(w);
}

void
watcher_control(struct watcher *w, const char *text)
{
	if (w->is_closing || w->control_len > 0 ||
	    str_copy(w->control, sizeof(w->control), text) < 0)
		return;
	w->control_len = strlen(text);
	w->control_sent = 0;
}

/* ---- reading: what the stream sends next ----------------------------- */

static size_t
copy_some(char *dst, size_t max, const char *text, size_t len, size_t *sent)
{
	size_t some = len - *sent < max ? len - *sent : max;

	memcpy(dst, text + *sent, some);
	*sent += some;
	return some;
}

static size_t
read_control(struct watcher *w, char *dst, size_t max)
{
	size_t len = copy_some(dst, max, w->control, w->control_len,
			       &w->control_sent);

	if (w->control_sent == w->control_len)
		w->control_len = w->control_sent = 0;
	return len;
}

static size_t
read_snapshot(struct watcher *w, char *dst, size_t max)
{
	size_t len = copy_some(dst, max, w->snapshot->snapshot,
			       w->snapshot->snapshot_len, &w->snapshot_sent);

	if (w->snapshot_sent < w->snapshot->snapshot_len)
		return len;
	w->last_id = event_page_first_id(w->snapshot);
	w->last_id -= w->last_id > 0;
	w->snapshot_sent = 0;
	event_page_unref(w->snapshot);
	w->snapshot = NULL;
	return len;
}

static size_t
read_event(struct watcher *w, char *dst, size_t max)
{
	const struct page_event *event = &w->page->events[w->index];
	size_t len = copy_some(dst, max, w->page->text + event->begin,
			       event->end - event->begin, &w->sent);

	if (w->sent < event->end - event->begin)
		return len;
	w->last_id = event->id;
	w->sent = 0;
	event_page_unref(w->page);
	w->page = NULL;
	return len;
}

/* Between two events: is there one to begin? */
static bool
find_event(struct watcher *w)
{
	struct event_page *page = w->topic->page;

	/* It fell behind what is kept. */
	if (event_page_is_gap(page, w->last_id)) {
		w->snapshot = event_page_ref(page);
		return true;
	}
	w->index = event_page_after(page, w->last_id);
	if (w->index == page->count)
		return false;
	w->page = event_page_ref(page);
	return true;
}

/* Never 0 while there is something; 0: wait or the end. */
static size_t
read_some(struct watcher *w, char *dst, size_t max)
{
	if (w->page != NULL)
		return read_event(w, dst, max);
	if (w->snapshot != NULL)
		return read_snapshot(w, dst, max);
	if (w->control_len > 0)
		return read_control(w, dst, max);
	if (w->is_closing || !find_event(w))
		return 0;
	return read_some(w, dst, max);
}

static ssize_t
watcher_read(void *arg, char *dst, size_t max)
{
	struct watcher *w = arg;
	struct watch *watch = w->watch;
	size_t len = 0, some;
	bool is_end;

	pthread_mutex_lock(&watch->lock);
	while (len < max && (some = read_some(w, dst + len, max - len)) > 0)
		len += some;
	is_end = w->is_closing || w->topic->page->is_terminal;
	if (len > 0)
		w->heartbeat_ms = clock_mono_ms() + WATCH_HEARTBEAT_MS;
	pthread_mutex_unlock(&watch->lock);
	if (len > 0)
		return (ssize_t)len;
	return is_end ? HTTP_STREAM_END : HTTP_STREAM_WAIT;
}

static void
watcher_opened(void *arg, struct http_stream *stream)
{
	struct watcher *w = arg;

	pthread_mutex_lock(&w->watch->lock);
	w->stream = stream;
	pthread_mutex_unlock(&w->watch->lock);
}

static void
watcher_closed(void *arg)
{
	struct watcher *w = arg;
	struct watch *watch = w->watch;

	pthread_mutex_lock(&watch->lock);
	*w->link = w->next;
	if (w->next != NULL)
		w->next->link = w->link;
	watch->watchers_count--;
	if (w->topic->watchers == NULL)
		watch_topic_drop(watch, w->topic);
	event_page_unref(w->page);
	event_page_unref(w->snapshot);
	pthread_mutex_unlock(&watch->lock);
	free(w);
}

const struct http_stream_source watch_source = {
	.read = watcher_read,
	.opened = watcher_opened,
	.closed = watcher_closed,
};
