/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_cache.h - answers of GET /api/v3/execute/status/{id} as text, by
 * workflow and version.
 *
 * An answer is a function of the document alone, and the document of a version
 * never changes: asked for the version that the store has now, the cache is
 * never out of date, whoever wrote it.  Only a store that has lost its last
 * writes counts on from an older version, so the time of the change must be the
 * same, too.  Bounded in bytes; what was not asked for longest goes first.
 */
#ifndef PC_API_STATUS_CACHE_H
#define PC_API_STATUS_CACHE_H

#include "api/http/http.h"
#include "api/workflow/access.h"

struct status_cache;

int status_cache_new(struct status_cache **ret, struct err *e);
void status_cache_free(struct status_cache *cache); /* NULL is ignored */

/*
 * A reference to the text about this version of this workflow; NULL if it is
 * not there.  cache may be NULL.
 */
struct http_text *status_cache_get(struct status_cache *cache,
				   const struct store_workflow_meta *meta,
				   struct workflow_access *ret_access);
/* Keeps a reference of its own, unless the text is too large. */
void status_cache_put(struct status_cache *cache,
		      const struct store_workflow_meta *meta,
		      const struct workflow_access *access,
		      struct http_text *text);

#endif
