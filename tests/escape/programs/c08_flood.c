/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C08: many threads make calls of the audit class at once, COUNT each.  Every
 * one must be answered with EPERM and none lost: argv is THREADS COUNT.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "attempt.h"

static int count;
static atomic_int refused, other, got;

static void *
flood(void *arg)
{
	for (int i = 0; i < count; i++) {
		/* One's own memory: allowed where nothing stops it. */
		long rc = syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0);

		if (rc >= 0)
			atomic_fetch_add(&got, 1);
		else if (errno == EPERM)
			atomic_fetch_add(&refused, 1);
		else
			atomic_fetch_add(&other, 1);
	}
	return arg;
}

int
main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[1]) : 8;
	pthread_t ids[128];

	count = argc > 2 ? atoi(argv[2]) : 100;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, flood, NULL) != 0)
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("refused %d other %d\n", refused, other);
	if (got > 0)
		attempt_done("flood", "%d", got);
	else
		attempt_blocked("flood", other == 0 ? "EPERM" : "other");
	return 0;
}
