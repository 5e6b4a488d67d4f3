/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.h - the kinds of steps a workflow can have: a table from type to
 * function, agent, tool, patience, and what it may change.  Adding a kind of
 * step is adding a row (step.c) and its function.
 *
 * A step's function is entered again after a wait, a retry or a crash; it finds
 * what it had done in the document, and must write what it is about to do
 * before it does it.
 */
#ifndef PC_API_WORKFLOW_STEP_H
#define PC_API_WORKFLOW_STEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "api/release/release.h"
#include "api/workflow/analyst.h"
#include "api/workflow/author.h"
#include "api/workflow/runner.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

enum step_result {
	STEP_DONE,
	STEP_FAILED, /* *e is what the client reads */
	STEP_WAIT,   /* look again at context->due_us */
	STEP_STOP,   /* not ours any more: write nothing */
	STEP_MEND,   /* the program has the faults that *e says: mend.h */
};

/* Why a step's work is cut off while it runs. */
enum step_cut {
	STEP_CUT_NONE,
	STEP_CUT_CANCELLED, /* who did it has written the document */
	STEP_CUT_STOPPING,  /* this process ends */
	STEP_CUT_LEASE,	    /* somebody else may have the workflow by now */
};

struct step_context {
	struct api *api;
	const struct workflow_runner *runner;
	const struct workflow_author *author;	/* NULL: nobody */
	const struct workflow_analyst *analyst; /* NULL: nobody */
	const struct workflow_publisher *publisher;
	struct job_host *host;
	struct workflow_state *state;
	json_t *step; /* its entry in the execution plan */
	size_t index;
	int cancel_fd;		      /* readable: stop, see cut() */
	uint64_t (*lease)(void *arg); /* the token to write with */
	enum step_cut (*cut)(void *arg);
	void *arg;
	uint64_t due_us;      /* out, with STEP_WAIT; the workflows' clock */
	bool is_store_broken; /* out, with STEP_STOP: not merely a conflict */
};

/* What decides which steps a plan has, and how they are described. */
struct plan_facts {
	const char *goal; /* NULL: "" */
	bool has_code;
	bool has_recipes; /* that is where code would come from */
	bool has_planner;
	bool has_tests;
	bool needs_approval;
	bool may_ask; /* people, if the analysis finds something */
	bool has_analyst;
};

/* What to do about errors of our own side. */
struct step_retry {
	uint32_t kinds;	   /* 1 << ERR_x: may be gone the next time */
	uint32_t attempts; /* 0: as MAX_EXECUTION_RETRIES says */
	uint32_t base_ms;  /* of the backoff, which doubles up to max_ms */
	uint32_t max_ms;
};

struct step_type {
	const char *type;
	const char *agent; /* NULL: by the words of its description */
	const char *tool;  /* NULL if it uses none */
	unsigned estimate_s;
	unsigned timeout_s;    /* all attempts and waits; 0: the workflow's */
	bool is_once;	       /* not done again when a program is mended */
	bool waits_for_people; /* the workflow's own time stands still */
	struct step_retry retry;
	/* Members of the document that its function may change; NULL ends. */
	const char *const *may_change;
	const char *(*describe)(const struct plan_facts *facts);
	bool (*is_planned)(const struct plan_facts *facts); /* NULL: always */
	/* Asked when its turn comes: else it is skipped.  NULL: always. */
	bool (*is_needed)(const struct workflow_state *state,
			  const json_t *step);
	enum step_result (*run)(struct step_context *context, struct err *e);
};

/* The table, in the order of a plan. */
const struct step_type *step_types(size_t *ret_len);
const struct step_type *step_type_find(const char *type);

/* The execution plan: an array of steps without status; NULL: no memory. */
json_t *workflow_plan_new(const struct plan_facts *facts);
/* Sum of the plan's estimates. */
double workflow_plan_minutes(const json_t *plan);

/* ---- what steps share (step_common.c) -------------------------------- */

/*
 * Save with the worker's lease; STEP_DONE, or STEP_STOP when it is lost.  While
 * the store is in trouble it is asked again, as long as the lease holds.
 */
enum step_result step_save(struct step_context *context);

/* The store was in trouble: wait a little; false if there is no time left. */
bool step_may_ask_again(const struct step_context *context);

/* Log that the store failed; STEP_STOP. */
enum step_result step_store_failed(struct step_context *context,
				   const struct err *e);

/* base_ms doubled each round up to max_ms, with +-25 % jitter, as a time. */
uint64_t step_backoff_us(uint64_t now_us, uint32_t round, uint32_t base_ms,
			 uint32_t max_ms);

/*
 * Something is not there yet (a supervisor, a place for a job): wait for it,
 * however often, until the step's or the workflow's time is over.
 */
enum step_result step_wait(struct step_context *c, const char *cause);

/*
 * An attempt came to nothing because of *e: wait and try again if the step's
 * row says that such an error may pass, as often as it says; else STEP_FAILED
 * with *e.  That all is busy uses no attempt up.
 */
enum step_result step_retry(struct step_context *c, struct err *e);

/* Milliseconds until the step's or the workflow's time is over; at least 1. */
uint64_t step_ms_left(const struct step_context *c);

/*
 * An attempt begins: its number, its job id (if it has one), the event; saved.
 */
enum step_result step_attempt_begin(struct step_context *c, bool has_job,
				    char ret_job_id[40]);
/* It is over: into attempts[] with how it went, and the event; not saved. */
void step_attempt_end(struct step_context *c, const char *outcome,
		      const char *reason);
/* Is one on record as begun and not ended? */
bool step_attempt_is_open(const struct step_context *c);

/* ---- what steps share that ask the author (step_call.c) -------------- */

struct step_keeper {
	struct step_context *c;
	bool is_lost; /* the workflow is not ours any more */
};

/*
 * The attempt begins, or the one that a crash cut off begins anew: same
 * identity, so that nothing is set aside or counted twice.  Not for ever, it
 * may be what crashes us: then STEP_FAILED with *e and the attempt open.
 */
enum step_result step_call_begin(struct step_context *c, struct err *e);
/* How the author puts what it hears on the disk, and what it had heard. */
void step_call_keep(struct step_keeper *keeper, struct author_task *task);
/* The attempt is over; is its question, too? */
void step_call_end(struct step_context *c, bool is_unanswered);
void step_call_cost(struct workflow_state *state, uint64_t micros);
/* Whoever was asked may say when to come back: then not sooner. */
void step_wait_at_least(struct step_context *c, uint32_t seconds);

/* The steps that the model broke the goal down into; NULL: none. */
const json_t *step_plan_of(const struct workflow_state *state);

/* The rows' functions. */
enum step_result step_plan_run(struct step_context *c, struct err *e);
enum step_result step_generate_run(struct step_context *c, struct err *e);
enum step_result step_test_run(struct step_context *c, struct err *e);
enum step_result step_security_run(struct step_context *c, struct err *e);
enum step_result step_approval_run(struct step_context *c, struct err *e);
enum step_result step_finalize_run(struct step_context *c, struct err *e);

#endif
