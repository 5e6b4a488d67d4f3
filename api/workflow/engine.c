/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - see engine.h.  Theory of operation:
 *
 * The store holds all state.  A worker claims a due workflow (lease and fencing
 * number), runs its steps one after the other until it ends or waits, and
 * releases it.  The housekeeper looks for due times, renews the leases of what
 * runs, cancels jobs whose lease was lost and when the process stops, and lets
 * old workflows expire.  Cancelling from a route is a compare-and-set on the
 * document followed by an interrupt of the job, in that order: a worker that
 * starts a job has registered its eventfd before it writes the attempt, so
 * either its write fails or it gets the interrupt.
 */
#include "api/workflow/engine.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/jobs/host.h"
#include "api/workflow/job_row.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"

#define LEASE_MS 30000u
#define LEASE_RENEW_MS (LEASE_MS / 3)
#define TICK_MS 1000u
#define TICK_MIN_MS 20u
#define EXPIRE_MS 60000u

/* A workflow that a worker of ours holds; one a worker, so no allocation. */
struct run {
	bool is_used;
	char workflow_id[40];
	uint64_t lease_token;
	int cancel_fd; /* eventfd, made once per worker */
};

struct worker {
	struct workflow_engine *engine;
	pthread_t thread;
	struct run run; /* guarded by the engine's lock */
};

struct workflow_engine {
	struct api *api;
	struct job_host *host;
	struct workflow_jail jail;
	struct workflow_runner runner;
	char name[32]; /* of this process, as a holder of leases */
	int stop_fd;   /* eventfd of workflow_engine_stop */
	uint64_t ttl_us;

	pthread_mutex_t lock; /* guards all below and every worker's run */
	pthread_cond_t kicked;
	bool is_kicked;
	bool is_stopping;
	struct worker *workers;
	size_t workers_len; /* threads that were started */
	pthread_t housekeeper;
	bool has_housekeeper;
};

/* ---- runs ------------------------------------------------------------ */

static void
signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		log_error("event=eventfd_write errno=%d", errno);
}

static void
drain_fd(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) > 0)
		;
}

static void
run_begin(struct worker *w, const char *workflow_id, uint64_t lease_token)
{
	struct workflow_engine *engine = w->engine;

	pthread_mutex_lock(&engine->lock);
	drain_fd(w->run.cancel_fd);
	snprintf(w->run.workflow_id, sizeof(w->run.workflow_id), "%s",
		 workflow_id);
	w->run.lease_token = lease_token;
	w->run.is_used = true;
	if (engine->is_stopping)
		signal_fd(w->run.cancel_fd);
	pthread_mutex_unlock(&engine->lock);
}

static void
run_end(struct worker *w)
{
	pthread_mutex_lock(&w->engine->lock);
	w->run.is_used = false;
	pthread_mutex_unlock(&w->engine->lock);
}

void
workflow_engine_interrupt(struct workflow_engine *engine,
			  const char *workflow_id)
{
	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < engine->workers_len; i++) {
		struct run *run = &engine->workers[i].run;

		if (run->is_used && strcmp(run->workflow_id, workflow_id) == 0)
			signal_fd(run->cancel_fd);
	}
	pthread_mutex_unlock(&engine->lock);
}

static bool
is_stopping(void *arg)
{
	struct workflow_engine *engine = arg;
	bool stopping;

	pthread_mutex_lock(&engine->lock);
	stopping = engine->is_stopping;
	pthread_mutex_unlock(&engine->lock);
	return stopping;
}

/* ---- advancing one workflow ------------------------------------------ */

static void
fail(struct step_context *c, const char *error)
{
	const struct workflow_engine *engine = c->arg;

	workflow_state_finish(c->state, WORKFLOW_FAILED, error, engine->ttl_us);
	if (step_save(c) == STEP_DONE)
		log_info("event=workflow_failed workflow=%s",
			 c->state->meta.workflow_id);
}

static void
fail_step(struct step_context *c, const struct err *e)
{
	json_object_set_new(c->step, "status", json_string("failed"));
	json_object_set_new(c->step, "error", json_string(e->text));
	json_set_time(c->step, "completed_at", clock_wall_us());
	fail(c, e->text);
}

static enum step_result
complete(struct step_context *c)
{
	const struct workflow_engine *engine = c->arg;

	workflow_state_finish(c->state, WORKFLOW_COMPLETED, NULL,
			      engine->ttl_us);
	if (step_save(c) == STEP_DONE)
		log_info("event=workflow_completed workflow=%s",
			 c->state->meta.workflow_id);
	return STEP_STOP;
}

static bool
is_past_deadline(const struct step_context *c)
{
	return clock_wall_us() >=
	       (uint64_t)json_number(c->state->doc, "deadline_us");
}

static void
begin_step(struct step_context *c)
{
	json_object_set_new(c->state->doc, "current_step",
			    json_integer((json_int_t)c->index));
	if (json_object_get(c->step, "started_at") == NULL)
		json_set_time(c->step, "started_at", clock_wall_us());
	json_object_set_new(c->step, "status", json_string("running"));
	if (workflow_state_status(c->state) == WORKFLOW_CREATED)
		workflow_state_set_status(c->state, WORKFLOW_RUNNING, NULL);
}

/*
 * The last step and the workflow end in one write: a cancel in between would
 * leave a cancelled workflow whose artifacts are released.
 */
static enum step_result
end_step(struct step_context *c)
{
	json_t *metrics = workflow_state_part(c->state, "metrics");
	int64_t done = json_number(metrics, "steps_completed");

	json_object_set_new(c->step, "status", json_string("completed"));
	json_set_time(c->step, "completed_at", clock_wall_us());
	json_object_set_new(metrics, "steps_completed", json_integer(done + 1));
	json_object_set_new(c->state->doc, "current_step",
			    json_integer((json_int_t)c->index + 1));
	if (workflow_state_next_step(c->state) ==
	    workflow_state_steps(c->state))
		return complete(c);
	return step_save(c);
}

/* One step; STEP_DONE: there may be another. */
static enum step_result
advance_step(struct step_context *c)
{
	const struct step_type *type;
	struct err e = ERR_INIT;
	enum step_result result;

	c->index = workflow_state_next_step(c->state);
	c->step = workflow_state_step(c->state, c->index);
	if (c->step == NULL)
		return complete(c);
	type = step_type_find(json_text(c->step, "type"));
	if (type == NULL) {
		fail(c, "the plan has a step of an unknown type");
		return STEP_STOP;
	}
	if (!type->waits_for_people && is_past_deadline(c)) {
		err_set(&e, ERR_LIMIT, 0, "timed out after %g minutes",
			json_number_value(json_object_get(c->state->doc,
							  "timeout_minutes")));
		fail_step(c, &e);
		return STEP_STOP;
	}
	begin_step(c);
	result = type->run(c, &e);
	if (result == STEP_DONE)
		return end_step(c);
	if (result == STEP_FAILED)
		fail_step(c, &e);
	if (result == STEP_WAIT) {
		c->state->meta.due_us = c->due_us;
		step_save(c);
	}
	return STEP_STOP;
}

/*
 * False when the store is in trouble: then the lease is left to run out, which
 * keeps the workers from going round and round.
 */
static bool
advance(struct worker *w, const char *workflow_id, uint64_t lease_token)
{
	struct workflow_engine *engine = w->engine;
	struct workflow_state state;
	struct step_context c = {
		.api = engine->api,
		.runner = &engine->runner,
		.host = engine->host,
		.state = &state,
		.lease_token = lease_token,
		.cancel_fd = w->run.cancel_fd,
		.is_stopping = is_stopping,
		.arg = engine,
	};
	struct err e;

	if (workflow_state_load(engine->api->store, workflow_id, &state, &e) <
	    0) {
		log_error("event=workflow_load workflow=%s error=\"%s\"",
			  workflow_id, e.text);
		return false;
	}
	while (!workflow_status_is_terminal(workflow_state_status(&state)) &&
	       !is_stopping(engine) && advance_step(&c) == STEP_DONE)
		;
	workflow_state_done(&state);
	return !c.is_store_broken;
}

/* ---- workers --------------------------------------------------------- */

/* False: there is nothing due now. */
static bool
work_once(struct worker *w)
{
	struct workflow_engine *engine = w->engine;
	struct store *store = engine->api->store;
	uint64_t lease_token;
	bool is_well;
	char id[40];
	struct err e;

	if (store_workflow_claim(store, engine->name, LEASE_MS, id,
				 &lease_token, &e) < 0) {
		if (e.kind != ERR_NOT_FOUND)
			log_error("event=workflow_claim error=\"%s\"", e.text);
		return false;
	}
	workflow_engine_kick(engine); /* another one may be due as well */
	run_begin(w, id, lease_token);
	is_well = advance(w, id, lease_token);
	run_end(w);
	if (is_well &&
	    store_workflow_lease_release(store, id, lease_token, &e) < 0 &&
	    e.kind != ERR_CONFLICT && e.kind != ERR_NOT_FOUND)
		log_error("event=lease_release workflow=%s error=\"%s\"", id,
			  e.text);
	return true;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct workflow_engine *engine = w->engine;

	for (;;) {
		pthread_mutex_lock(&engine->lock);
		while (!engine->is_kicked && !engine->is_stopping)
			pthread_cond_wait(&engine->kicked, &engine->lock);
		engine->is_kicked = false;
		if (engine->is_stopping) {
			pthread_mutex_unlock(&engine->lock);
			return NULL;
		}
		pthread_mutex_unlock(&engine->lock);
		while (!is_stopping(engine) && work_once(w))
			;
	}
}

void
workflow_engine_kick(struct workflow_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->is_kicked = true;
	pthread_cond_signal(&engine->kicked);
	pthread_mutex_unlock(&engine->lock);
}

/* ---- housekeeping ---------------------------------------------------- */

static void
renew_lease(struct worker *w)
{
	struct workflow_engine *engine = w->engine;
	bool is_lost, is_held;
	struct run run;
	struct err e;

	pthread_mutex_lock(&engine->lock);
	run = w->run;
	pthread_mutex_unlock(&engine->lock);
	if (!run.is_used)
		return;
	if (store_workflow_lease_renew(engine->api->store, run.workflow_id,
				       run.lease_token, LEASE_MS, &e) == 0)
		return;
	/* Else the store is in trouble; the lease may still hold. */
	is_lost = e.kind == ERR_CONFLICT || e.kind == ERR_NOT_FOUND;
	pthread_mutex_lock(&engine->lock);
	/* Given back meanwhile: nothing is lost. */
	is_held = w->run.is_used && w->run.lease_token == run.lease_token;
	if (is_held && is_lost)
		signal_fd(w->run.cancel_fd);
	pthread_mutex_unlock(&engine->lock);
	if (is_held)
		log_warning("event=%s workflow=%s error=\"%s\"",
			    is_lost ? "lease_lost" : "lease_renew",
			    run.workflow_id, e.text);
}

static void
expire(struct workflow_engine *engine)
{
	uint64_t count = 0;
	struct err e;

	if (store_workflow_expire(engine->api->store, clock_wall_us(), &count,
				  &e) < 0)
		log_error("event=workflow_expire error=\"%s\"", e.text);
	else if (count > 0)
		log_info("event=workflow_expire count=%llu",
			 (unsigned long long)count);
}

/* Milliseconds to the next due time, at most one tick. */
static int
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
	if (due_us <= now_us) {
		workflow_engine_kick(engine);
		return TICK_MIN_MS;
	}
	wait_ms = (due_us - now_us) / 1000 + 1;
	return wait_ms < TICK_MS ? (int)wait_ms : (int)TICK_MS;
}

static void
begin_stop(struct workflow_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->is_stopping = true;
	for (size_t i = 0; i < engine->workers_len; i++) {
		if (engine->workers[i].run.is_used)
			signal_fd(engine->workers[i].run.cancel_fd);
	}
	pthread_cond_broadcast(&engine->kicked);
	pthread_mutex_unlock(&engine->lock);
}

static void *
housekeeper_main(void *arg)
{
	struct workflow_engine *engine = arg;
	struct pollfd fds[] = {
		{.fd = engine->stop_fd, .events = POLLIN},
		{.fd = engine->api->stop_fd, .events = POLLIN},
	};
	uint64_t renew_ms = clock_mono_ms() + LEASE_RENEW_MS;
	uint64_t expire_ms = 0;

	while (poll(fds, 2, look_for_due(engine)) <= 0) {
		uint64_t now_ms = clock_mono_ms();

		job_row_settle(engine->api->store);
		if (now_ms >= renew_ms) {
			for (size_t i = 0; i < engine->workers_len; i++)
				renew_lease(&engine->workers[i]);
			renew_ms = now_ms + LEASE_RENEW_MS;
		}
		if (now_ms >= expire_ms) {
			expire(engine);
			expire_ms = now_ms + EXPIRE_MS;
		}
	}
	begin_stop(engine);
	return NULL;
}

/* ---- start and stop -------------------------------------------------- */

static void
engine_free(struct workflow_engine *engine)
{
	for (size_t i = 0; i < engine->api->config.max_workflows; i++)
		fd_close(&engine->workers[i].run.cancel_fd);
	fd_close(&engine->stop_fd);
	pthread_cond_destroy(&engine->kicked);
	pthread_mutex_destroy(&engine->lock);
	job_host_free(engine->host);
	free(engine->workers);
	free(engine);
}

static struct workflow_engine *
engine_new(struct api *api, struct err *e)
{
	struct workflow_engine *engine = calloc(1, sizeof(*engine));
	size_t count = api->config.max_workflows;

	if (engine == NULL ||
	    (engine->workers = calloc(count, sizeof(engine->workers[0]))) ==
		    NULL) {
		free(engine);
		err_set(e, ERR_IO, ENOMEM, "workflow engine");
		return NULL;
	}
	engine->api = api;
	engine->ttl_us = (uint64_t)api->config.state_ttl_hours * 3600000000u;
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->kicked, NULL);
	snprintf(engine->name, sizeof(engine->name), "api-%ld", (long)getpid());
	engine->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (size_t i = 0; i < count; i++) {
		engine->workers[i].engine = engine;
		engine->workers[i].run.cancel_fd =
			eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	for (size_t i = 0; i < count; i++) {
		if (engine->stop_fd >= 0 &&
		    engine->workers[i].run.cancel_fd >= 0)
			continue;
		err_sys(e, "make eventfd");
		engine_free(engine);
		return NULL;
	}
	return engine;
}

static int
start_threads(struct workflow_engine *engine, struct err *e)
{
	size_t count = engine->api->config.max_workflows;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = pthread_create(&engine->workers[i].thread, NULL,
				    worker_main, &engine->workers[i]);
		if (rc != 0)
			break;
		pthread_mutex_lock(&engine->lock);
		engine->workers_len++;
		pthread_mutex_unlock(&engine->lock);
	}
	if (rc == 0)
		rc = pthread_create(&engine->housekeeper, NULL,
				    housekeeper_main, engine);
	engine->has_housekeeper = rc == 0;
	return rc == 0 ? 0 : err_set(e, ERR_IO, rc, "start workflow threads");
}

int
workflow_engine_start_with(struct api *api,
			   const struct workflow_runner *runner,
			   struct workflow_engine **ret, struct err *e)
{
	struct workflow_engine *engine = engine_new(api, e);
	struct err ignored;

	if (engine == NULL)
		return -1;
	if (job_host_new(api->config.supervisor_socket, &engine->host, e) < 0) {
		engine_free(engine);
		return -1;
	}
	engine->jail = (struct workflow_jail){.api = api, .host = engine->host};
	engine->runner =
		runner != NULL ? *runner : workflow_jail_runner(&engine->jail);
	if (job_row_mark_orphans(api->store, e) < 0 ||
	    store_workflow_lease_reset(api->store, e) < 0) {
		engine_free(engine);
		return -1;
	}
	/* So that the first request finds the languages known; no harm if it
	 * fails, whoever needs them asks again. */
	(void)job_host_refresh(engine->host, NULL, &ignored);
	if (start_threads(engine, e) < 0) {
		workflow_engine_stop(engine);
		return -1;
	}
	*ret = engine;
	return 0;
}

int
workflow_engine_start(struct api *api, struct workflow_engine **ret,
		      struct err *e)
{
	return workflow_engine_start_with(api, NULL, ret, e);
}

void
workflow_engine_stop(struct workflow_engine *engine)
{
	if (engine == NULL)
		return;
	signal_fd(engine->stop_fd);
	begin_stop(engine);
	if (engine->has_housekeeper)
		pthread_join(engine->housekeeper, NULL);
	for (size_t i = 0; i < engine->workers_len; i++)
		pthread_join(engine->workers[i].thread, NULL);
	engine_free(engine);
}

struct job_host *
workflow_engine_host(struct workflow_engine *engine)
{
	return engine->host;
}
