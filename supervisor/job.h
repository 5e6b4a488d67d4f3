/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - one job from JOB_SUBMIT to JOB_DONE.
 *
 *   STANDBY     there is a jail, or will be one soon, and no job for it yet
 *               (standby.h); the job goes on in PREPARING
 *   PREPARING   jail-init builds the jail; it and the payload lock themselves
 *               down
 *   STARTING    postures A and C passed: jail-init unpacks the bundle, the
 *               harness is exec'ed and preloads (a direct runtime waits)
 *   RUNNING     posture B passed, the gate is open: untrusted code runs
 *   COLLECTING  the payload ended, jail-init brings back result files
 *   ENDING      jail-init was killed or will exit; wait for its end
 *   RECORDED    all is over, the record is appended; JOB_DONE follows once it
 *               is on the disk
 *   LEAVING     answered; PID 1, the last process of the jail, is not gone yet,
 *               and so the slot is not free
 *
 * Every state but RECORDED has a deadline.  Whatever goes wrong, the way out is
 * the same: kill PID 1, wait for it, record, answer.
 */
#ifndef PC_SUPERVISOR_JOB_H
#define PC_SUPERVISOR_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "jail/spawn.h"
#include "jail/spec.h"
#include "supervisor/audit.h"
#include "supervisor/catalog.h"
#include "supervisor/cgroup.h"
#include "supervisor/gate.h"
#include "supervisor/loop.h"
#include "supervisor/slots.h"
#include "supervisor/wire/wire.h"

struct supervisor;
struct peer;

enum job_state {
	JOB_FREE = 0,
	JOB_STANDBY,
	JOB_PREPARING,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_COLLECTING,
	JOB_ENDING,
	JOB_RECORDED,
	JOB_LEAVING,
	JOB_STATE_COUNT
};

/* The supervisor's ends of a job's pipes, handed to the client. */
enum job_pipe {
	JOB_PIPE_STDIN,
	JOB_PIPE_STDOUT,
	JOB_PIPE_STDERR,
	JOB_PIPE_RESULT,
	JOB_PIPE_COUNT
};

struct job {
	enum job_state state;
	struct supervisor *sup;
	struct peer *peer; /* NULL once it is gone */
	uid_t peer_uid;
	pid_t peer_pid;
	struct slot *slot;
	struct proto_job_submit submit;
	struct catalog_policy *policy;
	const struct catalog_runtime *runtime;
	struct proto_limits limits; /* as applied */

	struct jail_process jail;
	struct gate_expected expected;
	int control, gate, listener, payload_pidfd;
	int32_t listener_number; /* in the payload; valid if is_at_gate */
	int bundle, collected;
	int pipes[JOB_PIPE_COUNT];
	struct watch control_watch, gate_watch, listener_watch, init_watch,
		oom_watch;

	bool is_waiting;      /* nothing is missing but a job */
	bool has_begun;	      /* on record */
	bool is_init_checked; /* posture C passed */
	bool is_at_gate;      /* GATE_FILTERED came */
	bool has_exec;	      /* GATE_EXEC was sent to a harness */
	bool is_unpacked;     /* UNPACKED came */
	bool is_ready;	      /* GATE_READY came */
	bool has_run;	      /* the gate was opened */
	bool has_exited;      /* EXITED came: wait_status */
	bool is_reaped;	      /* PID 1 is gone */
	bool is_oom;	      /* the kernel said so while it ran */
	bool is_timeout;
	bool is_failed; /* err says why; REFUSED or ERROR */
	int wait_status;
	enum proto_reason kill_reason; /* first JOB_KILL, lost peer, shutdown */
	struct err err;

	uint64_t submitted_us, go_us, end_us, deadline_us;
	uint64_t record_seq; /* of its end, in the audit log */
	uint32_t denial_counts[POLICY_AUDIT_MAX];
	uint64_t denials_total;
	struct audit_denials denials;
	uint8_t bundle_sha256[32], collected_sha256[32];
	bool has_collected;
	char posture[ERR_TEXT_MAX];
	struct proto_job_done done;
};

/* ---- called by dispatch, listen and main ----------------------------- */

/* Handlers of JOB_SUBMIT and JOB_KILL. */
int job_submit(struct supervisor *sup, struct peer *peer,
	       const union wire_message *msg, struct err *e);
int job_kill_request(struct supervisor *sup, struct peer *peer,
		     const union wire_message *msg, struct err *e);
/* All of peer->upload is here. */
void job_uploaded(struct supervisor *sup, struct peer *peer);
/* Kill all jobs of a peer that is about to be freed. */
void job_peer_gone(struct supervisor *sup, const struct peer *peer);
/* Kill every job, for shutdown. */
void job_kill_all(struct supervisor *sup);
/* How many jobs may start now. */
unsigned job_slots_free(const struct supervisor *sup);

/* Jobs whose end has not been recorded and told yet. */
unsigned job_unanswered(const struct supervisor *sup);
/* The nearest deadline of any job, UINT64_MAX if none. */
uint64_t job_next_deadline(const struct supervisor *sup);
/* Handle deadlines; put this turn's records on the disk and answer. */
void job_turn_end(struct supervisor *sup);

/* ---- between job.c and its parts ------------------------------------- */

/* The program itself waits at the gate, not a harness. */
static inline bool
job_is_direct(const struct job *job)
{
	return job->runtime->runtime.is_direct != 0;
}

/* Submit to gate opened: milliseconds, but not on a machine under load. */
#define JOB_PREPARE_US 30000000

/* A place in that slot, without anything in it. */
struct job *job_place(struct supervisor *sup, struct slot *slot);
/* Away with a jail that no job has had, or whose job is answered. */
void job_discard(struct job *job);
/* PID 1 and with it the whole jail; job_on_init sees its end. */
void job_end_by_kill(struct job *job);
/* Our side or the jail's construction failed; the first cause counts. */
void job_fail(struct job *job, const struct err *e);

/*
 * What the gate has to find: what the job asked for, whatever its jail was made
 * of.
 */
int job_expect(struct job *job, struct err *e);
/* Everything from the slot to the running jail-init, or fail. */
int job_start(struct job *job, struct err *e);
/* Checks of a request; *e names the field. */
int job_check_request(const struct supervisor *sup,
		      const struct proto_job_submit *submit, struct err *e);
void job_limits(const struct proto_limits *asked, const struct policy *policy,
		struct proto_limits *ret);
/* 8-4-4-4-12 hex digits. */
bool job_id_is_uuid(const char *s);
/* Size, seals and hash of what a jail brings back. */
int job_check_collected(int fd, const struct policy *policy,
			uint8_t ret_sha256[32], struct err *e);

/* Nothing of the jail is read any more; left are the pidfds. */
void job_close(struct job *job);
/* It begins: leave evidence, should we not live to see its end; once. */
int job_record_begin(struct job *job, struct err *e);
/* PID 1 is gone, or the last and going: outcome, record; then the answer. */
void job_end(struct job *job);
/* PID 1 is gone, the answer sent: give the slot back. */
void job_leave(struct job *job);
/* Answer a request that never became a job. */
void job_refuse(struct supervisor *sup, struct peer *peer,
		const struct proto_job_submit *submit, const struct err *why);
void job_on_deadline(struct job *job);

/*
 * For a job that is lost: has jail-init said why?  Then it fails with that.
 * What else it said is dropped.
 */
bool job_has_failed(struct job *job);
/* Read what jail-init has said so far. */
void job_hear(struct job *job);
/* Handlers of the jail's fds. */
void job_on_control(struct watch *w, uint32_t events);
void job_on_gate(struct watch *w, uint32_t events);
void job_on_init(struct watch *w, uint32_t events);
void job_on_oom(struct watch *w, uint32_t events);
void job_on_listener(struct watch *w, uint32_t events);
/* The jail was built before its job, which is there now. */
void job_go_on(struct job *job);
/* jail-init's messages before the gate is open. */
int job_on_payload(struct job *job, const struct jail_message *msg, int *fd,
		   struct err *e);
int job_on_unpacked(struct job *job, const struct jail_message *msg, int *fd,
		    struct err *e);

#endif
