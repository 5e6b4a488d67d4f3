/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keep the seccomp listener busy: threads that make refused calls until the
 * job ends.  "once" makes a single one and says how long it took.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "attempt.h"

static void *
again(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_unshare, 0);
}

int
main(int argc, char **argv)
{
	struct timespec a, b;
	pthread_t thread;
	int rc;

	if (argc > 1 && strcmp(argv[1], "once") == 0) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		rc = (int)syscall(SYS_unshare, 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		attempt_call("unshare", rc);
		attempt_done("took", "%ld",
			     (b.tv_sec - a.tv_sec) * 1000000 +
				     (b.tv_nsec - a.tv_nsec) / 1000);
		return 0;
	}
	for (int i = 0; i < 40; i++)
		if (pthread_create(&thread, NULL, again, NULL) != 0)
			break;
	attempt_done("flood", "-");
	for (;;)
		pause();
}
