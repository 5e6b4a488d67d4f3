/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_approval.c - people are asked: what they approve, reject,
 * leave, and what is not there any more when they do.
 */
#include "tests/unit/workflow_play.h"

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
	struct approval_answer answer;
	int rc = approval_decide(&api, NULL, s, &d, &answer, e);
	struct err ignored;

	if (answer.is_changed)
		assert_int_equal(workflow_state_save(api.store, s, 0, &ignored),
				 0);
	workflow_engine_kick(api.engine);
	return rc < 0 ? -1 : answer.is_changed;
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
	struct approval_answer answer;
	char id[40];

	(void)state;
	wait_for_approval(id, &s);
	assert_int_equal(approval_decide(&api, NULL, &s, &d, &answer, &e), -1);
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
		assert_int_equal(decide(&s, true, &e), -1);
		assert_int_equal(e.kind, ERR_CONFLICT);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_approved),	     TEST(test_rejected),
		TEST(test_unknown_approval), TEST(test_approval_expires),
		TEST(test_approval_void),    TEST(test_waiting_holds_no_thread),
	};

	transition_set_fatal(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
