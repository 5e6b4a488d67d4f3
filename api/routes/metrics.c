/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - GET /metrics, for Prometheus: the process' counters, and what
 * the store holds.
 *
 * It tells how much is going on and by which routes, but no names: neither
 * users nor goals.  The store is asked at most every ten seconds however often
 * one looks.
 */
#include "api/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/cost/cost.h"
#include "api/cost/money.h"
#include "api/cost/usage.h"
#include "api/http/handlers.h"
#include "api/http/monitor.h"
#include "api/workflow/state.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define CACHE_MS 10000
#define WORKFLOWS_MAX 50000
#define DELIVERIES_MAX 1000

static const char *const delivery_statuses[] = {"pending", "dead"};

/* What the store was last seen to hold. */
struct holdings {
	uint64_t read_ms; /* 0: never */
	uint64_t workflows[WORKFLOW_STATUS_COUNT], workflows_due, now_us;
	uint64_t deliveries[ARRAY_LEN(delivery_statuses)];
	uint64_t spent_micros;
};

static struct {
	pthread_mutex_t lock;
	struct holdings last;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the store ------------------------------------------------------- */

static int
count_workflow(void *arg, const struct store_workflow_meta *meta,
	       const char *summary)
{
	struct holdings *h = arg;

	(void)summary;
	for (size_t i = 0; i < WORKFLOW_STATUS_COUNT; i++)
		if (strcmp(meta->status,
			   workflow_status_name((enum workflow_status)i)) == 0)
			h->workflows[i]++;
	if (meta->due_us != 0 && meta->due_us <= h->now_us)
		h->workflows_due++;
	return 0;
}

static int
count_delivery(void *arg, const struct store_delivery *d, const char *document)
{
	(void)d;
	(void)document;
	++*(uint64_t *)arg;
	return 0;
}

static int
read_holdings(struct api *api, struct holdings *ret, struct err *e)
{
	const struct store_workflow_query all = {.limit = WORKFLOWS_MAX};
	struct holdings h = {.now_us = clock_wall_us()};
	char date[COST_DATE_SIZE];

	cost_today(h.now_us, date);
	if (store_workflow_list(api->store, &all, count_workflow, &h, e) < 0 ||
	    store_spend_sum(api->store, date, NULL, NULL, &h.spent_micros, e) <
		    0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(delivery_statuses); i++)
		if (store_delivery_list(api->store, delivery_statuses[i],
					DELIVERIES_MAX, count_delivery,
					&h.deliveries[i], e) < 0)
			return -1;
	h.read_ms = clock_mono_ms();
	*ret = h;
	return 0;
}

static int
get_holdings(struct api *api, struct holdings *ret, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&cache.lock);
	if (cache.last.read_ms == 0 ||
	    clock_mono_ms() - cache.last.read_ms >= CACHE_MS)
		rc = read_holdings(api, &cache.last, e);
	*ret = cache.last;
	pthread_mutex_unlock(&cache.lock);
	return rc;
}

/* ---- writing --------------------------------------------------------- */

static void
write_label(unsigned route, char *dst, size_t size)
{
	unsigned count = 0;

	while (http_routes[count].method != NULL)
		count++;
	if (route < count)
		(void)str_printf(dst, size, "method=\"%s\",route=\"%s\"",
				 http_routes[route].method,
				 http_routes[route].pattern);
	else
		(void)str_copy(dst, size, "method=\"\",route=\"\"");
}

static void
write_workflows(FILE *out, const struct holdings *h)
{
	metrics_head(out, "workflows", "gauge", "Workflows in the store.");
	for (size_t i = 0; i < WORKFLOW_STATUS_COUNT; i++)
		fprintf(out,
			"promptcraft_workflows{status=\"%s\"} %" PRIu64 "\n",
			workflow_status_name((enum workflow_status)i),
			h->workflows[i]);
	metrics_head(out, "workflows_due", "gauge",
		     "Workflows that wait for a worker or have one.");
	fprintf(out, "promptcraft_workflows_due %" PRIu64 "\n",
		h->workflows_due);
	metrics_head(out, "deliveries", "gauge",
		     "Notifications in the outbox (at most 1000 are counted).");
	for (size_t i = 0; i < ARRAY_LEN(delivery_statuses); i++)
		fprintf(out,
			"promptcraft_deliveries{status=\"%s\"} %" PRIu64 "\n",
			delivery_statuses[i], h->deliveries[i]);
}

static void
write_spend(FILE *out, const struct api *api, const struct holdings *h)
{
	metrics_head(out, "spend_today_dollars", "gauge",
		     "Set aside and spent since midnight UTC.");
	fprintf(out, "promptcraft_spend_today_dollars %.6f\n",
		money_dollars(h->spent_micros));
	metrics_head(out, "daily_cost_limit_dollars", "gauge",
		     "DAILY_COST_LIMIT; 0: none.");
	fprintf(out, "promptcraft_daily_cost_limit_dollars %.6f\n",
		money_dollars(api->config.daily_cost_limit_micros));
}

static void
write_process(FILE *out, struct api *api)
{
	struct monitor_state state = monitor_state(api->monitor);

	metrics_head(out, "up", "gauge", "What the API stands on.");
	fprintf(out,
		"promptcraft_up{part=\"store\"} %d\n"
		"promptcraft_up{part=\"supervisor\"} %d\n",
		state.is_store_up, state.is_supervisor_ready);
	metrics_head(out, "usage_lost_total", "counter",
		     "Calls that the usage log left out.");
	fprintf(out, "promptcraft_usage_lost_total %" PRIu64 "\n",
		usage_lost(api->usage));
}

void
metrics_get(struct api *api, const struct http_request *req,
	    struct http_response *res)
{
	struct holdings holdings;
	struct err e = ERR_INIT;
	size_t size = 0;
	FILE *out;

	(void)req;
	if (!api->config.enable_metrics) {
		http_problem(res, 404, NULL,
			     "metrics are off: ENABLE_METRICS=false");
		return;
	}
	out = open_memstream(&res->text, &size);
	if (out == NULL) {
		err_sys(&e, "write metrics");
		http_problem_from_err(res, &e);
		return;
	}
	write_process(out, api);
	metrics_render(out, write_label);
	/* Without the store the rest is left out: an absent value is seen. */
	if (get_holdings(api, &holdings, &e) == 0) {
		write_workflows(out, &holdings);
		write_spend(out, api, &holdings);
	}
	(void)fclose(out);
	res->status = 200;
}
