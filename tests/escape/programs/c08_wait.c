/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C08: audited calls without end, one line each.  The test stops and kills the
 * supervisor meanwhile; no line may ever say that a call was made.
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

		attempt_call("wait", rc);
		if (rc >= 0)
			close((int)rc);
	}
}
