/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - the state machine of job.h: what jail-init, the gate, the seccomp
 * listener, the kernel and the clock say moves a job on or ends it.
 *
 * A message in the wrong state is a failure of the job, never ignored: a jail
 * that answers out of turn is not the one we started.
 */
#include "supervisor/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/channel.h"
#include "supervisor/notify.h"
#include "supervisor/supervisor.h"

/* Submit to gate opened: milliseconds, but not on a machine under load. */
#define PREPARE_US 30000000
#define COLLECT_US 5000000
#define END_US 5000000 /* between reports that PID 1 does not die */
#define CONTROL_PER_TURN 8

/* ---- ending ------------------------------------------------------------ */

static void
kill_init(const struct job *job)
{
	if (job->jail.pidfd >= 0 &&
	    pidfd_send_signal(job->jail.pidfd, SIGKILL, NULL, 0) < 0 &&
	    errno != ESRCH)
		log_error("job_kill job=%s error=\"%s\"", job->submit.job_id,
			  strerrordesc_np(errno));
	if (job->sup->cgroup.version == 2)
		cgroup_slot_kill(&job->sup->cgroup, &job->slot->cgroup);
}

/* PID 1 and with it the whole jail; job_on_init sees its end. */
static void
end_by_kill(struct job *job)
{
	if (job->state == JOB_ENDING || job->state == JOB_RECORDED)
		return;
	if (job->has_run && job->end_us == 0)
		job->end_us = clock_mono_us();
	job->state = JOB_ENDING;
	job->deadline_us = clock_mono_us() + END_US;
	kill_init(job);
}

/* Our side or the jail's construction failed; the first cause counts. */
static void
fail(struct job *job, const struct err *e)
{
	if (!job->is_failed && job->kill_reason == PROTO_REASON_NONE) {
		job->is_failed = true;
		job->err = *e;
	}
	end_by_kill(job);
}

static void
kill_for(struct job *job, enum proto_reason reason)
{
	if (job->kill_reason == PROTO_REASON_NONE && !job->is_failed &&
	    job->state < JOB_ENDING)
		job->kill_reason = reason;
	end_by_kill(job);
}

/* ---- gate -------------------------------------------------------------- */

static void
posture_failed(struct job *job, const struct err *e)
{
	log_error("posture_mismatch job=%s policy=%s cause=\"%s\"",
		  job->submit.job_id, job->submit.policy, e->text);
	(void)str_copy(job->posture, sizeof(job->posture), e->text);
	fail(job, e);
}

static void on_listener(struct watch *w, uint32_t events);

static int
take_listener(struct job *job, struct err *e)
{
	bool has_audit = job->policy->policy.audit_len > 0;

	if (!has_audit && job->listener_number == -1)
		return 0;
	if (!has_audit || job->listener_number < 0)
		return err_set(e, ERR_DENIED, 0,
			       "seccomp listener %d does not fit the policy",
			       job->listener_number);
	job->listener =
		pidfd_getfd(job->payload_pidfd, job->listener_number, 0);
	if (job->listener < 0)
		return err_sys(e, "take seccomp listener");
	return loop_add(&job->sup->loop, &job->listener_watch, job->listener,
			EPOLLIN, on_listener, job, e);
}

/* Both the payload's pidfd and its word from the gate are here. */
static void
pass_filtered(struct job *job)
{
	struct err e = ERR_INIT;

	if (!job->is_at_gate || job->payload_pidfd < 0)
		return;
	job->expected.listener_number = job->listener_number;
	if (gate_pid_of(&job->sup->self, job->payload_pidfd,
			&job->expected.payload_pid, &e) < 0 ||
	    gate_check_filtered(&job->expected, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	if (take_listener(job, &e) < 0 ||
	    channel_gate_send(job->gate, GATE_EXEC, &e) < 0) {
		fail(job, &e);
		return;
	}
	job->state = JOB_FILTERED;
}

static void
pass_ready(struct job *job)
{
	struct err e = ERR_INIT;

	if (gate_check_ready(&job->expected, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	if (channel_send(job->control, JAIL_MSG_RUN, job->bundle, &e) < 0) {
		fail(job, &e);
		return;
	}
	fd_close(&job->bundle);
	job->state = JOB_UNPACKING;
}

void
job_on_gate(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;
	struct err e = ERR_INIT;
	char byte = 0;

	(void)events;
	switch (channel_gate_recv(job->gate, &byte, &job->listener_number,
				  &e)) {
	case CHANNEL_AGAIN:
		return;
	case CHANNEL_CLOSED:
		/* The harness closes it; if it died, PID 1 says how. */
		loop_remove(&job->sup->loop, w);
		return;
	case CHANNEL_FAILED:
		fail(job, &e);
		return;
	case CHANNEL_OK:
		break;
	}
	if (byte == GATE_FILTERED && job->state == JOB_PREPARING &&
	    !job->is_at_gate) {
		job->is_at_gate = true;
		pass_filtered(job);
	} else if (byte == GATE_READY && job->state == JOB_FILTERED) {
		pass_ready(job);
	} else {
		err_set(&e, ERR_PEER, 0, "gate message '%c' out of turn", byte);
		fail(job, &e);
	}
}

/* ---- running ----------------------------------------------------------- */

static void
send_started(struct job *job)
{
	struct proto_job_started started = {
		.head.seq = job->submit.head.seq,
		.limits = job->limits,
		.slot = job->slot->index,
		.prepare_us = (uint32_t)(job->go_us - job->submitted_us),
	};
	const struct policy *policy = &job->policy->policy;

	(void)str_copy(started.job_id, sizeof(started.job_id),
		       job->submit.job_id);
	(void)str_copy(started.policy, sizeof(started.policy), policy->name);
	memcpy(started.policy_sha256, policy->sha256,
	       sizeof(started.policy_sha256));
	memcpy(started.bpf_sha256, policy->bpf_sha256,
	       sizeof(started.bpf_sha256));
	wire_head_init(&started.head, PROTO_JOB_STARTED, sizeof(started),
		       JOB_PIPE_COUNT);
	/* The client's ends are the client's alone: or they never end. */
	peer_send(job->peer, &started.head, job->pipes);
}

/* Everything is in place and checked: let untrusted code run. */
static void
open_gate(struct job *job)
{
	struct err e = ERR_INIT;
	char byte = 0;
	int32_t ignored;

	if (gate_check_init(&job->expected, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	/* A harness that waits has nothing more to say. */
	if (channel_gate_recv(job->gate, &byte, &ignored, &e) !=
	    CHANNEL_AGAIN) {
		err_set(&e, ERR_PEER, 0,
			"gate message out of turn, or the runtime ended");
		fail(job, &e);
		return;
	}
	(void)str_copy(job->posture, sizeof(job->posture), "passed");
	job->go_us = clock_mono_us();
	send_started(job);
	if (channel_gate_send(job->gate, GATE_GO, &e) < 0) {
		fail(job, &e);
		return;
	}
	job->has_run = true;
	job->state = JOB_RUNNING;
	job->deadline_us = job->go_us + job->limits.wall_ms * 1000;
	log_debug("job_running job=%s slot=%u prepare_us=%llu",
		  job->submit.job_id, job->slot->index,
		  (unsigned long long)(job->go_us - job->submitted_us));
}

/* ---- control messages -------------------------------------------------- */

static int
on_payload(struct job *job, const struct jail_message *msg, int *fd,
	   struct err *e)
{
	(void)msg;
	if (*fd < 0 || job->payload_pidfd >= 0)
		return err_set(e, ERR_PEER, 0, "PAYLOAD without a pidfd");
	job->payload_pidfd = fd_take(fd);
	pass_filtered(job);
	return 0;
}

static int
on_unpacked(struct job *job, const struct jail_message *msg, int *fd,
	    struct err *e)
{
	(void)msg;
	(void)fd;
	(void)e;
	open_gate(job);
	return 0;
}

static int
on_exited(struct job *job, const struct jail_message *msg, int *fd,
	  struct err *e)
{
	(void)fd;
	if (!WIFEXITED(msg->wait_status) && !WIFSIGNALED(msg->wait_status))
		return err_set(e, ERR_PEER, 0, "EXITED with status %d",
			       msg->wait_status);
	if (job->state != JOB_RUNNING)
		return err_set(e, ERR_IO, 0,
			       "runtime %s ended before it was ready (%s %d)",
			       job->submit.runtime,
			       WIFEXITED(msg->wait_status) ? "exit code"
							   : "signal",
			       WIFEXITED(msg->wait_status)
				       ? WEXITSTATUS(msg->wait_status)
				       : WTERMSIG(msg->wait_status));
	job->has_exited = true;
	job->wait_status = msg->wait_status;
	job->end_us = clock_mono_us();
	job->state = JOB_COLLECTING;
	job->deadline_us = job->end_us + COLLECT_US;
	return 0;
}

static int
on_collected(struct job *job, const struct jail_message *msg, int *fd,
	     struct err *e)
{
	(void)msg;
	if (*fd >= 0) {
		if (job_check_collected(*fd, &job->policy->policy,
					job->collected_sha256, e) < 0)
			return -1;
		job->has_collected = true;
		job->collected = fd_take(fd);
	}
	/* It exits by itself now; the kill is for one that does not. */
	end_by_kill(job);
	return 0;
}

static int
on_failed(struct job *job, const struct jail_message *msg, int *fd,
	  struct err *e)
{
	enum err_kind kind = ERR_IO;

	(void)job;
	(void)fd;
	/* The only stage that depends on what the client sent. */
	if (msg->stage == JAIL_STAGE_UNPACK)
		kind = ERR_INVALID;
	return err_set(e, kind, msg->errnum, "jail: %s%s%s",
		       jail_stage_name((enum jail_stage)msg->stage),
		       msg->detail[0] != '\0' ? ": " : "", msg->detail);
}

#define IN(state) (1u << (state))

/* Which message is legal in which states. */
static const struct {
	unsigned states;
	int (*handle)(struct job *job, const struct jail_message *msg, int *fd,
		      struct err *e);
} control_table[JAIL_MSG_COUNT] = {
	[JAIL_MSG_PAYLOAD] = {IN(JOB_PREPARING), on_payload},
	[JAIL_MSG_UNPACKED] = {IN(JOB_UNPACKING), on_unpacked},
	[JAIL_MSG_EXITED] = {IN(JOB_FILTERED) | IN(JOB_UNPACKING) |
				     IN(JOB_RUNNING),
			     on_exited},
	[JAIL_MSG_COLLECTED] = {IN(JOB_COLLECTING), on_collected},
	[JAIL_MSG_FAILED] = {IN(JOB_PREPARING) | IN(JOB_FILTERED) |
				     IN(JOB_UNPACKING) | IN(JOB_RUNNING) |
				     IN(JOB_COLLECTING),
			     on_failed},
};

/* One message; false when there is no more to read now. */
static bool
read_control(struct job *job)
{
	struct jail_message msg;
	struct err e = ERR_INIT;
	int fd = -1, rc = 0;

	switch (channel_recv(job->control, &msg, &fd, &e)) {
	case CHANNEL_AGAIN:
		return false;
	case CHANNEL_CLOSED:
		/* job_on_init follows: PID 1 holds the only other end. */
		loop_remove(&job->sup->loop, &job->control_watch);
		return false;
	case CHANNEL_FAILED:
		fail(job, &e);
		return false;
	case CHANNEL_OK:
		break;
	}
	if (job->state >= JOB_ENDING) {
		rc = 0; /* said before the kill reached it */
	} else if ((control_table[msg.type].states & IN(job->state)) == 0) {
		rc = err_set(&e, ERR_PEER, 0,
			     "jail-init sent message %u out of turn", msg.type);
	} else {
		rc = control_table[msg.type].handle(job, &msg, &fd, &e);
	}
	fd_close(&fd);
	if (rc < 0)
		fail(job, &e);
	return rc == 0;
}

void
job_on_control(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;

	(void)events;
	for (int i = 0; i < CONTROL_PER_TURN; i++)
		if (job->control < 0 || !read_control(job))
			return;
}

/* ---- kernel events ----------------------------------------------------- */

void
job_on_init(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;
	siginfo_t info = {0};

	(void)events;
	/* What it said before it died counts. */
	for (int i = 0; i < CONTROL_PER_TURN && job->state < JOB_ENDING; i++)
		if (!read_control(job))
			break;
	if (waitid(P_PIDFD, (id_t)job->jail.pidfd, &info, WEXITED | WNOHANG) <
		    0 &&
	    errno != ECHILD) {
		log_error("job_reap job=%s error=\"%s\"", job->submit.job_id,
			  strerrordesc_np(errno));
		return;
	}
	if (info.si_pid == 0)
		return; /* not yet: called without cause */
	job_end(job);
}

void
job_on_oom(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;
	struct cgroup_usage usage;
	struct err e = ERR_INIT;
	uint64_t count;

	(void)events;
	if (read(w->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	/*
	 * v1 also tells us when a cgroup above is out of memory: it is this
	 * job's doing only if it came to its own limit.
	 */
	if (cgroup_slot_usage(&job->sup->cgroup, &job->slot->cgroup, &usage,
			      &e) == 0 &&
	    usage.oom_kills == 0 &&
	    usage.memory_peak_bytes + (1u << 20) < job->limits.memory_bytes)
		return;
	job->is_oom = true;
	end_by_kill(job);
}

/* The pid that the thread has inside the jail; 0 if it is gone. */
static uint32_t
inner_pid(const struct job *job, uint32_t pid)
{
	char name[32], text[4096];
	owned_fd int fd = -1;
	const char *at, *last;
	ssize_t n;
	uint64_t value;

	(void)snprintf(name, sizeof(name), "%u/status", pid);
	fd = openat(job->sup->self.proc_fd, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, "\nNSpid:");
	if (at == NULL)
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 7, "\n"),
		       at + 7);
	last = strrchr(name, '\t');
	if (last == NULL || str_to_u64(last + 1, UINT32_MAX, &value) < 0)
		return 0;
	return (uint32_t)value;
}

static void
send_denial(const struct job *job, const struct notify_call *call)
{
	struct proto_job_denial denial = {
		.head.seq = job->submit.head.seq,
		.nr = call->nr,
		.arch = call->arch,
		.pid = inner_pid(job, call->pid),
		.errnum = call->errnum,
	};

	(void)str_copy(denial.job_id, sizeof(denial.job_id),
		       job->submit.job_id);
	if (call->audit_index >= 0)
		(void)str_copy(
			denial.syscall, sizeof(denial.syscall),
			job->policy->policy.audit[call->audit_index].name);
	memcpy(denial.args, call->args, sizeof(denial.args));
	wire_head_init(&denial.head, PROTO_JOB_DENIAL, sizeof(denial), 0);
	peer_send(job->peer, &denial.head, NULL);
}

static void
on_listener(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;

	(void)events;
	for (int i = 0; i < NOTIFY_PER_TURN; i++) {
		struct notify_call call;
		struct err e = ERR_INIT;

		switch (notify_next(job->listener, &job->policy->policy, &call,
				    &e)) {
		case NOTIFY_NONE:
			return;
		case NOTIFY_ENDED:
			loop_remove(&job->sup->loop, w);
			return;
		case NOTIFY_FAILED:
			fail(job, &e);
			return;
		case NOTIFY_CALL:
			break;
		}
		if (call.audit_index >= 0 &&
		    job->denial_counts[call.audit_index] < UINT32_MAX)
			job->denial_counts[call.audit_index]++;
		audit_denials_add(&job->denials, &job->policy->policy,
				  call.audit_index, call.nr, call.args,
				  call.errnum);
		if (job->denials_total++ < PROTO_DENIALS_MAX &&
		    job->peer != NULL)
			send_denial(job, &call);
	}
}

/* ---- requests ---------------------------------------------------------- */

static struct job *
place_for(struct supervisor *sup, struct peer *peer, struct slot *slot)
{
	struct job *job = &sup->jobs[slot->index];

	*job = (struct job){
		.state = JOB_PREPARING,
		.sup = sup,
		.peer = peer,
		.peer_uid = peer->uid,
		.peer_pid = peer->pid,
		.slot = slot,
		.jail.pidfd = -1,
		.control = -1,
		.gate = -1,
		.listener = -1,
		.payload_pidfd = -1,
		.listener_number = -1,
		.bundle = -1,
		.collected = -1,
		.pipes = {-1, -1, -1, -1},
		.control_watch = WATCH_INIT,
		.gate_watch = WATCH_INIT,
		.listener_watch = WATCH_INIT,
		.init_watch = WATCH_INIT,
		.oom_watch = WATCH_INIT,
		.posture = "not reached",
	};
	peer->jobs++;
	sup->jobs_live++;
	return job;
}

/* May this host run it, and is there room? */
static int
check_capacity(const struct supervisor *sup, const struct peer *peer,
	       const struct catalog_policy *policy,
	       const struct catalog_runtime *runtime, struct err *e)
{
	if (sup->is_stopping)
		return err_set(e, ERR_BUSY, 0, "supervisor is stopping");
	if (sup->cause.kind != ERR_NONE) {
		*e = sup->cause;
		return -1;
	}
	if (policy->unusable.kind != ERR_NONE) {
		*e = policy->unusable;
		return -1;
	}
	if (runtime->unusable.kind != ERR_NONE) {
		*e = runtime->unusable;
		return -1;
	}
	if (policy->policy.landlock_abi_min > sup->host.landlock_abi)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"policy %s asks for Landlock ABI %u, this kernel "
			"has %u: use a newer kernel (boot with "
			"lsm=landlock,...) or lower LandlockMinABI=",
			policy->policy.name, policy->policy.landlock_abi_min,
			sup->host.landlock_abi);
	if (peer->jobs >= LISTEN_JOBS_PER_PEER)
		return err_set(e, ERR_BUSY, 0, "%u jobs on one connection",
			       peer->jobs);
	if (sup->slots.used == sup->slots.count)
		return err_set(e, ERR_BUSY, 0,
			       "all %u slots are in use: try again later",
			       sup->slots.count);
	return 0;
}

static void
begin(struct job *job, const struct proto_job_submit *submit,
      const uint8_t bundle_sha256[32], int *bundle, uint64_t now_us)
{
	struct err e = ERR_INIT;

	job->submit = *submit;
	job->submitted_us = now_us;
	job->policy = catalog_policy(&job->sup->catalog, submit->policy);
	job->runtime = catalog_runtime(&job->sup->catalog, submit->runtime);
	job_limits(&submit->limits, &job->policy->policy, &job->limits);
	memcpy(job->bundle_sha256, bundle_sha256, sizeof(job->bundle_sha256));
	job->bundle = fd_take(bundle);
	job->deadline_us = now_us + PREPARE_US;
	if (job_start(job, &e) == 0 && job_record_begin(job, &e) == 0)
		return;
	fail(job, &e);
	if (job->jail.pidfd < 0)
		job_end(job); /* nothing to wait for */
}

int
job_submit(struct supervisor *sup, struct peer *peer,
	   const union wire_message *msg, struct wire_fds *fds, struct err *e)
{
	const struct proto_job_submit *submit = &msg->job_submit;
	uint64_t now_us = clock_mono_us();
	uint8_t sha256[32];
	struct err why = ERR_INIT;

	(void)e;
	/* The bundle last: to hash one takes longer than all the rest. */
	if (job_check_request(sup, submit, &why) < 0 ||
	    check_capacity(sup, peer,
			   catalog_policy(&sup->catalog, submit->policy),
			   catalog_runtime(&sup->catalog, submit->runtime),
			   &why) < 0 ||
	    audit_may_begin(&sup->audit, sup->jobs_live, &why) < 0 ||
	    job_check_bundle(fds->fd[0], sha256, &why) < 0) {
		job_refuse(sup, peer, submit, &why);
		return 0;
	}
	begin(place_for(sup, peer, slots_take(&sup->slots)), submit, sha256,
	      &fds->fd[0], now_us);
	return 0;
}

int
job_kill_request(struct supervisor *sup, struct peer *peer,
		 const union wire_message *msg, struct wire_fds *fds,
		 struct err *e)
{
	const struct proto_job_kill *k = &msg->job_kill;

	(void)fds;
	if (k->reason != PROTO_REASON_CANCELLED &&
	    k->reason != PROTO_REASON_OUTPUT_LIMIT)
		return err_set(e, ERR_PEER, 0, "JOB_KILL with reason %u",
			       k->reason);
	/* Own jobs only; one that has just ended is no error. */
	for (unsigned i = 0; i < sup->slots.count; i++) {
		struct job *job = &sup->jobs[i];

		if (job->state != JOB_FREE && job->peer == peer &&
		    strcmp(job->submit.job_id, k->job_id) == 0)
			kill_for(job, (enum proto_reason)k->reason);
	}
	return 0;
}

void
job_peer_gone(struct supervisor *sup, const struct peer *peer)
{
	for (unsigned i = 0; i < sup->slots.count; i++) {
		struct job *job = &sup->jobs[i];

		if (job->state == JOB_FREE || job->peer != peer)
			continue;
		job->peer = NULL;
		kill_for(job, PROTO_REASON_CANCELLED);
	}
}

void
job_kill_all(struct supervisor *sup)
{
	for (unsigned i = 0; i < sup->slots.count; i++)
		if (sup->jobs[i].state != JOB_FREE)
			kill_for(&sup->jobs[i], PROTO_REASON_SHUTDOWN);
}

/* ---- clock ------------------------------------------------------------- */

uint64_t
job_next_deadline(const struct supervisor *sup)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < sup->slots.count; i++) {
		const struct job *job = &sup->jobs[i];

		if (job->state != JOB_FREE && job->state != JOB_RECORDED &&
		    job->deadline_us < next)
			next = job->deadline_us;
	}
	return next;
}

void
job_on_deadline(struct job *job)
{
	struct err e = ERR_INIT;

	switch (job->state) {
	case JOB_RUNNING:
		job->is_timeout = true;
		end_by_kill(job);
		return;
	case JOB_COLLECTING:
		/* The result stands; only the files are lost. */
		log_warning("job_collect_timeout job=%s", job->submit.job_id);
		end_by_kill(job);
		return;
	case JOB_ENDING:
		log_error("job_does_not_die job=%s slot=%u", job->submit.job_id,
			  job->slot->index);
		job->deadline_us = clock_mono_us() + END_US;
		kill_init(job);
		return;
	default:
		err_set(&e, ERR_IO, 0, "not ready in %d s: %s",
			PREPARE_US / 1000000,
			job->state == JOB_PREPARING  ? "building the jail"
			: job->state == JOB_FILTERED ? "starting the runtime"
						     : "unpacking the bundle");
		fail(job, &e);
	}
}
