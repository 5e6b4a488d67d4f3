/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_state.c - whole journeys of the workflow engine, what their
 * documents and histories hold, and which code is taken.
 */
#include "tests/unit/workflow_play.h"

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
	/* created, generated, attempt begun, tested, release begun, finalized
	 * and over: no write lies between the release and the end. */
	assert_int_equal(s.meta.version, 6);
	assert_int_equal(script.published, 1);
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

/* ---- history and transitions ----------------------------------------- */

/* "event:step_id event ..." of the workflow's history. */
static void
history_text(const struct workflow_state *s, char *text, size_t size)
{
	const json_t *history = workflow_state_part(s, "history");
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *entry = json_array_get(history, i);

		assert_int_equal(json_number(entry, "id"), i + 1);
		assert_int_equal(strlen(json_text(entry, "at")),
				 CLOCK_ISO_SIZE - 1);
		used += (size_t)snprintf(text + used, size - used, "%s:%d ",
					 json_text(entry, "event"),
					 (int)json_number(entry, "step_id"));
	}
}

static void
test_history(void **state)
{
	struct workflow_state s;
	char id[40], text[1024];
	const json_t *last;

	(void)state;
	start();
	create(with_tests, false, id);
	wait_status(id, "completed", &s);
	history_text(&s, text, sizeof(text));
	assert_string_equal(text,
			    "workflow_created:0 step_planned:1 step_planned:2 "
			    "step_planned:3 workflow_started:0 step_started:1 "
			    "step_completed:1 step_started:2 attempt_started:2 "
			    "attempt_ended:2 step_completed:2 step_started:3 "
			    "step_completed:3 workflow_completed:0 ");
	last = json_array_get(workflow_state_part(&s, "history"), 13);
	assert_string_equal(json_text(last, "status"), "completed");
	assert_true(json_number_value(json_object_get(
			    last, "progress_percentage")) == 100.0);
	workflow_state_done(&s);
}

static void
test_history_is_bounded(void **state)
{
	struct workflow_state s;
	const json_t *history;
	char id[40];

	(void)state;
	create(with_tests, false, id);
	load(id, &s);
	for (int i = 0; i < WORKFLOW_HISTORY_MAX; i++)
		workflow_state_event(&s, "noise", NULL, "x");
	history = workflow_state_part(&s, "history");
	assert_int_equal(json_array_size(history), WORKFLOW_HISTORY_MAX);
	assert_int_equal(json_number(s.doc, "history_dropped"), 4);
	assert_int_equal(json_number(json_array_get(history, 0), "id"), 5);
	workflow_state_done(&s);
}

static void
test_refused_transitions(void **state)
{
	struct workflow_state s;
	uint64_t expires_us;
	json_t *before;
	char id[40];

	(void)state;
	create(with_tests, false, id);
	load(id, &s);
	assert_int_equal(
		workflow_state_finish(&s, WORKFLOW_CANCELLED, "x", 1000), 0);
	before = json_deep_copy(s.doc);
	expires_us = s.meta.expires_us;
	transition_set_fatal(false);
	assert_int_equal(workflow_state_set_status(&s, WORKFLOW_RUNNING, "y"),
			 -1);
	assert_int_equal(
		workflow_state_finish(&s, WORKFLOW_COMPLETED, NULL, 5000), -1);
	assert_int_equal(workflow_state_set_step(&s, workflow_state_step(&s, 0),
						 "running", ""),
			 -1);
	transition_set_fatal(true);
	assert_true(json_equal(before, s.doc));
	assert_string_equal(s.meta.status, "cancelled");
	assert_int_equal(s.meta.expires_us, expires_us);
	json_decref(before);
	workflow_state_done(&s);
}

static void
test_given_id(void **state)
{
	static const char given[] = "00000000-0000-4000-8000-000000000001";
	struct workflow_request r = {
		.workflow_id = given,
		.user_id = "u",
		.username = "u",
		.goal = "g",
		.context = json_object(),
		.plan = json_array(),
	};
	struct workflow_state s;
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(workflow_state_init(&s, &r, &e), 0);
		assert_string_equal(s.meta.workflow_id, given);
		assert_int_equal(workflow_state_create(api.store, &s, &e), -i);
		workflow_state_done(&s);
	}
	assert_int_equal(e.kind, ERR_CONFLICT);
	json_decref(r.context);
	json_decref(r.plan);
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
		uint64_t wait = step_backoff_us(5, round, 1000, 60000) - 5;

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_history),
		TEST(test_history_is_bounded),
		TEST(test_refused_transitions),
		TEST(test_given_id),
		TEST(test_passes),
		TEST(test_failing_tests),
		TEST(test_no_code),
		TEST(test_timeout),
		TEST(test_conflict),
		cmocka_unit_test(test_ids_and_backoff),
		cmocka_unit_test(test_given),
	};

	transition_set_fatal(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
