/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_damaged.c - a workflow whose document cannot be read any more
 * ends as failed, once, and keeps nobody from working; on every back end of the
 * store.
 */
#include "tests/unit/store_fixture.h"

#include "api/workflow/engine.h"
#include "api/workflow/state.h"

static struct api api;

static void
start(void)
{
	const struct workflow_parts parts = {.shares_store = is_redis};
	struct err e = ERR_INIT;

	str_copy(api.config.supervisor_socket,
		 sizeof(api.config.supervisor_socket), "/nonexistent/socket");
	api.config.max_workflows = 2;
	api.config.lease_seconds = 1;
	api.config.state_ttl_hours = 24;
	api.stop_fd = -1;
	if (workflow_engine_start_with(&api, &parts, &api.engine, &e) < 0)
		fail_msg("%s", e.text);
}

/* A sound one, as `status` whose document is then replaced. */
static void
create_damaged(const char *document, const char *status, char ret_id[40])
{
	const struct workflow_request request = {
		.user_id = "user-1",
		.username = "tester",
		.goal = "a goal of some length",
		.context = json_object(),
		.plan = json_array(),
	};
	struct workflow_state state;
	struct err e = ERR_INIT;

	assert_int_equal(workflow_state_init(&state, &request, &e), 0);
	assert_int_equal(workflow_state_create(api.store, &state, &e), 0);
	str_copy(state.meta.status, sizeof(state.meta.status), status);
	state.meta.due_us = clock_wall_us();
	assert_int_equal(store_workflow_update(api.store, &state.meta, "{}",
					       document, NULL, 0, 0, &e),
			 0);
	str_copy(ret_id, 40, state.meta.workflow_id);
	workflow_state_done(&state);
	json_decref(request.context);
	json_decref(request.plan);
}

static void
wait_for_end(const char *id)
{
	struct store_workflow_meta meta;
	struct err e = ERR_INIT;

	for (int i = 0; i < 3000; i++) {
		assert_int_equal(store_workflow_peek(api.store, id, &meta, &e),
				 0);
		if (strcmp(meta.status, "failed") == 0)
			break;
		usleep(10000);
	}
	assert_string_equal(meta.status, "failed");
	assert_string_equal(meta.user_id, "user-1");
	assert_int_equal(meta.due_us, 0);
	assert_true(meta.expires_us > clock_wall_us());
	assert_int_equal(meta.version, 3); /* one write of ours */
}

static void
assert_told(const char *id, const char *document)
{
	struct workflow_state state;
	struct err e = ERR_INIT;
	const char *error;

	if (workflow_state_load(api.store, id, &state, &e) < 0)
		fail_msg("%s", e.text);
	error = json_text(state.doc, "error");
	if (strstr(error, "cannot be read") == NULL)
		fail_msg("error: %s", error);
	/* For who may still mend it by hand. */
	assert_string_equal(json_text(state.doc, "damaged_document"), document);
	assert_string_equal(json_text(state.doc, "workflow_id"), id);
	workflow_state_done(&state);
}

static const char of_another[] =
	"{\"workflow_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\","
	"\"execution_plan\":[],\"metrics\":{}}";

static void
it_is_set_aside(void **state)
{
	static const char *const documents[] = {
		"", "{\"workflow_id\": \"", "null", "[]", "{}", of_another,
	};
	static const char *const statuses[] = {"created", "running",
					       "waiting_approval"};
	char ids[ARRAY_LEN(documents)][40];
	uint64_t due_us = 1;
	struct err e = ERR_INIT;

	memset(&api, 0, sizeof(api));
	api.store = *state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		create_damaged(documents[i], statuses[i % 3], ids[i]);
	start();
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		wait_for_end(ids[i]);
	workflow_engine_stop(api.engine);
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		assert_told(ids[i], documents[i]);
	/* Nobody claims them again. */
	assert_int_equal(store_workflow_next_due(api.store, &due_us, &e), 0);
	assert_int_equal(due_us, 0);
}

/* As an operator's slip, or an eviction, leaves it. */
static void
a_document_that_is_gone(void **state)
{
	char id[40], reply[64];

	memset(&api, 0, sizeof(api));
	api.store = *state;
	create_damaged("{}", "running", id);
	redis_server_ask(&redis, reply, sizeof(reply), "DEL workflow:%s", id);
	assert_string_equal(reply, "1");
	start();
	wait_for_end(id);
	workflow_engine_stop(api.engine);
	assert_told(id, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_set_aside, setup_sqlite,
						teardown_sqlite),
		{"it_is_set_aside on redis", it_is_set_aside, setup_redis,
		 teardown_redis, NULL},
		cmocka_unit_test_setup_teardown(a_document_that_is_gone,
						setup_redis, teardown_redis),
	};

	return cmocka_run_group_tests_name("damaged workflows", tests, NULL,
					   stop_redis);
}
