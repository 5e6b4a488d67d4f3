/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the record of every job: an append-only file of JSON lines, each
 * bound to the one before it.
 *
 *   {"seq":7,"type":"job",...,"prev":"<hex>","hash":"<hex>"}
 *
 * hash = SHA-256(32 bytes of prev || the line's bytes before `,"hash":"`);
 * prev of the first line is 32 zero bytes; seq starts at 1 and has no gaps.
 * Every string that anybody else chose is escaped to printable ASCII.
 */
#ifndef PC_SUPERVISOR_AUDIT_H
#define PC_SUPERVISOR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"
#include "supervisor/wire/proto.h"

#define AUDIT_FILE "audit.log"
#define AUDIT_LINE_MAX 16384
#define AUDIT_HASH_SIZE 32

struct audit {
	int dir_fd; /* the state directory; owned */
	int fd;
	uint64_t seq; /* of the last line */
	uint8_t head[AUDIT_HASH_SIZE];
	off_t length;
	bool is_dirty;	/* appended, not yet on the disk */
	bool is_broken; /* a record could not be written: no more jobs */
};

/* One job; NULL or zero where the job never got that far. */
struct audit_job {
	const struct proto_job_submit *submit;
	uid_t peer_uid;
	pid_t peer_pid;
	const struct policy *policy;
	const struct runtime *runtime;
	const uint8_t *bundle_sha256;
	const uint8_t *collected_sha256;
	const char *posture; /* "not reached", "passed" or what was wrong */
	const struct proto_job_done *done;
	const struct proto_limits *limits; /* as applied */
	const uint32_t *denials;	   /* counts, one a policy->audit[i] */
	uint32_t slot;
	bool has_slot;
};

/*
 * Open or make dir_fd's audit log and find the end of its chain; takes over
 * dir_fd on success.  A last line without newline (the machine went down) is
 * moved to a file of its own and a record says so; a last line that does not
 * fit its own hash is an error.
 */
int audit_open(int dir_fd, struct audit *ret, struct err *e);
void audit_close(struct audit *audit);

/*
 * Append one line; audit_sync puts all appended ones on the disk.  After a
 * failure of either is_broken is set and every further call fails.
 */
int audit_job(struct audit *audit, const struct audit_job *job, struct err *e);
int audit_event(struct audit *audit, const char *type, const char *text,
		struct err *e);
int audit_sync(struct audit *audit, struct err *e);

#endif
