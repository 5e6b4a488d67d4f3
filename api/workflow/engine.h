/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the durable workflow engine: a pool of worker threads that claim
 * due workflows from the store, advance them step by step and write every
 * change before its side effect.
 *
 * A workflow that waits (approval, retry, supervisor gone) holds no thread: it
 * is a row with a due time.  Killed at any moment, the next start goes on from
 * what is on disk.
 */
#ifndef PC_API_WORKFLOW_ENGINE_H
#define PC_API_WORKFLOW_ENGINE_H

#include <stdbool.h>

#include "api/api.h"
#include "supervisor/base/err.h"

struct workflow_engine;
struct workflow_runner;
struct workflow_author;
struct workflow_analyst;
struct workflow_publisher;
struct job_host;

/*
 * Call once the store is open and privileges are dropped: marks jobs that a
 * dead process left running, forgets old leases (with SQLite; other nodes may
 * share another store), starts api->config.max_workflows workers and two
 * threads that look after them.  *api must outlive
 * the engine; its stop_fd ends running jobs of workflows, which stay resumable.
 */
int workflow_engine_start(struct api *api, struct workflow_engine **ret,
			  struct err *e);

/* Whom the engine works with; copied, but what their arg points to stays. */
struct workflow_parts {
	const struct workflow_runner *runner;	/* NULL: jails */
	const struct workflow_author *author;	/* NULL: nobody writes code */
	const struct workflow_analyst *analyst; /* NULL: nobody analyses */
	const struct workflow_publisher *publisher; /* NULL: release_dir */
	/* Other engines use the store: what is not done may be theirs. */
	bool shares_store;
};

/* The same with other parts; for tests. */
int workflow_engine_start_with(struct api *api,
			       const struct workflow_parts *parts,
			       struct workflow_engine **ret, struct err *e);

/* Cancels its running jobs, waits for its threads, frees. */
void workflow_engine_stop(struct workflow_engine *engine);

/* Something became due: look now rather than at the next tick. */
void workflow_engine_kick(struct workflow_engine *engine);

/* Kill the job that this process runs for the workflow, if any. */
void workflow_engine_interrupt(struct workflow_engine *engine,
			       const char *workflow_id);

/* Do plans have a step for the analysis of the code? */
bool workflow_engine_has_analyst(const struct workflow_engine *engine);

/* The supervisor as all of the API sees it; owned by the engine. */
struct job_host *workflow_engine_host(struct workflow_engine *engine);

#endif
