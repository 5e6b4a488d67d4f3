/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert.c - see alert.h.
 */
#include "api/cost/alert.h"

#include <stdio.h>

#include "api/cost/money.h"
#include "api/notify/notify.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

/* One alert: of a day or of a workflow. */
struct alert {
	const char *setting;
	const char *workflow_id; /* NULL: of a day */
	const char *date;
	uint64_t limit_micros, spent_micros;
};

static bool
is_reached(const struct api_config *config, const struct alert *alert)
{
	__extension__ typedef unsigned __int128 wide;
	wide threshold =
		(wide)alert->limit_micros * config->cost_alert_millionths;

	return alert->limit_micros > 0 && config->cost_alert_millionths > 0 &&
	       (wide)alert->spent_micros * MONEY_DOLLAR >= threshold;
}

static int
put_all(struct api *api, const struct store_outgoing *out, size_t len,
	struct err *e)
{
	for (size_t i = 0; i < len; i++)
		if (store_delivery_put(api->store, &out[i], e) < 0)
			return -1;
	return 0;
}

static void
send(struct api *api, const struct alert *alert)
{
	char limit[MONEY_TEXT_SIZE], spent[MONEY_TEXT_SIZE];
	char event_id[96], text[160];
	struct notify_event event = {
		.kind = NOTIFY_COST_ALERT,
		.event_id = event_id,
		.workflow_id = alert->workflow_id,
		.status = text,
	};
	struct store_outgoing *out = NULL;
	size_t out_len = 0;
	struct err e;

	money_format(alert->limit_micros, limit);
	money_format(alert->spent_micros, spent);
	snprintf(event_id, sizeof(event_id), "%s/%s", alert->setting,
		 alert->workflow_id != NULL ? alert->workflow_id : alert->date);
	snprintf(text, sizeof(text), "%s: %s of %s is spent%s%s",
		 alert->setting, spent, limit,
		 alert->workflow_id != NULL ? "" : " on ",
		 alert->workflow_id != NULL ? "" : alert->date);
	if (notify_prepare(api, &event, &out, &out_len, &e) < 0 ||
	    put_all(api, out, out_len, &e) < 0)
		log_error("event=cost_alert setting=%s error=\"%s\"",
			  alert->setting, e.text);
	notify_outgoing_free(out, out_len);
}

void
cost_alert(struct api *api, const char *workflow_id, const char *date,
	   const struct store_spend_totals *totals)
{
	const struct api_config *config = &api->config;
	const struct alert alerts[] = {
		{"DAILY_COST_LIMIT", NULL, date,
		 config->daily_cost_limit_micros, totals->day_micros},
		{"EXECUTION_COST_LIMIT", workflow_id, date,
		 config->execution_cost_limit_micros, totals->workflow_micros},
	};

	for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
		if (is_reached(config, &alerts[i]))
			send(api, &alerts[i]);
}
