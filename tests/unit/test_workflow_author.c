/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_author.c - where a workflow's program comes from, with a
 * scripted author: what it is asked, and what becomes of its errors.
 */
#include "tests/unit/workflow_fixture.h"

/* ---- the author's first program -------------------------------------- */

static void
test_the_author_writes(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "v=1");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_code(&s), "v=1");
	assert_string_equal(fx_source(&s, "code"), "model");
	assert_string_equal(fx_source(&s, "tests"), "model");
	assert_string_equal(fx_source(&s, "model"), "script-1");
	assert_string_equal(
		json_text(workflow_state_part(&s, "program"), "tests"), "t2");
	assert_true(fx_metric(&s, "total_cost") == 0.25);
	assert_int_equal(fx_records(&s), 1);
	assert_string_equal(json_text(fx_record(&s, 0), "code"), "v=1");
	assert_string_equal(json_text(fx_record(&s, 0), "source"), "model");
	assert_null(workflow_state_part(&s, "authored"));
	assert_int_equal(fx_count("write ", NULL), 1);
	workflow_state_done(&s);
}

static void
test_given_code_needs_no_author(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_start();
	fx_create(GIVEN("v=1"), id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_source(&s, "code"), "context.code");
	assert_int_equal(fx_count("write ", NULL), 0);
	assert_int_equal(fx_records(&s), 1);
	workflow_state_done(&s);
}

#define FOUND                                                                  \
	"{\"code\":\"v=1\",\"tests\":\"t\",\"findings\":[{\"title\":"          \
	"\"SQL injection\",\"line_start\":1}]}"

/* What an analysis found is mended first: the given code is never judged. */
static void
test_findings_of_the_request_are_mended(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "v=2");
	fx_start();
	fx_create(FOUND, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_code(&s), "v=2");
	assert_string_equal(fx_source(&s, "code"), "model");
	assert_string_equal(fx_source(&s, "tests"), "context.tests");
	assert_string_equal(fx.previous, "v=1");
	assert_non_null(strstr(fx.feedback, "SQL injection"));
	assert_int_equal(fx_count("write ", NULL), 1);
	assert_int_equal(fx_records(&s), 1);
	assert_string_equal(json_text(fx_record(&s, 0), "code"), "v=2");
	workflow_state_done(&s);
}

/* Later faults are mended as always, and the request's are not told again. */
static void
test_findings_are_mended_before_faults(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a");
	fx_answer(1, "v=3");
	fx_start();
	fx_create(FOUND, id);
	fx_wait(id, "completed", &s);
	assert_string_equal(fx_code(&s), "v=3");
	assert_string_equal(fx.previous, "fail=a");
	assert_null(strstr(fx.feedback, "SQL injection"));
	workflow_state_done(&s);
}

/* Else code that is known to be weak would go its way unmended. */
static void
test_findings_that_nobody_mends_are_a_failure(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx_start();
	fx_create(FOUND, id);
	fx_wait(id, "failed", &s);
	assert_non_null(
		strstr(json_text(s.doc, "error"), "PROMPTCRAFT_MODEL_URL"));
	assert_string_equal(fx_code(&s), "");
	workflow_state_done(&s);
}

static void
test_findings_that_the_author_refuses(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx.answers[0].kind = ERR_DENIED;
	fx_start();
	fx_create(FOUND, id);
	fx_wait(id, "failed", &s);
	assert_string_equal(fx_code(&s), "");
	workflow_state_done(&s);
}

/* The client's tests say what is wanted; the author's own are left out. */
static void
test_the_clients_tests_stay(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "fail=a");
	fx_answer(1, "v=2");
	fx_start();
	fx_create("{\"tests\":\"mine\"}", id);
	fx_wait(id, "completed", &s);
	assert_string_equal(
		json_text(workflow_state_part(&s, "program"), "tests"), "mine");
	assert_string_equal(fx_source(&s, "tests"), "context.tests");
	assert_string_equal(fx_code(&s), "v=2");
	workflow_state_done(&s);
}

/* ---- errors of the author -------------------------------------------- */

static void
test_too_many_requests_then_good(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx.answers[0].kind = ERR_BUSY;
	fx.answers[1].kind = ERR_PEER;
	fx_answer(2, "v=1");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_int_equal(fx.asked, 3);
	assert_int_equal(json_number(workflow_state_step(&s, 0), "attempt"), 3);
	assert_int_equal(json_array_size(json_object_get(
				 workflow_state_step(&s, 0), "attempts")),
			 3);
	assert_true(fx_has_event(&s, "step_waiting", "the model says no"));
	workflow_state_done(&s);
}

static void
test_a_broken_author_is_given_up(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	for (int i = 0; i < ANSWERS_MAX; i++)
		fx.answers[i].kind = ERR_PEER;
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_int_equal(fx.asked, 3); /* once, and two retries */
	assert_string_equal(json_text(s.doc, "error"),
			    "gave up after 3 attempts: the model says no");
	workflow_state_done(&s);
}

/* Nobody knows whether it was answered: the same question, a new attempt. */
static void
test_an_answer_that_is_lost(void **state)
{
	struct workflow_state s;
	size_t identities;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx.is_unheard = 2;
	for (int i = 0; i < 4; i++)
		fx_answer(i, "fail=a");
	fx_answer(3, "v=1");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "completed", &s);
	assert_int_equal(fx_count("write ", &identities), 4);
	assert_int_equal(identities, 2); /* the program, and its mending */
	assert_int_equal(json_number(workflow_state_step(&s, 0), "attempt"), 4);
	assert_false(fx_has_paid_twice());
	workflow_state_done(&s);
}

/* Refusal, no usable code, money: none of them is tried again. */
static void
test_what_is_not_tried_again(void **state)
{
	static const enum err_kind kinds[] = {ERR_DENIED, ERR_INVALID,
					      ERR_LIMIT, ERR_NOT_FOUND};

	(void)state;
	fx.has_author = true;
	fx_start();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct workflow_state s;
		char id[40];

		fx.asked = 0;
		fx.answers[0].kind = kinds[i];
		fx_create(NO_CODE, id);
		fx_wait(id, "failed", &s);
		assert_int_equal(fx.asked, 1);
		assert_string_equal(json_text(s.doc, "error"),
				    "the model says no");
		workflow_state_done(&s);
	}
}

static void
test_an_answer_without_code(void **state)
{
	struct workflow_state s;
	char id[40];

	(void)state;
	fx.has_author = true;
	fx_answer(0, "");
	fx_start();
	fx_create(NO_CODE, id);
	fx_wait(id, "failed", &s);
	assert_string_equal(json_text(s.doc, "error"),
			    "the author's answer has no code");
	workflow_state_done(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_author_writes),
		TEST(test_given_code_needs_no_author),
		TEST(test_findings_of_the_request_are_mended),
		TEST(test_findings_are_mended_before_faults),
		TEST(test_findings_that_nobody_mends_are_a_failure),
		TEST(test_findings_that_the_author_refuses),
		TEST(test_the_clients_tests_stay),
		TEST(test_too_many_requests_then_good),
		TEST(test_a_broken_author_is_given_up),
		TEST(test_an_answer_that_is_lost),
		TEST(test_what_is_not_tried_again),
		TEST(test_an_answer_without_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
