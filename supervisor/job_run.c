/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_run.c - what jail-init and the kernel say of a job: its messages, its
 * end, its memory.
 *
 * A message in the wrong state is a failure of the job, never ignored: a jail
 * that answers out of turn is not the one we started.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/channel.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

#define COLLECT_US 5000000
#define CONTROL_PER_TURN 8

/* ---- control messages ------------------------------------------------ */

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
			       job->runtime->runtime.name,
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

/* Nobody but jail-init, which waits for its end, is left in the cgroup. */
static bool
is_deserted(const struct job *job)
{
	struct err e = ERR_INIT;
	int pids[2];
	size_t len = 0;

	if (cgroup_slot_pids(&job->slot->cgroup, pids, ARRAY_LEN(pids), &len,
			     &e) < 0)
		return false;
	return len == 0 || (len == 1 && pids[0] == job->jail.pid);
}

/*
 * With nothing to collect and nobody to kill it is the first word of the end,
 * too.  If the kernel says that PID 1 is the last, the answer goes before its
 * end, which takes all namespaces with it.
 */
static int
on_collected(struct job *job, const struct jail_message *msg, int *fd,
	     struct err *e)
{
	int none = -1;
	bool is_last;

	if (!job->has_exited && on_exited(job, msg, &none, e) < 0)
		return -1;
	if (*fd >= 0) {
		if (job_check_collected(*fd, &job->policy->policy,
					job->collected_sha256, e) < 0)
			return -1;
		job->has_collected = true;
		job->collected = fd_take(fd);
	}
	is_last = is_deserted(job);
	/* Where others wait, too, not to idle while the disk writes. */
	if (!is_last || job_unanswered(job->sup) > 1)
		job_end_by_kill(job);
	if (is_last)
		job_end(job);
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

bool
job_has_failed(struct job *job)
{
	struct jail_message msg;
	struct err e = ERR_INIT, ignored = ERR_INIT;
	int fd = -1;

	while (channel_recv(job->control, &msg, &fd, &ignored) == CHANNEL_OK) {
		bool is_failure = msg.type == JAIL_MSG_FAILED;

		fd_close(&fd);
		if (!is_failure)
			continue;
		(void)on_failed(job, &msg, &fd, &e);
		job_fail(job, &e);
		return true;
	}
	return false;
}

#define IN(state) (1u << (state))

/* Which message is legal in which states. */
static const struct {
	unsigned states;
	int (*handle)(struct job *job, const struct jail_message *msg, int *fd,
		      struct err *e);
} control_table[JAIL_MSG_COUNT] = {
	[JAIL_MSG_PAYLOAD] = {IN(JOB_STANDBY) | IN(JOB_PREPARING),
			      job_on_payload},
	[JAIL_MSG_UNPACKED] = {IN(JOB_STARTING), job_on_unpacked},
	[JAIL_MSG_EXITED] = {IN(JOB_STANDBY) | IN(JOB_STARTING) |
				     IN(JOB_RUNNING),
			     on_exited},
	[JAIL_MSG_COLLECTED] = {IN(JOB_STANDBY) | IN(JOB_STARTING) |
					IN(JOB_RUNNING) | IN(JOB_COLLECTING),
				on_collected},
	[JAIL_MSG_FAILED] = {IN(JOB_STANDBY) | IN(JOB_PREPARING) |
				     IN(JOB_STARTING) | IN(JOB_RUNNING) |
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
		if (job->state == JOB_STANDBY) /* nobody else would ask */
			standby_lost(job);
		return false;
	case CHANNEL_FAILED:
		job_fail(job, &e);
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
		job_fail(job, &e);
	return rc == 0;
}

void
job_hear(struct job *job)
{
	for (int i = 0; i < CONTROL_PER_TURN; i++)
		if (job->control < 0 || !read_control(job))
			return;
}

void
job_on_control(struct watch *w, uint32_t events)
{
	(void)events;
	job_hear(w->owner);
}

/* ---- kernel events --------------------------------------------------- */

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
	job->is_reaped = true;
	loop_remove(&job->sup->loop, w);
	if (job->state == JOB_STANDBY)
		standby_lost(job);
	else if (job->state < JOB_RECORDED)
		job_end(job);
	else if (job->state == JOB_LEAVING)
		job_leave(job);
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
	job_end_by_kill(job);
}
