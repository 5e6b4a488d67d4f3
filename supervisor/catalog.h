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

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"
#include "supervisor/config.h"

#define CATALOG_POLICIES_MAX 32
#define CATALOG_RUNTIMES_MAX 32

struct catalog_policy {
	struct policy policy;
	int memfd;			/* the same bytes, sealed */
	int source[POLICY_MOUNTS_MAX];	/* O_PATH; -1: optional, absent */
	int tree[CATALOG_RUNTIMES_MAX]; /* by runtime; -1: not made yet */
	uint32_t renewals;   /* how often what is lent was looked up again */
	struct err unusable; /* kind != ERR_NONE: refuse jobs */
};

struct catalog_runtime {
	struct runtime runtime;
	uint32_t index;
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
 * Runtimes with a policy of their own run under that one, others under the
 * rest.
 */
bool catalog_may_run(const struct catalog *catalog, const struct policy *policy,
		     const struct runtime *runtime);

/* ---- what a jail is lent (catalog_mounts.c) -------------------------- */

/* A tree with all of it, or else single mounts, -1 where absent. */
struct lent {
	int tree;
	int mounts[POLICY_MOUNTS_MAX];
	int harness;
};

/* At the start, of all that can be used. */
void catalog_make_trees(struct catalog *catalog);
/* No fds. */
void lent_init(struct lent *lent);
void lent_done(struct lent *lent);
/* Look up again what was replaced on the host; policy->renewals tells. */
int catalog_look_again(struct catalog_policy *policy,
		       const struct catalog_runtime *runtime, struct err *e);
/*
 * Detached mounts, read-only, owned by the caller, also what is there on
 * failure.  A source that was replaced on the host is looked up again.
 */
int catalog_lend(struct catalog_policy *policy,
		 const struct catalog_runtime *runtime, struct lent *ret,
		 struct err *e);
/* *ret_is_renewed: what was lent before is not up to date. */
int catalog_renew_sources(struct catalog_policy *policy, bool *ret_is_renewed,
			  struct err *e);
void catalog_drop_trees(struct catalog_policy *policy);

#endif
