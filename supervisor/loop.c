/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - epoll.  Timers are not here: each job knows its deadline, and the
 * nearest one bounds the wait.
 */
#include "supervisor/loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

/* Deadlines are looked at once a turn, so that must not last long. */
#define EVENTS_PER_TURN 16

int
loop_init(struct loop *loop, struct err *e)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return err_sys(e, "create epoll");
	return 0;
}

void
loop_done(struct loop *loop)
{
	fd_close(&loop->epoll_fd);
}

int
loop_add(struct loop *loop, struct watch *w, int fd, uint32_t events,
	 void (*on_ready)(struct watch *, uint32_t), void *owner, struct err *e)
{
	struct epoll_event event = {.events = events, .data = {.ptr = w}};

	assert(w->fd < 0 && fd >= 0);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_sys(e, "watch fd %d", fd);
	w->fd = fd;
	w->events = events;
	w->on_ready = on_ready;
	w->owner = owner;
	return 0;
}

void
loop_want(struct loop *loop, struct watch *w, uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.ptr = w}};
	int rc;

	if (w->fd < 0 || w->events == events)
		return;
	rc = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
	assert(rc == 0); /* fails only for an fd that is not watched */
	(void)rc;
	w->events = events;
}

void
loop_remove(struct loop *loop, struct watch *w)
{
	if (w->fd < 0)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
}

static struct timespec
time_until(uint64_t deadline_us)
{
	uint64_t now = clock_mono_us();
	uint64_t wait = deadline_us > now ? deadline_us - now : 0;

	return (struct timespec){.tv_sec = (time_t)(wait / 1000000),
				 .tv_nsec = (long)(wait % 1000000 * 1000)};
}

int
loop_turn(struct loop *loop, uint64_t deadline_us, struct err *e)
{
	struct epoll_event ready[EVENTS_PER_TURN];
	struct timespec wait = time_until(deadline_us);
	int n = epoll_pwait2(loop->epoll_fd, ready, EVENTS_PER_TURN,
			     deadline_us == UINT64_MAX ? NULL : &wait, NULL);

	if (n < 0 && errno != EINTR)
		return err_sys(e, "epoll_pwait2");
	for (int i = 0; i < n; i++) {
		struct watch *w = ready[i].data.ptr;

		if (w->fd >= 0) /* an earlier handler may have removed it */
			w->on_ready(w, ready[i].events);
	}
	return 0;
}
