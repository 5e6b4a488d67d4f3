/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C05: io_uring makes calls that no filter sees.  Each of its three entries is
 * tried by itself: without a ring the kernel says EBADF, the filter EPERM.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "attempt.h"

int
main(void)
{
	struct io_uring_params params = {0};
	struct io_uring_probe probe = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 8, &params);

	attempt_call("setup", ring);
	attempt_call("enter",
		     syscall(SYS_io_uring_enter, ring, 0, 0, 0, NULL, 0));
	attempt_call("register", syscall(SYS_io_uring_register, ring,
					 IORING_REGISTER_PROBE, &probe, 0));
	/* With the high word set, for a filter that compares 64 bits. */
	attempt_call("setup_high",
		     syscall(SYS_io_uring_setup, 8 | 1ul << 32, &params));
	return 0;
}
