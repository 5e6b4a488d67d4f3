/* SPDX-License-Identifier: Apache-2.0 */
/*
 * housekeeping.c - the engine's two threads that do no work of their own.
 *
 * The housekeeper looks for due times, renews leases, learns from the store
 * that another node cancelled what we run, and clears away what is left over.
 * The store may make it wait.  The watchdog therefore asks nobody: it cuts a
 * run whose lease may be over, so that a node that takes the workflow over
 * never works beside us.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "api/jobs/host.h"
#include "api/workflow/clock.h"
#include "api/workflow/engine_private.h"
#include "api/workflow/job_row.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"

#define TICK_MS 1000u
#define TICK_MIN_MS 20u
#define TIDY_MS 60000u
#define REQUEUE_MAX 10000u

/* ---- leases ---------------------------------------------------------- */

static bool
copy_run(struct worker *w, struct run *ret)
{
	pthread_mutex_lock(&w->engine->lock);
	*ret = w->run;
	pthread_mutex_unlock(&w->engine->lock);
	return ret->is_used;
}

/* Unless it was given back or claimed anew meanwhile. */
static bool
change_run(struct worker *w, const struct run *seen, uint64_t lease_end_ms,
	   enum step_cut cut)
{
	bool is_held;

	pthread_mutex_lock(&w->engine->lock);
	is_held = w->run.is_used && w->run.lease_token == seen->lease_token;
	if (is_held && lease_end_ms != 0)
		w->run.lease_end_ms = lease_end_ms;
	if (is_held && cut != STEP_CUT_NONE)
		run_cut(&w->run, cut);
	pthread_mutex_unlock(&w->engine->lock);
	return is_held;
}

static void
renew_lease(struct worker *w)
{
	struct workflow_engine *engine = w->engine;
	uint64_t asked_ms = clock_mono_ms();
	bool is_lost;
	struct run run;
	struct err e;

	if (!copy_run(w, &run))
		return;
	if (store_workflow_lease_renew(engine->api->store, run.workflow_id,
				       run.lease_token, engine->lease_ms,
				       &e) == 0) {
		change_run(w, &run, engine_lease_end_ms(engine, asked_ms),
			   STEP_CUT_NONE);
		return;
	}
	/* Else the store is in trouble; the lease may still hold. */
	is_lost = e.kind == ERR_CONFLICT || e.kind == ERR_NOT_FOUND;
	if (change_run(w, &run, 0, is_lost ? STEP_CUT_LEASE : STEP_CUT_NONE))
		log_warning("event=%s workflow=%s error=\"%s\"",
			    is_lost ? "lease_lost" : "lease_renew",
			    run.workflow_id, e.text);
}

static void
renew_leases(struct workflow_engine *engine)
{
	for (size_t i = 0; i < engine->workers_len; i++)
		renew_lease(&engine->workers[i]);
}

/* Another node's cancel reaches us only by what it wrote. */
static void
look_for_cancel(struct worker *w)
{
	struct store_workflow_meta meta;
	struct run run;
	struct err e;

	if (!copy_run(w, &run) ||
	    store_workflow_peek(w->engine->api->store, run.workflow_id, &meta,
				&e) < 0)
		return;
	if (strcmp(meta.status, workflow_status_name(WORKFLOW_CANCELLED)) == 0)
		change_run(w, &run, 0, STEP_CUT_CANCELLED);
}

void *
watchdog_main(void *arg)
{
	struct workflow_engine *engine = arg;
	struct timespec until;

	pthread_mutex_lock(&engine->lock);
	while (!engine->is_stopping) {
		uint64_t now_ms = clock_mono_ms(), next_ms = now_ms + 60000;

		for (size_t i = 0; i < engine->workers_len; i++) {
			struct run *run = &engine->workers[i].run;

			if (!run->is_used || run->cut != STEP_CUT_NONE)
				continue;
			if (run->lease_end_ms <= now_ms) {
				log_warning("event=lease_over workflow=%s",
					    run->workflow_id);
				run_cut(run, STEP_CUT_LEASE);
			} else if (run->lease_end_ms < next_ms) {
				next_ms = run->lease_end_ms;
			}
		}
		until.tv_sec = (time_t)(next_ms / 1000);
		until.tv_nsec = (long)(next_ms % 1000) * 1000000;
		(void)pthread_cond_timedwait(&engine->watched, &engine->lock,
					     &until);
	}
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

/* ---- clocks that are set --------------------------------------------- */

struct requeue {
	struct workflow_engine *engine;
	uint64_t now_us;
};

static bool
is_ours(struct workflow_engine *engine, const char *workflow_id)
{
	bool is_found = false;

	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < engine->workers_len; i++) {
		const struct run *run = &engine->workers[i].run;

		is_found |= run->is_used &&
			    strcmp(run->workflow_id, workflow_id) == 0;
	}
	pthread_mutex_unlock(&engine->lock);
	return is_found;
}

/* Its wait, by our clock, in terms of the wall clock as it is now. */
static int
requeue_one(void *arg, const struct store_workflow_meta *meta,
	    const char *summary)
{
	const struct requeue *r = arg;
	struct store *store = r->engine->api->store;
	struct workflow_state state;
	uint64_t until_us;
	struct err e;

	(void)summary;
	if (meta->due_us <= r->now_us || is_ours(r->engine, meta->workflow_id))
		return 0;
	if (workflow_state_load(store, meta->workflow_id, &state, &e) < 0)
		return 0;
	until_us = (uint64_t)json_number(
		workflow_state_step(&state, workflow_state_next_step(&state)),
		"wait_until_us");
	state.meta.due_us =
		until_us != 0 ? workflow_clock_to_wall_us(until_us) : r->now_us;
	if (workflow_state_save(store, &state, 0, &e) < 0)
		log_warning("event=workflow_requeue workflow=%s error=\"%s\"",
			    meta->workflow_id, e.text);
	workflow_state_done(&state);
	return 0;
}

/*
 * Set forward: due times come early, and the steps go on waiting.  Set back:
 * they would come late, so those of workflows at work are written anew; what
 * waits for people keeps the time that people were told.
 */
static void
watch_clock(struct workflow_engine *engine)
{
	static const char *const statuses[] = {"created", "running"};
	struct requeue r = {.engine = engine};
	int64_t jump_us = workflow_clock_take_jump_us();
	struct err e;

	if (jump_us == 0)
		return;
	log_warning("event=clock_set by_ms=%lld", (long long)jump_us / 1000);
	renew_leases(engine);
	if (jump_us > 0)
		return;
	r.now_us = clock_wall_us();
	for (size_t i = 0; i < 2; i++) {
		const struct store_workflow_query query = {
			.status = statuses[i], .limit = REQUEUE_MAX};

		if (store_workflow_list(engine->api->store, &query, requeue_one,
					&r, &e) < 0)
			log_error("event=workflow_requeue error=\"%s\"",
				  e.text);
	}
}

/* ---- due times, and what is left over -------------------------------- */

static void
tidy(struct workflow_engine *engine)
{
	struct store *store = engine->api->store;
	uint64_t count = 0;
	struct err e;

	if (store_workflow_expire(store, clock_wall_us(), &count, &e) < 0)
		log_error("event=workflow_expire error=\"%s\"", e.text);
	else if (count > 0)
		log_info("event=workflow_expire count=%llu",
			 (unsigned long long)count);
	if (job_row_mark_orphans(store, false, &e) < 0)
		log_error("event=jobs_orphaned error=\"%s\"", e.text);
}

/* Kick a worker if there is one for it; else the first that is free looks. */
static bool
kick_idle(struct workflow_engine *engine)
{
	bool is_any;

	pthread_mutex_lock(&engine->lock);
	is_any = engine->idle > 0;
	engine->is_kicked = true;
	pthread_cond_signal(&engine->kicked);
	pthread_mutex_unlock(&engine->lock);
	return is_any;
}

/* Milliseconds to the next due time, at most one tick. */
static uint64_t
look_for_due(struct workflow_engine *engine)
{
	uint64_t due_us = 0, now_us = clock_wall_us(), wait_ms;
	struct err e;

	if (store_workflow_next_due(engine->api->store, &due_us, &e) < 0) {
		log_error("event=workflow_next_due error=\"%s\"", e.text);
		return TICK_MS;
	}
	if (due_us == 0)
		return TICK_MS;
	if (due_us <= now_us)
		return kick_idle(engine) ? TICK_MIN_MS : TICK_MS;
	wait_ms = (due_us - now_us) / 1000 + 1;
	return wait_ms < TICK_MS ? wait_ms : TICK_MS;
}

void *
housekeeper_main(void *arg)
{
	struct workflow_engine *engine = arg;
	struct pollfd fds[] = {
		{.fd = engine->stop_fd, .events = POLLIN},
		{.fd = engine->api->stop_fd, .events = POLLIN},
	};
	uint64_t renew_every_ms = engine->lease_ms / 4;
	uint64_t now_ms = clock_mono_ms(), look_ms = now_ms;
	uint64_t renew_ms = now_ms + renew_every_ms, tidy_ms = now_ms;
	uint64_t wait_ms = 0;

	while (poll(fds, 2, (int)wait_ms) <= 0) {
		now_ms = clock_mono_ms();
		if (now_ms >= renew_ms) {
			renew_leases(engine);
			renew_ms = now_ms + renew_every_ms;
		}
		if (now_ms >= look_ms) {
			for (size_t i = 0; i < engine->workers_len; i++)
				look_for_cancel(&engine->workers[i]);
			watch_clock(engine);
			job_row_settle(engine->api->store);
			look_ms = now_ms + TICK_MS / 2;
		}
		if (now_ms >= tidy_ms) {
			tidy(engine);
			tidy_ms = now_ms + TIDY_MS;
		}
		wait_ms = look_for_due(engine);
		if (wait_ms > TICK_MS / 2)
			wait_ms = TICK_MS / 2;
		if (wait_ms > renew_every_ms)
			wait_ms = renew_every_ms;
	}
	engine_begin_stop(engine);
	return NULL;
}
