/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_state.c - the workflow engine on real SQLite with a runner that
 * plays jobs: whole journeys, retries, approvals, cancelling, a lost lease, and
 * kill -9 at the two moments that matter (before and after a job's result is
 * on disk).
 */
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
#include <poll.h>

#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/workflow/approval.h"
#include "api/workflow/digest.h"
#include "api/workflow/engine.h"
#include "api/workflow/job_row.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

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

static int
play_ready(void *arg, struct err *e)
{
	(void)arg;
	if (script.is_ready)
		return 0;
	return err_set(e, ERR_PEER, 0, "nobody there");
}

static json_t *
outcome(const char *text, const char *job_id)
{
	json_t *data = json_loads(text, JSON_ALLOW_NUL, NULL);

	json_object_set_new(data, "job_id", json_string(job_id));
	return data;
}

static void
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
static size_t
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

static int
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

static int
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

static void
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

/* ---- fixtures -------------------------------------------------------- */

static void
play(enum play a, enum play b)
{
	memset(&script, 0, sizeof(script));
	script.is_ready = true;
	script.plays[0] = a;
	script.plays[1] = b;
	script.plays_len = 2;
}

static void
open_store(void)
{
	struct err e = ERR_INIT;

	if (store_open_sqlite(dir, &api.store, &e) < 0)
		fail_msg("%s", e.text);
}

static void
start(void)
{
	struct err e = ERR_INIT;

	if (workflow_engine_start_with(&api, &runner, &api.engine, &e) < 0)
		fail_msg("%s", e.text);
}

static void
stop(void)
{
	workflow_engine_stop(api.engine);
	api.engine = NULL;
}

static int
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
	return 0;
}

static int
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
	return rmdir(dir);
}

static const char with_tests[] =
	"{\"code\":\"  x = 1\\n\",\"tests\":\"t\",\"language\":\"python\"}";

/* Returns the id in a static buffer per call site's copy. */
static void
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

static void
create(const char *context, bool needs_approval, char ret_id[40])
{
	create_for(context, needs_approval, 30, ret_id);
}

static void
load(const char *id, struct workflow_state *ret)
{
	struct err e = ERR_INIT;

	if (workflow_state_load(api.store, id, ret, &e) < 0)
		fail_msg("%s", e.text);
}

/* Wait up to 15 s until the workflow has this status; load it. */
static void
wait_status(const char *id, const char *status, struct workflow_state *ret)
{
	for (int i = 0; i < 1500; i++) {
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

static void
wait_blocked(void)
{
	for (int i = 0; i < 1500 && !script.is_blocked; i++)
		usleep(10000);
	assert_true(script.is_blocked);
}

static const json_t *
part(const struct workflow_state *s, const char *name, const char *member)
{
	return json_object_get(workflow_state_part(s, name), member);
}

static const char *
attempt_text(const struct workflow_state *s, size_t i, const char *name)
{
	const json_t *attempts =
		json_object_get(workflow_state_step(s, 1), "attempts");

	return json_text(json_array_get(attempts, i), name);
}

/* ---- journeys -------------------------------------------------------- */

static void
test_passes(void **state)
{
	char id[40], user[40], status[20];
	struct workflow_state s;
	json_t *data;
	struct err e;

	(void)state;
	start();
	create(with_tests, false, id);
	wait_status(id, "completed", &s);
	/* created, generated, attempt begun, tested, finalized and over: no
	 * write lies between the release and the end. */
	assert_int_equal(s.meta.version, 5);
	assert_string_equal(json_text(workflow_state_part(&s, "artifacts"),
				      "generated_code"),
			    "x = 1\n");
	assert_non_null(part(&s, "artifacts", "evidence"));
	assert_true(json_real_value(part(&s, "metrics", "test_success_rate")) ==
		    1.0);
	assert_int_equal(json_number(workflow_state_part(&s, "metrics"),
				     "steps_completed"),
			 3);
	assert_int_equal(json_number(s.doc, "current_step"), 3);
	assert_int_equal(s.meta.due_us, 0);
	assert_true(s.meta.expires_us > clock_wall_us());
	assert_string_equal(script.source,
			    "{\"code\":\"x = 1\\n\",\"language\":\"python\","
			    "\"tests\":\"t\"}");
	assert_string_equal(attempt_text(&s, 0, "job_id"), script.job_ids[0]);
	assert_int_equal(job_row_get(api.store, script.job_ids[0], user, status,
				     &data, &e),
			 0);
	assert_string_equal(status, "done");
	assert_string_equal(user, "user-1");
	assert_string_equal(json_text(data, "workflow_id"), id);
	json_decref(data);
	workflow_state_done(&s);
}

static void
test_failing_tests(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	play(PLAY_FAIL, PLAY_FAIL);
	start();
	create(with_tests, true, id);
	wait_status(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"), "2 of 5 tests failed");
	assert_non_null(part(&s, "artifacts", "test_results"));
	assert_null(part(&s, "artifacts", "evidence"));
	assert_string_equal(json_text(workflow_state_step(&s, 1), "status"),
			    "failed");
	assert_string_equal(json_text(workflow_state_step(&s, 2), "status"),
			    "skipped");
	assert_int_equal(script.calls, 1);
	workflow_state_done(&s);
}

static void
test_no_code(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	start();
	create("{}", false, id);
	wait_status(id, "failed", &s);
	assert_non_null(strstr(json_text(s.doc, "error"), "context.code"));
	assert_non_null(
		strstr(json_text(s.doc, "error"), "AZURE_OPENAI_ENDPOINT"));
	assert_int_equal(script.calls, 0);
	workflow_state_done(&s);
}

static void
test_timeout(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	create_for(with_tests, false, 0.0001, id);
	usleep(10000);
	start();
	wait_status(id, "failed", &s);
	assert_non_null(strstr(json_text(s.doc, "error"), "timed out after"));
	workflow_state_done(&s);
	create_for(with_tests, false, 0.5, id);
	workflow_engine_kick(api.engine);
	wait_status(id, "completed", &s);
	assert_in_range(script.wall_ms_max, 15000, 30000);
	workflow_state_done(&s);
}

/* ---- the supervisor comes and goes ----------------------------------- */

static void
test_retry_after_loss(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	play(PLAY_LOST, PLAY_PASS);
	start();
	create(with_tests, false, id);
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 2);
	assert_string_not_equal(script.job_ids[0], script.job_ids[1]);
	assert_string_equal(attempt_text(&s, 0, "outcome"), "error");
	assert_string_equal(attempt_text(&s, 0, "reason"),
			    "supervisor restarted");
	assert_string_equal(attempt_text(&s, 1, "outcome"), "passed");
	workflow_state_done(&s);
}

static void
test_gives_up(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	play(PLAY_LOST, PLAY_LOST);
	start();
	create(with_tests, false, id);
	wait_status(id, "failed", &s);
	assert_int_equal(script.calls, 2);
	assert_string_equal(json_text(s.doc, "error"),
			    "gave up after 2 attempts: supervisor restarted");
	workflow_state_done(&s);
}

static void
test_waits_for_supervisor(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	script.is_ready = false;
	start();
	create(with_tests, false, id);
	wait_status(id, "running", &s);
	workflow_state_done(&s);
	usleep(200000);
	load(id, &s);
	assert_true(s.meta.due_us > clock_wall_us());
	assert_string_equal(
		json_text(workflow_state_step(&s, 0), "waiting_for"),
		"nobody there");
	workflow_state_done(&s);
	script.is_ready = true;
	wait_status(id, "completed", &s);
	workflow_state_done(&s);
}

static void
test_a_busy_supervisor_uses_no_retry_up(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	play(PLAY_BUSY, PLAY_BUSY);
	script.plays[2] = PLAY_PASS;
	script.plays_len = 3;
	assert_int_equal(api.config.max_execution_retries, 1);
	start();
	create(with_tests, false, id);
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 3);
	workflow_state_done(&s);
}

static int
count_job(void *arg, const char *job_id, const char *document)
{
	(void)job_id;
	(void)document;
	++*(int *)arg;
	return 0;
}

/* Until its second step says what it waits for. */
static void
wait_waiting(const char *id, struct workflow_state *ret)
{
	for (int i = 0; i < 200; i++) {
		load(id, ret);
		if (json_object_get(workflow_state_step(ret, 1),
				    "waiting_for") != NULL)
			return;
		workflow_state_done(ret);
		usleep(20000);
	}
	fail_msg("the step does not wait");
}

static void
test_busy_is_no_attempt(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	int running = 0;
	char id[40];

	(void)state;
	play(PLAY_PASS, PLAY_PASS);
	script.busy = 1;
	start();
	create(with_tests, false, id);
	wait_waiting(id, &s);
	assert_null(json_object_get(workflow_state_step(&s, 1), "job_id"));
	workflow_state_done(&s);
	store_job_list_running(api.store, count_job, &running, &e);
	assert_int_equal(running, 0);
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 1);
	assert_int_equal(script.places, 0);
	assert_int_equal(json_number(workflow_state_step(&s, 1), "attempt"), 1);
	workflow_state_done(&s);
}

/* ---- cancel, stop, lost lease ---------------------------------------- */

static void
test_cancel(void **state)
{
	char id[40], user[40], status[20];
	struct workflow_state s;
	uint64_t before_ms;
	json_t *data;
	struct err e;

	(void)state;
	play(PLAY_BLOCK, PLAY_BLOCK);
	start();
	create(with_tests, false, id);
	wait_blocked();
	load(id, &s);
	workflow_state_finish(&s, WORKFLOW_CANCELLED, "cancelled", 1000);
	assert_int_equal(workflow_state_save(api.store, &s, 0, &e), 0);
	workflow_state_done(&s);
	before_ms = clock_mono_ms();
	workflow_engine_interrupt(api.engine, id);
	while (script.is_blocked)
		usleep(1000);
	assert_in_range(clock_mono_ms() - before_ms, 0, 1000);
	stop();
	load(id, &s);
	assert_string_equal(s.meta.status, "cancelled");
	assert_string_equal(json_text(workflow_state_step(&s, 1), "error"),
			    "cancelled");
	assert_null(part(&s, "artifacts", "test_results"));
	workflow_state_done(&s);
	assert_int_equal(job_row_get(api.store, script.job_ids[0], user, status,
				     &data, &e),
			 0);
	assert_string_equal(json_text(data, "reason"), "cancelled");
	json_decref(data);
}

static void
test_stop_and_start(void **state)
{
	struct workflow_state s;
	uint64_t before_ms;
	char id[40];

	(void)state;
	play(PLAY_BLOCK, PLAY_PASS);
	start();
	create(with_tests, false, id);
	wait_blocked();
	before_ms = clock_mono_ms();
	stop();
	assert_in_range(clock_mono_ms() - before_ms, 0, 1500);
	load(id, &s);
	assert_string_equal(s.meta.status, "running");
	workflow_state_done(&s);
	start();
	wait_status(id, "completed", &s);
	assert_string_equal(attempt_text(&s, 0, "reason"), "api restarted");
	assert_string_equal(attempt_text(&s, 1, "outcome"), "passed");
	workflow_state_done(&s);
}

static void
test_lost_lease(void **state)
{
	struct workflow_state s;
	uint64_t token;
	char id[40], claimed[40];
	struct err e;

	(void)state;
	play(PLAY_BLOCK, PLAY_BLOCK);
	start();
	create(with_tests, false, id);
	wait_blocked();
	/* Somebody else believes us dead and takes over. */
	assert_int_equal(store_workflow_lease_reset(api.store, &e), 0);
	assert_int_equal(store_workflow_claim(api.store, "other", 60000,
					      claimed, &token, &e),
			 0);
	assert_string_equal(claimed, id);
	script.is_released = true;
	while (script.is_blocked)
		usleep(1000);
	usleep(200000);
	load(id, &s);
	assert_null(part(&s, "artifacts", "test_results"));
	workflow_state_done(&s);
	/* Given back, the job's result is found and not made again. */
	assert_int_equal(store_workflow_lease_release(api.store, id, token, &e),
			 0);
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 1);
	workflow_state_done(&s);
}

/* ---- kill -9 --------------------------------------------------------- */

/* A process that dies with a job in flight; the store is not ours meanwhile. */
static void
crash_in_job(char ret_id[40])
{
	int fds[2];
	pid_t pid;

	store_close(api.store);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		play(PLAY_BLOCK, PLAY_BLOCK);
		open_store();
		start();
		create(with_tests, false, ret_id);
		wait_blocked();
		if (write(fds[1], ret_id, 40) != 40)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], ret_id, 40), 40);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	close(fds[1]);
	open_store();
}

static void
test_killed_before_result(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	crash_in_job(id);
	start();
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 1);
	assert_string_equal(attempt_text(&s, 0, "reason"), "api restarted");
	assert_string_equal(attempt_text(&s, 1, "outcome"), "passed");
	assert_string_equal(attempt_text(&s, 1, "job_id"), script.job_ids[0]);
	workflow_state_done(&s);
}

static void
test_killed_after_result(void **state)
{
	char id[40], job_id[40];
	struct workflow_state s;
	json_t *data;
	struct err e;

	(void)state;
	crash_in_job(id);
	digest_job_id(id, 2, 1, job_id);
	data = outcome(PASSED, job_id);
	assert_int_equal(job_row_put(api.store, job_id, "user-1", JOB_ROW_DONE,
				     data, &e),
			 0);
	json_decref(data);
	start();
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 0);
	assert_string_equal(attempt_text(&s, 0, "job_id"), job_id);
	workflow_state_done(&s);
}

static void
test_orphaned_job_row(void **state)
{
	char user[40], status[20];
	json_t *data = json_pack("{s:s}", "job_id", "j1");
	struct err e;

	(void)state;
	assert_int_equal(job_row_put(api.store, "j1", "user-1", JOB_ROW_RUNNING,
				     data, &e),
			 0);
	json_decref(data);
	start();
	assert_int_equal(job_row_get(api.store, "j1", user, status, &data, &e),
			 0);
	assert_string_equal(status, "done");
	assert_string_equal(json_text(data, "outcome"), "error");
	assert_string_equal(json_text(data, "reason"), "api restarted");
	json_decref(data);
}

/* ---- approvals ------------------------------------------------------- */

static int
decide(struct workflow_state *s, bool is_approved, struct err *e)
{
	const json_t *approval =
		json_array_get(workflow_state_part(s, "approvals"), 0);
	const struct approval_decision d = {
		.approval_id = json_text(approval, "approval_id"),
		.is_approved = is_approved,
		.user_id = "user-2",
		.username = "boss",
	};
	bool is_changed = false;
	int rc = approval_decide(s, &d, 1000, &is_changed, e);

	if (rc == 0 && is_changed)
		assert_int_equal(workflow_state_save(api.store, s, 0, e), 0);
	workflow_engine_kick(api.engine);
	return rc < 0 ? -1 : is_changed;
}

static void
wait_for_approval(char id[40], struct workflow_state *s)
{
	start();
	create(with_tests, true, id);
	wait_status(id, "waiting_approval", s);
}

static void
test_approved(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	char id[40];

	(void)state;
	wait_for_approval(id, &s);
	assert_int_equal(decide(&s, true, &e), 1);
	assert_int_equal(decide(&s, true, &e), 0); /* again: no change */
	assert_int_equal(decide(&s, false, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	workflow_state_done(&s);
	wait_status(id, "completed", &s);
	assert_int_equal(script.calls, 1);
	workflow_state_done(&s);
}

static void
test_rejected(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	char id[40];

	(void)state;
	wait_for_approval(id, &s);
	assert_int_equal(decide(&s, false, &e), 1);
	workflow_state_done(&s);
	wait_status(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"), "Approval rejected");
	assert_null(part(&s, "artifacts", "evidence"));
	workflow_state_done(&s);
}

static void
test_unknown_approval(void **state)
{
	const struct approval_decision d = {.approval_id = "x"};
	struct workflow_state s;
	struct err e = ERR_INIT;
	bool is_changed;
	char id[40];

	(void)state;
	wait_for_approval(id, &s);
	assert_int_equal(approval_decide(&s, &d, 1000, &is_changed, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	workflow_state_done(&s);
}

static void
test_approval_expires(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	api.config.approval_timeout_minutes = 0;
	start();
	create(with_tests, true, id);
	wait_status(id, "failed", &s);
	assert_non_null(strstr(json_text(s.doc, "error"), "nobody decided"));
	assert_string_equal(
		json_text(
			json_array_get(workflow_state_part(&s, "approvals"), 0),
			"status"),
		"rejected");
	workflow_state_done(&s);
}

/* What was approved is not what is there any more. */
static void
test_approval_void(void **state)
{
	static const char *const changed[] = {"generated_code", "test_results"};
	struct err e = ERR_INIT;

	(void)state;
	start();
	for (size_t i = 0; i < 2; i++) {
		struct workflow_state s;
		char id[40];

		create(with_tests, true, id);
		wait_status(id, "waiting_approval", &s);
		json_object_set_new(workflow_state_part(&s, "artifacts"),
				    changed[i], json_string("evil"));
		assert_int_equal(decide(&s, true, &e), 1);
		workflow_state_done(&s);
		wait_status(id, "failed", &s);
		assert_non_null(
			strstr(json_text(s.doc, "error"), "Approval void"));
		assert_null(part(&s, "artifacts", "evidence"));
		workflow_state_done(&s);
	}
}

/* An approval survives a restart, and waiting costs no worker. */
static void
test_waiting_holds_no_thread(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	char id[40][40], free_id[40];

	(void)state;
	start();
	for (size_t i = 0; i < 40; i++)
		create(with_tests, true, id[i]);
	for (size_t i = 0; i < 40; i++) {
		wait_status(id[i], "waiting_approval", &s);
		workflow_state_done(&s);
	}
	create(with_tests, false, free_id);
	wait_status(free_id, "completed", &s);
	workflow_state_done(&s);
	stop();
	start();
	load(id[7], &s);
	assert_int_equal(decide(&s, true, &e), 1);
	workflow_state_done(&s);
	wait_status(id[7], "completed", &s);
	workflow_state_done(&s);
	load(id[8], &s);
	assert_string_equal(s.meta.status, "waiting_approval");
	workflow_state_done(&s);
}

/* ---- compare-and-set, ids, backoff ----------------------------------- */

static void
test_conflict(void **state)
{
	struct workflow_state a, b;
	struct err e = ERR_INIT;
	char id[40];

	(void)state;
	create(with_tests, false, id);
	load(id, &a);
	load(id, &b);
	assert_int_equal(workflow_state_save(api.store, &a, 0, &e), 0);
	assert_int_equal(workflow_state_save(api.store, &b, 0, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	workflow_state_done(&b);
	load(id, &b);
	assert_int_equal(json_number(b.doc, "version"), 2);
	assert_int_equal(b.meta.version, 2);
	workflow_state_done(&a);
	workflow_state_done(&b);
}

static void
test_ids_and_backoff(void **state)
{
	char a[40], b[40], c[40];

	(void)state;
	digest_job_id("w", 1, 2, a);
	digest_job_id("w", 1, 2, b);
	digest_job_id("w", 12, 1, c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_true(job_id_is_valid(a));
	for (uint32_t round = 0; round < 40; round++) {
		uint64_t base = round < 6 ? 1000000ull << round : 60000000u;
		uint64_t wait = step_backoff_us(5, round) - 5;

		assert_in_range(wait, base * 3 / 4, base * 5 / 4);
	}
}

/* ---- which code ------------------------------------------------------ */

struct given_case {
	const char *context;
	const char *code_source, *tests_source;
	bool is_trial, is_bad;
};

static const struct given_case given_cases[] = {
	{"{}", NULL, NULL, false, false},
	{"{\"code\":\"a\"}", "context.code", NULL, false, false},
	{"{\"code\":\"a\",\"tests\":\"t\"}", "context.code", "context.tests",
	 false, false},
	{"{\"code\":\"a\",\"test_code\":\"t\"}", "context.code",
	 "context.test_code", false, false},
	{"{\"test_code\":\"t\"}", "context.test_code", NULL, true, false},
	{"{\"test_code\":\"t\",\"code\":\"\"}", "context.test_code", NULL, true,
	 false},
	{"{\"tests\":\"t\"}", NULL, "context.tests", false, false},
	{"{\"project_context\":{\"file_content\":\"a\"},\"tests\":\"t\"}",
	 "context.project_context.file_content", "context.tests", false, false},
	{"{\"project_context\":{\"file_content\":\"b\"},\"code\":\"a\"}",
	 "context.code", NULL, false, false},
	{"{\"code\":\"a\",\"tests\":\"t\",\"test_code\":\"t\"}", NULL, NULL,
	 false, true},
};

static void
check_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
test_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(given_cases) / sizeof(given_cases[0]);
	     i++) {
		const struct given_case *c = &given_cases[i];
		json_t *context = json_loads(c->context, 0, NULL);
		struct program_given g;
		struct err e;

		print_message("%s\n", c->context);
		assert_int_equal(program_given(context, &g, &e),
				 c->is_bad ? -1 : 0);
		if (!c->is_bad) {
			check_text(g.code_source, c->code_source);
			check_text(g.tests_source, c->tests_source);
			assert_int_equal(g.is_trial, c->is_trial);
		}
		json_decref(context);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_passes),
		TEST(test_failing_tests),
		TEST(test_no_code),
		TEST(test_timeout),
		TEST(test_retry_after_loss),
		TEST(test_gives_up),
		TEST(test_waits_for_supervisor),
		TEST(test_a_busy_supervisor_uses_no_retry_up),
		TEST(test_busy_is_no_attempt),
		TEST(test_cancel),
		TEST(test_stop_and_start),
		TEST(test_lost_lease),
		TEST(test_killed_before_result),
		TEST(test_killed_after_result),
		TEST(test_orphaned_job_row),
		TEST(test_approved),
		TEST(test_rejected),
		TEST(test_unknown_approval),
		TEST(test_approval_expires),
		TEST(test_approval_void),
		TEST(test_waiting_holds_no_thread),
		TEST(test_conflict),
		cmocka_unit_test(test_ids_and_backoff),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
