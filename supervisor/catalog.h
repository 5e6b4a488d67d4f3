/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - what the operator installed, loaded once at start: policies,
 * runtimes, jail-init.
 *
 * Policy text is parsed by promptcraft-policyc as an unprivileged child; what
 * it writes is a fixed-size struct that is checked and hashed here and then
 * sealed in a memfd.  Mount sources are resolved once and travel as O_PATH
 * fds from then on.
 */
#ifndef PC_SUPERVISOR_CATALOG_H
#define PC_SUPERVISOR_CATALOG_H

#include <stdint.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"
#include "supervisor/config.h"

#define CATALOG_POLICIES_MAX 32
#define CATALOG_RUNTIMES_MAX 32

struct catalog_policy {
	struct policy policy;
	int memfd;		       /* the same bytes, sealed */
	int source[POLICY_MOUNTS_MAX]; /* O_PATH; -1: optional, absent */
	struct err unusable;	       /* kind != ERR_NONE: refuse jobs */
};

struct catalog_runtime {
	struct runtime runtime;
	int memfd;
	int dir; /* O_PATH of its folder */
	struct err unusable;
};

struct catalog {
	int init_fd; /* sealed memfd of jail-init */
	struct catalog_policy *policies;
	uint32_t policies_len;
	struct catalog_runtime *runtimes;
	uint32_t runtimes_len;
};

/* A policy or runtime that does not load is an error: nothing is skipped. */
int catalog_load(struct catalog *catalog, const struct config *config,
		 struct err *e);
void catalog_done(struct catalog *catalog);

/* NULL if there is none of that name. */
struct catalog_policy *catalog_policy(const struct catalog *catalog,
				      const char *name);
const struct catalog_runtime *catalog_runtime(const struct catalog *catalog,
					      const char *name);

/*
 * One detached, read-only mount per policy->mounts[i] into ret_fds (-1 where
 * absent) and one of the runtime's folder; all owned by the caller, also what
 * is there on failure.  A source that was replaced on the host is looked up
 * again.
 */
int catalog_make_mounts(struct catalog_policy *policy,
			const struct catalog_runtime *runtime,
			int ret_fds[POLICY_MOUNTS_MAX], int *ret_harness,
			struct err *e);

#endif
