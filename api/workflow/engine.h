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

#include "api/api.h"
#include "supervisor/base/err.h"

struct workflow_engine;
struct workflow_runner;
struct job_host;

/*
 * Call once the store is open and privileges are dropped: marks jobs that a
 * dead process left running, forgets old leases, starts
 * api->config.max_workflows workers and one housekeeper.  *api must outlive
 * the engine; its stop_fd ends running jobs of workflows, which stay resumable.
 */
int workflow_engine_start(struct api *api, struct workflow_engine **ret,
			  struct err *e);

/* The same with another way to run jobs (runner.h); for tests. */
int workflow_engine_start_with(struct api *api,
			       const struct workflow_runner *runner,
			       struct workflow_engine **ret, struct err *e);

/* Cancels its running jobs, waits for its threads, frees. */
void workflow_engine_stop(struct workflow_engine *engine);

/* Something became due: look now rather than at the next tick. */
void workflow_engine_kick(struct workflow_engine *engine);

/* Kill the job that this process runs for the workflow, if any. */
void workflow_engine_interrupt(struct workflow_engine *engine,
			       const char *workflow_id);

/* The supervisor as all of the API sees it; owned by the engine. */
struct job_host *workflow_engine_host(struct workflow_engine *engine);

#endif
