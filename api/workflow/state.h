/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - a workflow's document (specification 5.3) and its row.  Everything
 * that is known of a workflow is in here; every save is a compare-and-set.
 *
 * Beyond the specification the document holds: version, error, sources (where
 * code and tests came from), program (the job to run, without its code, which
 * is artifacts.generated_code), and per step type, attempt, job_id,
 * attempts[], waits; history and history_dropped.
 */
#ifndef PC_API_WORKFLOW_STATE_H
#define PC_API_WORKFLOW_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/json.h"
#include "api/store/store.h"
#include "supervisor/base/err.h"

enum workflow_status {
	WORKFLOW_CREATED,
	WORKFLOW_RUNNING,
	WORKFLOW_WAITING_APPROVAL,
	WORKFLOW_COMPLETED,
	WORKFLOW_FAILED,
	WORKFLOW_CANCELLED,
	WORKFLOW_STATUS_COUNT
};

const char *workflow_status_name(enum workflow_status status);
bool workflow_status_is_terminal(enum workflow_status status);

struct workflow_state {
	struct store_workflow_meta meta;
	json_t *doc;
	/* Notifications that the next save stores with it; malloc'd. */
	struct store_outgoing *out;
	size_t out_len;
	bool is_announced; /* its end is among them */
	/* With a load that failed: trying again will not help. */
	bool is_damaged;
};

/* What a new workflow is made from; the JSON is borrowed. */
struct workflow_request {
	const char *workflow_id; /* NULL: a new one */
	const char *user_id;
	const char *username; /* the actor of its jobs */
	const char *goal;
	json_t *context;
	json_t *options; /* or NULL */
	json_t *plan;	 /* array of steps, from workflow_plan_new */
	uint64_t timeout_us;
};

/* A fresh, unsaved state, due now. */
int workflow_state_init(struct workflow_state *ret,
			const struct workflow_request *request, struct err *e);
int workflow_state_create(struct store *store, struct workflow_state *state,
			  struct err *e);
int workflow_state_load(struct store *store, const char *workflow_id,
			struct workflow_state *ret, struct err *e);
/*
 * In place of one that is damaged: a state whose document says no more than the
 * store's columns do, has no steps, and keeps the text that was there as
 * damaged_document.
 */
int workflow_state_stand_in(struct store *store, const char *workflow_id,
			    struct workflow_state *ret, struct err *e);
/* ERR_CONFLICT: somebody else wrote it, or the lease is no longer ours. */
int workflow_state_save(struct store *store, struct workflow_state *state,
			uint64_t lease_token, struct err *e);
/*
 * fn(arg, workflow_id) is called after each save of this process, from the
 * thread that saved.  Set once, before there are threads that save.
 */
void workflow_state_observe(void (*fn)(void *arg, const char *workflow_id),
			    void *arg);
void workflow_state_done(struct workflow_state *state);

enum workflow_status workflow_state_status(const struct workflow_state *state);
/*
 * Along the table of transition.h, with its event in the history; the status
 * that it has already is no change.  -1: not in the table, nothing changed.
 * error NULL: leave the document's error as it is.
 */
int workflow_state_set_status(struct workflow_state *state,
			      enum workflow_status status, const char *error);
/*
 * End it: status, error, total duration, no due time, expiry after ttl_us; the
 * steps that were not reached become skipped, one that was running failed, and
 * approvals nobody decided rejected.  -1 if it cannot end so; nothing changed.
 */
int workflow_state_finish(struct workflow_state *state,
			  enum workflow_status status, const char *error,
			  uint64_t ttl_us);

/*
 * The same for one of its steps: status, times, error (message of "failed"),
 * current_step and metrics.steps_completed.  message NULL: the table's words.
 */
int workflow_state_set_step(struct workflow_state *state, json_t *step,
			    const char *status, const char *message);

/*
 * Append to the document's history: {"id": 1, 2, ... never reused, "at",
 * "event", "step_id" if step is given, "status" (the workflow's),
 * "progress_percentage", "message" or null}.  The newest WORKFLOW_HISTORY_MAX
 * are kept, history_dropped counts the others.
 */
#define WORKFLOW_HISTORY_MAX 200
void workflow_state_event(struct workflow_state *state, const char *event,
			  const json_t *step, const char *message);

size_t workflow_state_steps(const struct workflow_state *state);
json_t *workflow_state_step(const struct workflow_state *state, size_t i);
/* Per cent of the steps that are done. */
double workflow_state_progress(const struct workflow_state *state);
/* Index of the first step that is neither completed nor skipped. */
size_t workflow_state_next_step(const struct workflow_state *state);

/* "artifacts", "metrics", ... : the member object; NULL if it is none. */
json_t *workflow_state_part(const struct workflow_state *state,
			    const char *name);

void json_set_time(json_t *object, const char *name, uint64_t wall_us);

#endif
