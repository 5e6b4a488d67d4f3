/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused calls in known numbers, from several processes and threads at a
 * time: argv[1] of each kind from each of four.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int count;

static void *
work(void *arg)
{
	static const long calls[] = {SYS_unshare, SYS_bpf, SYS_ptrace,
				     SYS_io_uring_setup};
	long passed = 0;

	(void)arg;
	for (int i = 0; i < count; i++)
		for (int c = 0; c < 4; c++)
			if (syscall(calls[c], CLONE_NEWNS, 0, i, 0) != -1)
				passed++;
	return (void *)passed;
}

int
main(int argc, char **argv)
{
	long passed = 0;
	int status;

	count = argc > 1 ? atoi(argv[1]) : 10;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t other;
			void *one, *two;

			if (pthread_create(&other, NULL, work, NULL) != 0)
				_exit(100);
			one = work(NULL);
			pthread_join(other, &two);
			_exit(one == NULL && two == NULL ? 0 : 1);
		}
	}
	while (wait(&status) > 0)
		passed += WEXITSTATUS(status);
	if (passed > 0)
		printf("attempt calls done %ld\n", passed);
	else
		printf("attempt calls blocked all\n");
	return 0;
}
