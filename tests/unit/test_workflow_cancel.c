/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_cancel.c - a cancel during every step and every wait; a
 * release that has begun comes to its end.
 */
#include "tests/unit/workflow_fixture.h"

/* ---- cancel, during every step --------------------------------------- */

static void
cancel(const char *id, bool by_another_node)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < 100; i++) {
		struct workflow_state s;
		int rc;

		fx_load(id, &s);
		assert_int_equal(workflow_state_finish(&s, WORKFLOW_CANCELLED,
						       "cancelled", 1000),
				 0);
		rc = workflow_state_save(fx.api.store, &s, 0, &e);
		workflow_state_done(&s);
		if (rc == 0)
			break;
		assert_int_equal(e.kind, ERR_CONFLICT);
	}
	if (!by_another_node)
		workflow_engine_interrupt(fx.api.engine, id);
}

static void
test_cancel_during_each_step(void **state)
{
	static const enum hang places[] = {HANG_IN_AUTHOR, HANG_IN_JOB,
					   HANG_IN_ANALYST};

	(void)state;
	fx.has_author = fx.has_analyst = true;
	for (int i = 0; i < ANSWERS_MAX; i++)
		fx_answer(i, "v=1");
	fx_start();
	for (size_t i = 0; i < 2 * ARRAY_LEN(places); i++) {
		struct workflow_state s;
		uint64_t before_ms;
		json_t *at_once;
		char id[40];

		fx.hang = places[i / 2];
		fx_create(NO_CODE, id);
		fx_wait_hanging();
		before_ms = clock_mono_ms();
		cancel(id, i % 2 == 1);
		while (fx.is_hanging)
			usleep(1000);
		/* Under load; the promise is one second, a lease takes 7. */
		assert_in_range(clock_mono_ms() - before_ms, 0, 6000);
		fx_load(id, &s);
		at_once = json_deep_copy(s.doc);
		workflow_state_done(&s);
		usleep(30000);
		fx_load(id, &s);
		assert_true(json_equal(s.doc, at_once));
		assert_string_equal(s.meta.status, "cancelled");
		json_decref(at_once);
		workflow_state_done(&s);
	}
}

static void
test_cancel_while_it_waits(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.is_ready = false; /* no supervisor */
	fx_start();
	fx_create(GIVEN("v=1"), id);
	fx_wait(id, "running", &s);
	workflow_state_done(&s);
	cancel(id, true);
	fx.is_ready = true;
	usleep(50000);
	fx_load(id, &s);
	assert_string_equal(s.meta.status, "cancelled");
	assert_int_equal(s.meta.due_us, 0);
	assert_int_equal(fx_count("run ", NULL), 0);
	workflow_state_done(&s);
}

/* ---- a release that has begun ---------------------------------------- */

/* It may be on record already: no deadline ends it. */
static void
test_a_release_is_brought_to_its_end(void **state)
{
	struct workflow_state s;
	struct err e = ERR_INIT;
	char id[40];
	int rc = -1;

	(void)state;
	fx.publisher_is_away = true;
	fx_start();
	fx_create(GIVEN("v=1"), id);
	for (int i = 0; i < 4000 && rc != 0; i++) {
		fx_load(id, &s);
		if (workflow_state_part(&s, "release") != NULL) {
			json_object_set_new(s.doc, "deadline_us",
					    json_integer(1));
			rc = workflow_state_save(fx.api.store, &s, 0, &e);
		}
		workflow_state_done(&s);
		usleep(2000);
	}
	assert_int_equal(rc, 0);
	usleep(200000);
	fx_load(id, &s);
	assert_string_equal(s.meta.status, "running");
	workflow_state_done(&s);
	fx.publisher_is_away = false;
	fx_wait(id, "completed", &s);
	assert_int_equal(fx_count("publish ", NULL), 1);
	workflow_state_done(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cancel_during_each_step),
		TEST(test_cancel_while_it_waits),
		TEST(test_a_release_is_brought_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
