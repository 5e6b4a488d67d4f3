/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the record of every job: an append-only, hash-chained log whose
 * records are signed (audit_format.h says how it looks on the disk).
 *
 * What a crash can leave.  A record is written, then the head says so; at the
 * end of a turn the file is forced to the disk once for all records that need
 * it, then the head says that, and only then are jobs answered.  While other
 * jobs go on this is not waited for: what ends meanwhile is for the next time,
 * and a job is answered once its record's number is among the synced.  So after
 * kill -9 the log is at most one record ahead of its head, and after a power
 * cut it has at least what the head calls synced.  Anything else is not a
 * crash, and audit_open() refuses it.
 *
 * What a full disk does.  Room for the end of every job is reserved before the
 * job begins (audit_may_begin); without it no job is taken, and none that was
 * taken loses its record.
 */
#ifndef PC_SUPERVISOR_AUDIT_H
#define PC_SUPERVISOR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"
#include "supervisor/audit_format.h"
#include "supervisor/base/err.h"
#include "supervisor/base/flush.h"
#include "supervisor/wire/proto.h"

#define AUDIT_BYTES_DEFAULT (64ull << 20)
#define AUDIT_BYTES_MIN (64ull << 10)
#define AUDIT_BYTES_MAX (4ull << 30)
#define AUDIT_OPEN_MAX 256     /* jobs at a time */
#define AUDIT_DENIALS_MAX 16   /* told in full, per job; all are counted */
#define AUDIT_REFUSALS_MAX 30  /* told in full, per minute and uid */
#define AUDIT_REFUSAL_UIDS 4   /* only root and --client-uid may connect */
#define AUDIT_RELEASES_MAX 256 /* the latest, known without reading */

/* Refused calls of one job, equal ones together. */
struct audit_denial {
	uint32_t nr, errnum;
	uint64_t args[6]; /* 0 beyond those the call has */
	uint64_t count;
	int audit_index; /* in policy->audit; -1: not there */
};

struct audit_denials {
	struct audit_denial first[AUDIT_DENIALS_MAX];
	uint32_t len;
};

/* Refused requests of one uid that are counted, not told. */
struct audit_refusals {
	bool is_used;
	uid_t uid;
	uint64_t since_us; /* monotonic */
	uint32_t told;
	uint64_t counted[ERR_KIND_COUNT];
};

/* A release that is on record. */
struct audit_release_seen {
	char workflow[PROTO_ID_MAX];
	uint8_t shown_sha256[PROTO_SHA256_SIZE];
	uint8_t manifest_sha256[PROTO_SHA256_SIZE];
	uint64_t seq;
};

struct audit {
	int dir_fd, head_fd, fd; /* owned */
	struct audit_key *key;	 /* owned; a page that no child inherits */
	uint8_t public_key[AUDIT_KEY_SIZE];
	uint8_t log_id[AUDIT_LOG_ID_SIZE];
	char boot_id[40];
	uint64_t max_bytes;
	uint64_t file;	 /* number of the current one */
	uint64_t seq;	 /* of the last record */
	uint64_t synced; /* and of the last one on the disk */
	uint8_t head[AUDIT_HASH_SIZE];
	uint8_t sig[AUDIT_SIG_SIZE];
	off_t length, reserved; /* of the current file */
	bool wants_sync;	/* by the end of this turn */
	bool wants_flush;	/* a job waits for its record only */
	struct flush flush;	/* owned; the main program makes it */
	uint64_t flush_seq;	/* what it has when it is over */
	bool wants_rotation;	/* asked for by a signal */
	bool is_fresh;		/* the current file has but its log_open */
	uint64_t rotate_not_before_us; /* after one that failed */
	bool is_full;		       /* said in the log of the process */
	bool is_broken; /* a record could not be written: no more jobs */
	char open[AUDIT_OPEN_MAX][PROTO_ID_MAX]; /* begun, not ended; "" free */
	struct audit_refusals refusals[AUDIT_REFUSAL_UIDS];
	struct audit_release_seen releases[AUDIT_RELEASES_MAX]; /* a ring */
	unsigned releases_next;
};

#define AUDIT_INIT                                                             \
	((struct audit){                                                       \
		.dir_fd = -1, .head_fd = -1, .fd = -1, .flush = FLUSH_INIT})

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
	const uint32_t *denial_counts;	   /* one a policy->audit[i] */
	const struct audit_denials *denials;
	uint32_t slot;
	bool has_slot;
};

/*
 * Open the audit log below the state directory, or make it where there has
 * been none, and record the start: with jobs that began and never ended, and
 * with what a crash left unfinished (kept in a file of its own).  A log that no
 * crash can have left so is an error that names what is wrong.
 */
int audit_open(int state_dir, uint64_t max_bytes, struct audit *ret,
	       struct err *e);
/* Record the stop of a supervisor that ends in order. */
int audit_stop(struct audit *audit, struct err *e);
void audit_close(struct audit *audit);

/* ---- jobs ------------------------------------------------------------ */

/* Is there room for the records of one more job than jobs_live? */
int audit_may_begin(struct audit *audit, unsigned jobs_live, struct err *e);
/* A job begins: written, not waited for. */
int audit_job_begin(struct audit *audit, const struct audit_job *job,
		    struct err *e);
/* It ended, however. */
int audit_job(struct audit *audit, const struct audit_job *job, struct err *e);
/* A request that never became a job; too many of them are only counted. */
int audit_refusal(struct audit *audit, const struct audit_job *job,
		  unsigned jobs_live, struct err *e);
/* Keep a refused call for the job's record; audit_index as in notify.h. */
void audit_denials_add(struct audit_denials *denials,
		       const struct policy *policy, int audit_index,
		       uint32_t nr, const uint64_t args[6], uint32_t errnum);

/* ---- releases -------------------------------------------------------- */

/*
 * The record of this workflow's release, if it is among the latest of the
 * current file (also after a restart); NULL: there may still be an older one.
 */
const struct audit_release_seen *audit_release_find(const struct audit *audit,
						    const char *workflow);
/* One is about to be published: on the disk when this returns 0. */
int audit_release(struct audit *audit, const struct proto_release *release,
		  uid_t peer_uid, pid_t peer_pid, uint64_t *ret_seq,
		  struct err *e);
/* One that may not be: why; bounded as the refusals of jobs are.  found_sha256
 * is the memfd's own, NULL if it came to none. */
int audit_release_refused(struct audit *audit,
			  const struct proto_release *release, uid_t peer_uid,
			  pid_t peer_pid, const uint8_t *found_sha256,
			  const struct err *why, unsigned jobs_live,
			  struct err *e);

/* ---- turns ----------------------------------------------------------- */

/*
 * Put all records that need it on the disk.  After a failure of this or of
 * any append is_broken is set and every further call fails.
 */
int audit_sync(struct audit *audit, struct err *e);
/*
 * The same, not waited for if only jobs wait for it (audit->flush tells the
 * end: audit_flushed); without a flush, or if it cannot begin, it is
 * audit_sync.
 */
void audit_flush(struct audit *audit);
void audit_flushed(struct audit *audit);
/* What is due and nobody waits for: counts of refusals, the next file. */
void audit_tick(struct audit *audit, unsigned jobs_live);
/* When audit_tick() has work; UINT64_MAX if it has none. */
uint64_t audit_deadline(const struct audit *audit);

#endif
