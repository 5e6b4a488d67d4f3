/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.h - what a workflow made, released: which files, in which words, and
 * in which order the supervisor, the disk and the readers hear of it.
 *
 * RELEASE_DIR/{workflow_id}/
 *	files/...	code, tests and the other files, under their own paths
 *	results.json	what the jail said
 *	analysis.json	what the analysis found
 *	iterations.json	every version that was tried, and how well it did
 *	approvals.json	who was asked and what they said
 *	shown.json	what they were shown: its SHA-256 is the digest
 *	manifest.json	SHA-256 and size of all of these, digest, sources,
 *			policy, jobs, times
 *
 * All of it follows from the workflow's document, so that a second try after a
 * crash makes the same bytes.
 */
#ifndef PC_API_RELEASE_H
#define PC_API_RELEASE_H

#include <jansson.h>
#include <stdint.h>

#include "api/api.h"
#include "api/release/tree.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

struct job_host;

#define RELEASE_MANIFEST "manifest.json"
#define RELEASE_FILE_MAX (128u << 20)

struct release_outcome {
	char manifest_sha256[65];
	uint64_t record;  /* in the supervisor's audit log */
	bool is_repeated; /* it was published, or recorded, before */
};

/* Who publishes, as the engine sees it; tests bring their own. */
struct workflow_publisher {
	void *arg;
	/* May a release begin?  ERR_BUSY: not yet. */
	int (*check_room)(void *arg, struct err *e);
	/*
	 * evidence and attempt (from 1) as the document has them.  ERR_PEER
	 * and ERR_BUSY: worth another try; ERR_CONFLICT: it is not what was
	 * shown, or another release is there.
	 */
	int (*publish)(void *arg, const struct workflow_state *state,
		       const json_t *evidence, uint32_t attempt,
		       struct release_outcome *ret, struct err *e);
};

/* The arg of release_publisher(). */
struct release_office {
	const struct api *api;
	struct job_host *host;
};

/* Into api->config.release_dir; *office must outlive the result. */
struct workflow_publisher release_publisher(struct release_office *office);

/* ---- set.c: the files of a release ----------------------------------- */

struct release_set {
	struct release_file *files; /* the manifest is the last */
	size_t len;
	char *paths; /* what files[].path point into, one after the other */
	size_t paths_len;
	json_t *source; /* what files[].data point into */
	char *texts[8];
	size_t texts_len;
	const char *shown; /* one of them */
	size_t shown_len;
	uint64_t bytes;
	char runtime[32];
	unsigned char manifest_sha256[32];
};

/* host knows the languages' default paths; ERR_PEER: it does not answer. */
int release_set_init(struct release_set *ret,
		     const struct workflow_state *state, const json_t *evidence,
		     struct job_host *host, struct err *e);
void release_set_done(struct release_set *set);

#endif
