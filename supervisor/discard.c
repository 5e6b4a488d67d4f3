/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discard.c - see discard.h.  The child has exit signal 0, so that waiting for
 * it never takes the end of a jail.
 */
#include "supervisor/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
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

void
discard_flush(struct discard *d)
{
	struct clone_args args = {0};
	owned_fd int childs = -1, ours = -1;
	int pair[2];
	long pid;

	reap(d);
	if (d->len == 0)
		return;
	if (pipe2(pair, O_CLOEXEC) < 0) {
		log_error("discard_postponed error=\"%s\"",
			  strerrordesc_np(errno));
		return;
	}
	childs = pair[0];
	ours = pair[1];
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child(childs, ours);
	if (pid < 0) {
		log_error("discard_postponed error=\"%s\"",
			  strerrordesc_np(errno));
		return;
	}
	d->children++;
	close_all(d);
}

void
discard_add(struct discard *d, int *fd)
{
	/* What is surely a memfd needs no care. */
	if (*fd < 0 || fd_is_sealed_memfd(*fd)) {
		fd_close(fd);
		return;
	}
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
