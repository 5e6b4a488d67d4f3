/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost.h - money: set aside before a step spends, settled after.  Amounts are
 * millionths of a dollar.  Limits are DAILY_COST_LIMIT, EXECUTION_COST_LIMIT
 * and COST_ALERT_THRESHOLD.
 */
#ifndef PC_API_COST_H
#define PC_API_COST_H

#include <stdint.h>

#include "api/api.h"
#include "api/cost/prices.h"
#include "supervisor/base/err.h"

/* Who spends: the identity of one paid call. */
struct cost_call {
	const char *workflow_id;
	const char *user_id;
	uint32_t step, attempt;
};

/*
 * ERR_LIMIT, with a text that names the setting, the limit and what is spent,
 * when the call may cost more than is left.  Repeating a call's reservation
 * (after a crash) counts once.
 */
int cost_reserve(struct api *api, const struct cost_call *call,
		 uint64_t micros_max, struct err *e);
/* What it did cost; 0 if nothing was paid. */
int cost_settle(struct api *api, const struct cost_call *call, uint64_t micros,
		struct err *e);

/*
 * What the model costs; ERR_NOT_FOUND, with a text that names setting and
 * file, if the operator's table does not say.  Without ENABLE_COST_TRACKING
 * nobody asks for prices: all zero.
 */
int cost_price(const struct api *api, const char *model, struct price *ret,
	       struct err *e);

/* Set aside and settled for a workflow so far. */
int cost_of_workflow(struct api *api, const char *workflow_id,
		     uint64_t *ret_micros, struct err *e);

/* The day that money spent now counts for, and when the next one begins. */
#define COST_DATE_SIZE 12
void cost_today(uint64_t now_us, char ret_date[COST_DATE_SIZE]);
uint64_t cost_day_end_us(uint64_t now_us);

#endif
