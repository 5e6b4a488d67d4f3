/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - the thread that probes store and supervisor, logs when one goes
 * or comes back, and removes results of jobs that nobody can want any more.
 */
#include "api/http/monitor.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "api/metrics.h"
#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/wire/client.h"

#define PERIOD_MS 1000
#define EXPIRY_PERIOD_MS 600000

struct monitor {
	struct api *api;
	pthread_t thread;
	pthread_mutex_t lock;
	struct monitor_state state;
	uint64_t expired_ms; /* when old jobs were last removed */
};

static void
note_change(const char *what, bool was_good, bool is_good, const char *cause)
{
	if (was_good && !is_good)
		log_warning("%s_down error=\"%s\"", what, cause);
	else if (!was_good && is_good)
		log_info("%s_up", what);
}

static int
ping_store(struct store *store, struct err *e)
{
	uint64_t began_us = clock_mono_us();
	int rc = store_ping(store, e);

	if (rc == 0)
		metrics_store_ping(clock_mono_us() - began_us);
	return rc;
}

static struct monitor_state
probe(const struct api *api, const struct monitor_state *before)
{
	struct proto_hello_reply hello = {0};
	struct monitor_state now = {0};
	struct err e = ERR_INIT;

	now.is_store_up = ping_store(api->store, &e) == 0;
	note_change("store", before->is_store_up, now.is_store_up, e.text);
	now.is_supervisor_reachable =
		client_hello(api->config.supervisor_socket, &hello, &e) == 0;
	note_change("supervisor", before->is_supervisor_reachable,
		    now.is_supervisor_reachable, e.text);
	now.is_supervisor_ready =
		now.is_supervisor_reachable && hello.is_ready != 0;
	if (now.is_supervisor_reachable) {
		hello.cause.text[sizeof(hello.cause.text) - 1] = '\0';
		note_change("execution", before->is_supervisor_ready,
			    now.is_supervisor_ready, hello.cause.text);
	}
	return now;
}

static void
expire_jobs(struct monitor *monitor)
{
	const struct api_config *config = &monitor->api->config;
	uint64_t keep_us = config->state_ttl_hours * UINT64_C(3600000000);
	uint64_t now_us = clock_wall_us(), count = 0;
	struct err e = ERR_INIT;

	monitor->expired_ms = clock_mono_ms();
	if (keep_us >= now_us)
		return;
	if (store_job_expire(monitor->api->store, now_us - keep_us, &count,
			     &e) < 0)
		log_error("expire_jobs error=\"%s\"", e.text);
	else if (count > 0)
		log_info("expire_jobs count=%llu", (unsigned long long)count);
}

static void *
thread_main(void *arg)
{
	struct monitor *monitor = arg;
	struct pollfd stop = {.fd = monitor->api->stop_fd, .events = POLLIN};

	(void)pthread_setname_np(pthread_self(), "monitor");
	while (poll(&stop, 1, PERIOD_MS) <= 0) {
		struct monitor_state before = monitor_state(monitor);
		struct monitor_state now = probe(monitor->api, &before);

		pthread_mutex_lock(&monitor->lock);
		monitor->state = now;
		pthread_mutex_unlock(&monitor->lock);
		if (clock_mono_ms() - monitor->expired_ms > EXPIRY_PERIOD_MS)
			expire_jobs(monitor);
	}
	return NULL;
}

struct monitor_state
monitor_state(struct monitor *monitor)
{
	struct monitor_state state;

	pthread_mutex_lock(&monitor->lock);
	state = monitor->state;
	pthread_mutex_unlock(&monitor->lock);
	return state;
}

int
monitor_start(struct api *api, struct monitor **ret, struct err *e)
{
	static const struct monitor_state all_well = {true, true, true};
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int rc;

	if (monitor == NULL)
		return err_sys(e, "start the monitor");
	monitor->api = api;
	pthread_mutex_init(&monitor->lock, NULL);
	monitor->state = probe(api, &all_well);
	expire_jobs(monitor);
	rc = pthread_create(&monitor->thread, NULL, thread_main, monitor);
	if (rc != 0) {
		free(monitor);
		return err_set(e, ERR_IO, rc, "start the monitor");
	}
	*ret = monitor;
	return 0;
}

void
monitor_stop(struct monitor *monitor)
{
	if (monitor == NULL)
		return;
	pthread_join(monitor->thread, NULL);
	pthread_mutex_destroy(&monitor->lock);
	free(monitor);
}
