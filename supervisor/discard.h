/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discard.h - let go of connections, without waiting for what lies in them.
 *
 * Fds that a client sent are never received, but with the connection that we
 * close goes the last reference to them: to a socket that blocks for as long as
 * its maker said with SO_LINGER, to gigabytes of memory, to a FUSE file with
 * pages to write; one such close would stop the clock of every job.  So the
 * last reference is that of a child, which exits when we have closed ours: for
 * sockets the kernel then waits for nobody, and who waits for the rest is it.
 */
#ifndef PC_SUPERVISOR_DISCARD_H
#define PC_SUPERVISOR_DISCARD_H

#include <stdbool.h>
#include <stdint.h>

#define DISCARD_MAX 512

struct discard {
	int fd[DISCARD_MAX];
	unsigned len;
	unsigned children; /* not yet reaped */
	int pipe[2];	   /* that the next child waits at */
	bool has_pipe;
};

/* Takes *fd over; it stays open until the flush. */
void discard_add(struct discard *d, int *fd);
/* At the end of each turn. */
void discard_flush(struct discard *d);
void discard_done(struct discard *d);
/* When there is a child to reap; UINT64_MAX if there is none. */
uint64_t discard_deadline(const struct discard *d);

#endif
