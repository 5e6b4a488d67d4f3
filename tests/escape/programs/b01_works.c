/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B01, the other side: processes and threads are made as ever without clone3.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>

#include "attempt.h"

extern char **environ;

static void
report(const char *name, int is_done)
{
	if (is_done)
		attempt_done(name, "-");
	else
		attempt_blocked(name, "failed");
}

static void *
in_thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int
ended_well(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	char name[] = "/usr/bin/true";
	char *argv[] = {name, NULL};
	int ran = 0, rc;
	pthread_t thread;
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	rc = pthread_create(&thread, NULL, in_thread, &ran);
	if (rc == 0)
		pthread_join(thread, NULL);
	report("pthread_create", rc == 0 && ran);
	rc = posix_spawn(&pid, name, NULL, NULL, argv, environ);
	report("posix_spawn", rc == 0 && ended_well(pid));
	pid = fork();
	if (pid == 0)
		_exit(0);
	report("fork", ended_well(pid));
	pid = vfork();
	if (pid == 0)
		execv(name, argv);
	report("vfork", ended_well(pid));
	return 0;
}
