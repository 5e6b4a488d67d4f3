/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the supervisor as its clients see it: which runtimes it has, whether
 * it is the same one as before, and how many of our jobs may be with it at
 * once.  What the supervisor says is trusted; it is the more privileged side.
 */
#ifndef PC_API_JOBS_HOST_H
#define PC_API_JOBS_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/base/err.h"
#include "supervisor/wire/proto.h"

struct job_host;

/* Contacts nobody yet.  socket_path is copied. */
int job_host_new(const char *socket_path, struct job_host **ret, struct err *e);
void job_host_free(struct job_host *host);

const char *job_host_socket(const struct job_host *host);

/*
 * Ask the supervisor how it is; its runtimes are read again when it is another
 * instance than last time.  ERR_PEER: it does not answer.  ret_hello may be
 * NULL.  A supervisor that is not ready is no error here.
 */
int job_host_refresh(struct job_host *host, struct proto_hello_reply *ret_hello,
		     struct err *e);

/* As job_host_refresh, but a supervisor that refuses jobs is ERR_UNSUPPORTED
 * with its own words. */
int job_host_check_ready(struct job_host *host, struct err *e);

/* Instance seen last; all zero if none was. */
void job_host_instance(struct job_host *host, uint8_t ret_instance[16]);

/* Are the runtimes known, so that the look-ups below can tell? */
bool job_host_has_runtimes(struct job_host *host);

/* By name or alias.  ERR_NOT_FOUND lists the names there are. */
int job_host_runtime(struct job_host *host, const char *language,
		     struct proto_runtime_info *ret, struct err *e);

/* By what a file is called: "src/a.py"; false if no runtime claims it. */
bool job_host_runtime_by_path(struct job_host *host, const char *path,
			      struct proto_runtime_info *ret);

/* One that only runs under this policy; the look-ups above pass over those. */
bool job_host_runtime_of_policy(struct job_host *host, const char *policy,
				const char *name,
				struct proto_runtime_info *ret);

/*
 * Is the policy of this name loaded with this SHA-256 (hex)?  The supervisor is
 * asked now: ERR_CONFLICT: it is another one, or gone; ERR_PEER: no answer.
 */
int job_host_check_policy(struct job_host *host, const char *name,
			  const char *sha256, struct err *e);

/*
 * Take one of the supervisor's slots_total places for a job of this process, in
 * the order in which they are asked for, waiting up to wait_ms among at most
 * JOB_HOST_WAITERS_MAX others; ERR_BUSY if there is none, or as soon as stop_fd
 * (-1: none) becomes readable.
 */
#define JOB_HOST_WAITERS_MAX 256
int job_host_slot_acquire(struct job_host *host, uint32_t wait_ms, int stop_fd,
			  struct err *e);
void job_host_slot_release(struct job_host *host);

/* Is somebody waiting for a place? */
bool job_host_slot_is_wanted(struct job_host *host);
/*
 * Between two jobs, for who has more of them: if somebody is waiting, the place
 * is his, and the caller waits behind all others for one.  ERR_BUSY, and the
 * place is gone, as for job_host_slot_acquire().
 */
int job_host_slot_yield(struct job_host *host, uint32_t wait_ms, int stop_fd,
			struct err *e);

#endif
