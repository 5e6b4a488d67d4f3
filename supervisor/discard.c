/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discard.c - see discard.h.  The child has exit signal 0, so that waiting for
 * it never takes the end of a jail.
 */
#include "supervisor/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"

#define REAP_US 20000

static void __attribute__((noreturn)) child(int ours, int parents)
{
	char byte;

	(void)close(parents);
	while (read(ours, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static void
reap(struct discard *d)
{
	while (d->children > 0 &&
	       waitpid(-1, NULL, (int)__WCLONE | WNOHANG) > 0)
		d->children--;
}

static void
close_all(struct discard *d)
{
	while (d->len > 0)
		fd_close(&d->fd[--d->len]);
}

/* In advance: when there are no fds left, this is what gives some back. */
static bool
make_pipe(struct discard *d)
{
	if (d->has_pipe)
		return true;
	d->has_pipe = pipe2(d->pipe, O_CLOEXEC) == 0;
	return d->has_pipe;
}

void
discard_flush(struct discard *d)
{
	struct clone_args args = {0};
	long pid;

	reap(d);
	if (!make_pipe(d)) {
		log_error("discard_postponed error=\"%s\"",
			  strerrordesc_np(errno));
		return;
	}
	if (d->len == 0)
		return;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child(d->pipe[0], d->pipe[1]);
	if (pid < 0) {
		log_error("discard_postponed error=\"%s\"",
			  strerrordesc_np(errno));
		return;
	}
	d->children++;
	close_all(d);
	discard_done(d);
	(void)make_pipe(d);
}

void
discard_done(struct discard *d)
{
	if (!d->has_pipe)
		return;
	fd_close(&d->pipe[0]);
	fd_close(&d->pipe[1]);
	d->has_pipe = false;
}

void
discard_add(struct discard *d, int *fd)
{
	if (*fd < 0)
		return;
	if (d->len == DISCARD_MAX)
		discard_flush(d);
	if (d->len == DISCARD_MAX) /* no child to be had: better to block */
		close_all(d);
	d->fd[d->len++] = fd_take(fd);
}

uint64_t
discard_deadline(const struct discard *d)
{
	return d->children > 0 || d->len > 0 ? clock_mono_us() + REAP_US
					     : UINT64_MAX;
}
