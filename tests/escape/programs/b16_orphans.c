/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B16: outlive the job.  Children that are nobody's: forked twice, in sessions
 * of their own, deaf to all signals, without a parent-death signal, stopped, or
 * forking on and on; then the parent ends.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>

#include "attempt.h"

static void
deaf(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static void
daemon_main(int how, int is_calm)
{
	setsid();
	if (is_calm) /* or whoever reads our output waits for them */
		close_range(0, 2, 0);
	if (fork() != 0)
		_exit(0);
	deaf();
	if (how == 1)
		raise(SIGSTOP);
	for (;;) {
		/* Always a moment old. */
		if (how == 2 && fork() != 0)
			_exit(0);
		if (how == 3)
			getppid();
		else
			usleep(1000);
	}
}

/* "calm": only those that can be killed by number; "stay": us, too. */
int
main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	int kinds = strcmp(word, "calm") == 0 ? 2 : 4;

	for (int how = 0; how < kinds; how++)
		if (fork() == 0)
			daemon_main(how, kinds == 2);
	usleep(200000);
	attempt_done("orphans", "%d", kinds);
	if (strcmp(word, "stay") == 0) {
		deaf();
		for (;;)
			pause();
	}
	return 0;
}
