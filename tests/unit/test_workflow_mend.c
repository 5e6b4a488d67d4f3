/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_mend.c - the fix loop, with a scripted author and analyst:
 * what is asked of whom, how often, and which version is taken in the end.
 */
#include "tests/unit/workflow_fixture.h"

#include "api/workflow/mend.h"

/* ---- the fix loop ---------------------------------------------------- */

static void
test_fails_then_right(void **state)
{
	struct workflow_state s;
	json_t *feedback;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=b,d v=0");
	fx_answer(1, "v=1");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_code(&s), "v=1");
	assert_int_equal(fx_records(&s), 2);
	assert_string_equal(json_text(fx_record(&s, 0), "outcome"), "failed");
	assert_string_equal(json_text(fx_record(&s, 1), "outcome"), "passed");
	assert_true(fx_metric(&s, "total_cost") == 0.5);
	assert_true(fx_metric(&s, "test_success_rate") == 1.0);
	assert_true(fx_metric(&s, "steps_completed") == 3);
	assert_true(fx_has_event(&s, "iteration", "2 of 4 tests failed"));
	/* Exactly the failing ones, and the program they failed with. */
	feedback = json_loads(fx.feedback, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(feedback, "tests")),
			 2);
	assert_string_equal(
		json_text(json_array_get(json_object_get(feedback, "tests"), 1),
			  "test"),
		"d");
	json_decref(feedback);
	assert_string_equal(fx.previous, "fail=b,d v=0");
	assert_null(workflow_state_part(&s, "best"));
	assert_null(workflow_state_part(&s, "mending"));
	workflow_state_done(&s);
}

static void
test_a_clients_code_is_mended(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "v=1");
	fx_start();
	fx_create(GIVEN("fail=a"), id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_source(&s, "code"), "model");
	assert_string_equal(fx_source(&s, "tests"), "context.tests");
	assert_string_equal(json_text(fx_record(&s, 0), "source"),
			    "context.code");
	workflow_state_done(&s);
}

static void
test_a_clients_code_is_left_alone(void **state)
{
	static const char *const contexts[] = {
		"{\"code\":\"fail=a\",\"tests\":\"t\","
		"\"execution_preferences\":{\"max_iterations\":0}}",
		"{\"test_code\":\"fail=a\"}",
	};

	(void)state;
	fx.has_author = true;
	fx_start();
	for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
		struct workflow_state s;
		char id[40];

		fx_create(contexts[i], id);
		fx_wait(id, "failed", &s);
		assert_string_equal(json_text(s.doc, "error"),
				    "1 of 4 tests failed");
		assert_int_equal(fx.asked, 0);
		workflow_state_done(&s);
	}
}

/* Each time something else is wrong: as often as allowed, then the best. */
static void
test_never_right(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a,b,c");
	fx_answer(1, "fail=a");
	fx_answer(2, "fail=a,b");
	fx_answer(3, "fail=b,c,d");
	fx_answer(4, "v=good"); /* nobody asks for it */
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_int_equal(fx.asked, 4);
	assert_string_equal(fx_code(&s), "fail=a");
	assert_string_equal(json_text(s.doc, "error"), "1 of 4 tests failed");
	assert_true(fx_metric(&s, "test_success_rate") == 0.75);
	assert_int_equal(fx_records(&s), 4);
	assert_int_equal(
		json_number(workflow_state_part(&s, "settled"), "iteration"),
		1);
	/* Its own results are shown with it. */
	assert_int_equal(
		json_number(json_object_get(
				    json_object_get(workflow_state_part(
							    &s, "artifacts"),
						    "test_results"),
				    "tests"),
			    "failed"),
		1);
	workflow_state_done(&s);
}

/* Not even a job can be made of it: that, too, goes back to the author. */
static void
test_no_proper_program(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "improper");
	fx_answer(1, "v=1");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(json_text(fx_record(&s, 0), "outcome"), "error");
	assert_non_null(strstr(fx.feedback, "code_path: is no path"));
	workflow_state_done(&s);
	fx.has_author = false;
	fx_stop();
	fx_start();
	fx_create(GIVEN("improper"), id);
	fx_wait(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"), "code_path: is no path");
	workflow_state_done(&s);
}

static void
test_max_iterations(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a");
	fx_answer(1, "fail=b");
	fx_answer(2, "v=good");
	fx_start();
	fx_create("{\"execution_preferences\":{\"max_iterations\":1}}", id);
	fx_wait(id, "failed", &s);
	assert_int_equal(fx.asked, 2);
	workflow_state_done(&s);
}

static void
test_the_same_program_again(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a");
	fx_answer(1, "fail=a");
	fx_answer(2, "v=good");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_int_equal(fx.asked, 2);
	assert_int_equal(fx_count("run ", NULL), 1);
	assert_true(fx_has_event(&s, "settled", "tried before"));
	assert_string_equal(json_text(s.doc, "error"), "1 of 4 tests failed");
	workflow_state_done(&s);
}

static void
test_the_same_faults_again(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a v=0");
	fx_answer(1, "fail=a v=1");
	fx_answer(2, "v=good");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_int_equal(fx.asked, 2);
	assert_true(fx_has_event(&s, "settled", "same faults"));
	assert_string_equal(fx_code(&s), "fail=a v=0"); /* the earlier */
	workflow_state_done(&s);
}

/* It was a chance, no duty. */
static void
test_the_author_gives_up_while_mending(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a");
	fx.answers[1].kind = ERR_LIMIT;
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"), "1 of 4 tests failed");
	assert_true(fx_has_event(&s, "settled", "the author gave up"));
	assert_int_equal(fx_count("run ", NULL), 1);
	workflow_state_done(&s);
}

/* ---- analysis -------------------------------------------------------- */

static void
test_findings_are_mended(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = fx.has_analyst = true;
	fx_answer(0, "high=2");
	fx_answer(1, "fail=a"); /* worse */
	fx_answer(2, "high=1");
	fx_answer(3, "v=3");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_code(&s), "v=3");
	assert_int_equal(fx_records(&s), 4);
	assert_int_equal(fx_count("analyse ", NULL), 3);
	assert_true(fx_metric(&s, "security_issues_found") == 2);
	assert_true(fx_metric(&s, "security_issues_resolved") == 2);
	/* Nothing is left to ask people about. */
	assert_string_equal(json_text(workflow_state_step(&s, 3), "status"),
			    "skipped");
	workflow_state_done(&s);
}

/* The last version's tests fail; the first one's passed. */
static void
test_back_to_what_passed(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = fx.has_analyst = true;
	fx_answer(0, "high=2 v=0");
	fx_answer(1, "fail=a");
	fx_answer(2, "fail=b");
	fx_answer(3, "fail=c");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "waiting_approval", &s);
	assert_string_equal(fx_code(&s), "high=2 v=0");
	assert_int_equal(mend_serious_findings(&s), 2);
	assert_int_equal(fx_count("analyse ", NULL), 1);
	assert_true(fx_metric(&s, "test_success_rate") == 1.0);
	fx_decide(&s, true);
	workflow_state_done(&s);
	fx_wait(id, "completed", &s);
	workflow_state_done(&s);
}

static void
test_findings_ask_people(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_analyst = true;
	fx_start();
	fx_create(GIVEN("high=1"), id);
	fx_wait(id, "waiting_approval", &s);
	assert_string_equal(
		json_text(
			json_array_get(workflow_state_part(&s, "approvals"), 0),
			"approval_type"),
		"security_override");
	fx_decide(&s, false);
	workflow_state_done(&s);
	fx_wait(id, "failed", &s);
	workflow_state_done(&s);
}

static void
test_findings_and_nobody_to_ask(void **state)
{
	const struct plan_facts facts = {.has_tests = true};
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_analyst = true;
	fx_start();
	fx_create_as(NULL, GIVEN("high=1"), facts, id);
	fx_wait(id, "failed", &s);
	assert_non_null(strstr(json_text(s.doc, "error"), "enable_human_loop"));
	assert_null(json_object_get(workflow_state_part(&s, "artifacts"),
				    "evidence"));
	workflow_state_done(&s);
}

static void
test_a_busy_analyst(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_analyst = true;
	fx.analyses_refused = 4; /* more than there are retries */
	fx_start();
	fx_create(GIVEN("v=1"), id);
	fx_wait(id, "completed", &s);
	assert_int_equal(fx_count("analyse ", NULL), 5);
	workflow_state_done(&s);
}

/* What nobody can analyse does not count as clean. */
static void
test_an_analysis_that_fails(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_analyst = true;
	fx_start();
	fx_create(GIVEN("unknown"), id);
	fx_wait(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"), "no analyzer for it");
	assert_int_equal(fx_count("analyse ", NULL), 1);
	assert_int_equal(fx_count("publish ", NULL), 0);
	workflow_state_done(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fails_then_right),
		TEST(test_a_clients_code_is_mended),
		TEST(test_a_clients_code_is_left_alone),
		TEST(test_never_right),
		TEST(test_no_proper_program),
		TEST(test_max_iterations),
		TEST(test_the_same_program_again),
		TEST(test_the_same_faults_again),
		TEST(test_the_author_gives_up_while_mending),
		TEST(test_findings_are_mended),
		TEST(test_back_to_what_passed),
		TEST(test_findings_ask_people),
		TEST(test_findings_and_nobody_to_ask),
		TEST(test_a_busy_analyst),
		TEST(test_an_analysis_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
