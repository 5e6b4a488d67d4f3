/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C08: audited calls without end.  The test stops and kills the supervisor
 * meanwhile; a call that is made is told and ends it.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "attempt.h"

int
main(void)
{
	for (;;) {
		struct io_uring_params params = {0};
		long rc = syscall(SYS_io_uring_setup, 8, &params);

		if (rc >= 0) {
			attempt_call("wait", rc);
			return 0;
		}
		/* One line a call, for who watches that they go on. */
		if (write(1, ".\n", 2) != 2)
			return 1;
	}
}
