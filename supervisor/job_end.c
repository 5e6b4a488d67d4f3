/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_end.c - what is known when PID 1 is gone: outcome and reason, usage, the
 * audit record, and JOB_DONE once that record is on the disk.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

/* The client is told in the same words that the log and the record have. */
static void
set_error(struct job *job, enum proto_outcome outcome, const struct err *e)
{
	job->done.outcome = (uint32_t)outcome;
	job->done.err = *e;
	err_wrap(&job->done.err, "job %.8s", job->submit.job_id);
}

static void
read_usage(struct job *job, struct cgroup_usage *usage)
{
	struct err e = ERR_INIT;

	*usage = (struct cgroup_usage){0};
	if (job->jail.pidfd < 0)
		return;
	if (cgroup_slot_usage(&job->sup->cgroup, &job->slot->cgroup, usage,
			      &e) < 0)
		log_error("job_usage job=%s error=\"%s\"", job->submit.job_id,
			  e.text);
	job->done.cpu_us = usage->cpu_us;
	job->done.memory_peak_bytes = usage->memory_peak_bytes;
	job->done.pids_peak = usage->pids_peak;
	if (job->has_run)
		job->done.wall_us = job->end_us - job->go_us;
}

/* PID 1 went away, and neither it nor we said why. */
static void
set_vanished(struct job *job)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_PEER, 0, "jail-init died unexpectedly");
	set_error(job,
		  job->has_run ? PROTO_OUTCOME_ERROR : PROTO_OUTCOME_REFUSED,
		  &e);
}

static void
set_exited(struct job *job)
{
	if (WIFSIGNALED(job->wait_status)) {
		job->done.outcome = PROTO_OUTCOME_SIGNALED;
		job->done.signal = WTERMSIG(job->wait_status);
	} else {
		job->done.outcome = PROTO_OUTCOME_EXITED;
		job->done.exit_code = WEXITSTATUS(job->wait_status);
	}
}

/* Too little memory to even start is the request's fault: say so. */
static void
set_starved(struct job *job)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_LIMIT, 0,
		"memory limit of %llu bytes is too small to start runtime %s",
		(unsigned long long)job->limits.memory_bytes,
		job->submit.runtime);
	set_error(job, PROTO_OUTCOME_REFUSED, &e);
}

static void
set_outcome(struct job *job, bool is_oom)
{
	if (is_oom && !job->has_run)
		set_starved(job);
	else if (job->is_failed)
		set_error(job,
			  job->has_run ? PROTO_OUTCOME_ERROR
				       : PROTO_OUTCOME_REFUSED,
			  &job->err);
	else if (is_oom || job->kill_reason != PROTO_REASON_NONE)
		job->done.outcome = PROTO_OUTCOME_KILLED;
	else if (job->is_timeout)
		job->done.outcome = PROTO_OUTCOME_TIMEOUT;
	else if (job->has_exited)
		set_exited(job);
	else
		set_vanished(job);
	/* What the payload did to itself is told also when we ended it. */
	if (job->has_exited && WIFSIGNALED(job->wait_status))
		job->done.signal = WTERMSIG(job->wait_status);
}

/* The strongest cause, in the order of enum proto_reason; a shutdown comes
 * before all, because it has nothing to do with the program. */
static enum proto_reason
find_reason(const struct job *job, bool is_oom, const struct cgroup_usage *u)
{
	if (job->kill_reason == PROTO_REASON_SHUTDOWN)
		return PROTO_REASON_SHUTDOWN;
	if (is_oom)
		return PROTO_REASON_MEMORY;
	if (job->kill_reason == PROTO_REASON_OUTPUT_LIMIT)
		return PROTO_REASON_OUTPUT_LIMIT;
	if (u->pids_refused > 0)
		return PROTO_REASON_PIDS;
	if (job->is_timeout)
		return PROTO_REASON_TIMEOUT;
	if (job->kill_reason != PROTO_REASON_NONE)
		return job->kill_reason;
	if (job->denials_total > 0)
		return PROTO_REASON_DENIED;
	return PROTO_REASON_NONE;
}

static struct audit_job
record_of(const struct job *job)
{
	return (struct audit_job){
		.submit = &job->submit,
		.peer_uid = job->peer_uid,
		.peer_pid = job->peer_pid,
		.policy = &job->policy->policy,
		.runtime = &job->runtime->runtime,
		.bundle_sha256 = job->bundle_sha256,
		.collected_sha256 =
			job->has_collected ? job->collected_sha256 : NULL,
		.posture = job->posture,
		.done = &job->done,
		.limits = &job->limits,
		.denial_counts = job->denial_counts,
		.denials = &job->denials,
		.slot = job->slot->index,
		.has_slot = true,
	};
}

int
job_record_begin(struct job *job, struct err *e)
{
	struct audit_job record = record_of(job);

	if (job->has_begun)
		return 0;
	job->has_begun = true;
	return audit_job_begin(&job->sup->audit, &record, e);
}

static void
append_record(struct job *job)
{
	struct audit_job record = record_of(job);
	struct err e = ERR_INIT;

	/* One that ended before it was built. */
	(void)job_record_begin(job, &e);
	(void)audit_job(&job->sup->audit, &record, &e);
}

/* All but PID 1 itself, and the payload: it may wait for that. */
void
job_close(struct job *job)
{
	struct loop *loop = &job->sup->loop;

	loop_remove(loop, &job->control_watch);
	loop_remove(loop, &job->gate_watch);
	loop_remove(loop, &job->listener_watch);
	loop_remove(loop, &job->oom_watch);
	fd_close(&job->control);
	fd_close(&job->gate);
	fd_close(&job->listener);
	fd_close(&job->bundle);
	for (int i = 0; i < JOB_PIPE_COUNT; i++)
		fd_close(&job->pipes[i]);
}

void
job_end(struct job *job)
{
	struct cgroup_usage usage;
	bool is_oom;

	if (job->has_run && job->end_us == 0)
		job->end_us = clock_mono_us();
	read_usage(job, &usage);
	is_oom = job->is_oom || usage.oom_kills > 0;
	job->done.denials_total = job->denials_total;
	set_outcome(job, is_oom);
	if (job->done.outcome != PROTO_OUTCOME_REFUSED)
		job->done.reason = (uint32_t)find_reason(job, is_oom, &usage);
	append_record(job);
	job->record_seq = job->sup->audit.seq;
	job->state = JOB_RECORDED;
}

/* ---- the answer ------------------------------------------------------ */

/* A result that could not be recorded is not handed out. */
static void
set_unrecorded(struct supervisor *sup, struct proto_job_done *done)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_IO, 0,
		"the audit record could not be written: make room in the state "
		"directory or repair its disk, then restart the supervisor");
	if (sup->cause.kind == ERR_NONE) {
		log_error("audit_broken cause=\"%s\"", e.text);
		sup->cause = e;
	}
	done->outcome = PROTO_OUTCOME_ERROR;
	done->reason = PROTO_REASON_NONE;
	done->err = e;
}

static void
send_done(struct job *job)
{
	unsigned nfds = job->collected >= 0 ? 1 : 0;

	if (job->peer == NULL)
		return;
	job->done.head.seq = job->submit.head.seq;
	(void)str_copy(job->done.job_id, sizeof(job->done.job_id),
		       job->submit.job_id);
	wire_head_init(&job->done.head, PROTO_JOB_DONE, sizeof(job->done),
		       nfds);
	job->peer->jobs--;
	peer_send(job->peer, &job->done.head, &job->collected);
}

static void
log_done(const struct job *job)
{
	const struct proto_job_done *done = &job->done;

	log_info("job_done job=%s policy=%s runtime=%s slot=%u outcome=%u "
		 "reason=%s wall_us=%llu cpu_us=%llu memory_peak=%llu "
		 "denials=%llu error=\"%s\"",
		 job->submit.job_id, job->submit.policy, job->submit.runtime,
		 job->slot->index, done->outcome,
		 proto_reason_name((enum proto_reason)done->reason),
		 (unsigned long long)done->wall_us,
		 (unsigned long long)done->cpu_us,
		 (unsigned long long)done->memory_peak_bytes,
		 (unsigned long long)done->denials_total, done->err.text);
}

static void
answer(struct job *job)
{
	struct supervisor *sup = job->sup;

	if (sup->audit.is_broken) {
		fd_close(&job->collected);
		set_unrecorded(sup, &job->done);
	}
	log_done(job);
	send_done(job);
	/* Nobody waits for what follows: the client goes first, which has been
	 * woken on this processor. */
	if (job_unanswered(sup) == 1)
		(void)sched_yield();
	fd_close(&job->collected);
	job->peer = NULL;
	job_discard(job);
}

/*
 * With PID 1 the kernel has ended all of its namespace; a slot in which there
 * is somebody after all is not given to the next job.
 */
static void
empty_slot(const struct job *job)
{
	struct err e = ERR_INIT;
	size_t len = 0;
	int pid;

	if (job->jail.pidfd < 0 ||
	    (cgroup_slot_pids(&job->slot->cgroup, &pid, 1, &len, &e) == 0 &&
	     len == 0))
		return;
	log_error("slot_not_empty job=%s slot=%u", job->submit.job_id,
		  job->slot->index);
	cgroup_slot_kill(&job->sup->cgroup, &job->slot->cgroup);
}

void
job_leave(struct job *job)
{
	struct supervisor *sup = job->sup;

	loop_remove(&sup->loop, &job->init_watch);
	empty_slot(job);
	fd_close(&job->payload_pidfd);
	fd_close(&job->jail.pidfd);
	/* After the answer: nobody waits for it. */
	cgroup_slot_idle(&sup->cgroup, &job->slot->cgroup);
	slots_give_back(&sup->slots, job->slot);
	job->state = JOB_FREE;
	sup->jobs_leaving--;
	sup->jobs_live--;
	standby_rest(sup);
}

static bool
is_due(const struct job *job, uint64_t now_us)
{
	return job->state != JOB_FREE && job->state != JOB_RECORDED &&
	       job->deadline_us <= now_us;
}

/*
 * A turn handles a few events only.  If it is we who are late, the end of a job
 * may wait unread behind others': what was said before we look counts.
 */
static void
look_at_clock(struct job *job, uint64_t now_us)
{
	if (is_due(job, now_us))
		job_hear(job);
	if (is_due(job, now_us))
		job_on_deadline(job);
}

static void
answer_if_synced(struct job *job)
{
	const struct audit *audit;

	if (job->state != JOB_RECORDED)
		return;
	audit = &job->sup->audit;
	if (audit->is_broken || job->record_seq <= audit->synced)
		answer(job);
	else
		job_close(job); /* the disk is waited for, not the jail */
}

void
job_turn_end(struct supervisor *sup)
{
	uint64_t now = clock_mono_us();
	unsigned ended = 0;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < sup->slots.count; i++) {
		look_at_clock(&sup->jobs[i], now);
		ended += sup->jobs[i].state == JOB_RECORDED;
	}
	/* One sync for all that have ended; others go on meanwhile, but who
	 * stops has no turns to spare. */
	if (!sup->is_stopping && job_unanswered(sup) > ended)
		audit_flush(&sup->audit);
	else
		(void)audit_sync(&sup->audit, &e);
	for (unsigned i = 0; i < sup->slots.count; i++)
		answer_if_synced(&sup->jobs[i]);
	audit_tick(&sup->audit, job_unanswered(sup)); /* nobody waits for it */
}

void
job_refuse(struct supervisor *sup, struct peer *peer,
	   const struct proto_job_submit *submit, const struct err *why)
{
	struct proto_job_done done = {.head.seq = submit->head.seq,
				      .outcome = PROTO_OUTCOME_REFUSED,
				      .err = *why};
	const struct catalog_policy *policy =
		catalog_policy(&sup->catalog, submit->policy);
	const struct catalog_runtime *runtime =
		catalog_runtime(&sup->catalog, submit->runtime);
	struct audit_job record = {
		.submit = submit,
		.peer_uid = peer->uid,
		.peer_pid = peer->pid,
		.policy = policy != NULL ? &policy->policy : NULL,
		.runtime = runtime != NULL ? &runtime->runtime : NULL,
		.posture = "not reached",
		.done = &done,
	};
	static struct log_limit limit;
	struct err e = ERR_INIT;
	char id[2 * PROTO_ID_MAX];

	(void)str_copy(done.job_id, sizeof(done.job_id), submit->job_id);
	str_quote(id, sizeof(id), submit->job_id, strlen(submit->job_id));
	if (log_may(&limit, "job_refused"))
		log_info("job_refused job=%s kind=%s cause=\"%s\"", id,
			 err_kind_name((enum err_kind)why->kind), why->text);
	if (audit_refusal(&sup->audit, &record, job_unanswered(sup), &e) < 0)
		set_unrecorded(sup, &done);
	wire_head_init(&done.head, PROTO_JOB_DONE, sizeof(done), 0);
	peer_send_later(peer, &done.head); /* after job_turn_end's sync */
}
