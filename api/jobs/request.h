/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - what one job shall run, as a client asked for it: from the JSON
 * object of POST /api/v3/jobs (the CLI builds the same object from its
 * options) to the bundle that the jail unpacks.
 *
 *   language code code_path tests tests_path files[]{path, content} args[]
 *   stdin security_level limits{timeout_seconds, memory_mb} collect[]
 *   policy (instead of security_level: the name of any installed policy)
 */
#ifndef PC_API_JOBS_REQUEST_H
#define PC_API_JOBS_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/bundle.h"
#include "supervisor/base/err.h"
#include "supervisor/wire/proto.h"

#define JOB_FILES_MAX 256
#define JOB_DIRS_MAX 1024 /* that these files may need */
#define JOB_ARGS_MAX 256
#define JOB_COLLECT_MAX 32
#define JOB_FIELD_MAX 64
#define JOB_MEMORY_MIN_MB 16

struct job_host;

/* Used where the request says nothing; 0: the policy's own ceiling. */
struct job_defaults {
	uint64_t wall_ms;
	uint64_t memory_bytes;
};

struct job_text {
	const char *data; /* NUL-terminated, no NUL inside */
	size_t len;
};

/* All pointers are into `source`, which the struct holds a reference of. */
struct job_request {
	json_t *source;
	struct proto_runtime_info runtime;
	char policy[PROTO_NAME_MAX];
	struct job_text code, tests, stdin_text;
	bool has_tests;
	char code_path[BUNDLE_PATH_MAX + 1];
	char tests_path[BUNDLE_PATH_MAX + 1];
	json_t *files, *args, *collect; /* arrays or NULL; borrowed */
	struct proto_limits limits;
};

/*
 * Check all of it and look the runtime up.  On failure *e is ERR_INVALID and
 * ret_field names the field ("files[2].path"); ERR_PEER and others (field "")
 * when the supervisor had to be asked for its runtimes and did not answer.
 */
int job_request_init(struct job_request *ret, json_t *source,
		     struct job_host *host, const struct job_defaults *defaults,
		     char ret_field[JOB_FIELD_MAX], struct err *e);
void job_request_done(struct job_request *request);

/* The job as the jail gets it; empty `out` it with bundle_writer_done. */
int job_request_bundle(const struct job_request *request,
		       struct bundle_writer *out, struct err *e);

/* A new random UUID (version 4). */
void job_id_new(char ret_id[PROTO_ID_MAX]);
/* Is it UUID text, 8-4-4-4-12 lower-case hex digits? */
bool job_id_is_valid(const char *id);

#endif
