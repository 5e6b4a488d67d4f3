/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - what a channel is: whom it tells of which events, in which words,
 * and by which request.  A new one is one file and one row in channels.c.
 *
 * A delivery's document holds
 *	channel		the channel's name
 *	event		the kind of event
 *	to		the recipient, where it is not a setting; "" otherwise
 *	payload		what is sent, each time the same
 *	created_us	when it was prepared
 *	user_id, subject, host: as a channel needs them
 *	error, http_status: of the last attempt
 */
#ifndef PC_API_NOTIFY_CHANNEL_H
#define PC_API_NOTIFY_CHANNEL_H

#include "api/net/net.h"
#include "api/notify/notify.h"

#define NOTIFY_TO_SIZE 2049
#define NOTIFY_HEADERS_MAX 6

#define NOTIFY_BIT(kind) (1u << (kind))
#define NOTIFY_ALL (NOTIFY_BIT(NOTIFY_KIND_COUNT) - 1)
#define NOTIFY_APPROVALS                                                       \
	(NOTIFY_BIT(NOTIFY_APPROVAL_REQUESTED) |                               \
	 NOTIFY_BIT(NOTIFY_APPROVAL_REMINDER) |                                \
	 NOTIFY_BIT(NOTIFY_APPROVAL_ESCALATED) |                               \
	 NOTIFY_BIT(NOTIFY_APPROVAL_DECIDED))
#define NOTIFY_ENDS                                                            \
	(NOTIFY_BIT(NOTIFY_WORKFLOW_COMPLETED) |                               \
	 NOTIFY_BIT(NOTIFY_WORKFLOW_FAILED) |                                  \
	 NOTIFY_BIT(NOTIFY_WORKFLOW_CANCELLED))

/* A delivery about to go out; the request points into the rest. */
struct notify_send {
	struct net_request request;
	struct net_mail mail;
	char header_text[NOTIFY_HEADERS_MAX][256];
	const char *headers[NOTIFY_HEADERS_MAX + 1];
	size_t headers_len;
	char *body; /* malloc'd, or NULL: the request's is the document's */
};

struct notify_channel {
	const char *name;
	const char *option; /* what an approval's notification_channels say */
	unsigned kinds;	    /* NOTIFY_BIT() of the events that it tells of */
	/* The i-th recipient into to ("" if a setting says it); false: none. */
	bool (*recipient)(const struct api_config *config,
			  const struct notify_event *event, size_t i,
			  char to[NOTIFY_TO_SIZE]);
	/* Sets "payload", and what else request() needs. */
	int (*compose)(const struct api *api, const struct notify_event *event,
		       const char *delivery_id, json_t *document,
		       struct err *e);
	/* ERR_DENIED: it can no longer be sent (a setting is gone). */
	int (*request)(const struct api *api, const struct store_delivery *d,
		       const json_t *document, struct notify_send *send,
		       struct err *e);
};

extern const struct notify_channel notify_slack, notify_hitl, notify_mail,
	notify_webhook, notify_client;

/* NULL-terminated. */
extern const struct notify_channel *const notify_channels[];
const struct notify_channel *notify_channel_find(const char *name);

/* Into send->headers; -1 if it does not fit. */
int notify_send_header(struct notify_send *send, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

const char *notify_kind_name(enum notify_kind kind); /* "approval_requested" */

/* ---- words (text.c) -------------------------------------------------- */

/*
 * Text of somebody's as one line: control characters are blanks, at most max
 * bytes, whole characters.
 */
void notify_clean(char *dst, size_t size, const char *text);
/* One line, for subjects; several lines, for bodies.  malloc'd. */
char *notify_subject(const struct notify_event *event);
char *notify_text(const struct api *api, const struct notify_event *event);
/* Where people look at the workflow. */
int notify_link(const struct api_config *config, const char *workflow_id,
		char *dst, size_t size);
/* The members of an approval that are told. */
json_t *notify_approval_json(const json_t *approval);

#endif
