/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - the contract between the supervisor, jail-init (PID 1 of a jail)
 * and a runtime's harness: fd numbers, control messages, stages, identities.
 *
 * Life of one jail (DESIGN: prepare, gate, run); "->" control socket,
 * "=>" gate, S supervisor, I jail-init, P payload:
 *
 *   S       clone3 in all namespaces, write uid and gid maps, say so
 *   I       join cgroups, exec from the memfd; build root, /proc, /dev,
 *           pivot, loopback; clone the payload
 *   I       locks itself down
 *   I -> S  PAYLOAD + pidfd
 *   P       ids, capabilities, limits, no_new_privs, Landlock, seccomp
 *   P => S  GATE_FILTERED + number of the listener fd
 *   S       when both have come, checks postures A (payload) and C (jail-init),
 *           takes the listener by pidfd_getfd
 *   S -> I  RUN + bundle
 *   S => P  GATE_EXEC, at the same time
 *   I -> S  UNPACKED: /work and /run/job are there
 *   P => S  GATE_READY, from the harness, preloaded
 *   S       when both have come, checks posture B (every task)
 *   S => P  GATE_GO; untrusted code runs
 *   I -> S  EXITED + wait status of the payload; I kills all, collects
 *   I -> S  COLLECTED + wait status (+ memfd).  Without EXITED before it when
 *           there was nobody to kill and nothing to collect.
 *   S       answers the client, then hangs up and kills: that ends I and all
 *
 * A direct runtime has no harness that waits: GATE_EXEC comes when UNPACKED has
 * come and posture B was checked; gate and result pipe close with the exec.
 *
 * FAILED (I -> S) may come instead of any message of jail-init and is its
 * last one.
 */
#ifndef PC_JAIL_SPEC_H
#define PC_JAIL_SPEC_H

#include <stdint.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"

/* Fds of jail-init at its exec; nothing else is open. */
enum jail_fd {
	JAIL_FD_CONTROL = 3, /* SOCK_SEQPACKET to the supervisor */
	JAIL_FD_POLICY,	     /* sealed memfd, struct policy */
	JAIL_FD_RUNTIME,     /* sealed memfd, struct runtime */
	JAIL_FD_STDIN,	     /* pipe, read end */
	JAIL_FD_STDOUT,	     /* pipe, write end */
	JAIL_FD_STDERR,	     /* pipe, write end */
	JAIL_FD_RESULT,	     /* pipe, write end */
	JAIL_FD_GATE,	     /* SOCK_SEQPACKET end for the harness */
	JAIL_FD_ROOT,	     /* detached tree with all that is lent (root.h) */
	/* Without it, that is closed, one by one: */
	JAIL_FD_HARNESS, /* detached mount of the runtime's folder */
	/*
	 * Then one detached, read-only mount per policy->mounts[i], at
	 * JAIL_FD_MOUNT0 + i.  The fd of an optional mount that is absent on
	 * the host is closed; a closed fd of any other mount is a failure.
	 */
	JAIL_FD_MOUNT0,
};

/* Fds of the payload: exactly these when it execs the harness. */
enum payload_fd {
	PAYLOAD_FD_STDIN = 0,
	PAYLOAD_FD_STDOUT = 1,
	PAYLOAD_FD_STDERR = 2,
	PAYLOAD_FD_RESULT = 3, /* JSON lines {test, outcome, ...} */
	PAYLOAD_FD_GATE = 4,   /* closed by the harness before untrusted code */
	PAYLOAD_FD_COUNT
};
/*
 * Until the exec, so at posture A, the payload has two more, both CLOEXEC:
 * the pipe on which it reports a failure to jail-init, and the seccomp
 * listener whose number GATE_FILTERED tells.
 */
#define PAYLOAD_FD_REPORT PAYLOAD_FD_COUNT

/*
 * Identities inside the jail's user namespace.  Outside they are
 * slot_uid + 0 and slot_uid + 1, a pair no other live slot has.  Host uid 0
 * is not mapped.
 *
 * Before it reads a bundle, jail-init takes the payload's file-system ids for
 * good (its fourth Uid and Gid in /proc/PID/status are slot_uid + 1; the other
 * three stay slot_uid) and keeps no capability but CAP_KILL.
 */
#define JAIL_UID_INIT 0
#define JAIL_UID_PAYLOAD 1000

#define JAIL_HOSTNAME "jail"
#define JAIL_WORK_DIR "/work"	 /* tmpfs, cwd of the payload */
#define JAIL_JOB_FILE "/run/job" /* the job's manifest, read-only, below */

/* Gate bytes, one per SEQPACKET message. */
#define GATE_FILTERED                                                          \
	'F'	       /* payload -> sup: seccomp on, followed by a            \
			  little-endian int32: number of the listener fd,      \
			  -1 if the policy has no audit class */
#define GATE_EXEC 'X'  /* sup -> payload */
#define GATE_READY 'R' /* harness -> sup */
#define GATE_GO 'G'    /* sup -> harness */

/* Where jail-init or the payload was when something failed. */
enum jail_stage {
	JAIL_STAGE_START = 1,
	JAIL_STAGE_POLICY,
	JAIL_STAGE_CGROUP_NS,
	JAIL_STAGE_ROOT,
	JAIL_STAGE_MOUNT,
	JAIL_STAGE_PROC,
	JAIL_STAGE_PIVOT,
	JAIL_STAGE_HOSTNAME,
	JAIL_STAGE_NETWORK,
	JAIL_STAGE_PAYLOAD_CLONE,
	JAIL_STAGE_PAYLOAD_FDS,
	JAIL_STAGE_PAYLOAD_IDS,
	JAIL_STAGE_PAYLOAD_LIMITS,
	JAIL_STAGE_PAYLOAD_CAPS,
	JAIL_STAGE_PAYLOAD_LANDLOCK,
	JAIL_STAGE_PAYLOAD_SECCOMP,
	JAIL_STAGE_PAYLOAD_EXEC,
	JAIL_STAGE_UNPACK,
	JAIL_STAGE_LOCKDOWN,
	JAIL_STAGE_COLLECT,
	JAIL_STAGE_COUNT
};

/* "mount proc", "install seccomp filter", ...: reads after "jail: ". */
const char *jail_stage_name(enum jail_stage stage);

/* Control messages, fixed size, one struct for both directions. */
enum jail_message_type {
	JAIL_MSG_PAYLOAD = 1, /* init -> sup, 1 fd: pidfd of the payload */
	JAIL_MSG_RUN,	      /* sup -> init, 1 fd: bundle */
	JAIL_MSG_UNPACKED,    /* init -> sup */
	JAIL_MSG_EXITED,      /* init -> sup: wait_status of the payload */
	JAIL_MSG_COLLECTED,   /* init -> sup: wait_status; 0 or 1 fd: sealed
				 memfd */
	JAIL_MSG_FAILED,      /* init -> sup: stage, errnum, detail */
	JAIL_MSG_COUNT
};

struct jail_message {
	uint32_t type;
	uint32_t stage; /* enum jail_stage, for FAILED */
	int32_t errnum;
	int32_t wait_status;
	/* A path or a reason, NUL-terminated; errnum (0: none) not included.
	 * May hold a path of the client's bundle, without control characters.
	 */
	char detail[112];
};

_Static_assert(sizeof(struct jail_message) == 128, "layout");

#endif
