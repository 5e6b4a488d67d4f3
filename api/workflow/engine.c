/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - see engine.h: the pool of workers, start and stop.
 * Theory of operation:
 *
 * The store holds all state.  A worker claims a due workflow (lease and fencing
 * number), runs its steps one after the other until it ends or waits
 * (advance.c), and releases it.  The housekeeper looks for due times and renews
 * the leases of what runs; the watchdog cuts what has outlived its lease
 * (housekeeping.c).  Cancelling from a route is a compare-and-set on the
 * document followed by an interrupt of the job, in that order: a worker that
 * starts a job has registered its eventfd before it writes the attempt, so
 * either its write fails or it gets the interrupt.  Nodes that share the store
 * see a cancel at their next look, at most a second later.
 */
#include "api/workflow/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "api/jobs/host.h"
#include "api/workflow/engine_private.h"
#include "api/workflow/job_row.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"

#define LEASE_SECONDS_DEFAULT 30

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

void
run_cut(struct run *run, enum step_cut cut)
{
	if (run->cut == STEP_CUT_NONE)
		run->cut = cut;
	signal_fd(run->cancel_fd);
}

uint64_t
engine_lease_end_ms(const struct workflow_engine *engine, uint64_t asked_ms)
{
	/* What is left is for ending the job, and for clocks' differences. */
	return asked_ms + engine->lease_ms * 3 / 4;
}

/*
 * A workflow that another worker of ours still has: its lease ran out before we
 * renewed it (a clock was set, the store was slow), and nobody else got it.
 * That worker goes on under the new lease.
 */
static bool
hand_over(struct workflow_engine *engine, const char *workflow_id,
	  uint64_t lease_token, uint64_t lease_end_ms)
{
	bool is_ours = false;

	for (size_t i = 0; i < engine->workers_len; i++) {
		struct run *run = &engine->workers[i].run;

		if (!run->is_used || strcmp(run->workflow_id, workflow_id) != 0)
			continue;
		run->lease_token = lease_token;
		run->lease_end_ms = lease_end_ms;
		is_ours = true;
	}
	return is_ours;
}

/* False: another worker of ours has it. */
static bool
run_begin(struct worker *w, const char *workflow_id, uint64_t lease_token,
	  uint64_t asked_ms)
{
	struct workflow_engine *engine = w->engine;
	uint64_t end_ms = engine_lease_end_ms(engine, asked_ms);
	struct run *run = &w->run;
	bool is_ours;

	pthread_mutex_lock(&engine->lock);
	is_ours = hand_over(engine, workflow_id, lease_token, end_ms);
	if (!is_ours) {
		drain_fd(run->cancel_fd);
		snprintf(run->workflow_id, sizeof(run->workflow_id), "%s",
			 workflow_id);
		run->lease_token = lease_token;
		run->lease_end_ms = end_ms;
		run->cut = STEP_CUT_NONE;
		run->is_used = true;
		if (engine->is_stopping)
			run_cut(run, STEP_CUT_STOPPING);
		pthread_cond_signal(&engine->watched);
	}
	pthread_mutex_unlock(&engine->lock);
	return !is_ours;
}

/* Returns the lease to give back. */
static uint64_t
run_end(struct worker *w)
{
	uint64_t token;

	pthread_mutex_lock(&w->engine->lock);
	token = w->run.lease_token;
	w->run.is_used = false;
	pthread_mutex_unlock(&w->engine->lock);
	return token;
}

void
workflow_engine_interrupt(struct workflow_engine *engine,
			  const char *workflow_id)
{
	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < engine->workers_len; i++) {
		struct run *run = &engine->workers[i].run;

		if (run->is_used && strcmp(run->workflow_id, workflow_id) == 0)
			run_cut(run, STEP_CUT_CANCELLED);
	}
	pthread_mutex_unlock(&engine->lock);
}

bool
engine_is_stopping(struct workflow_engine *engine)
{
	bool stopping;

	pthread_mutex_lock(&engine->lock);
	stopping = engine->is_stopping;
	pthread_mutex_unlock(&engine->lock);
	return stopping;
}

/* ---- workers --------------------------------------------------------- */

static void
release(struct workflow_engine *engine, const char *id, uint64_t lease_token)
{
	struct err e;

	if (store_workflow_lease_release(engine->api->store, id, lease_token,
					 &e) < 0 &&
	    e.kind != ERR_CONFLICT && e.kind != ERR_NOT_FOUND)
		log_error("event=lease_release workflow=%s error=\"%s\"", id,
			  e.text);
}

/* False: there is nothing due now. */
static bool
work_once(struct worker *w)
{
	struct workflow_engine *engine = w->engine;
	uint64_t lease_token, asked_ms = clock_mono_ms();
	bool is_well;
	char id[40];
	struct err e;

	if (store_workflow_claim(engine->api->store, engine->name,
				 engine->lease_ms, id, &lease_token, &e) < 0) {
		if (e.kind != ERR_NOT_FOUND)
			log_error("event=workflow_claim error=\"%s\"", e.text);
		return false;
	}
	workflow_engine_kick(engine); /* another one may be due as well */
	if (!run_begin(w, id, lease_token, asked_ms))
		return true;
	is_well = workflow_advance(w);
	lease_token = run_end(w);
	if (is_well)
		release(engine, id, lease_token);
	return true;
}

/* False: the engine stops. */
static bool
wait_for_kick(struct workflow_engine *engine)
{
	bool go_on;

	pthread_mutex_lock(&engine->lock);
	engine->idle++;
	while (!engine->is_kicked && !engine->is_stopping)
		pthread_cond_wait(&engine->kicked, &engine->lock);
	engine->idle--;
	engine->is_kicked = false;
	go_on = !engine->is_stopping;
	pthread_mutex_unlock(&engine->lock);
	return go_on;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	while (wait_for_kick(w->engine)) {
		while (!engine_is_stopping(w->engine) && work_once(w))
			;
	}
	return NULL;
}

void
workflow_engine_kick(struct workflow_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->is_kicked = true;
	pthread_cond_signal(&engine->kicked);
	pthread_mutex_unlock(&engine->lock);
}

void
engine_begin_stop(struct workflow_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->is_stopping = true;
	for (size_t i = 0; i < engine->workers_len; i++) {
		if (engine->workers[i].run.is_used)
			run_cut(&engine->workers[i].run, STEP_CUT_STOPPING);
	}
	pthread_cond_broadcast(&engine->kicked);
	pthread_cond_broadcast(&engine->watched);
	pthread_mutex_unlock(&engine->lock);
}

/* ---- start and stop -------------------------------------------------- */

static void
engine_free(struct workflow_engine *engine)
{
	for (size_t i = 0; i < engine->api->config.max_workflows; i++)
		fd_close(&engine->workers[i].run.cancel_fd);
	fd_close(&engine->stop_fd);
	pthread_cond_destroy(&engine->watched);
	pthread_cond_destroy(&engine->kicked);
	pthread_mutex_destroy(&engine->lock);
	job_host_free(engine->host);
	free(engine->workers);
	free(engine);
}

/* No two engines have the same, on whichever machines. */
static void
set_name(struct workflow_engine *engine)
{
	char host[32] = "";
	uint64_t random = 0;

	(void)gethostname(host, sizeof(host) - 1);
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = clock_mono_us();
	snprintf(engine->name, sizeof(engine->name), "%s-%ld-%08x", host,
		 (long)getpid(), (unsigned)random);
}

static void
init_locks(struct workflow_engine *engine)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->kicked, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engine->watched, &attr);
	pthread_condattr_destroy(&attr);
}

static int
open_fds(struct workflow_engine *engine, struct err *e)
{
	size_t count = engine->api->config.max_workflows;
	bool is_open;

	engine->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	is_open = engine->stop_fd >= 0;
	for (size_t i = 0; i < count; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		engine->workers[i].engine = engine;
		engine->workers[i].run.cancel_fd = fd;
		is_open = is_open && fd >= 0;
	}
	return is_open ? 0 : err_sys(e, "make eventfd");
}

static struct workflow_engine *
engine_new(struct api *api, struct err *e)
{
	struct workflow_engine *engine = calloc(1, sizeof(*engine));
	uint32_t lease_s = api->config.lease_seconds;

	if (engine == NULL ||
	    (engine->workers = calloc(api->config.max_workflows,
				      sizeof(engine->workers[0]))) == NULL) {
		free(engine);
		err_set(e, ERR_IO, ENOMEM, "workflow engine");
		return NULL;
	}
	engine->api = api;
	engine->ttl_us = (uint64_t)api->config.state_ttl_hours * 3600000000u;
	engine->lease_ms =
		(lease_s != 0 ? lease_s : LEASE_SECONDS_DEFAULT) * 1000;
	set_name(engine);
	init_locks(engine);
	if (open_fds(engine, e) < 0) {
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
		rc = pthread_create(&engine->watchdog, NULL, watchdog_main,
				    engine);
	engine->has_watchdog = rc == 0;
	if (rc == 0)
		rc = pthread_create(&engine->housekeeper, NULL,
				    housekeeper_main, engine);
	engine->has_housekeeper = engine->has_watchdog && rc == 0;
	return rc == 0 ? 0 : err_set(e, ERR_IO, rc, "start workflow threads");
}

static void
set_parts(struct workflow_engine *engine, const struct workflow_parts *parts)
{
	engine->jail = (struct workflow_jail){.api = engine->api,
					      .host = engine->host};
	engine->runner = parts->runner != NULL
				 ? *parts->runner
				 : workflow_jail_runner(&engine->jail);
	engine->office = (struct release_office){.api = engine->api,
						 .host = engine->host};
	engine->publisher = parts->publisher != NULL
				    ? *parts->publisher
				    : release_publisher(&engine->office);
	engine->has_author = parts->author != NULL;
	if (parts->author != NULL)
		engine->author = *parts->author;
	engine->has_analyst = parts->analyst != NULL;
	if (parts->analyst != NULL)
		engine->analyst = *parts->analyst;
}

/* What a process that died has left; other nodes' things are theirs. */
static int
clear_remains(struct workflow_engine *engine, bool shares_store, struct err *e)
{
	struct store *store = engine->api->store;
	bool is_alone = !shares_store &&
			strcmp(store_backend_name(store), "sqlite") == 0;

	if (job_row_mark_orphans(store, is_alone, e) < 0)
		return -1;
	return shares_store ? 0 : store_workflow_lease_reset(store, e);
}

int
workflow_engine_start_with(struct api *api, const struct workflow_parts *parts,
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
	set_parts(engine, parts);
	if (clear_remains(engine, parts->shares_store, e) < 0) {
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
	const struct workflow_parts parts = {0};

	return workflow_engine_start_with(api, &parts, ret, e);
}

void
workflow_engine_stop(struct workflow_engine *engine)
{
	if (engine == NULL)
		return;
	signal_fd(engine->stop_fd);
	engine_begin_stop(engine);
	if (engine->has_housekeeper)
		pthread_join(engine->housekeeper, NULL);
	if (engine->has_watchdog)
		pthread_join(engine->watchdog, NULL);
	for (size_t i = 0; i < engine->workers_len; i++)
		pthread_join(engine->workers[i].thread, NULL);
	engine_free(engine);
}

struct job_host *
workflow_engine_host(struct workflow_engine *engine)
{
	return engine->host;
}

bool
workflow_engine_has_analyst(const struct workflow_engine *engine)
{
	return engine->has_analyst;
}
