/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_analysis_turns.c - who gets the jails when there are fewer than wanted:
 * analyses whose jobs end when the test says so, on a host with two places.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/analysis/batch.h"
#include "api/jobs/run.h"
#include "tests/unit/fake_supervisor.h"

#define PATIENCE_S 20u
#define FILES 20

/* Each is one user's analysis of so many files. */
struct analysis_of {
	const char *actor;
	size_t files;
	struct analysis_source sources[FILES];
	struct analysis_task task;
	const char *languages[FILES];
	struct batch batch;
	pthread_t thread;
	int rc, cancel_fds[2];
	struct err e;
	/* By game.lock: */
	size_t begun, running, ended, permits;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct analysis_of *all[4];
	size_t len;
} game = {.lock = PTHREAD_MUTEX_INITIALIZER,
	  .changed = PTHREAD_COND_INITIALIZER};
static struct fake_supervisor fake;
static struct job_host *host;

int __wrap_job_run(struct job_host *h, const struct job_request *request,
		   const struct job_run_options *options, json_t **ret_data,
		   struct job_verdict *ret_verdict, struct err *e);
int __wrap_job_request_init(struct job_request *ret, json_t *body,
			    struct job_host *h,
			    const struct job_defaults *defaults,
			    char ret_field[JOB_FIELD_MAX], struct err *e);
bool __wrap_job_host_runtime_of_policy(struct job_host *h, const char *policy,
				       const char *name,
				       struct proto_runtime_info *ret);

bool
__wrap_job_host_runtime_of_policy(struct job_host *h, const char *policy,
				  const char *name,
				  struct proto_runtime_info *ret)
{
	(void)h;
	(void)policy;
	*ret = (struct proto_runtime_info){0};
	return strcmp(name, "analyze-python") == 0;
}

int
__wrap_job_request_init(struct job_request *ret, json_t *body,
			struct job_host *h, const struct job_defaults *defaults,
			char ret_field[JOB_FIELD_MAX], struct err *e)
{
	(void)body;
	(void)h;
	(void)defaults;
	(void)ret_field;
	(void)e;
	*ret = (struct job_request){0};
	return 0;
}

static struct analysis_of *
analysis_by(const char *actor)
{
	for (size_t i = 0; i < game.len; i++)
		if (strcmp(game.all[i]->actor, actor) == 0)
			return game.all[i];
	abort();
}

/* A job that ends when it is permitted to. */
int
__wrap_job_run(struct job_host *h, const struct job_request *request,
	       const struct job_run_options *options, json_t **ret_data,
	       struct job_verdict *ret_verdict, struct err *e)
{
	struct analysis_of *a;

	(void)h;
	(void)request;
	(void)e;
	pthread_mutex_lock(&game.lock);
	a = analysis_by(options->actor);
	a->begun++;
	a->running++;
	pthread_cond_broadcast(&game.changed);
	while (a->permits == 0)
		pthread_cond_wait(&game.changed, &game.lock);
	a->permits--;
	a->running--;
	a->ended++;
	pthread_cond_broadcast(&game.changed);
	pthread_mutex_unlock(&game.lock);
	*ret_data = json_object();
	*ret_verdict = (struct job_verdict){.outcome = JOB_TIMEOUT};
	return 0;
}

/* ---- the analyses -------------------------------------------------------- */

static void *
analyse(void *arg)
{
	struct analysis_of *a = arg;

	a->rc = batch_run(&a->batch, &a->e);
	return NULL;
}

static void
begin(struct analysis_of *a, const char *actor, size_t files)
{
	memset(a, 0, sizeof(*a));
	a->actor = actor;
	a->files = files;
	assert_int_equal(pipe(a->cancel_fds), 0);
	for (size_t i = 0; i < files; i++) {
		a->sources[i] = (struct analysis_source){
			.path = "a.py", .text = "x\n", .len = 2};
		a->languages[i] = "python";
	}
	a->task = (struct analysis_task){.sources = a->sources,
					 .sources_len = files,
					 .actor = actor,
					 .workflow_id = "",
					 .wall_ms_max =
						 (uint64_t)PATIENCE_S * 1000,
					 .cancel_fd = a->cancel_fds[0]};
	assert_int_equal(
		batch_init(&a->batch, &a->task, host, a->languages, &a->e), 0);
	assert_int_equal(a->batch.len, files);
	pthread_mutex_lock(&game.lock);
	game.all[game.len++] = a;
	pthread_mutex_unlock(&game.lock);
	assert_int_equal(pthread_create(&a->thread, NULL, analyse, a), 0);
}

static void
permit(struct analysis_of *a, size_t jobs)
{
	pthread_mutex_lock(&game.lock);
	a->permits += jobs;
	pthread_cond_broadcast(&game.changed);
	pthread_mutex_unlock(&game.lock);
}

static size_t
value_of(const size_t *value)
{
	size_t now;

	pthread_mutex_lock(&game.lock);
	now = *value;
	pthread_mutex_unlock(&game.lock);
	return now;
}

/* Until it is so many, or for good if it never will be: then it fails. */
static void
wait_until(const size_t *value, size_t wanted)
{
	struct timespec end;
	size_t now;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&game.lock);
	while (*value != wanted && rc == 0)
		rc = pthread_cond_timedwait(&game.changed, &game.lock, &end);
	now = *value;
	pthread_mutex_unlock(&game.lock);
	assert_int_equal(now, wanted);
}

static void
wait_until_wanted(void)
{
	for (unsigned i = 0; i < PATIENCE_S * 100; i++) {
		if (job_host_slot_is_wanted(host))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	fail_msg("nobody waits");
}

static void
end(struct analysis_of *a)
{
	pthread_join(a->thread, NULL);
	batch_done(&a->batch);
	close(a->cancel_fds[0]);
	close(a->cancel_fds[1]);
}

/* ---- tests --------------------------------------------------------------- */

static void
a_small_analysis_does_not_wait_for_a_large_one(void **state)
{
	struct analysis_of large, small;

	(void)state;
	begin(&large, "anna", FILES);
	wait_until(&large.running, 2);
	begin(&small, "ben", 1);
	wait_until_wanted();
	/* The place of the first job that ends is his who waits ... */
	permit(&large, 1);
	wait_until(&small.running, 1);
	assert_int_equal(value_of(&large.begun), 2);
	/* ... and who is done goes while the other has most before him. */
	permit(&small, 1);
	end(&small);
	assert_int_equal(small.rc, 0);
	assert_int_equal(value_of(&large.ended), 1);
	/* Then both places are used again, and nothing was left out. */
	permit(&large, 1);
	wait_until(&large.running, 2);
	permit(&large, FILES);
	end(&large);
	assert_int_equal(large.rc, 0);
	assert_int_equal(large.begun, FILES);
	assert_int_equal(large.ended, FILES);
}

static void
one_place_goes_round(void **state)
{
	struct analysis_of first, second;
	struct err e;

	(void)state;
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	begin(&first, "anna", 3);
	wait_until(&first.running, 1);
	begin(&second, "ben", 3);
	wait_until_wanted();
	for (size_t i = 1; i <= 3; i++) {
		permit(&first, 1);
		wait_until(&second.running, 1);
		assert_int_equal(value_of(&first.running), 0);
		permit(&second, 1);
		if (i < 3)
			wait_until(&first.running, 1);
	}
	end(&first);
	end(&second);
	assert_int_equal(first.ended, 3);
	assert_int_equal(second.ended, 3);
	assert_int_equal(first.rc, 0);
	assert_int_equal(second.rc, 0);
	job_host_slot_release(host);
}

static void
who_waits_for_his_turn_can_be_cancelled(void **state)
{
	struct analysis_of first, second;
	struct err e;

	(void)state;
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	begin(&first, "anna", 3);
	wait_until(&first.running, 1);
	begin(&second, "ben", 1);
	wait_until_wanted();
	permit(&first, 1);
	wait_until(&second.running, 1);
	assert_int_equal(write(first.cancel_fds[1], "x", 1), 1);
	end(&first);
	assert_int_equal(first.rc, -1);
	assert_int_equal(first.e.kind, ERR_BUSY);
	assert_int_equal(first.ended, 1);
	permit(&second, 1);
	end(&second);
	job_host_slot_release(host);
}

static int
setup(void **state)
{
	struct err e;

	(void)state;
	game.len = 0;
	fake_start(&fake);
	assert_int_equal(job_host_new(fake.path, &host, &e), 0);
	assert_int_equal(job_host_refresh(host, NULL, &e), 0);
	return 0;
}

/* Each place was given back. */
static int
teardown(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), -1);
	job_host_free(host);
	fake_stop(&fake);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_small_analysis_does_not_wait_for_a_large_one),
		TEST(one_place_goes_round),
		TEST(who_waits_for_his_turn_can_be_cancelled),
	};

	return cmocka_run_group_tests_name("analysis turns", tests, NULL, NULL);
}
