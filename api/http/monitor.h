/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.h - looks once a second whether what the API stands on is there, so
 * that GET /health answers from memory however often it is asked.
 */
#ifndef PC_API_MONITOR_H
#define PC_API_MONITOR_H

#include <stdbool.h>

#include "api/api.h"
#include "supervisor/base/err.h"

struct monitor;

struct monitor_state {
	bool is_store_up;
	bool is_supervisor_reachable;
	bool is_supervisor_ready; /* would it take a job? */
};

/* Looks for the first time before it returns. */
int monitor_start(struct api *api, struct monitor **ret, struct err *e);
/* api->stop_fd must be readable by then.  NULL is ignored. */
void monitor_stop(struct monitor *monitor);

struct monitor_state monitor_state(struct monitor *monitor);

#endif
