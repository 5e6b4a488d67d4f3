/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - telling people and programs what became of a workflow: Slack,
 * mail, the operator's webhook, the client's webhook.
 *
 * A notification is prepared as deliveries (store.h) that are stored in the
 * same write as the change they tell of; a thread of this module claims due
 * ones and sends them.  Each has an id that its receiver can tell repeats by.
 */
#ifndef PC_API_NOTIFY_H
#define PC_API_NOTIFY_H

#include <jansson.h>
#include <stddef.h>

#include "api/api.h"
#include "api/store/store.h"
#include "supervisor/base/err.h"

enum notify_kind {
	NOTIFY_APPROVAL_REQUESTED,
	NOTIFY_APPROVAL_REMINDER,
	NOTIFY_APPROVAL_ESCALATED,
	NOTIFY_APPROVAL_DECIDED,
	NOTIFY_WORKFLOW_COMPLETED,
	NOTIFY_WORKFLOW_FAILED,
	NOTIFY_WORKFLOW_CANCELLED,
	NOTIFY_COST_ALERT,
	NOTIFY_KIND_COUNT
};

/*
 * What is told.  Of approval and completion only members that are known to be
 * no code, prompt or secret are passed on; but the client's own webhook gets
 * the completion as it is.
 */
struct notify_event {
	enum notify_kind kind;
	const char *event_id; /* unique: the delivery's id follows from it */
	const char *workflow_id;
	const char *user_id; /* whose workflow: keys client_webhook */
	const char *goal;
	const char *status;
	const char *client_webhook; /* options.notification_webhook or NULL */
	const json_t *approval;	    /* as GET /api/v3/approvals shows it */
	const json_t *completion;   /* the completion response of the API */
};

/*
 * One delivery for each channel that wants this kind of event: appended to the
 * array *ret (realloc'd, owned by the caller).
 */
int notify_prepare(const struct api *api, const struct notify_event *event,
		   struct store_outgoing **ret, size_t *ret_len, struct err *e);
void notify_outgoing_free(struct store_outgoing *out, size_t len);

/*
 * At the start: settings that do not go together, addresses that are none
 * (ERR_INVALID, naming the setting).
 */
int notify_check_settings(const struct api_config *config, struct err *e);
/* Without PROMPTCRAFT_WEBHOOK_SECRET: the store's, made at the first start. */
int notify_ensure_secret(struct api_config *config, struct store *store,
			 struct err *e);
/*
 * May a client name this URL?  What can be known without resolving its host;
 * the error begins with name.
 */
int notify_check_client_webhook(const struct api *api, const char *name,
				const char *url, struct err *e);

/* The key that signs what goes to webhooks of this user's; hex. */
#define NOTIFY_SECRET_SIZE 65
void notify_user_secret(const struct api_config *config, const char *user_id,
			char ret[NOTIFY_SECRET_SIZE]);

/* A delivery as an admin sees it: where to only by host, no text. */
json_t *notify_delivery_json(const struct store_delivery *delivery,
			     const char *document);

struct notifier;

/*
 * Starts the thread that delivers; *api must outlive it.  A delivery is claimed
 * with a lease, sent, and its result written; a process that dies in between
 * leaves it to the next one, which sends it again under the same id.
 */
int notify_start(struct api *api, struct notifier **ret, struct err *e);
void notify_stop(struct notifier *notifier);
/* Something was put into the outbox: look now. */
void notify_kick(struct notifier *notifier);

#endif
