/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_event_page.c - the events of a workflow as text, and how a client that
 * comes back finds its place in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/workflow/page.h"
#include "supervisor/base/str.h"

static struct workflow_state
make_state(const char *status, json_t *history)
{
	struct workflow_state state = {
		.meta = {.workflow_id = "w1", .user_id = "u1", .version = 7}};

	(void)str_copy(state.meta.status, sizeof(state.meta.status), status);
	state.doc = json_pack("{s:s, s:o, s:[{}, {}], s:i, s:[]}", "status",
			      status, "history", history, "execution_plan",
			      "current_step", 1, "approvals");
	assert_non_null(state.doc);
	return state;
}

static json_t *
entry(int id, const char *event, const char *message)
{
	return json_pack("{s:i, s:s, s:s}", "id", id, "event", event, "message",
			 message);
}

static struct event_page *
make_page(const char *status, json_t *history)
{
	struct workflow_state state = make_state(status, history);
	struct event_page *page = NULL;
	struct err e;

	assert_int_equal(event_page_new(&state, &page, &e), 0);
	workflow_state_done(&state);
	return page;
}

static void
assert_event(const struct event_page *page, size_t i, const char *text)
{
	const struct page_event *event = &page->events[i];

	assert_true(i < page->count);
	assert_int_equal(event->end - event->begin, strlen(text));
	assert_memory_equal(page->text + event->begin, text, strlen(text));
}

static void
test_text(void **arg)
{
	json_t *history = json_array();
	struct event_page *page;

	(void)arg;
	json_array_append_new(history, entry(1, "step_started", "a\nb"));
	json_array_append_new(history, entry(2, "x\ndata: forged", "c"));
	page = make_page("running", history);
	assert_int_equal(page->count, 2);
	assert_int_equal(page->version, 7);
	assert_false(page->is_terminal);
	assert_event(page, 0,
		     "id: 1\nevent: step_started\ndata: {\"workflow_id\":\"w1\""
		     ",\"id\":1,\"event\":\"step_started\","
		     "\"message\":\"a\\nb\"}\n\n");
	assert_event(page, 1,
		     "id: 2\nevent: message\ndata: {\"workflow_id\":\"w1\","
		     "\"id\":2,\"event\":\"x\\ndata: forged\","
		     "\"message\":\"c\"}\n\n");
	event_page_unref(page);
}

static void
test_places(void **arg)
{
	json_t *history = json_array();
	struct event_page *page;

	(void)arg;
	for (int id = 5; id <= 8; id++)
		json_array_append_new(history, entry(id, "e", "m"));
	page = make_page("completed", history);
	assert_true(page->is_terminal);
	assert_int_equal(event_page_first_id(page), 5);
	assert_int_equal(event_page_last_id(page), 8);
	assert_int_equal(event_page_after(page, 0), 0);
	assert_int_equal(event_page_after(page, 4), 0);
	assert_int_equal(event_page_after(page, 6), 2);
	assert_int_equal(event_page_after(page, 8), 4);
	assert_true(event_page_is_gap(page, 0));
	assert_true(event_page_is_gap(page, 3));
	assert_false(event_page_is_gap(page, 4));
	assert_false(event_page_is_gap(page, 8));
	assert_true(event_page_is_gap(page, 9));
	assert_int_equal(
		strncmp(page->snapshot, "id: 4\nevent: snapshot\n", 22), 0);
	event_page_unref(page);
}

static void
test_nothing(void **arg)
{
	struct event_page *page = make_page("created", json_array());

	(void)arg;
	assert_int_equal(page->count, 0);
	assert_false(event_page_is_gap(page, 0));
	assert_true(event_page_is_gap(page, 1));
	assert_int_equal(strncmp(page->snapshot, "id: 0\n", 6), 0);
	event_page_unref(page);
}

/* However long the messages are, a page has a bound: the oldest go. */
static void
test_bound(void **arg)
{
	static char message[60000];
	json_t *history = json_array();
	struct event_page *page;

	(void)arg;
	memset(message, 'x', sizeof(message) - 1);
	for (int id = 1; id <= 20; id++)
		json_array_append_new(history, entry(id, "e", message));
	page = make_page("running", history);
	assert_int_equal(event_page_last_id(page), 20);
	assert_int_equal(event_page_first_id(page), 17);
	assert_true(event_page_is_gap(page, 15));
	event_page_unref(page);
}

/* Ids that do not ascend would make clients resume at the wrong place. */
static void
test_order(void **arg)
{
	json_t *history = json_array();
	struct event_page *page;

	(void)arg;
	json_array_append_new(history, entry(2, "e", "m"));
	json_array_append_new(history, entry(2, "e", "m"));
	json_array_append_new(history, entry(1, "e", "m"));
	json_array_append_new(history, json_integer(3));
	page = make_page("running", history);
	assert_int_equal(page->count, 1);
	event_page_unref(page);
}

static void
test_ids(void **arg)
{
	static const char *const bad[] = {
		"", "-1", "1 ", "abc", "0x1", "1.0", "99999999999999999999"};
	struct err e = ERR_INIT;
	uint64_t id = 0;

	(void)arg;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(event_id_parse(bad[i], &id, &e), -1);
	assert_int_equal(event_id_parse("42", &id, &e), 0);
	assert_int_equal(id, 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	cmocka_unit_test(test_places),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_bound),
		cmocka_unit_test(test_order),	cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
