/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_private.h - what the files of the engine share: engine.c (pool, start,
 * stop), advance.c (the steps of one workflow), housekeeping.c (due times,
 * leases, clocks, what is left over).
 */
#ifndef PC_API_WORKFLOW_ENGINE_PRIVATE_H
#define PC_API_WORKFLOW_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/workflow/engine.h"
#include "api/workflow/step.h"

/* A workflow that a worker of ours holds; one a worker, so no allocation. */
struct run {
	bool is_used;
	char workflow_id[40];
	uint64_t lease_token;
	/* Monotonic: from then on others may have it, whatever we heard. */
	uint64_t lease_end_ms;
	enum step_cut cut;
	int cancel_fd; /* eventfd, made once per worker; readable if cut */
};

struct worker {
	struct workflow_engine *engine;
	pthread_t thread;
	struct run run; /* guarded by the engine's lock */
};

struct workflow_engine {
	struct api *api;
	struct job_host *host;
	struct workflow_jail jail;
	struct workflow_runner runner;
	struct workflow_author author;
	struct workflow_analyst analyst;
	struct release_office office;
	struct workflow_publisher publisher;
	bool has_author, has_analyst;
	char name[64]; /* of this engine alone, as a holder of leases */
	int stop_fd;   /* eventfd of workflow_engine_stop */
	uint64_t ttl_us;
	uint32_t lease_ms;

	pthread_mutex_t lock; /* guards all below and every worker's run */
	pthread_cond_t kicked, watched;
	bool is_kicked;
	bool is_stopping;
	size_t idle; /* workers without work */
	struct worker *workers;
	size_t workers_len; /* threads that were started */
	pthread_t housekeeper, watchdog;
	bool has_housekeeper, has_watchdog;
};

/* With the lock held: end what this run does, for this reason (the first). */
void run_cut(struct run *run, enum step_cut cut);

bool engine_is_stopping(struct workflow_engine *engine);

/*
 * Go on with a workflow until it ends or waits.  False when the store is in
 * trouble: then the lease is left to run out, which keeps the workers from
 * going round and round.
 */
bool workflow_advance(struct worker *w);

/* The thread that looks after the store; *arg is the engine. */
void *housekeeper_main(void *arg);
/* The thread that never touches the store: cuts what has outlived its lease. */
void *watchdog_main(void *arg);
/* No more work: cut all runs, wake all threads. */
void engine_begin_stop(struct workflow_engine *engine);

/* How long a lease may be relied upon, from before it was asked for. */
uint64_t engine_lease_end_ms(const struct workflow_engine *engine,
			     uint64_t asked_ms);

#endif
