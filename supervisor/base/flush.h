/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush.h - fdatasync(2) without waiting for it: one at a time, by the kernel's
 * own asynchronous I/O (IOCB_CMD_FDSYNC of io_submit(2), Linux 4.18), which
 * tells its end by an eventfd.  No thread, no second process.
 */
#ifndef PC_BASE_FLUSH_H
#define PC_BASE_FLUSH_H

#include <stdbool.h>

#include "supervisor/base/err.h"

struct flush {
	unsigned long context; /* owned; aio_context_t */
	int event_fd;	       /* owned; readable when it may be over */
	bool is_running;
};

#define FLUSH_INIT ((struct flush){.event_fd = -1})

/* An error: this kernel or its fs.aio-max-nr has none for us. */
int flush_init(struct flush *f, struct err *e);
/* Waits for the one that is under way. */
void flush_done(struct flush *f);

/* Begin with what was written to fd so far; -1 with errno: nothing began.  fd
 * may be closed meanwhile. */
int flush_begin(struct flush *f, int fd);

enum flush_state { FLUSH_RUNS, FLUSH_OVER, FLUSH_FAILED };
/* After event_fd, also without cause; FLUSH_FAILED with errno: what is on the
 * disk is unknown. */
enum flush_state flush_end(struct flush *f);
/*
 * Wait for the one that is running; never FLUSH_RUNS.  The event stays: whoever
 * waits for that still gets his turn.  An error of the disk is
 * told once for each open file, to who asks first (Linux's errseq_t): whoever
 * calls fdatasync for the same fd has to wait first.
 */
enum flush_state flush_wait(struct flush *f);

#endif
