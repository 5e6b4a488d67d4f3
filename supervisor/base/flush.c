/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/base/flush.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/fd.h"

int
flush_init(struct flush *f, struct err *e)
{
	aio_context_t context = 0;

	*f = FLUSH_INIT;
	if (syscall(SYS_io_setup, 1, &context) < 0)
		return err_sys(e, "io_setup");
	f->context = context;
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->event_fd >= 0)
		return 0;
	err_sys(e, "eventfd");
	flush_done(f);
	return -1;
}

void
flush_done(struct flush *f)
{
	if (f->context != 0)
		(void)syscall(SYS_io_destroy, f->context);
	fd_close(&f->event_fd);
	*f = FLUSH_INIT;
}

int
flush_begin(struct flush *f, int fd)
{
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_FDSYNC,
		.aio_fildes = (uint32_t)fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)f->event_fd,
	};
	struct iocb *list[] = {&request};

	if (f->context == 0 || f->is_running) {
		errno = f->is_running ? EBUSY : ENOSYS;
		return -1;
	}
	if (syscall(SYS_io_submit, f->context, 1, list) != 1)
		return -1;
	f->is_running = true;
	return 0;
}

/* least: how many ends to wait for. */
static enum flush_state
take_end(struct flush *f, long least)
{
	struct timespec now = {0};
	struct io_event end;
	long n;

	do
		n = syscall(SYS_io_getevents, f->context, least, 1, &end,
			    least > 0 ? NULL : &now);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return FLUSH_RUNS;
	f->is_running = false;
	if (n < 0)
		return FLUSH_FAILED;
	if (end.res == 0)
		return FLUSH_OVER;
	errno = (int)-end.res;
	return FLUSH_FAILED;
}

enum flush_state
flush_end(struct flush *f)
{
	uint64_t count;

	(void)!read(f->event_fd, &count, sizeof(count));
	return f->is_running ? take_end(f, 0) : FLUSH_RUNS;
}

enum flush_state
flush_wait(struct flush *f)
{
	return f->is_running ? take_end(f, 1) : FLUSH_OVER;
}
