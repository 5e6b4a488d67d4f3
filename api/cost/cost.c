/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost.c - the books: what is set aside, what was spent, what is refused.
 *
 * Responsible for no step spending what the operator's limits do not leave.
 * The store reads the sums and sets the amount aside in one atomic step under
 * an id that follows from (workflow, step, attempt): two spenders cannot pass
 * a limit together, and a call repeated after a crash counts once.  What is
 * set aside and never settled (a crash in the middle of a call) stays counted
 * as spent: the provider may have charged it.
 */
#include "api/cost/cost.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "api/cost/alert.h"
#include "api/cost/money.h"
#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define DAY_US (UINT64_C(86400) * 1000000u)
#define ID_BYTES 16

/* ---- days ------------------------------------------------------------ */

void
cost_today(uint64_t now_us, char ret_date[COST_DATE_SIZE])
{
	char text[CLOCK_ISO_SIZE];

	clock_iso8601(now_us, text);
	(void)snprintf(ret_date, COST_DATE_SIZE, "%.10s", text);
}

uint64_t
cost_day_end_us(uint64_t now_us)
{
	return (now_us / DAY_US + 1) * DAY_US;
}

/* ---- refusing -------------------------------------------------------- */

static int
refuse_day(const struct api_config *config, uint64_t micros, uint64_t spent,
	   uint64_t now_us, struct err *e)
{
	char more[MONEY_TEXT_SIZE], have[MONEY_TEXT_SIZE];
	char limit[MONEY_TEXT_SIZE], reset[CLOCK_ISO_SIZE];

	money_format(micros, more);
	money_format(spent, have);
	money_format(config->daily_cost_limit_micros, limit);
	clock_iso8601(cost_day_end_us(now_us), reset);
	return err_set(e, ERR_LIMIT, 0,
		       "DAILY_COST_LIMIT: this may cost %s, but %s of %s is "
		       "spent today; it resets at %.19sZ",
		       more, have, limit, reset);
}

static int
refuse_workflow(const struct api_config *config, uint64_t micros,
		uint64_t spent, struct err *e)
{
	char more[MONEY_TEXT_SIZE], have[MONEY_TEXT_SIZE];
	char limit[MONEY_TEXT_SIZE];

	money_format(micros, more);
	money_format(spent, have);
	money_format(config->execution_cost_limit_micros, limit);
	return err_set(e, ERR_LIMIT, 0,
		       "EXECUTION_COST_LIMIT: this may cost %s, but the "
		       "workflow has spent %s of %s; a new workflow begins at "
		       "$0.00",
		       more, have, limit);
}

static int
refuse(const struct api_config *config, const struct store_spend *spend,
       const struct store_spend_totals *totals, uint64_t now_us, struct err *e)
{
	uint64_t limit = config->daily_cost_limit_micros;

	log_warning("event=cost_refused workflow=%s step=%u micros=%" PRIu64
		    " day_micros=%" PRIu64 " workflow_micros=%" PRIu64,
		    spend->workflow_id, spend->step, spend->micros,
		    totals->day_micros, totals->workflow_micros);
	if (limit > 0 && money_add(totals->day_micros, spend->micros) > limit)
		return refuse_day(config, spend->micros, totals->day_micros,
				  now_us, e);
	return refuse_workflow(config, spend->micros, totals->workflow_micros,
			       e);
}

/* ---- spending -------------------------------------------------------- */

static void
make_id(const struct cost_call *call, char ret_id[40])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[128];
	int len = snprintf(text, sizeof(text), "spend %.40s %u %u",
			   call->workflow_id, call->step, call->attempt);

	crypto_hash_sha256(hash, (const unsigned char *)text,
			   (unsigned long long)len);
	str_hex(ret_id, hash, ID_BYTES);
}

static int
spend_init(struct store_spend *spend, const struct cost_call *call,
	   uint64_t micros, uint64_t now_us, struct err *e)
{
	*spend = (struct store_spend){.step = call->step, .micros = micros};
	make_id(call, spend->spend_id);
	cost_today(now_us, spend->date);
	if (str_copy(spend->workflow_id, sizeof(spend->workflow_id),
		     call->workflow_id) < 0 ||
	    str_copy(spend->user_id, sizeof(spend->user_id), call->user_id) < 0)
		return err_set(e, ERR_INVALID, 0, "an id is too long");
	return 0;
}

int
cost_reserve(struct api *api, const struct cost_call *call, uint64_t micros_max,
	     struct err *e)
{
	const struct api_config *config = &api->config;
	struct store_spend_totals totals = {0};
	uint64_t now_us = clock_wall_us();
	struct store_spend spend;

	if (!config->enable_cost_tracking)
		return 0;
	if (spend_init(&spend, call, micros_max, now_us, e) < 0)
		return -1;
	if (store_spend_reserve(
		    api->store, &spend, config->daily_cost_limit_micros,
		    config->execution_cost_limit_micros, &totals, e) == 0)
		return 0;
	if (e->kind == ERR_LIMIT) {
		cost_alert(api, call->workflow_id, spend.date, &totals);
		return refuse(config, &spend, &totals, now_us, e);
	}
	return err_wrap(e, "set money aside");
}

int
cost_settle(struct api *api, const struct cost_call *call, uint64_t micros,
	    struct err *e)
{
	struct store_spend_totals totals;
	char id[40], date[COST_DATE_SIZE];

	if (!api->config.enable_cost_tracking)
		return 0;
	make_id(call, id);
	/* It was set aside on another day, perhaps: alerts are of today. */
	cost_today(clock_wall_us(), date);
	if (store_spend_settle(api->store, id, micros, &totals, e) < 0 ||
	    store_spend_sum(api->store, date, NULL, NULL, &totals.day_micros,
			    e) < 0)
		return err_wrap(e, "settle what was spent");
	cost_alert(api, call->workflow_id, date, &totals);
	return 0;
}

/* ---- asking ---------------------------------------------------------- */

int
cost_price(const struct api *api, const char *model, struct price *ret,
	   struct err *e)
{
	if (!api->config.enable_cost_tracking) {
		*ret = (struct price){0};
		return 0;
	}
	if (api->prices == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "the price of the model %.64s is not known: set "
			       "PROMPTCRAFT_PRICES, or ENABLE_COST_TRACKING="
			       "false",
			       model);
	if (prices_find(api->prices, model, ret, e) < 0)
		return err_wrap(e, "PROMPTCRAFT_PRICES");
	return 0;
}

int
cost_of_workflow(struct api *api, const char *workflow_id, uint64_t *ret_micros,
		 struct err *e)
{
	return store_spend_sum(api->store, NULL, NULL, workflow_id, ret_micros,
			       e);
}
