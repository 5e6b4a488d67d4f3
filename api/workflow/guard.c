/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - see guard.h.  Digests rather than copies: a document may hold
 * megabytes of code.
 */
#include "api/workflow/guard.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/workflow/digest.h"
#include "supervisor/base/str.h"

/* The engine's own members; every step has a part in them. */
static const char *const always[] = {
	"current_step", "error",   "history",	 "history_dropped", "metrics",
	"status",	"version", "updated_at", "execution_plan",  NULL,
};

static bool
is_listed(const char *name, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static int
add_digest(json_t *digests, const char *name, const json_t *value)
{
	char hex[DIGEST_HEX_SIZE];

	digest_json(value, hex);
	return json_object_set_new(digests, name, json_string(hex));
}

/* The steps other than the one that runs. */
static int
add_plan(json_t *digests, const struct workflow_state *state, size_t step,
	 const char *const *may_change)
{
	char name[48];
	int rc = 0;

	if (is_listed("execution_plan", may_change))
		return 0; /* it may open another step again */
	for (size_t i = 0; rc == 0 && i < workflow_state_steps(state); i++) {
		snprintf(name, sizeof(name), "execution_plan[%zu]", i);
		if (i != step)
			rc = add_digest(digests, name,
					workflow_state_step(state, i));
	}
	return rc;
}

int
guard_init(struct guard *ret, const struct workflow_state *state, size_t step,
	   const char *const *may_change, struct err *e)
{
	json_t *digests = json_object(), *value;
	const char *name;
	int rc = digests != NULL ? 0 : -1;

	json_object_foreach(state->doc, name, value)
	{
		if (rc == 0 && !is_listed(name, always) &&
		    !is_listed(name, may_change))
			rc = add_digest(digests, name, value);
	}
	if (rc < 0 || add_plan(digests, state, step, may_change) < 0) {
		json_decref(digests);
		return err_set(e, ERR_IO, ENOMEM, "guard the document");
	}
	ret->digests = digests;
	return 0;
}

int
guard_check(struct guard *guard, const struct workflow_state *state,
	    size_t step, const char *const *may_change, struct err *e)
{
	struct guard now = {0};
	const char *name = NULL;
	json_t *before, *value;
	int rc = guard_init(&now, state, step, may_change, e);

	if (rc == 0 && !json_equal(guard->digests, now.digests)) {
		json_object_foreach(now.digests, name, value)
		{
			before = json_object_get(guard->digests, name);
			if (before == NULL || !json_equal(before, value))
				break;
		}
		rc = err_set(e, ERR_INVALID, 0,
			     "internal error: the step changed %s of the "
			     "document, which it may not",
			     name != NULL ? name : "(a member it took away)");
	}
	json_decref(now.digests);
	json_decref(guard->digests);
	guard->digests = NULL;
	return rc;
}
