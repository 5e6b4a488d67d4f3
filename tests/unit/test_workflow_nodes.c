/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_nodes.c - several engines on one store, one that dies and one
 * that cannot reach the store, and a wall clock that somebody sets: nothing is
 * lost, done twice, or done by two at once.
 *
 * The functions of the .wrap file go through this one first.
 */
#include "tests/unit/workflow_fixture.h"

#include <errno.h>

#include "api/workflow/clock.h"

#define HOUR_US INT64_C(3600000000)

static atomic_bool renew_fails;
static atomic_llong clock_set_us; /* by how much the wall clock was set */

/* NOLINTBEGIN(bugprone-reserved-identifier): ld names them so */
int __real_store_workflow_lease_renew(struct store *s, const char *workflow_id,
				      uint64_t lease_token, uint64_t lease_ms,
				      struct err *e);
int __wrap_store_workflow_lease_renew(struct store *s, const char *workflow_id,
				      uint64_t lease_token, uint64_t lease_ms,
				      struct err *e);
int
__wrap_store_workflow_lease_renew(struct store *s, const char *workflow_id,
				  uint64_t lease_token, uint64_t lease_ms,
				  struct err *e)
{
	if (renew_fails)
		return err_set(e, ERR_IO, EIO, "planted");
	return __real_store_workflow_lease_renew(s, workflow_id, lease_token,
						 lease_ms, e);
}

uint64_t __real_clock_wall_us(void);
uint64_t __wrap_clock_wall_us(void);
uint64_t
__wrap_clock_wall_us(void)
{
	return __real_clock_wall_us() + (uint64_t)clock_set_us;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static int
setup(void **state)
{
	clock_set_us = 0;
	renew_fails = false;
	return fx_setup(state);
}

/* When the n-th line with this first word was written; 0: there is none. */
static unsigned long long
time_of(const char *word, int n)
{
	char path[96], line[256], first[16];
	unsigned long long at = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/effects", fx.dir);
	f = fopen(path, "re");
	assert_non_null(f);
	while (n > 0 && fgets(line, sizeof(line), f) != NULL)
		n -= sscanf(line, "%15s %*s at %llu", first, &at) == 2 &&
		     strcmp(first, word) == 0;
	(void)fclose(f);
	return n == 0 ? at : 0;
}

/* ---- nodes ----------------------------------------------------------- */

static void
test_two_nodes_share_the_work(void **state)
{
	struct api other = fx.api;
	struct workflow_state s;
	size_t distinct;
	char id[20][40];

	(void)state;
	fx.shares_store = true;
	fx_start();
	other.store = fx.api.store;
	other.engine = fx_start_one(&other);
	for (size_t i = 0; i < ARRAY_LEN(id); i++)
		fx_create(GIVEN("v=1"), id[i]);
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		fx_wait(id[i], "completed", &s);
		workflow_state_done(&s);
	}
	workflow_engine_stop(other.engine);
	assert_int_equal(fx_count("run ", &distinct), ARRAY_LEN(id));
	assert_int_equal(distinct, ARRAY_LEN(id));
}

/* A second engine's start takes nothing away from the first. */
static void
test_a_start_leaves_others_alone(void **state)
{
	struct api other = fx.api;
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.shares_store = true;
	fx_start();
	fx.hang = HANG_IN_JOB;
	fx_create(GIVEN("v=1"), id);
	fx_wait_hanging();
	other.store = fx.api.store;
	other.engine = fx_start_one(&other);
	usleep(100000);
	assert_true(fx.is_hanging);
	fx.is_released = true;
	fx_wait(id, "completed", &s);
	workflow_engine_stop(other.engine);
	assert_int_equal(fx_count("run ", NULL), 1);
	workflow_state_done(&s);
}

/* kill -9 in the middle of a job; the lease must run out first. */
static void
test_a_dead_node_is_taken_over(void **state)
{
	struct workflow_state s;
	const json_t *attempts;
	char id[40] = "", user[40], status[20], job_id[40];
	uint64_t begin_ms;
	json_t *data;
	struct err e;
	int fds[2];
	pid_t pid;

	(void)state;
	fx.shares_store = true;
	fx.api.config.lease_seconds = 5;
	store_close(fx.api.store);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fx_open();
		fx_start();
		fx.hang = HANG_IN_JOB;
		fx_create(GIVEN("v=1"), id);
		fx_wait_hanging();
		if (write(fds[1], id, sizeof(id)) != (ssize_t)sizeof(id))
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], id, sizeof(id)), sizeof(id));
	begin_ms = clock_mono_ms();
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	close(fds[1]);
	fx_open();
	fx_start();
	fx_wait(id, "completed", &s);
	assert_true(clock_mono_ms() - begin_ms >= 1000);
	attempts = json_object_get(workflow_state_step(&s, 1), "attempts");
	assert_int_equal(json_array_size(attempts), 2);
	assert_string_equal(json_text(json_array_get(attempts, 0), "reason"),
			    JOB_ROW_ORPHANED);
	str_copy(job_id, sizeof(job_id),
		 json_text(json_array_get(attempts, 0), "job_id"));
	assert_int_equal(
		job_row_get(fx.api.store, job_id, user, status, &data, &e), 0);
	assert_string_equal(status, JOB_ROW_DONE);
	assert_string_equal(json_text(data, "reason"), JOB_ROW_ORPHANED);
	json_decref(data);
	workflow_state_done(&s);
}

/* It lives, but cannot renew: its job must be over before another's begins. */
static void
test_a_stalled_node_stops_first(void **state)
{
	struct api other = fx.api;
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.shares_store = true;
	/* A quarter of it is what a slow machine may take to stop. */
	fx.api.config.lease_seconds = other.config.lease_seconds = 12;
	fx_start();
	fx.hang = HANG_IN_JOB;
	fx_create(GIVEN("v=1"), id);
	fx_wait_hanging();
	renew_fails = true;
	other.store = fx.api.store;
	other.engine = fx_start_one(&other);
	fx_wait(id, "completed", &s);
	workflow_engine_stop(other.engine);
	assert_int_equal(fx_count("run ", NULL), 2);
	assert_true(time_of("ran", 1) != 0);
	assert_true(time_of("ran", 1) < time_of("run", 2));
	workflow_state_done(&s);
}

/* ---- clocks ---------------------------------------------------------- */

static void
wait_waiting(const char *id)
{
	struct workflow_state s;
	bool waits = false;

	for (int i = 0; i < 2000 && !waits; i++) {
		fx_load(id, &s);
		waits = json_object_get(workflow_state_step(&s, 0),
					"wait_until_us") != NULL;
		workflow_state_done(&s);
		usleep(5000);
	}
	assert_true(waits);
}

static void
check_wait(int64_t set_us)
{
	struct workflow_state s;
	char id[40];

	fx.is_ready = false;
	fx_start();
	fx_create(GIVEN("v=1"), id);
	wait_waiting(id);
	clock_set_us = set_us;
	/* Until the housekeeper has seen it. */
	usleep(1500000);
	fx_load(id, &s);
	assert_string_equal(s.meta.status, "running");
	workflow_state_done(&s);
	fx.is_ready = true;
	fx_wait(id, "completed", &s);
	assert_int_equal(fx_count("run ", NULL), 1);
	workflow_state_done(&s);
}

/* Its time is 30 minutes, and its next look would be an hour away. */
static void
test_set_back_while_it_waits(void **state)
{
	(void)state;
	check_wait(-HOUR_US);
}

static void
test_set_forward_while_it_waits(void **state)
{
	(void)state;
	check_wait(HOUR_US);
}

/* A wait is as long as it was meant to be. */
static void
test_set_forward_shortens_no_wait(void **state)
{
	struct workflow_state s;
	uint64_t begin_ms;
	char id[40];

	(void)state;
	fx.api.config.retry_base_ms = 8000;
	fx.is_ready = false;
	fx_start();
	begin_ms = clock_mono_ms();
	fx_create(GIVEN("v=1"), id);
	wait_waiting(id);
	fx.is_ready = true;
	clock_set_us = HOUR_US;
	fx_wait(id, "completed", &s);
	assert_true(clock_mono_ms() - begin_ms >= 5800);
	assert_int_equal(json_number(workflow_state_step(&s, 0), "waits"), 1);
	workflow_state_done(&s);
}

/* The store takes all leases for run out, or for good for an hour. */
static void
check_job(int64_t set_us)
{
	struct workflow_state s;
	char id[40];

	fx_start();
	fx.hang = HANG_IN_JOB;
	fx_create(GIVEN("v=1"), id);
	fx_wait_hanging();
	clock_set_us = set_us;
	usleep(1500000);
	assert_true(fx.is_hanging);
	fx.is_released = true;
	fx_wait(id, "completed", &s);
	assert_int_equal(fx_count("run ", NULL), 1);
	assert_int_equal(json_number(workflow_state_step(&s, 1), "attempt"), 1);
	workflow_state_done(&s);
}

static void
test_set_forward_under_a_job(void **state)
{
	(void)state;
	check_job(HOUR_US);
}

static void
test_set_back_under_a_job(void **state)
{
	(void)state;
	check_job(-HOUR_US);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_nodes_share_the_work),
		TEST(test_a_start_leaves_others_alone),
		TEST(test_a_dead_node_is_taken_over),
		TEST(test_a_stalled_node_stops_first),
		TEST(test_set_back_while_it_waits),
		TEST(test_set_forward_while_it_waits),
		TEST(test_set_forward_shortens_no_wait),
		TEST(test_set_forward_under_a_job),
		TEST(test_set_back_under_a_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
