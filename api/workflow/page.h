/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the events of a workflow as they go over the wire: its document's
 * history, each entry one server-sent event (WHATWG HTML, 9.2).
 *
 * A page never changes once it is made, so that any number of streams send
 * from the same one.
 */
#ifndef PC_API_WORKFLOW_PAGE_H
#define PC_API_WORKFLOW_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/workflow/access.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

struct event_page {
	unsigned refs; /* guarded by whoever shares the page */
	uint64_t version;
	bool is_terminal; /* nothing comes after the last event */
	struct workflow_access access;
	char *text; /* all events, one after the other */
	size_t count;
	struct page_event {
		uint64_t id;
		size_t begin, end; /* in text */
	} * events;		   /* ids ascend */
	char *snapshot; /* where the workflow is, for who missed events */
	size_t snapshot_len;
};

/* One reference, the caller's. */
int event_page_new(const struct workflow_state *state, struct event_page **ret,
		   struct err *e);
struct event_page *event_page_ref(struct event_page *page);
void event_page_unref(struct event_page *page); /* NULL is ignored */

uint64_t event_page_first_id(const struct event_page *page); /* 0: none */
uint64_t event_page_last_id(const struct event_page *page);  /* 0: none */

/* Index of the first event after this id; count if there is none. */
size_t event_page_after(const struct event_page *page, uint64_t id);

/*
 * Has who saw this id last missed events that are no longer kept (or does the
 * id come from another life of the workflow)?
 */
bool event_page_is_gap(const struct event_page *page, uint64_t id);

/*
 * What a client sends as Last-Event-ID; ERR_INVALID unless it is a number as
 * we gave it.
 */
int event_id_parse(const char *text, uint64_t *ret, struct err *e);

#endif
