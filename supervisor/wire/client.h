/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - the client's side of the supervisor protocol: ask what there is,
 * and run one job to its end.  Used by the API process and the CLI.
 *
 * Each call opens its own connection: a job's life is tied to its connection,
 * so a caller that dies takes its job with it.  Every function may be called
 * from any thread.
 */
#ifndef PC_WIRE_CLIENT_H
#define PC_WIRE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"
#include "supervisor/wire/proto.h"

/* One request and its reply.  socket_path is the supervisor's. */
int client_hello(const char *socket_path, struct proto_hello_reply *ret,
		 struct err *e);
/* *ret->name is "" when index is past the end. */
int client_policy_get(const char *socket_path, uint32_t index,
		      struct proto_policy_info *ret, struct err *e);
int client_runtime_get(const char *socket_path, uint32_t index,
		       struct proto_runtime_info *ret, struct err *e);

/*
 * Ask for the record of a release: its fields but the head, and the bytes that
 * were shown.  0 with the supervisor's answer, which may be a refusal
 * (ret->record 0, ret->err says why); -1 if there is none.
 */
int client_release(const char *socket_path, const struct proto_release *release,
		   const void *shown, size_t shown_len,
		   struct proto_release_reply *ret, struct err *e);

/* Bytes that grow up to a cap; `data` is malloc'd (NULL while len is 0). */
struct client_buffer {
	char *data;
	size_t len;
	bool is_truncated; /* more came than output_bytes; the rest is gone */
};

struct client_job_request {
	const char *job_id; /* UUID text */
	const char *policy;
	const char *runtime;
	const char *actor;    /* who asks, for the audit record */
	const char *workflow; /* "" if none */
	uint32_t step;
	uint32_t attempt;
	struct proto_limits limits;
	const void *bundle; /* jail/bundle.h format */
	size_t bundle_len;
	const void *stdin_data;
	size_t stdin_len;

	/*
	 * Optional; called from within client_job_run on the caller's thread.
	 * on_result gets each complete line (without newline) of the result
	 * pipe as it arrives; bytes are untrusted, not NUL-terminated.
	 */
	void (*on_started)(void *arg, const struct proto_job_started *started);
	void (*on_output)(void *arg, int stream, const char *data, size_t len);
	void (*on_result)(void *arg, const char *line, size_t len);
	void *arg;

	/*
	 * An eventfd or pipe that becomes readable to cancel the job; -1 if
	 * none.  Not consumed, not closed.
	 */
	int cancel_fd;
};

struct client_job_result {
	struct proto_job_done done; /* valid unless is_lost */
	bool has_started;
	struct proto_job_started started; /* valid if has_started */
	bool is_lost; /* connection broke before JOB_DONE: supervisor gone */
	struct client_buffer out, err_out;
	struct client_buffer results; /* the raw lines of the result pipe */
	struct proto_job_denial denials[PROTO_DENIALS_MAX];
	size_t denials_count;
	struct client_buffer collected; /* bundle-format bytes, may be empty */
};

/*
 * Run one job and wait for its end.  Returns 0 whenever *ret tells the story,
 * including refused, killed and lost jobs; -1 only if nothing was submitted
 * (no connection, out of memory): *e says why, ERR_PEER for an unreachable
 * supervisor.  Always call client_job_result_done on *ret after 0.
 *
 * stdout and stderr are each kept up to the effective limits.output_bytes; one
 * byte more sends JOB_KILL(OUTPUT_LIMIT) and sets is_truncated.  The result
 * stream is kept up to CLIENT_RESULTS_MAX; more is an output_limit too.
 */
#define CLIENT_RESULTS_MAX (8u << 20)
int client_job_run(const char *socket_path,
		   const struct client_job_request *request,
		   struct client_job_result *ret, struct err *e);
void client_job_result_done(struct client_job_result *result);

#endif
