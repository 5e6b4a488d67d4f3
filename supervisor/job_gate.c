/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_gate.c - from a jail that builds itself to the open gate.
 *
 * PAYLOAD (jail-init has shrunk) and FILTERED (the payload has its filter) come
 * in any order.  With PAYLOAD posture C is checked; when both are here,
 * jail-init gets the bundle to unpack, and posture A is checked.  Meanwhile a
 * runtime's harness may start and preload; it says READY.  A direct runtime
 * does not start before the gate is open: A and B are one.  When the bundle is
 * unpacked and the runtime waits, posture B is checked and the gate opened.
 *
 * A jail that is kept ready (standby.h) comes as far as it can without a
 * bundle: to READY, or to FILTERED if its runtime is direct.  With the job it
 * is looked at once more from the beginning.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/channel.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

static void
posture_failed(struct job *job, const struct err *e)
{
	/* It gives up on a bad bundle while we look, and takes all with it. */
	if (job_has_failed(job))
		return;
	log_error("posture_mismatch job=%s policy=%s cause=\"%s\"",
		  job->submit.job_id, job->policy->policy.name, e->text);
	(void)str_copy(job->posture, sizeof(job->posture), e->text);
	job_fail(job, e);
}

/* ---- the first stop -------------------------------------------------- */

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
			EPOLLIN, job_on_listener, job, e);
}

/*
 * jail-init has shrunk, for good, and waits; the payload may still be at it.
 * 0 with is_init_checked not set: the payload has ended, and jail-init says
 * why.
 */
static int
check_init(struct job *job, struct err *e)
{
	struct gate_expected *x = &job->expected;

	if (job->is_init_checked)
		return 0;
	if (gate_pid_of(&job->sup->self, job->payload_pidfd, &x->payload_pid,
			e) < 0)
		return job->is_at_gate ? -1 : 0;
	x->payload_pidfd = job->payload_pidfd;
	if (gate_check_init(x, e) < 0 || gate_check_init_fds(x, e) < 0 ||
	    gate_check_limits(x, e) < 0)
		return -1;
	job->is_init_checked = true;
	return 0;
}

/* Of one that started before there was a job, the rest is read at the gate. */
static int
check_payload(const struct job *job, struct err *e)
{
	const struct policy *policy = &job->policy->policy;

	if (job->is_ready) {
		if (gate_filter_check(job->expected.payload_pid, policy->bpf,
				      policy->bpf_len, e) < 0)
			return err_wrap(e, "posture");
		return 0;
	}
	return job_is_direct(job) ? gate_check_direct(&job->expected, e)
				  : gate_check_filtered(&job->expected, e);
}

/* The exec of a harness; a direct runtime's is the gate itself. */
static int
let_exec(struct job *job, struct err *e)
{
	if (job->is_ready)
		return 0;
	if (take_listener(job, e) < 0)
		return -1;
	if (job_is_direct(job))
		return 0;
	job->has_exec = true;
	return channel_gate_send(job->gate, GATE_EXEC, e);
}

static int
send_run(struct job *job, struct err *e)
{
	if (channel_send(job->control, JAIL_MSG_RUN, job->bundle, e) < 0)
		return -1;
	fd_close(&job->bundle);
	return 0;
}

/*
 * jail-init is looked at as soon as it has given up what it had to, while the
 * payload may still do so; it unpacks while the payload is looked at.
 */
static void
pass_filtered(struct job *job)
{
	const bool has_job = job->state != JOB_STANDBY;
	struct err e = ERR_INIT;

	if (job->payload_pidfd < 0)
		return;
	if (check_init(job, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	if (!job->is_at_gate)
		return;
	job->expected.listener_number = job->listener_number;
	if (!has_job && job_is_direct(job)) {
		standby_ready(job);
		return;
	}
	if (has_job && send_run(job, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	if (check_payload(job, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	if (let_exec(job, &e) < 0) {
		if (!job_has_failed(job)) /* the listener went with it */
			job_fail(job, &e);
		return;
	}
	if (has_job)
		job->state = JOB_STARTING;
}

void
job_go_on(struct job *job)
{
	job->is_init_checked = false;
	pass_filtered(job);
}

int
job_on_payload(struct job *job, const struct jail_message *msg, int *fd,
	       struct err *e)
{
	(void)msg;
	if (*fd < 0 || job->payload_pidfd >= 0)
		return err_set(e, ERR_PEER, 0, "PAYLOAD without a pidfd");
	job->payload_pidfd = fd_take(fd);
	/* Not before: the jail is being built meanwhile. */
	if (job->state != JOB_STANDBY && job_record_begin(job, e) < 0)
		return -1;
	pass_filtered(job);
	return 0;
}

/* ---- the gate itself ------------------------------------------------- */

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

/* A runtime that waits has nothing more to say. */
static int
check_silent(const struct job *job, struct err *e)
{
	char byte = 0;
	int32_t ignored;

	if (channel_gate_recv(job->gate, &byte, &ignored, e) != CHANNEL_AGAIN)
		return err_set(
			e, ERR_PEER, 0,
			"gate message out of turn, or the runtime ended");
	return 0;
}

/* Nothing of ours waits for the jail any more: what was asked for holds. */
static int
lower_cpu(struct job *job, struct err *e)
{
	struct cgroup_limits *limits = &job->expected.limits;
	struct cgroup *cg = &job->sup->cgroup;

	if (limits->cpu_percent == job->limits.cpu_percent)
		return 0;
	limits->cpu_percent = job->limits.cpu_percent;
	if (cgroup_slot_limit_cpu(cg, &job->slot->cgroup, limits->cpu_percent,
				  e) < 0)
		return -1;
	return cgroup_limits_check(cg, &job->slot->cgroup, limits, e);
}

/* If everything is in place and right, let untrusted code run. */
static void
pass_gate(struct job *job)
{
	struct err e = ERR_INIT;

	if (!job->is_unpacked || (!job->is_ready && !job_is_direct(job)))
		return;
	if (!job_is_direct(job) && gate_check_ready(&job->expected, &e) < 0) {
		posture_failed(job, &e);
		return;
	}
	if (check_silent(job, &e) < 0 || lower_cpu(job, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	(void)str_copy(job->posture, sizeof(job->posture), "passed");
	job->go_us = clock_mono_us();
	if (channel_gate_send(job->gate,
			      job_is_direct(job) ? GATE_EXEC : GATE_GO,
			      &e) < 0) {
		job_fail(job, &e);
		return;
	}
	/* What it executes has no gate: to be told of that would disturb it. */
	if (job_is_direct(job))
		loop_remove(&job->sup->loop, &job->gate_watch);
	send_started(job); /* it need not wait for that */
	job->has_run = true;
	job->state = JOB_RUNNING;
	job->deadline_us = job->go_us + job->limits.wall_ms * 1000;
	log_debug("job_running job=%s slot=%u prepare_us=%llu",
		  job->submit.job_id, job->slot->index,
		  (unsigned long long)(job->go_us - job->submitted_us));
}

int
job_on_unpacked(struct job *job, const struct jail_message *msg, int *fd,
		struct err *e)
{
	struct err why = ERR_INIT;

	(void)msg;
	(void)fd;
	(void)e;
	/* Once more, now that it has read what nobody trusts. */
	if (!job_is_direct(job) &&
	    gate_check_init_fds(&job->expected, &why) < 0) {
		posture_failed(job, &why);
		return 0;
	}
	job->is_unpacked = true;
	pass_gate(job);
	return 0;
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
		job_fail(job, &e);
		return;
	case CHANNEL_OK:
		break;
	}
	if (byte == GATE_FILTERED && job->state <= JOB_PREPARING &&
	    !job->is_at_gate) {
		job->is_at_gate = true;
		pass_filtered(job);
	} else if (byte == GATE_READY && job->state <= JOB_STARTING &&
		   job->has_exec && !job->is_ready) {
		job->is_ready = true;
		if (job->state == JOB_STANDBY)
			standby_ready(job);
		else
			pass_gate(job);
	} else {
		err_set(&e, ERR_PEER, 0, "gate message '%c' out of turn", byte);
		job_fail(job, &e);
	}
}
