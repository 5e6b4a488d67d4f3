/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what this process counts of itself, for GET /metrics.  Counters
 * start at zero with the process; any thread may count, nothing blocks.
 */
#ifndef PC_API_METRICS_H
#define PC_API_METRICS_H

#include <stdint.h>
#include <stdio.h>

#define METRICS_ROUTES_MAX 64 /* the last is for what is no route */

enum metrics_queue { METRICS_QUEUE_SLOW, METRICS_QUEUE_BRIEF };

/* route: its number in http_routes, or METRICS_ROUTES_MAX - 1. */
void metrics_request(unsigned route, int status, uint64_t duration_us);
/* "passed", "failed", ...: of a job that is over; NULL is ignored. */
void metrics_job(const char *outcome);
void metrics_queue(enum metrics_queue queue, int more);
void metrics_store_ping(uint64_t duration_us);

/*
 * Prometheus text (exposition format 0.0.4); label(n) gives the labels of
 * route n: method="GET",route="/health".
 */
void metrics_render(FILE *out,
		    void (*label)(unsigned route, char *dst, size_t size));

/* "# HELP", "# TYPE". */
void metrics_head(FILE *out, const char *name, const char *type,
		  const char *help);

#endif
