/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C11: a thread without the filter.  Threads, forks, vforks and a process that
 * shares everything but its memory look at what the kernel says of each of
 * them.  argv[1], if given, is the number of seconds to stay, for an observer.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "attempt.h"

#define THREADS 20
#define STACK (64 << 10)

static pthread_barrier_t all_here, all_seen;

static long
field(const char *path, const char *name)
{
	char line[256];
	FILE *file = fopen(path, "r");
	long value = -1;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, 10);
	if (file != NULL)
		fclose(file);
	return value;
}

static int
is_bare(const char *path)
{
	return field(path, "Seccomp:") != 2 || field(path, "NoNewPrivs:") != 1;
}

static void *
stay(void *arg)
{
	pthread_barrier_wait(&all_here);
	pthread_barrier_wait(&all_seen);
	return arg;
}

static void
look_at_threads(int seconds)
{
	pthread_t ids[THREADS];
	struct dirent *entry;
	int seen = 0, bare = 0;
	char path[300];
	DIR *dir;

	pthread_barrier_init(&all_here, NULL, THREADS + 1);
	pthread_barrier_init(&all_seen, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&ids[i], NULL, stay, NULL) != 0)
			exit(1);
	pthread_barrier_wait(&all_here);
	dir = opendir("/proc/self/task");
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status",
			 entry->d_name);
		seen++;
		bare += is_bare(path);
	}
	if (dir == NULL || seen != THREADS + 1)
		exit(1);
	closedir(dir);
	sleep((unsigned)seconds);
	pthread_barrier_wait(&all_seen);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	if (bare > 0)
		attempt_done("threads", "%d of %d", bare, seen);
	else
		attempt_blocked("threads", "filtered");
}

static int
child(void *arg)
{
	(void)arg;
	_exit(is_bare("/proc/self/status") ? ATTEMPT_GOT_THROUGH : EPERM);
}

static void
forked(void *arg)
{
	(void)child(arg);
}

static void
cloned(void *arg)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid = clone(
		child, stack + STACK,
		CLONE_FILES | CLONE_FS | CLONE_VM | CLONE_VFORK | SIGCHLD, arg);

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		_exit(errno);
	_exit(WEXITSTATUS(status));
}

/* A program started anew. */
static void
executed(void *arg)
{
	char *argv[] = {"grep", "-q", "^Seccomp:.*2", "/proc/self/status",
			NULL};
	int status = 0;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		execv("/usr/bin/grep", argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status) == 1 ? ATTEMPT_GOT_THROUGH : EPERM);
}

int
main(int argc, char **argv)
{
	look_at_threads(argc > 1 ? atoi(argv[1]) : 0);
	attempt_child("fork", forked, NULL);
	attempt_child("clone_vm", cloned, NULL);
	attempt_child("exec", executed, NULL);
	return 0;
}
