/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert.h - tells the operator that money runs out: once a day for
 * DAILY_COST_LIMIT, once a workflow for EXECUTION_COST_LIMIT.
 */
#ifndef PC_API_COST_ALERT_H
#define PC_API_COST_ALERT_H

#include "api/api.h"
#include "api/store/store.h"

/*
 * Put alerts into the outbox for the limits of which COST_ALERT_THRESHOLD is
 * reached.  To be called with each new sum: repeats are told apart by their
 * id.  A failure is logged; it keeps nobody from working.
 */
void cost_alert(struct api *api, const char *workflow_id, const char *date,
		const struct store_spend_totals *totals);

#endif
