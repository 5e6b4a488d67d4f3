/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - the counters and how they are written.
 *
 * Relaxed atomics in fixed tables: a request costs two additions.  Labels are
 * from fixed sets only (route patterns, known statuses, outcomes), so that no
 * client can make the tables grow or write into them.
 */
#include "api/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "supervisor/base/str.h"

/* ---- the table ------------------------------------------------------- */

static const int statuses[] = {200, 202, 204, 304, 400, 401, 403, 404, 405, 408,
			       409, 413, 415, 422, 429, 500, 502, 503, 0};
#define STATUS_COUNT ARRAY_LEN(statuses) /* 0: any other */

static const char *const outcomes[] = {"passed",  "failed", "error",
				       "timeout", "killed", "completed"};
#define OUTCOME_COUNT ARRAY_LEN(outcomes)

static const char *const queues[] = {
	[METRICS_QUEUE_SLOW] = "slow",
	[METRICS_QUEUE_BRIEF] = "brief",
};

/* Upper bounds; what is above the last is counted in +Inf alone. */
static const uint64_t bounds_us[] = {500,     1000,	5000,	  10000,
				     50000,   100000,	500000,	  1000000,
				     5000000, 30000000, 120000000};
#define BOUND_COUNT ARRAY_LEN(bounds_us)

struct histogram {
	atomic_uint_fast64_t buckets[BOUND_COUNT], count, sum_us;
};

static struct {
	atomic_uint_fast64_t requests[METRICS_ROUTES_MAX][STATUS_COUNT];
	struct histogram durations[METRICS_ROUTES_MAX];
	atomic_uint_fast64_t jobs[OUTCOME_COUNT];
	atomic_int_fast64_t queues[ARRAY_LEN(queues)];
	struct histogram store_ping;
} counters;

/* ---- counting -------------------------------------------------------- */

static void
add(atomic_uint_fast64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static uint64_t
get(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
observe(struct histogram *h, uint64_t us)
{
	for (size_t i = 0; i < BOUND_COUNT; i++) {
		if (us <= bounds_us[i]) {
			add(&h->buckets[i], 1);
			break;
		}
	}
	add(&h->sum_us, us);
	add(&h->count, 1);
}

void
metrics_request(unsigned route, int status, uint64_t duration_us)
{
	size_t i = 0;

	if (route >= METRICS_ROUTES_MAX)
		route = METRICS_ROUTES_MAX - 1;
	while (i < STATUS_COUNT - 1 && statuses[i] != status)
		i++;
	add(&counters.requests[route][i], 1);
	observe(&counters.durations[route], duration_us);
}

void
metrics_job(const char *outcome)
{
	if (outcome == NULL)
		return;
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		if (strcmp(outcomes[i], outcome) == 0)
			add(&counters.jobs[i], 1);
}

void
metrics_queue(enum metrics_queue queue, int more)
{
	atomic_fetch_add_explicit(&counters.queues[queue], more,
				  memory_order_relaxed);
}

void
metrics_store_ping(uint64_t duration_us)
{
	observe(&counters.store_ping, duration_us);
}

/* ---- writing --------------------------------------------------------- */

void
metrics_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP promptcraft_%s %s\n# TYPE promptcraft_%s %s\n",
		name, help, name, type);
}

static void
write_labels(FILE *out, const char *name, const char *suffix,
	     const char *labels)
{
	fprintf(out, "promptcraft_%s%s", name, suffix);
	if (labels[0] != '\0')
		fprintf(out, "{%s}", labels);
	fputc(' ', out);
}

/* labels: "" or as label() gives them. */
static void
write_histogram(FILE *out, const char *name, const char *labels,
		const struct histogram *h)
{
	const char *comma = labels[0] != '\0' ? "," : "";
	uint64_t below = 0, count = get(&h->count);

	for (size_t i = 0; i < BOUND_COUNT; i++) {
		below += get(&h->buckets[i]);
		fprintf(out,
			"promptcraft_%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n",
			name, labels, comma, (double)bounds_us[i] / 1e6, below);
	}
	/* Counted meanwhile; never less than the bucket before. */
	if (count < below)
		count = below;
	fprintf(out, "promptcraft_%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n",
		name, labels, comma, count);
	write_labels(out, name, "_sum", labels);
	fprintf(out, "%.6f\n", (double)get(&h->sum_us) / 1e6);
	write_labels(out, name, "_count", labels);
	fprintf(out, "%" PRIu64 "\n", count);
}

static void
write_statuses(FILE *out, unsigned route, const char *labels)
{
	for (size_t i = 0; i < STATUS_COUNT; i++) {
		uint64_t count = get(&counters.requests[route][i]);

		if (count == 0)
			continue;
		fprintf(out, "promptcraft_http_requests_total{%s,", labels);
		if (statuses[i] == 0)
			fputs("status=\"other\"", out);
		else
			fprintf(out, "status=\"%d\"", statuses[i]);
		fprintf(out, "} %" PRIu64 "\n", count);
	}
}

static void
write_requests(FILE *out, void (*label)(unsigned route, char *dst, size_t size))
{
	char labels[160];

	metrics_head(out, "http_requests_total", "counter",
		     "Requests answered.");
	for (unsigned i = 0; i < METRICS_ROUTES_MAX; i++) {
		if (get(&counters.durations[i].count) == 0)
			continue;
		label(i, labels, sizeof(labels));
		write_statuses(out, i, labels);
	}
	metrics_head(out, "http_request_duration_seconds", "histogram",
		     "From the request line to the answer's last byte.");
	for (unsigned i = 0; i < METRICS_ROUTES_MAX; i++) {
		if (get(&counters.durations[i].count) == 0)
			continue;
		label(i, labels, sizeof(labels));
		write_histogram(out, "http_request_duration_seconds", labels,
				&counters.durations[i]);
	}
}

void
metrics_render(FILE *out, void (*label)(unsigned route, char *dst, size_t size))
{
	write_requests(out, label);
	metrics_head(out, "http_queue", "gauge",
		     "Requests that wait for a thread.");
	for (size_t i = 0; i < ARRAY_LEN(queues); i++)
		fprintf(out,
			"promptcraft_http_queue{pool=\"%s\"} %" PRIdFAST64 "\n",
			queues[i],
			atomic_load_explicit(&counters.queues[i],
					     memory_order_relaxed));
	metrics_head(out, "jobs_total", "counter", "Jobs that are over.");
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		fprintf(out,
			"promptcraft_jobs_total{outcome=\"%s\"} %" PRIu64 "\n",
			outcomes[i], get(&counters.jobs[i]));
	metrics_head(out, "store_ping_seconds", "histogram",
		     "Round trips to the store, one a second.");
	write_histogram(out, "store_ping_seconds", "", &counters.store_ping);
}
