/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_glance.c - what a request about a workflow must know.  A round trip
 * to SQLite is a function call, so this is just one after the other.
 */
#include "api/store/sqlite_store.h"

/* What is not there stays empty. */
static int
unless_absent(int rc, struct err *e)
{
	if (rc < 0 && e->kind == ERR_NOT_FOUND) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc;
}

int
sqlite_glance(struct store *s, const char *user_id, uint32_t token_version,
	      const char *workflow_id, const char *counter_key,
	      uint32_t window_s, struct store_glance *ret, struct err *e)
{
	struct store_glance glance = {0};

	if (unless_absent(sqlite_user_get_by_id(s, user_id, &glance.user, e),
			  e) < 0 ||
	    unless_absent(sqlite_workflow_peek(s, workflow_id, &glance.meta, e),
			  e) < 0)
		return -1;
	if (counter_key != NULL && glance.user.user_id[0] != '\0' &&
	    !glance.user.is_disabled &&
	    glance.user.token_version == token_version &&
	    sqlite_counter_hit(s, counter_key, window_s, &glance.hits,
			       &glance.reset_s, e) < 0)
		return -1;
	*ret = glance;
	return 0;
}
