/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h - places for jails: each has its own pair of host uids, its own
 * cgroup and network namespace, and belongs to at most one job at a time.
 */
#ifndef PC_SUPERVISOR_SLOTS_H
#define PC_SUPERVISOR_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/base/err.h"
#include "supervisor/cgroup.h"
#include "supervisor/config.h"
#include "supervisor/netns.h"

/*
 * Host uids: SLOTS_UID_FIRST + range * SLOTS_UID_RANGE + 2 * slot.  A range is
 * held by a lock on SLOTS_RUN_DIR/uid-range.N, so that supervisors side by
 * side never share a uid.
 */
#define SLOTS_UID_FIRST 1879048192u
#define SLOTS_UID_RANGE 4096u
#define SLOTS_UID_RANGES 1024u
/*
 * Beyond what may run at once, taken when no other is free: a job that is over,
 * and answered, keeps its slot until its last process is gone.
 */
#define SLOTS_SPARE 4u
#define SLOTS_MAX (CONFIG_SLOTS_MAX + CONFIG_STANDBY_MAX + SLOTS_SPARE)
#define SLOTS_RUN_DIR "/run/promptcraft"

struct slot {
	unsigned index;
	uint32_t uid_base;
	bool is_used;
	struct cgroup_slot cgroup;
	struct netns net; /* for policies without any network */
};

struct slots {
	int range_lock;	      /* held while we live */
	unsigned count, used; /* count: with the spare ones */
	unsigned next;	      /* where the search for a free one begins */
	struct slot slot[SLOTS_MAX];
};

/*
 * Take a uid range; makes no cgroups yet.  count: jobs at a time, and the jails
 * that are kept ready for some.
 */
int slots_init(struct slots *slots, unsigned count, struct err *e);
int slots_make_cgroups(struct slots *slots, struct cgroup *cg, struct err *e);
/*
 * One for each slot; home_fd is our own network namespace.  Where that cannot
 * be (in a container we may not return to our own), each job makes its own, as
 * with a policy that has loopback.
 */
void slots_make_networks(struct slots *slots, int home_fd);
void slots_done(struct slots *slots, struct cgroup *cg);

/* NULL if all are used. */
struct slot *slots_take(struct slots *slots);
void slots_give_back(struct slots *slots, struct slot *slot);

#endif
