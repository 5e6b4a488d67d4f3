/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_rules.c - plans, kinds of work, what a step may not change,
 * and how much code a status shows.
 */
#include "tests/unit/workflow_fixture.h"

#include "api/workflow/classify.h"
#include "api/workflow/guard.h"
#include "api/workflow/iteration.h"

/* ---- plans, classes, guard ------------------------------------------- */

static void
test_plans(void **state)
{
	const struct plan_facts facts = {
		.goal = "Build a login form with secure AUTHentication",
		.needs_approval = true,
		.has_analyst = true,
	};
	static const char *const types[] = {"generate", "test", "security",
					    "approval", "finalize"};
	static const char *const agents[] = {"security_agent", "web_dev_agent",
					     "security_agent", "human_in_loop",
					     "create_agent"};
	static const char *const kinds[] = {"code_generation", "testing",
					    "security_analysis", "generic",
					    "generic"};
	json_t *plan = workflow_plan_new(&facts);

	(void)state;
	assert_int_equal(json_array_size(plan), 5);
	for (size_t i = 0; i < 5; i++) {
		const json_t *step = json_array_get(plan, i);

		assert_string_equal(json_text(step, "type"), types[i]);
		assert_string_equal(json_text(step, "agent"), agents[i]);
		assert_string_equal(json_text(step, "kind"), kinds[i]);
	}
	json_decref(plan);
}

static void
test_classes(void **state)
{
	(void)state;
	assert_string_equal(classify_type("Write a parser"), "code_generation");
	assert_string_equal(classify_type("VALIDATE the input"), "testing");
	assert_string_equal(classify_type("scan for holes"),
			    "security_analysis");
	assert_string_equal(classify_type("install it"), "deployment");
	assert_string_equal(classify_type("think"), "generic");
	/* The first rule that fits wins. */
	assert_string_equal(classify_type("Create security tests"),
			    "code_generation");
	assert_string_equal(classify_agent("code for authorisation"),
			    "security_agent");
	assert_string_equal(classify_agent("a function"), "web_dev_agent");
	assert_string_equal(classify_agent("verify it"), "web_dev_agent");
	assert_string_equal(classify_agent("a poem"), "create_agent");
}

static void
test_guard(void **state)
{
	static const char *const allowed[] = {"artifacts", NULL};
	struct workflow_state s;
	struct guard guard;
	struct err e;
	char id[40];

	(void)state;
	fx_create(GIVEN("v=1"), id);
	fx_load(id, &s);
	assert_int_equal(guard_init(&guard, &s, 1, allowed, &e), 0);
	json_object_set_new(workflow_state_part(&s, "artifacts"), "x",
			    json_true());
	workflow_state_event(&s, "noise", NULL, NULL);
	json_object_set_new(workflow_state_step(&s, 1), "x", json_true());
	assert_int_equal(guard_check(&guard, &s, 1, allowed, &e), 0);

	assert_int_equal(guard_init(&guard, &s, 1, allowed, &e), 0);
	json_object_set_new(s.doc, "approvals", json_array());
	json_array_append_new(workflow_state_part(&s, "approvals"),
			      json_true());
	assert_int_equal(guard_check(&guard, &s, 1, allowed, &e), -1);
	assert_non_null(strstr(e.text, "approvals"));

	assert_int_equal(guard_init(&guard, &s, 1, allowed, &e), 0);
	json_object_set_new(workflow_state_step(&s, 2), "x", json_true());
	assert_int_equal(guard_check(&guard, &s, 1, allowed, &e), -1);
	assert_non_null(strstr(e.text, "execution_plan[2]"));

	assert_int_equal(guard_init(&guard, &s, 1, allowed, &e), 0);
	json_object_del(s.doc, "goal");
	assert_int_equal(guard_check(&guard, &s, 1, allowed, &e), -1);
	workflow_state_done(&s);
}

/* ---- what a status shows --------------------------------------------- */

static json_t *
record_with(int i, size_t code_bytes, size_t tests_bytes)
{
	char *text = malloc(code_bytes + tests_bytes + 1);
	json_t *one;

	assert_non_null(text);
	memset(text, 'x', code_bytes + tests_bytes + 1);
	one = json_pack("{s:i, s:s, s:s%, s:s%}", "iteration", i, "outcome",
			"failed", "code", text, code_bytes, "test_code", text,
			tests_bytes);
	if (tests_bytes == 0)
		json_object_del(one, "test_code");
	free(text);
	return one;
}

static void
test_a_status_shows_the_newest_code(void **state)
{
	json_t *kept = json_array(), *shown;

	(void)state;
	for (int i = 0; i < 20; i++)
		json_array_append_new(kept, record_with(i, 10000, 5000));
	shown = iteration_shown_new(kept);
	assert_int_equal(json_array_size(shown), 20);
	for (size_t i = 0; i < 20; i++) {
		const json_t *one = json_array_get(shown, i);
		bool has_code = i >= 16; /* 4 * 15000 bytes */

		assert_int_equal(json_number(one, "iteration"), i);
		assert_string_equal(json_text(one, "outcome"), "failed");
		assert_int_equal(json_object_get(one, "code") != NULL,
				 has_code);
		assert_int_equal(json_object_get(one, "test_code") != NULL,
				 has_code);
		assert_int_equal(
			json_is_true(json_object_get(one, "code_omitted")),
			!has_code);
		/* The evidence is not touched. */
		assert_int_equal(json_string_length(json_object_get(
					 json_array_get(kept, i), "code")),
				 10000);
	}
	assert_true(json_dumpb(shown, NULL, 0, JSON_COMPACT) < 80000);
	json_decref(shown);
	json_decref(kept);
}

static void
test_a_status_shows_small_code_whole(void **state)
{
	json_t *kept = json_array(), *shown;

	(void)state;
	for (int i = 0; i < 4; i++)
		json_array_append_new(kept, record_with(i, 16384, 0));
	shown = iteration_shown_new(kept);
	assert_true(json_equal(shown, kept));
	json_decref(shown);
	/* What does not fit hides nothing behind an older one that would. */
	json_array_append_new(kept, record_with(4, 60000, 60000));
	shown = iteration_shown_new(kept);
	for (size_t i = 0; i < 5; i++)
		assert_null(json_object_get(json_array_get(shown, i), "code"));
	json_decref(shown);
	json_decref(kept);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plans),
		TEST(test_classes),
		TEST(test_guard),
		cmocka_unit_test(test_a_status_shows_the_newest_code),
		cmocka_unit_test(test_a_status_shows_small_code_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
