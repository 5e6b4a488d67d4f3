/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cost_alert.c - COST_ALERT_THRESHOLD: when an alert is put into the
 * outbox, how often, and what it says.
 */
#include "api/cost/cost.h"
#include "api/cost/money.h"
#include "api/notify/notify.h"
#include "tests/unit/store_fixture.h"

static struct api api;

/* ---- one channel that wants everything ------------------------------- */

static char last_text[256];

int
notify_prepare(const struct api *from, const struct notify_event *event,
	       struct store_outgoing **ret, size_t *ret_len, struct err *e)
{
	struct store_outgoing *out = calloc(1, sizeof(*out));

	(void)from;
	(void)e;
	assert_non_null(out);
	assert_int_equal(event->kind, NOTIFY_COST_ALERT);
	str_copy(out->delivery.delivery_id, sizeof(out->delivery.delivery_id),
		 event->event_id);
	str_copy(out->delivery.status, sizeof(out->delivery.status), "pending");
	if (event->workflow_id != NULL)
		str_copy(out->delivery.workflow_id,
			 sizeof(out->delivery.workflow_id), event->workflow_id);
	out->document = strdup(event->status);
	str_copy(last_text, sizeof(last_text), event->status);
	*ret = out;
	*ret_len = 1;
	return 0;
}

void
notify_outgoing_free(struct store_outgoing *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(out[i].document);
	free(out);
}

/* ---- tests ----------------------------------------------------------- */

static int
setup_api(void **state)
{
	if (setup_sqlite(state) != 0)
		return -1;
	api = (struct api){.store = *state};
	api.config.enable_cost_tracking = true;
	api.config.daily_cost_limit_micros = 10 * MONEY_DOLLAR;
	api.config.execution_cost_limit_micros = 2 * MONEY_DOLLAR;
	api.config.cost_alert_millionths = 800000;
	return 0;
}

static int
count_delivery(void *arg, const struct store_delivery *d, const char *document)
{
	(void)d;
	(void)document;
	++*(int *)arg;
	return 0;
}

static int
alerts(void)
{
	struct err e;
	int count = 0;

	assert_int_equal(store_delivery_list(api.store, NULL, 100,
					     count_delivery, &count, &e),
			 0);
	return count;
}

/* Set twice as much aside as it comes to. */
static void
spend(const char *workflow, uint32_t step, uint64_t micros)
{
	const struct cost_call call = {workflow, "u1", step, 1};
	struct err e;

	if (cost_reserve(&api, &call, 2 * micros, &e) < 0 ||
	    cost_settle(&api, &call, micros, &e) < 0)
		fail_msg("%s", e.text);
}

static void
test_once_a_workflow(void **state)
{
	(void)state;
	/* What is only set aside is no reason. */
	spend("w1", 1, 999999);
	spend("w1", 2, 500000);
	assert_int_equal(alerts(), 0);
	spend("w1", 3, 100001);
	assert_int_equal(alerts(), 1);
	assert_string_equal(last_text,
			    "EXECUTION_COST_LIMIT: $1.60 of $2.00 is spent");
	spend("w1", 4, 1);
	assert_int_equal(alerts(), 1);
	spend("w2", 1, 1000000);
	assert_int_equal(alerts(), 1);
	spend("w2", 2, 500000);
	spend("w2", 3, 100000);
	assert_int_equal(alerts(), 2);
}

static void
test_once_a_day(void **state)
{
	char workflow[8], date[COST_DATE_SIZE], text[80];

	(void)state;
	for (int i = 0; i < 7; i++) {
		snprintf(workflow, sizeof(workflow), "w%d", i);
		spend(workflow, 1, MONEY_DOLLAR);
	}
	spend("w7", 1, 999999);
	assert_int_equal(alerts(), 0);
	spend("w8", 1, 1);
	assert_int_equal(alerts(), 1);
	cost_today(clock_wall_us(), date);
	snprintf(text, sizeof(text),
		 "DAILY_COST_LIMIT: $8.00 of $10.00 is spent on %s", date);
	assert_string_equal(last_text, text);
	spend("w9", 1, 1);
	assert_int_equal(alerts(), 1);
}

/* Refused because it is large: what is spent may be far from the threshold. */
static void
test_a_refusal_is_no_reason(void **state)
{
	const struct cost_call call = {"w1", "u1", 1, 1};
	struct err e;

	(void)state;
	assert_int_equal(cost_reserve(&api, &call, 3 * MONEY_DOLLAR, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(alerts(), 0);
}

static void
test_switched_off(void **state)
{
	(void)state;
	api.config.cost_alert_millionths = 0;
	spend("w1", 1, MONEY_DOLLAR);
	spend("w1", 2, 500000);
	spend("w1", 3, 200000);
	api.config.cost_alert_millionths = 800000;
	api.config.execution_cost_limit_micros = 0;
	api.config.daily_cost_limit_micros = 0;
	spend("w1", 4, 100 * MONEY_DOLLAR);
	assert_int_equal(alerts(), 0);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_api, teardown_sqlite)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once_a_workflow),
		TEST(test_once_a_day),
		TEST(test_a_refusal_is_no_reason),
		TEST(test_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
