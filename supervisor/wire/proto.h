/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto.h - the messages between a client (API process, CLI) and the
 * supervisor: one fixed-size struct per SOCK_SEQPACKET message, at most
 * PROTO_MESSAGE_MAX bytes, led by struct proto_head.
 *
 * Everything here that comes from a peer is untrusted: strings must be
 * NUL-terminated within their array, `zero` fields must be 0, the size and the
 * number of passed fds must be exactly what proto_table says.  A message that
 * is not so closes the connection (wire.h does these checks before any handler
 * sees the message).
 *
 * Life of a job on the wire:
 *
 *   client                                   supervisor
 *   JOB_SUBMIT                        ----->
 *   bundle_bytes of bundle, raw       ----->
 *                                     <-----  JOB_STARTED + 4 pipe ends
 *                                     <-----  JOB_DENIAL (0..PROTO_DENIALS_MAX)
 *   JOB_KILL (optional)               ----->
 *                                     <-----  JOB_DONE (+ collected files
 * memfd)
 *
 * JOB_DONE is sent exactly once for each JOB_SUBMIT, also when the job was
 * refused (then no JOB_STARTED came).  If the connection breaks, every job
 * submitted on it is killed.
 *
 * RELEASE, followed by what people were shown, asks for the record without
 * which nothing is released; RELEASE_REPLY comes once it is on the disk, or
 * says why there is none.
 *
 * The bundle follows its JOB_SUBMIT, and what was shown its RELEASE, in
 * messages without a head, each of 1 to PROTO_CHUNK bytes, as many in all as it
 * says, also when the refusal is there already; nothing else comes in between.
 *
 * A client passes no fd, ever: one that it made can block whoever closes it.  A
 * connection on which one arrives is dropped, and the fd never taken.
 */
#ifndef PC_WIRE_PROTO_H
#define PC_WIRE_PROTO_H

#include <stdint.h>

#include "supervisor/base/err.h"

#define PROTO_VERSION 1
#define PROTO_MESSAGE_MAX 512
#define PROTO_FDS_MAX 4
#define PROTO_NAME_MAX 32 /* policy and runtime names, with NUL */
#define PROTO_ID_MAX 40	  /* job and workflow ids (UUID text), with NUL */
#define PROTO_ACTOR_MAX 64
#define PROTO_SHA256_SIZE 32
#define PROTO_DENIALS_MAX 64 /* JOB_DENIAL messages per job; then counted */
#define PROTO_BUNDLE_MAX (16u << 20)
#define PROTO_SHOWN_MAX (16u << 20) /* what was shown for an approval */
#define PROTO_CHUNK (64u << 10)

enum proto_type {
	PROTO_HELLO = 1,    /* c->s */
	PROTO_HELLO_REPLY,  /* s->c */
	PROTO_POLICY_GET,   /* c->s: the index-th policy */
	PROTO_POLICY_INFO,  /* s->c */
	PROTO_RUNTIME_GET,  /* c->s: the index-th runtime */
	PROTO_RUNTIME_INFO, /* s->c */
	PROTO_JOB_SUBMIT,   /* c->s, then the bundle */
	PROTO_JOB_STARTED,  /* s->c, 4 fds: stdin (w), stdout, stderr, result */
	PROTO_JOB_DENIAL,   /* s->c */
	PROTO_JOB_KILL,	    /* c->s */
	PROTO_JOB_DONE,	    /* s->c, 0 fds, or 1: collected files (memfd) */
	PROTO_RELEASE,	    /* c->s, then what was shown */
	PROTO_RELEASE_REPLY, /* s->c */
	PROTO_TYPE_COUNT
};

/* How a job ended, as seen by the supervisor. */
enum proto_outcome {
	PROTO_OUTCOME_EXITED = 1, /* the payload ended by itself: exit_code */
	PROTO_OUTCOME_SIGNALED,	  /* the payload died of a signal: signal */
	PROTO_OUTCOME_TIMEOUT,	  /* wall-clock limit */
	PROTO_OUTCOME_KILLED,	  /* a limit or a JOB_KILL ended it: reason */
	PROTO_OUTCOME_REFUSED,	  /* never ran: err says why and how to fix */
	PROTO_OUTCOME_ERROR,	  /* our side failed: err */
	PROTO_OUTCOME_COUNT
};

/*
 * The first cause, strongest first; PROTO_REASON_NONE when nothing of the
 * sandbox intervened.  `pids` and `denied` may accompany any outcome: the
 * program met a limit or a denial and then ended in whatever way it did.
 */
enum proto_reason {
	PROTO_REASON_NONE = 0,
	PROTO_REASON_MEMORY, /* "memory": out-of-memory kill in the jail */
	PROTO_REASON_OUTPUT_LIMIT, /* "output_limit": client saw too much output
				    */
	PROTO_REASON_PIDS,	   /* "pids": a fork hit the process limit */
	PROTO_REASON_TIMEOUT,	   /* "timeout" */
	PROTO_REASON_CANCELLED,	   /* "cancelled": JOB_KILL by the client */
	PROTO_REASON_DENIED,	   /* "denied": an audited call was refused */
	PROTO_REASON_SHUTDOWN,	   /* "shutdown": supervisor is stopping */
	PROTO_REASON_COUNT
};

/* "memory", "output_limit", ...; "" for NONE. */
const char *proto_reason_name(enum proto_reason reason);
const char *proto_type_name(enum proto_type type);

struct proto_head {
	uint16_t version; /* PROTO_VERSION */
	uint16_t type;	  /* enum proto_type */
	uint32_t size;	  /* of the whole message */
	uint32_t seq; /* chosen by the sender of a request, echoed in replies */
	uint16_t nfds; /* passed with SCM_RIGHTS */
	uint16_t zero;
};

/* What a request asks for; 0 means the policy's own value. */
struct proto_limits {
	uint64_t wall_ms;
	uint64_t memory_bytes;
	uint64_t output_bytes; /* kept per stream; one byte more ends the job */
	uint32_t pids;
	uint32_t cpu_percent; /* of one CPU: 150 = one and a half */
};

struct proto_hello {
	struct proto_head head;
};

struct proto_hello_reply {
	struct proto_head head;
	uint8_t instance[16]; /* random per supervisor start */
	uint32_t slots_total;
	uint32_t slots_free;
	uint32_t policies;
	uint32_t runtimes;
	uint32_t cgroup_version; /* 1 or 2 */
	uint32_t landlock_abi;
	uint32_t is_ready; /* 0: jobs are refused, cause says why */
	uint32_t zero;
	char version[32]; /* of the program, "3.0.0" */
	struct err cause;
};

struct proto_get { /* PROTO_POLICY_GET, PROTO_RUNTIME_GET */
	struct proto_head head;
	uint32_t index; /* past the end: an info message with an empty name */
	uint32_t zero;
};

struct proto_policy_info {
	struct proto_head head;
	char name[PROTO_NAME_MAX]; /* "" past the end */
	char description[128];
	uint8_t policy_sha256[PROTO_SHA256_SIZE];
	uint8_t bpf_sha256[PROTO_SHA256_SIZE];
	struct proto_limits ceiling;
	uint32_t syscalls_allowed;
	uint32_t has_loopback;
};

struct proto_runtime_info {
	struct proto_head head;
	char name[PROTO_NAME_MAX]; /* "python"; "" past the end */
	char aliases[64];	   /* space separated: "py python3" */
	char code_path[64];	   /* default: "solution.py" */
	char tests_path[64];	   /* default: "test_solution.py" */
	char description[128];
	char policy[PROTO_NAME_MAX]; /* the only one it runs under; "": any
					that is no runtime's own */
	uint32_t is_unusable;	     /* jobs are refused, saying why */
	uint32_t zero;
};

struct proto_job_submit {
	struct proto_head head;
	char job_id[PROTO_ID_MAX];    /* UUID text, chosen by the client */
	char policy[PROTO_NAME_MAX];  /* name of an installed policy */
	char runtime[PROTO_NAME_MAX]; /* name of an installed runtime */
	char actor[PROTO_ACTOR_MAX];  /* as the client says; audited as such */
	char workflow[PROTO_ID_MAX];  /* "" if none */
	uint32_t step;
	uint32_t attempt;
	struct proto_limits limits; /* clamped to the policy's ceiling */
	uint32_t bundle_bytes;	    /* jail/bundle.h format */
	uint32_t zero;
};

struct proto_job_started {
	struct proto_head head;
	char job_id[PROTO_ID_MAX];
	char policy[PROTO_NAME_MAX];
	uint8_t policy_sha256[PROTO_SHA256_SIZE];
	uint8_t bpf_sha256[PROTO_SHA256_SIZE];
	struct proto_limits limits; /* as applied */
	uint32_t slot;
	uint32_t prepare_us; /* submit to gate passed */
};

struct proto_job_denial {
	struct proto_head head;
	char job_id[PROTO_ID_MAX];
	char syscall[32];
	uint64_t args[6];
	uint32_t nr;
	uint32_t arch;	 /* AUDIT_ARCH_* */
	uint32_t pid;	 /* inside the jail's PID namespace, 0 if unknown */
	uint32_t errnum; /* what the caller got */
};

struct proto_job_kill {
	struct proto_head head;
	char job_id[PROTO_ID_MAX];
	uint32_t reason; /* CANCELLED or OUTPUT_LIMIT only */
	uint32_t zero;
};

struct proto_job_done {
	struct proto_head head;
	char job_id[PROTO_ID_MAX];
	uint32_t outcome; /* enum proto_outcome */
	uint32_t reason;  /* enum proto_reason */
	int32_t exit_code;
	int32_t signal;
	uint64_t wall_us; /* gate opened to payload ended */
	uint64_t cpu_us;
	uint64_t memory_peak_bytes;
	uint64_t denials_total; /* may exceed the JOB_DENIAL messages sent */
	uint32_t pids_peak;	/* 0 if the host cannot say */
	uint32_t zero;
	struct err err; /* for REFUSED and ERROR */
};

/*
 * A release is about to be published.  The supervisor hashes the memfd by
 * itself and compares with shown_sha256; the policy must be loaded as it was
 * when it was shown.  Names and numbers of people are the client's word.
 */
struct proto_release {
	struct proto_head head;
	char workflow[PROTO_ID_MAX]; /* UUID text: also the release's id */
	char actor[PROTO_ACTOR_MAX]; /* whose workflow it is */
	char policy[PROTO_NAME_MAX];
	char runtime[PROTO_NAME_MAX];
	uint8_t policy_sha256[PROTO_SHA256_SIZE];
	uint8_t shown_sha256[PROTO_SHA256_SIZE];
	uint8_t manifest_sha256[PROTO_SHA256_SIZE];
	uint64_t bytes;	    /* of all its files */
	uint32_t files;	    /* in the release */
	uint32_t approvals; /* people who approved */
	uint32_t attempt;   /* from 1: may there be a record already? */
	uint32_t shown_bytes;
};

struct proto_release_reply {
	struct proto_head head;
	char workflow[PROTO_ID_MAX];
	uint64_t record;      /* its number in the audit log; 0: none */
	uint32_t is_repeated; /* that record was there before */
	uint32_t zero;
	struct err err; /* why there is none */
};

_Static_assert(sizeof(struct proto_head) == 16, "layout");
_Static_assert(sizeof(struct proto_hello_reply) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_policy_info) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_runtime_info) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_job_submit) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_job_started) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_job_denial) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_job_done) <= PROTO_MESSAGE_MAX, "size");
_Static_assert(sizeof(struct proto_release) == 304, "layout");
_Static_assert(sizeof(struct proto_release_reply) <= PROTO_MESSAGE_MAX, "size");

#endif
