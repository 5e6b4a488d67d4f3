/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_losses.c - a supervisor that is away or full, a lost lease, a
 * cancel, and kill -9 at the two moments that matter (before and after a job's
 * result is on disk).
 */
#include "tests/unit/workflow_play.h"

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

/* Until this step says what it waits for. */
static void
wait_waiting(const char *id, unsigned step, struct workflow_state *ret)
{
	for (int i = 0; i < 3000; i++) {
		load(id, ret);
		if (json_object_get(workflow_state_step(ret, step),
				    "waiting_for") != NULL)
			return;
		workflow_state_done(ret);
		usleep(20000);
	}
	fail_msg("the step does not wait");
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
	wait_waiting(id, 0, &s);
	assert_string_equal(s.meta.status, "running");
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

static void
test_busy_is_no_attempt(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	int running = 0;
	char id[40];

	(void)state;
	play(PLAY_PASS, PLAY_PASS);
	script.busy = 1000; /* until it was seen to wait */
	start();
	create(with_tests, false, id);
	wait_waiting(id, 1, &s);
	assert_null(json_object_get(workflow_state_step(&s, 1), "job_id"));
	workflow_state_done(&s);
	store_job_list_running(api.store, count_job, &running, &e);
	assert_int_equal(running, 0);
	script.busy = 0;
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
	assert_in_range(clock_mono_ms() - before_ms, 0, 10000);
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
	assert_in_range(clock_mono_ms() - before_ms, 0, 10000);
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
	int rc = -1;

	(void)state;
	play(PLAY_BLOCK, PLAY_BLOCK);
	start();
	create(with_tests, false, id);
	wait_blocked();
	/* Somebody else believes us dead and takes over; not if in between we
	 * take it up again ourselves. */
	for (int i = 0; i < 100 && rc != 0; i++) {
		assert_int_equal(store_workflow_lease_reset(api.store, &e), 0);
		rc = store_workflow_claim(api.store, "other", 60000, claimed,
					  &token, &e);
	}
	assert_int_equal(rc, 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	transition_set_fatal(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
