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

/* Submit to gate opened: milliseconds, but not on a machine under load. */
#define PREPARE_US 30000000
#define END_US 5000000 /* between reports that PID 1 does not die */

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
void
job_end_by_kill(struct job *job)
{
	if (job->state >= JOB_ENDING)
		return;
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

unsigned
job_unanswered(const struct supervisor *sup)
{
	return sup->jobs_live - sup->jobs_leaving;
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
	if (job_slots_free(sup) == 0 || sup->slots.used == sup->slots.count)
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
	job_fail(job, &e);
	if (job->jail.pidfd < 0 || reap_unwatched(job))
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
	    audit_may_begin(&sup->audit, job_unanswered(sup), &why) < 0 ||
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
			PREPARE_US / 1000000,
			job->state == JOB_PREPARING ? "building the jail"
			: job->is_unpacked	    ? "starting the runtime"
						    : "unpacking the bundle");
		job_fail(job, &e);
	}
}
