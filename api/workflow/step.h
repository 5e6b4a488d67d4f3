/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.h - the kinds of steps a workflow can have: a table from type to
 * function.  Adding a kind of step is adding a row (step.c) and its function.
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
#include "api/workflow/runner.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

enum step_result {
	STEP_DONE,
	STEP_FAILED, /* *e is what the client reads */
	STEP_WAIT,   /* look again at context->due_us */
	STEP_STOP,   /* not ours any more: write nothing */
};

struct step_context {
	struct api *api;
	const struct workflow_runner *runner;
	struct job_host *host;
	struct workflow_state *state;
	json_t *step; /* its entry in the execution plan */
	size_t index;
	uint64_t lease_token;
	int cancel_fd;
	bool (*is_stopping)(void *arg); /* is this process going down? */
	void *arg;
	uint64_t due_us;      /* out, with STEP_WAIT */
	bool is_store_broken; /* out, with STEP_STOP: not merely a conflict */
};

/* What decides which steps a plan has. */
struct plan_facts {
	bool has_tests;
	bool needs_approval;
};

struct step_type {
	const char *type;
	const char *agent;
	const char *tool; /* NULL if it uses none */
	unsigned estimate_s;
	bool waits_for_people; /* the workflow's own time stands still */
	const char *(*describe)(const struct plan_facts *facts);
	bool (*is_planned)(const struct plan_facts *facts); /* NULL: always */
	enum step_result (*run)(struct step_context *context, struct err *e);
};

const struct step_type *step_type_find(const char *type);

/* The execution plan: an array of pending steps; NULL when out of memory. */
json_t *workflow_plan_new(const struct plan_facts *facts);
/* Sum of the plan's estimates. */
double workflow_plan_minutes(const json_t *plan);

/* Save with the worker's lease; STEP_DONE, or STEP_STOP when it is lost. */
enum step_result step_save(struct step_context *context);

/* Log that the store failed; STEP_STOP. */
enum step_result step_store_failed(struct step_context *context,
				   const struct err *e);

/* Exponential backoff from 1 s to 60 s with +-25 % jitter, as a due time. */
uint64_t step_backoff_us(uint64_t now_us, uint32_t round);

/* The rows' functions. */
enum step_result step_generate_run(struct step_context *c, struct err *e);
enum step_result step_test_run(struct step_context *c, struct err *e);
enum step_result step_approval_run(struct step_context *c, struct err *e);
enum step_result step_finalize_run(struct step_context *c, struct err *e);

#endif
