/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Use up process ids, as fast as they come, and leave zombies and orphans:
 * whoever signals by number would soon hit somebody else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 2);
	long made = 0;

	while (time(NULL) < end) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(fork() == 0 ? 0 : 1);
		if (pid > 0)
			made++;
		while (waitpid(-1, NULL, made % 8 == 0 ? 0 : WNOHANG) > 0)
			;
	}
	printf("attempt cycle done %ld\n", made);
	return 0;
}
