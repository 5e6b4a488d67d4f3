/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - requests for jobs, the clock, and the one way out: what jail-init,
 * the gate and the seccomp listener say is handled in job_gate.c, job_run.c and
 * job_denial.c.
 */
#include "supervisor/job.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/supervisor.h"

#define END_US 5000000 /* between reports that PID 1 does not die */

/* ---- ending ---------------------------------------------------------- */

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
void
job_end_by_kill(struct job *job)
{
	if (job->state >= JOB_ENDING)
		return;
	if (job->state == JOB_STANDBY) {
		standby_lost(job);
		return;
	}
	if (job->has_run && job->end_us == 0)
		job->end_us = clock_mono_us();
	job->state = JOB_ENDING;
	job->deadline_us = clock_mono_us() + END_US;
	kill_init(job);
}

/* Our side or the jail's construction failed; the first cause counts. */
void
job_fail(struct job *job, const struct err *e)
{
	if (!job->is_failed && job->kill_reason == PROTO_REASON_NONE) {
		job->is_failed = true;
		job->err = *e;
	}
	job_end_by_kill(job);
}

static void
kill_for(struct job *job, enum proto_reason reason)
{
	if (job->kill_reason == PROTO_REASON_NONE && !job->is_failed &&
	    job->state < JOB_ENDING)
		job->kill_reason = reason;
	job_end_by_kill(job);
}

/* ---- requests -------------------------------------------------------- */

struct job *
job_place(struct supervisor *sup, struct slot *slot)
{
	struct job *job = &sup->jobs[slot->index];

	*job = (struct job){
		.sup = sup,
		.slot = slot,
		.jail.pidfd = -1,
		.control = -1,
		.gate = -1,
		.listener = -1,
		.payload_pidfd = -1,
		.listener_number = -1,
		.expected = {.init_pidfd = -1, .payload_pidfd = -1},
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
	sup->jobs_live++;
	return job;
}

unsigned
job_unanswered(const struct supervisor *sup)
{
	return sup->jobs_live - sup->jobs_leaving - sup->standby.jails;
}

/* One that only leaves has been answered, and there are slots to spare. */
unsigned
job_slots_free(const struct supervisor *sup)
{
	unsigned used = job_unanswered(sup);

	return used < sup->config.slots ? sup->config.slots - used : 0;
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
	if (host_check_cores(sup->self.proc_fd, e) < 0)
		return -1;
	if (peer->jobs >= LISTEN_JOBS_PER_PEER)
		return err_set(e, ERR_BUSY, 0, "%u jobs on one connection",
			       peer->jobs);
	/* Those whose bundle is under way have the first claim. */
	if (job_slots_free(sup) <= sup->listener.uploads ||
	    sup->slots.used == sup->slots.count)
		return err_set(e, ERR_BUSY, 0,
			       "all %u slots are in use: try again later",
			       sup->config.slots);
	return 0;
}

/* It could not be watched: nothing would tell us of its end. */
static bool
reap_unwatched(struct job *job)
{
	siginfo_t info;

	if (job->init_watch.fd >= 0)
		return false;
	/* It was killed, and has had no time to become more than itself. */
	while (waitid(P_PIDFD, (id_t)job->jail.pidfd, &info, WEXITED) < 0 &&
	       errno == EINTR)
		;
	job->is_reaped = true;
	return true;
}

void
job_discard(struct job *job)
{
	job_close(job);
	kill_init(job);
	job->state = JOB_LEAVING;
	job->sup->jobs_leaving++;
	job->deadline_us = clock_mono_us() + END_US;
	if (job->is_reaped || job->jail.pidfd < 0 || reap_unwatched(job))
		job_leave(job);
}

static int
give_jail(struct job *job, struct err *e)
{
	if (job_expect(job, e) < 0)
		return -1;
	if (job->jail.pidfd < 0)
		return job_start(job, e);
	job_go_on(job);
	return job_record_begin(job, e);
}

static void
begin(struct supervisor *sup, struct peer *peer,
      const struct proto_job_submit *submit, const uint8_t bundle_sha256[32],
      int *bundle)
{
	struct standby_kind kind = {
		.policy = catalog_policy(&sup->catalog, submit->policy),
		.runtime = catalog_runtime(&sup->catalog, submit->runtime),
	};
	struct proto_limits limits;
	struct err e = ERR_INIT;
	struct job *job;

	job_limits(&submit->limits, &kind.policy->policy, &limits);
	kind.memory_bytes = limits.memory_bytes;
	kind.pids = limits.pids;
	job = standby_take(sup, &kind);
	if (job == NULL)
		job = job_place(sup, slots_take(&sup->slots));
	job->state = JOB_PREPARING;
	job->peer = peer;
	job->peer_uid = peer->uid;
	job->peer_pid = peer->pid;
	peer->jobs++;
	job->submit = *submit;
	job->submitted_us = peer->upload.started_us;
	job->policy = kind.policy;
	job->runtime = kind.runtime;
	job->limits = limits;
	memcpy(job->bundle_sha256, bundle_sha256, sizeof(job->bundle_sha256));
	job->bundle = fd_take(bundle);
	job->deadline_us = job->submitted_us + JOB_PREPARE_US;
	if (give_jail(job, &e) == 0) {
		standby_want(sup, &kind);
		return;
	}
	job_fail(job, &e);
	if (job->jail.pidfd < 0 || reap_unwatched(job))
		job_end(job); /* nothing to wait for */
}

static int
check_submit(struct supervisor *sup, const struct peer *peer,
	     const struct proto_job_submit *submit, struct err *e)
{
	if (job_check_request(sup, submit, e) < 0 ||
	    check_capacity(
		    sup, peer, catalog_policy(&sup->catalog, submit->policy),
		    catalog_runtime(&sup->catalog, submit->runtime), e) < 0)
		return -1;
	return audit_may_begin(&sup->audit, job_unanswered(sup), e);
}

int
job_submit(struct supervisor *sup, struct peer *peer,
	   const union wire_message *msg, struct err *e)
{
	const struct proto_job_submit *submit = &msg->job_submit;
	struct err why = ERR_INIT;

	(void)e;
	if (check_submit(sup, peer, submit, &why) == 0 &&
	    upload_begin(&peer->upload, msg, "bundle", submit->bundle_bytes,
			 PROTO_BUNDLE_MAX, &why) == 0 &&
	    upload_keep(&peer->upload, &why) == 0) {
		sup->listener.uploads++;
		return 0;
	}
	job_refuse(sup, peer, submit, &why);
	upload_skip(&peer->upload, submit->bundle_bytes);
	return 0;
}

/* Of what was true when it was submitted much may have changed. */
void
job_uploaded(struct supervisor *sup, struct peer *peer)
{
	struct upload *u = &peer->upload;
	const struct proto_job_submit *submit = &u->request.job_submit;
	struct err why = ERR_INIT;
	owned_fd int bundle = -1;
	uint8_t sha256[32];

	if (upload_finish(u, sha256, &bundle, &why) == 0 &&
	    check_submit(sup, peer, submit, &why) == 0)
		begin(sup, peer, submit, sha256, &bundle);
	else
		job_refuse(sup, peer, submit, &why);
}

int
job_kill_request(struct supervisor *sup, struct peer *peer,
		 const union wire_message *msg, struct err *e)
{
	const struct proto_job_kill *k = &msg->job_kill;

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

/* ---- clock ----------------------------------------------------------- */

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

/*
 * A payload that did not stop for gate_filter.c in time is still traced by us,
 * and PID 1 waits until we have taken note of its death.
 */
static void
reap_traced(const struct job *job)
{
	siginfo_t info;

	if (job->payload_pidfd >= 0)
		(void)waitid(P_PIDFD, (id_t)job->payload_pidfd, &info,
			     (int)__WALL | WEXITED | WNOHANG);
}

void
job_on_deadline(struct job *job)
{
	struct err e = ERR_INIT;

	switch (job->state) {
	case JOB_STANDBY:
		standby_expired(job);
		return;
	case JOB_RUNNING:
		job->is_timeout = true;
		job_end_by_kill(job);
		return;
	case JOB_COLLECTING:
		/* The result stands; only the files are lost. */
		log_warning("job_collect_timeout job=%s", job->submit.job_id);
		job_end_by_kill(job);
		return;
	case JOB_ENDING:
	case JOB_LEAVING:
		log_error("job_does_not_die job=%s slot=%u", job->submit.job_id,
			  job->slot->index);
		job->deadline_us = clock_mono_us() + END_US;
		kill_init(job);
		reap_traced(job);
		return;
	default:
		err_set(&e, ERR_IO, 0, "not ready in %d s: %s",
			JOB_PREPARE_US / 1000000,
			job->state == JOB_PREPARING ? "building the jail"
			: job->is_unpacked	    ? "starting the runtime"
						    : "unpacking the bundle");
		job_fail(job, &e);
	}
}
