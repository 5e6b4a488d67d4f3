/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D03: use the processor longer, or by more hands, than allowed; argv[1] says
 * how.  None of the ways ends by itself, but "orphans", whose first process is
 * gone at once.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>

#include "attempt.h"

static void
ignore_all(void)
{
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static void __attribute__((noreturn)) busy(void)
{
	for (volatile unsigned long i = 0;; i++)
		;
}

static void
fork_busy(int count)
{
	for (int i = 0; i < count; i++)
		if (fork() == 0) {
			ignore_all();
			setsid();
			busy();
		}
}

int
main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	printf("attempt %s done started\n", how);
	fflush(stdout);
	ignore_all();
	if (strcmp(how, "busy") == 0) {
		busy();
	} else if (strcmp(how, "many") == 0) {
		fork_busy(8);
		busy();
	} else if (strcmp(how, "sleep") == 0) {
		for (;;)
			sleep(1000);
	} else if (strcmp(how, "nap") == 0) {
		sleep(6); /* longer than a test's policy allows */
		puts("attempt nap_end done");
	} else if (strcmp(how, "stop") == 0) {
		for (;;)
			kill(0, SIGSTOP);
	} else if (strcmp(how, "orphans") == 0) {
		fork_busy(4);
	} else {
		return 1;
	}
	return 0;
}
