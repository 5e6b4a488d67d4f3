/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D08: hard to end.  Ignores what can be ignored, stops itself, waits in vfork
 * where signals do not reach, keeps making processes, uses all its processor.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>

#include "attempt.h"

static void *
busy(void *arg)
{
	for (volatile unsigned long i = 0;; i++)
		;
	return arg;
}

static void
in_vfork(void)
{
	if (vfork() == 0) /* NOLINT: that is the attack */
		for (;;)
			pause(); /* NOLINT(clang-analyzer-unix.Vfork) */
}

int
main(void)
{
	pthread_t id;

	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			in_vfork();
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			setsid();
			raise(SIGSTOP);
		}
	for (int i = 0; i < 4; i++)
		pthread_create(&id, NULL, busy, NULL);
	printf("attempt stay done started\n");
	fflush(stdout);
	signal(SIGCHLD, SIG_DFL);
	for (;;) {
		if (fork() == 0) {
			setsid();
			usleep(1000);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
