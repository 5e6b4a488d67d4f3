/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - see page.h.  JSON written compactly has no line break, so an event
 * is one data line; names that are not plain words become "message", as the
 * browser's own default is.
 */
#include "api/workflow/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* Of one workflow; older events are then no longer kept. */
#define PAGE_BYTES_MAX ((size_t)256 << 10)
#define EVENT_NAME_MAX 40
#define EVENT_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

/* ---- writing --------------------------------------------------------- */

/* "step_started", "approval.requested" */
static bool
is_event_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return len > 0 && len <= EVENT_NAME_MAX && name[len] == '\0';
}

static int
write_event(FILE *out, uint64_t id, const char *name, json_t *data)
{
	owned_mem char *json = json_dumps(data, EVENT_FLAGS);

	if (json == NULL)
		return -1;
	return fprintf(out, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", id,
		       is_event_name(name) ? name : "message", json) < 0
		       ? -1
		       : 0;
}

/* The entry as it is in the document, and whose it is. */
static json_t *
event_data(const struct workflow_state *state, json_t *entry)
{
	json_t *data =
		json_pack("{s:s}", "workflow_id", state->meta.workflow_id);

	if (data != NULL && json_object_update_missing(data, entry) < 0) {
		json_decref(data);
		return NULL;
	}
	return data;
}

static int
write_entry(FILE *out, const struct workflow_state *state, json_t *entry)
{
	json_t *data = event_data(state, entry);
	int rc;

	if (data == NULL)
		return -1;
	rc = write_event(out, (uint64_t)json_number(entry, "id"),
			 json_text(entry, "event"), data);
	json_decref(data);
	return rc;
}

static json_t *
history(const struct workflow_state *state)
{
	return workflow_state_part(state, "history");
}

static int
write_history(FILE *out, const struct workflow_state *state,
	      struct event_page *page)
{
	size_t count = json_array_size(history(state));
	uint64_t last_id = 0;

	for (size_t i = 0; i < count; i++) {
		json_t *entry = json_array_get(history(state), i);
		struct page_event *event = &page->events[page->count];
		uint64_t id = (uint64_t)json_number(entry, "id");

		/* The order of ids is what clients resume by. */
		if (id <= last_id)
			continue;
		event->id = last_id = id;
		event->begin = (size_t)ftell(out);
		if (write_entry(out, state, entry) < 0)
			return -1;
		event->end = (size_t)ftell(out);
		page->count++;
	}
	return 0;
}

/* Forget the oldest beyond the bound. */
static void
trim(struct event_page *page)
{
	size_t total, drop = 0;

	if (page->count == 0)
		return;
	total = page->events[page->count - 1].end;
	while (drop + 1 < page->count &&
	       total - page->events[drop].begin > PAGE_BYTES_MAX)
		drop++;
	page->count -= drop;
	memmove(page->events, page->events + drop,
		page->count * sizeof(page->events[0]));
}

/* Its id is that before the first event kept: that is where it leads to. */
static int
write_snapshot(FILE *out, const struct workflow_state *state,
	       const struct event_page *page)
{
	static const char *const names[] = {"status", "current_step",
					    "updated_at", "error"};
	uint64_t first_id = event_page_first_id(page);
	json_t *data = json_pack(
		"{s:s, s:I, s:I, s:f}", "workflow_id", state->meta.workflow_id,
		"version", (json_int_t)state->meta.version, "total_steps",
		(json_int_t)workflow_state_steps(state), "progress_percentage",
		workflow_state_progress(state));
	int rc;

	if (data == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(state->doc, names[i]);

		if (value != NULL)
			json_object_set(data, names[i], value);
	}
	rc = write_event(out, first_id > 0 ? first_id - 1 : 0, "snapshot",
			 data);
	json_decref(data);
	return rc;
}

typedef int (*writer)(FILE *out, const struct workflow_state *state,
		      struct event_page *page);

static int
write_snapshot_of(FILE *out, const struct workflow_state *state,
		  struct event_page *page)
{
	return write_snapshot(out, state, page);
}

static int
make_text(writer write, const struct workflow_state *state,
	  struct event_page *page, char **ret_text, size_t *ret_len)
{
	FILE *out = open_memstream(ret_text, ret_len);
	int rc;

	if (out == NULL)
		return -1;
	rc = write(out, state, page);
	return fclose(out) != 0 ? -1 : rc;
}

int
event_page_new(const struct workflow_state *state, struct event_page **ret,
	       struct err *e)
{
	size_t count = json_array_size(history(state)), len = 0;
	struct event_page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return err_set(e, ERR_IO, ENOMEM, "events of a workflow");
	page->refs = 1;
	page->version = state->meta.version;
	page->access = workflow_access_of(state);
	page->is_terminal =
		workflow_status_is_terminal(workflow_state_status(state));
	page->events = calloc(count + 1, sizeof(page->events[0]));
	if (page->events == NULL ||
	    make_text(write_history, state, page, &page->text, &len) < 0) {
		event_page_unref(page);
		return err_set(e, ERR_IO, ENOMEM, "events of a workflow");
	}
	trim(page);
	if (make_text(write_snapshot_of, state, page, &page->snapshot,
		      &page->snapshot_len) < 0) {
		event_page_unref(page);
		return err_set(e, ERR_IO, ENOMEM, "events of a workflow");
	}
	*ret = page;
	return 0;
}

struct event_page *
event_page_ref(struct event_page *page)
{
	page->refs++;
	return page;
}

void
event_page_unref(struct event_page *page)
{
	if (page == NULL || --page->refs > 0)
		return;
	free(page->events);
	free(page->text);
	free(page->snapshot);
	free(page);
}

/* ---- reading --------------------------------------------------------- */

uint64_t
event_page_first_id(const struct event_page *page)
{
	return page->count > 0 ? page->events[0].id : 0;
}

uint64_t
event_page_last_id(const struct event_page *page)
{
	return page->count > 0 ? page->events[page->count - 1].id : 0;
}

size_t
event_page_after(const struct event_page *page, uint64_t id)
{
	size_t low = 0, high = page->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (page->events[middle].id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
event_page_is_gap(const struct event_page *page, uint64_t id)
{
	return id + 1 < event_page_first_id(page) ||
	       id > event_page_last_id(page);
}

int
event_id_parse(const char *text, uint64_t *ret, struct err *e)
{
	if (str_to_u64(text, INT64_MAX, ret) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "must be the id of an event that was received: "
			       "a whole number");
	return 0;
}
