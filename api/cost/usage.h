/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - the usage log: who called what, how often, a list for each day in
 * the store (api_usage:{date}).  Written once a second by a thread of its own,
 * so that no request waits for it; kill -9 loses at most what was noted since.
 */
#ifndef PC_API_COST_USAGE_H
#define PC_API_COST_USAGE_H

#include <stdint.h>

#include "api/api.h"
#include "supervisor/base/err.h"

struct usage_log;

/* One call; the strings are copied. */
struct usage_call {
	const char *user_id;
	const char *operation;
	const char *details; /* "": nothing to add; at most 100 characters */
	int status;
	uint64_t duration_us;
};

int usage_start(struct api *api, struct usage_log **ret, struct err *e);
/* Writes what is noted.  NULL is ignored. */
void usage_stop(struct usage_log *log);

/*
 * Never waits.  Calls that differ only in time become one line with a count.
 * If more different ones come than the store takes, some are left out, which
 * the process' log tells.
 */
void usage_note(struct usage_log *log, const struct usage_call *call);

/* Wait until what was noted before is written; -1 if it takes longer. */
int usage_flush(struct usage_log *log, uint32_t wait_ms);

/* Calls that were left out since the start. */
uint64_t usage_lost(struct usage_log *log);

#endif
