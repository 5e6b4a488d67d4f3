/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workflow_play.h - the workflow engine on a real SQLite store with a runner
 * that plays jobs as the test says: they pass, fail, are lost, find no place,
 * or hang.  The code is the request's; workflow_fixture.h has the author and
 * the analyst.
 */
#ifndef PC_TESTS_WORKFLOW_PLAY_H
#define PC_TESTS_WORKFLOW_PLAY_H

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/workflow/approval.h"
#include "api/workflow/digest.h"
#include "api/workflow/engine.h"
#include "api/workflow/job_row.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "api/workflow/transition.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define FX __attribute__((unused)) static

#define PASSED                                                                 \
	"{\"outcome\":\"passed\",\"reason\":null,\"stdout\":\"a\\u0000b\","    \
	"\"tests\":{\"passed\":2,\"failed\":0,\"errors\":0,"                   \
	"\"success_rate\":1.0},\"policy\":{\"name\":\"standard\","             \
	"\"sha256\":\"00\"}}"
#define FAILED                                                                 \
	"{\"outcome\":\"failed\",\"reason\":null,\"tests\":{\"passed\":3,"     \
	"\"failed\":1,\"errors\":1,\"success_rate\":0.6}}"

enum play { PLAY_PASS, PLAY_FAIL, PLAY_LOST, PLAY_BUSY, PLAY_BLOCK };

/* The runner's script; the last entry is repeated. */
static struct {
	enum play plays[4];
	size_t plays_len;
	atomic_int calls;
	atomic_int busy;   /* so many times there is no place free */
	atomic_int places; /* taken and not given back */
	atomic_int published;
	atomic_bool is_ready;
	atomic_bool is_blocked;	 /* a job hangs right now */
	atomic_bool is_released; /* let it end, passed */
	uint64_t wall_ms_max;
	char source[512];
	char job_ids[8][40];
} script;

static struct api api;
static char dir[64];

/* ---- the runner ------------------------------------------------------ */

FX int
play_ready(void *arg, struct err *e)
{
	(void)arg;
	if (script.is_ready)
		return 0;
	return err_set(e, ERR_PEER, 0, "nobody there");
}

FX json_t *
outcome(const char *text, const char *job_id)
{
	json_t *data = json_loads(text, JSON_ALLOW_NUL, NULL);

	json_object_set_new(data, "job_id", json_string(job_id));
	return data;
}

FX void
play_block(const struct workflow_job *job, json_t **ret_data,
	   struct job_verdict *v)
{
	struct pollfd p = {.fd = job->cancel_fd, .events = POLLIN};

	script.is_blocked = true;
	while (poll(&p, 1, 10) == 0 && !script.is_released)
		;
	script.is_blocked = false;
	if (script.is_released) {
		*ret_data = outcome(PASSED, job->job_id);
		return;
	}
	*ret_data = outcome("{\"outcome\":\"killed\","
			    "\"reason\":\"cancelled\"}",
			    job->job_id);
	v->outcome = JOB_KILLED;
	v->reason = "cancelled";
}

/* Write down what came; returns the number of the call. */
FX size_t
note_call(const struct workflow_job *job)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	char *source = json_dumps(job->source, JSON_SORT_KEYS | JSON_COMPACT);
	size_t call;

	pthread_mutex_lock(&lock);
	call = (size_t)script.calls++;
	snprintf(script.source, sizeof(script.source), "%s", source);
	snprintf(script.job_ids[call % 8], 40, "%s", job->job_id);
	script.wall_ms_max = job->wall_ms_max;
	pthread_mutex_unlock(&lock);
	free(source);
	return call;
}

FX int
play_run(void *arg, const struct workflow_job *job, json_t **ret_data,
	 struct job_verdict *v, struct err *e)
{
	size_t call = note_call(job), last = script.plays_len - 1;

	(void)arg;
	(void)e;
	memset(v, 0, sizeof(*v));
	switch (script.plays[call < last ? call : last]) {
	case PLAY_PASS:
		*ret_data = outcome(PASSED, job->job_id);
		break;
	case PLAY_FAIL:
		*ret_data = outcome(FAILED, job->job_id);
		v->outcome = JOB_FAILED;
		break;
	case PLAY_LOST:
		*ret_data = outcome("{\"outcome\":\"error\",\"reason\":"
				    "\"supervisor restarted\"}",
				    job->job_id);
		v->outcome = JOB_ERROR;
		v->reason = JOB_REASON_LOST_RESTARTED;
		v->is_retryable = true;
		break;
	case PLAY_BUSY:
		*ret_data = outcome("{\"outcome\":\"error\",\"reason\":"
				    "\"busy\"}",
				    job->job_id);
		v->outcome = JOB_ERROR;
		v->reason = JOB_REASON_BUSY;
		v->is_refused = v->is_retryable = true;
		break;
	case PLAY_BLOCK:
		play_block(job, ret_data, v);
	}
	return 0;
}

FX int
play_take_place(void *arg, int cancel_fd, struct err *e)
{
	(void)arg;
	(void)cancel_fd;
	if (script.busy > 0) {
		script.busy--;
		return err_set(e, ERR_BUSY, 0, "all jails are busy");
	}
	script.places++;
	return 0;
}

FX void
play_give_place(void *arg)
{
	(void)arg;
	script.places--;
}

static const struct workflow_runner runner = {
	.check_ready = play_ready,
	.take_place = play_take_place,
	.give_place = play_give_place,
	.run = play_run,
};

/* Publishes by counting. */
FX int
play_publish(void *arg, const struct workflow_state *state,
	     const json_t *evidence, uint32_t attempt,
	     struct release_outcome *ret, struct err *e)
{
	(void)arg;
	(void)state;
	(void)evidence;
	(void)attempt;
	(void)e;
	script.published++;
	*ret = (struct release_outcome){.record = 7};
	return 0;
}

static inline int
play_check_room(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return 0;
}

static const struct workflow_publisher publisher = {
	.check_room = play_check_room, .publish = play_publish};

/* ---- fixtures -------------------------------------------------------- */

FX void
play(enum play a, enum play b)
{
	memset(&script, 0, sizeof(script));
	script.is_ready = true;
	script.plays[0] = a;
	script.plays[1] = b;
	script.plays_len = 2;
}

FX void
open_store(void)
{
	struct err e = ERR_INIT;

	if (store_open_sqlite(dir, &api.store, &e) < 0)
		fail_msg("%s", e.text);
}

FX void
start(void)
{
	const struct workflow_parts parts = {.runner = &runner,
					     .publisher = &publisher};
	struct err e = ERR_INIT;

	if (workflow_engine_start_with(&api, &parts, &api.engine, &e) < 0)
		fail_msg("%s", e.text);
}

FX void
stop(void)
{
	workflow_engine_stop(api.engine);
	api.engine = NULL;
}

FX void
add_approver(void)
{
	const struct store_user boss = {.user_id = "user-2",
					.username = "boss",
					.password_hash = "x",
					.role = USER_ROLE_APPROVER};
	struct err e = ERR_INIT;

	if (store_user_add(api.store, &boss, &e) < 0)
		fail_msg("%s", e.text);
}

FX int
setup(void **state)
{
	(void)state;
	str_copy(dir, sizeof(dir), "/tmp/pc-test-wf.XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(&api, 0, sizeof(api));
	str_copy(api.config.supervisor_socket,
		 sizeof(api.config.supervisor_socket), "/nonexistent/socket");
	api.config.max_workflows = 2;
	api.config.max_execution_retries = 1;
	api.config.state_ttl_hours = 24;
	api.config.approval_timeout_minutes = 60;
	api.config.execution_timeout_minutes = 30;
	api.stop_fd = -1;
	play(PLAY_PASS, PLAY_PASS);
	open_store();
	add_approver();
	return 0;
}

FX int
teardown(void **state)
{
	static const char *const names[] = {"", "-wal", "-shm"};
	char path[128];

	(void)state;
	stop();
	store_close(api.store);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/promptcraft.db%s", dir,
			 names[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof(path), "%s/counters", dir);
	(void)unlink(path);
	return rmdir(dir);
}

FX const char with_tests[] =
	"{\"code\":\"  x = 1\\n\",\"tests\":\"t\",\"language\":\"python\"}";

/* Returns the id in a static buffer per call site's copy. */
FX void
create_for(const char *context, bool needs_approval, double minutes,
	   char ret_id[40])
{
	struct plan_facts facts = {.has_tests = true,
				   .needs_approval = needs_approval};
	struct workflow_request r = {
		.user_id = "user-1",
		.username = "tester",
		.goal = "a goal of some length",
		.context = json_loads(context, 0, NULL),
		.plan = workflow_plan_new(&facts),
		.timeout_us = (uint64_t)(minutes * 60e6),
	};
	struct workflow_state state;
	struct err e = ERR_INIT;

	assert_non_null(r.context);
	if (workflow_state_init(&state, &r, &e) < 0 ||
	    workflow_state_create(api.store, &state, &e) < 0)
		fail_msg("%s", e.text);
	memcpy(ret_id, state.meta.workflow_id, 40);
	workflow_state_done(&state);
	json_decref(r.context);
	json_decref(r.plan);
	if (api.engine != NULL)
		workflow_engine_kick(api.engine);
}

FX void
create(const char *context, bool needs_approval, char ret_id[40])
{
	create_for(context, needs_approval, 30, ret_id);
}

FX void
load(const char *id, struct workflow_state *ret)
{
	struct err e = ERR_INIT;

	if (workflow_state_load(api.store, id, ret, &e) < 0)
		fail_msg("%s", e.text);
}

/* Wait up to 15 s until the workflow has this status; load it. */
FX void
wait_status(const char *id, const char *status, struct workflow_state *ret)
{
	for (int i = 0; i < 6000; i++) {
		load(id, ret);
		if (strcmp(ret->meta.status, status) == 0) {
			assert_string_equal(json_text(ret->doc, "status"),
					    status);
			return;
		}
		if (workflow_status_is_terminal(workflow_state_status(ret)))
			break;
		workflow_state_done(ret);
		usleep(10000);
	}
	fail_msg("workflow is %s (%s), not %s",
		 ret->doc != NULL ? ret->meta.status : "late",
		 ret->doc != NULL ? json_text(ret->doc, "error") : "", status);
}

FX void
wait_blocked(void)
{
	for (int i = 0; i < 6000 && !script.is_blocked; i++)
		usleep(10000);
	assert_true(script.is_blocked);
}

FX const json_t *
part(const struct workflow_state *s, const char *name, const char *member)
{
	return json_object_get(workflow_state_part(s, name), member);
}

FX const char *
attempt_text(const struct workflow_state *s, size_t i, const char *name)
{
	const json_t *attempts =
		json_object_get(workflow_state_step(s, 1), "attempts");

	return json_text(json_array_get(attempts, i), name);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
