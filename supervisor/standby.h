/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standby.h - jails that are built before there is a job for them.
 *
 * One for each of the latest kinds of jobs: a whole jail, locked down, in which
 * the runtime's harness waits at the gate; a direct runtime waits before its
 * exec.  It has been given the policy, the runtime and empty pipes; there is no
 * client and no bundle.  A job of that kind takes it, for good: it is looked at
 * once more, and PID 1 gets the bundle, as in a jail that was built for the job
 * (job_gate.c).  One that does not fit any more, or is gone, is discarded, and
 * the job builds its own.
 *
 * They have slots of their own, so that no job is refused for them, and are
 * built one at a time while little else goes on.
 */
#ifndef PC_SUPERVISOR_STANDBY_H
#define PC_SUPERVISOR_STANDBY_H

#include <stdint.h>

#include "supervisor/config.h"

struct catalog_policy;
struct catalog_runtime;
struct job;
struct supervisor;

/* What cannot be made other when the job comes. */
struct standby_kind {
	struct catalog_policy *policy;
	const struct catalog_runtime *runtime;
	uint64_t memory_bytes;
	uint32_t pids;
};

struct standby_place {
	struct standby_kind kind;
	uint32_t renewals; /* policy->renewals when the jail was made */
	struct job *job;   /* NULL: there is none now */
};

struct standby {
	struct standby_place places[CONFIG_STANDBY_MAX]; /* latest first */
	unsigned len;
	unsigned jails;	 /* places with one */
	uint64_t due_us; /* not before that */
};

/* A jail for a job of this kind; NULL: the job has to build its own. */
struct job *standby_take(struct supervisor *sup,
			 const struct standby_kind *kind);
/* A job of this kind has come; more will. */
void standby_want(struct supervisor *sup, const struct standby_kind *kind);
/* Something goes on: build nothing for a while. */
void standby_rest(struct supervisor *sup);
/* Nothing is missing in this jail but a job. */
void standby_ready(struct job *job);
/* A jail that waits, or was being built, has failed or ended. */
void standby_lost(struct job *job);
/* It has come of age, or was not ready in time. */
void standby_expired(struct job *job);

/* When standby_tick() has something to do; UINT64_MAX: nothing. */
uint64_t standby_deadline(const struct supervisor *sup);
void standby_tick(struct supervisor *sup);

#endif
