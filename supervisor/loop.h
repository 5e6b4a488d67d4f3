/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the supervisor's only thread waits here: epoll with one handler a
 * file descriptor.
 *
 * A handler may be called once without cause (its fd was replaced within the
 * same turn), so every watched fd is non-blocking.  A handler does a bounded
 * amount of work and returns; level-triggered epoll calls it again.
 */
#ifndef PC_SUPERVISOR_LOOP_H
#define PC_SUPERVISOR_LOOP_H

#include <stdint.h>

#include "supervisor/base/err.h"

/* Embedded in what it belongs to; must outlive the turn it is removed in. */
struct watch {
	int fd; /* -1: not watched; owned by whoever added it */
	uint32_t events;
	void (*on_ready)(struct watch *w, uint32_t events);
	void *owner;
};

#define WATCH_INIT ((struct watch){.fd = -1})

struct loop {
	int epoll_fd;
};

int loop_init(struct loop *loop, struct err *e);
void loop_done(struct loop *loop);

/* Watch fd, of which the caller stays the owner. */
int loop_add(struct loop *loop, struct watch *w, int fd, uint32_t events,
	     void (*on_ready)(struct watch *, uint32_t), void *owner,
	     struct err *e);
/* Change which events are waited for; no-op if nothing changes. */
void loop_want(struct loop *loop, struct watch *w, uint32_t events);
/* Stop watching; harmless if it is not watched.  Does not close. */
void loop_remove(struct loop *loop, struct watch *w);

/* One turn: wait until deadline_us (clock_mono_us, UINT64_MAX: forever) at
 * most, then run the handlers of what is ready. */
int loop_turn(struct loop *loop, uint64_t deadline_us, struct err *e);

#endif
