/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standby.c - see standby.h.
 *
 * Nothing here decides whether a jail is safe: what the gate reads of it, it
 * reads when the job is there, as of any other.  What is looked at here is only
 * whether the job had better build its own.
 */
#include "supervisor/standby.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

/* Without a job that begins or ends; jobs that follow each other at once are
 * not to wait for a jail that is being built for the next one. */
#define REST_US 20000
/* Then it is built anew: what its runtime has loaded may be another by now. */
#define AGE_US 600000000

static bool
is_same_kind(const struct standby_kind *a, const struct standby_kind *b)
{
	return a->policy == b->policy && a->runtime == b->runtime &&
	       a->memory_bytes == b->memory_bytes && a->pids == b->pids;
}

static struct standby_place *
find(struct standby *standby, const struct standby_kind *kind)
{
	for (unsigned i = 0; i < standby->len; i++)
		if (is_same_kind(&standby->places[i].kind, kind))
			return &standby->places[i];
	return NULL;
}

static struct standby_place *
place_of(const struct job *job)
{
	struct standby *standby = &job->sup->standby;

	for (unsigned i = 0; i < standby->len; i++)
		if (standby->places[i].job == job)
			return &standby->places[i];
	assert(!"a jail that waits has a place");
	return NULL;
}

static struct job *
take_job(struct standby *standby, struct standby_place *place)
{
	struct job *job = place->job;

	place->job = NULL;
	if (job != NULL) {
		assert(job->state == JOB_STANDBY);
		standby->jails--;
	}
	return job;
}

static void
drop_jail(struct standby *standby, struct standby_place *place)
{
	struct job *job = take_job(standby, place);

	if (job != NULL)
		job_discard(job);
}

/* ---- a job comes --------------------------------------------------------- */

static int
check_alive(const struct job *job, struct err *e)
{
	struct pollfd payload = {.fd = job->payload_pidfd, .events = POLLIN};
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)job->jail.pidfd, &info,
		   WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0)
		return err_sys(e, "look at it");
	if (info.si_pid != 0)
		return err_set(e, ERR_PEER, 0, "it has ended or was stopped");
	if (poll(&payload, 1, 0) != 0) /* pidfd_open(2) */
		return err_set(e, ERR_PEER, 0, "its runtime has ended");
	return 0;
}

/*
 * Upgrades replace files by renaming: no job is to be run by what they took
 * away.  Before its exec it is jail-init, which has no name.
 */
static int
check_program(const struct job *job, struct err *e)
{
	const struct supervisor *sup = job->sup;
	struct stat st, init;
	char name[32];

	(void)snprintf(name, sizeof(name), "%d/exe",
		       (int)job->expected.payload_pid);
	if (fstatat(sup->self.proc_fd, name, &st, 0) < 0 ||
	    fstat(sup->catalog.init_fd, &init) < 0)
		return err_sys(e, "look at its program");
	if (st.st_nlink == 0 &&
	    (st.st_dev != init.st_dev || st.st_ino != init.st_ino))
		return err_set(e, ERR_CONFLICT, 0, "its program was replaced");
	return 0;
}

/* What job_start() would find out or do differently now. */
static int
check_current(const struct standby_place *place, struct err *e)
{
	const struct standby_kind *kind = &place->kind;
	const struct job *job = place->job;

	if (check_alive(job, e) < 0 || check_program(job, e) < 0 ||
	    catalog_look_again(kind->policy, kind->runtime, e) < 0)
		return -1;
	if (kind->policy->renewals != place->renewals)
		return err_set(e, ERR_CONFLICT, 0,
			       "what the host lends was replaced");
	return 0;
}

struct job *
standby_take(struct supervisor *sup, const struct standby_kind *kind)
{
	struct standby_place *place = find(&sup->standby, kind);
	struct err e = ERR_INIT;

	if (place == NULL || place->job == NULL || !place->job->is_waiting)
		return NULL;
	if (check_current(place, &e) == 0)
		return take_job(&sup->standby, place);
	log_info("standby_unfit slot=%u policy=%s runtime=%s cause=\"%s\"",
		 place->job->slot->index, kind->policy->policy.name,
		 kind->runtime->runtime.name, e.text);
	drop_jail(&sup->standby, place);
	return NULL;
}

void
standby_rest(struct supervisor *sup)
{
	sup->standby.due_us = clock_mono_us() + REST_US;
}

void
standby_want(struct supervisor *sup, const struct standby_kind *kind)
{
	struct standby *standby = &sup->standby;
	struct standby_place *at = find(standby, kind), first;

	if (sup->config.standby == 0)
		return;
	standby_rest(sup);
	if (at == NULL && standby->len < sup->config.standby) {
		at = &standby->places[standby->len++];
	} else if (at == NULL) {
		at = &standby->places[standby->len - 1];
		drop_jail(standby, at);
	}
	if (!is_same_kind(&at->kind, kind))
		*at = (struct standby_place){.kind = *kind};
	first = *at;
	memmove(&standby->places[1], &standby->places[0],
		(size_t)(at - standby->places) * sizeof(first));
	standby->places[0] = first;
}

/* ---- building ------------------------------------------------------------ */

/* Not again before the next job of the kind, whose own jail says what is wrong.
 */
static void
forget(struct standby *standby, struct standby_place *place)
{
	size_t after = standby->len - 1 - (size_t)(place - standby->places);

	drop_jail(standby, place);
	memmove(place, place + 1, after * sizeof(*place));
	/* What is left behind the last names a jail that is not its own. */
	standby->places[--standby->len] = (struct standby_place){0};
}

void
standby_ready(struct job *job)
{
	job->is_waiting = true;
	job->deadline_us = clock_mono_us() + AGE_US;
	log_debug("standby_ready slot=%u pid=%d policy=%s runtime=%s",
		  job->slot->index, (int)job->jail.pid,
		  job->policy->policy.name, job->runtime->runtime.name);
}

void
standby_lost(struct job *job)
{
	if (!job->sup->is_stopping)
		log_warning("standby_lost slot=%u policy=%s runtime=%s "
			    "cause=\"%s\"",
			    job->slot->index, job->policy->policy.name,
			    job->runtime->runtime.name,
			    job->is_failed ? job->err.text : "it ended");
	forget(&job->sup->standby, place_of(job));
}

void
standby_expired(struct job *job)
{
	struct err e = ERR_INIT;

	if (job->is_waiting) {
		drop_jail(&job->sup->standby, place_of(job));
		return;
	}
	err_set(&e, ERR_IO, 0, "not ready in %d s", JOB_PREPARE_US / 1000000);
	job_fail(job, &e);
}

/* Processors that no job uses. */
static bool
has_room(const struct supervisor *sup)
{
	static long processors;

	if (processors == 0)
		processors = sysconf(_SC_NPROCESSORS_ONLN);
	return !sup->is_stopping && sup->cause.kind == ERR_NONE &&
	       sup->listener.uploads == 0 &&
	       (long)job_unanswered(sup) < processors;
}

/*
 * --slots and the spare ones are the jobs'.  One that has been discarded keeps
 * its slot until it is gone; whoever leaves may be that.
 */
static bool
has_slot(const struct supervisor *sup)
{
	return sup->jobs_leaving + sup->standby.jails < sup->config.standby;
}

/* The first without a jail that fits; standby->len if all have one. */
static unsigned
next_place(const struct standby *standby)
{
	unsigned i = 0;

	while (i < standby->len && standby->places[i].job != NULL &&
	       standby->places[i].renewals ==
		       standby->places[i].kind.policy->renewals)
		i++;
	return i;
}

uint64_t
standby_deadline(const struct supervisor *sup)
{
	const struct standby *standby = &sup->standby;
	unsigned next = next_place(standby);

	if (next == standby->len || !has_room(sup) ||
	    (standby->places[next].job == NULL && !has_slot(sup)))
		return UINT64_MAX;
	return standby->due_us;
}

static void
build(struct supervisor *sup, struct standby_place *place)
{
	const struct standby_kind *kind = &place->kind;
	const struct proto_limits asked = {
		.memory_bytes = kind->memory_bytes,
		.pids = kind->pids,
	};
	struct job *job = job_place(sup, slots_take(&sup->slots));
	struct err e = ERR_INIT;

	job->state = JOB_STANDBY;
	job->policy = kind->policy;
	job->runtime = kind->runtime;
	job_limits(&asked, &kind->policy->policy, &job->limits);
	job->deadline_us = clock_mono_us() + JOB_PREPARE_US;
	place->job = job;
	sup->standby.jails++;
	if (job_expect(job, &e) < 0 || job_start(job, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	place->renewals = kind->policy->renewals;
}

void
standby_tick(struct supervisor *sup)
{
	struct standby_place *place;

	if (standby_deadline(sup) > clock_mono_us())
		return;
	place = &sup->standby.places[next_place(&sup->standby)];
	drop_jail(&sup->standby, place); /* what it had lent was replaced */
	if (has_slot(sup))
		build(sup, place);
	standby_rest(sup);
}
