/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C07: while a call waits for the supervisor's answer, peers that share the
 * memory (threads, and a CLONE_VM process) rewrite what its arguments point
 * at, from something harmless to something not.  A supervisor that looks, says
 * yes and lets the kernel look again is fooled.  add_key(2) works for anyone
 * where nothing stops it, so one success is a success.  argv[1] is how many
 * tries there are.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "attempt.h"

#define STACK (64 << 10)

static volatile char type[16] = "harmless";
static volatile char description[16] = "a";
static atomic_bool stop;

static void
rewrite(void)
{
	static const char words[2][9] = {"user\0\0\0\0", "harmless"};

	for (unsigned i = 0; !atomic_load(&stop); i++) {
		for (int at = 0; at < 9; at++)
			type[at] = words[i & 1][at];
		description[0] = (char)('a' + i % 26);
	}
}

static void *
peer_thread(void *arg)
{
	rewrite();
	return arg;
}

static int
peer_process(void *arg)
{
	(void)arg;
	rewrite();
	_exit(0);
}

int
main(int argc, char **argv)
{
	int tries = argc > 1 ? atoi(argv[1]) : 500;
	pthread_t threads[2];
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int got = 0, other = 0;
	pid_t pid;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, peer_thread, NULL) != 0)
			return 1;
	pid = clone(peer_process, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		return 1;
	for (int i = 0; i < tries && got == 0; i++) {
		long rc = syscall(SYS_add_key, type, description, "x", 1, -3);

		got += rc >= 0;
		other += rc < 0 && errno != EPERM;
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	waitpid(pid, NULL, 0);
	if (got > 0)
		attempt_done("swap", "%d", got);
	else
		attempt_blocked("swap", other == 0 ? "EPERM" : "other");
	return 0;
}
