/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D01: as many processes or threads as there can be, by the way that argv[1]
 * names; each makes more.  argv[2] is how many are enough to stop, so that the
 * bomb can also be set off where nothing limits it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "attempt.h"

#define STACK (16 << 10)

static struct {
	volatile int count, errnum;
} * all;
static int enough;

static int
go_on(void)
{
	return all->errnum == 0 && all->count < enough;
}

/* Counted before it is made: nobody knows when it will first run. */
static void
make_one(void)
{
	__atomic_add_fetch(&all->count, 1, __ATOMIC_SEQ_CST);
}

static void
refused(void)
{
	int none = 0;

	__atomic_sub_fetch(&all->count, 1, __ATOMIC_SEQ_CST);
	__atomic_compare_exchange_n(&all->errnum, &none, errno, 0,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void
by_fork(void)
{
	while (go_on()) {
		make_one();
		if (fork() < 0)
			refused();
	}
}

/* The parent waits inside of the kernel until its child is done. */
static void
by_vfork(void)
{
	pid_t pid;

	if (!go_on())
		return;
	make_one();
	pid = vfork(); /* NOLINT: that is the attack */
	if (pid < 0)
		refused();
	if (pid == 0) {
		by_vfork(); /* NOLINT(clang-analyzer-unix.Vfork) */
		while (go_on())
			usleep(1000);
		pause();
	}
}

/* Each leaves its parent and its session behind. */
static void
by_double_fork(void)
{
	while (go_on()) {
		pid_t pid;

		make_one();
		pid = fork();
		if (pid < 0)
			refused();
		if (pid == 0) {
			setsid();
			pid = fork();
			if (pid > 0)
				_exit(0);
			if (pid < 0)
				refused();
		}
	}
}

static void *
thread(void *arg)
{
	while (go_on())
		usleep(1000);
	pause();
	return arg;
}

static void
by_thread(void)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (go_on()) {
		make_one();
		errno = pthread_create(&id, &attr, thread, NULL);
		if (errno != 0)
			refused();
	}
}

/* Children of PID 1, by a flag. */
static void
by_clone_parent(void)
{
	while (go_on()) {
		make_one();
		if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) < 0)
			refused();
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{"fork", by_fork},
	{"vfork", by_vfork},
	{"thread", by_thread},
	{"double_fork", by_double_fork},
	{"clone_parent", by_clone_parent},
};

static void
bomb(const char *name, void (*run)(void))
{
	pid_t self = getpid(), pid = 0;

	all->count = all->errnum = 0;
	/* vfork suspends: leave that to a child. */
	if (run == by_vfork) {
		pid = fork();
		if (pid == 0) {
			run();
			pause();
		}
		while (go_on())
			usleep(1000);
	} else {
		run();
	}
	if (getpid() != self)
		pause(); /* one more to end */
	while (go_on())
		usleep(1000);
	errno = all->errnum;
	if (all->count >= enough)
		attempt_done(name, "%d", all->count);
	else
		attempt_call(name, -1);
	printf("made %d\n", all->count);
	fflush(stdout);
	_exit(0);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "fork";

	enough = argc > 2 ? atoi(argv[2]) : 600;
	all = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, name) == 0)
			bomb(name, ways[i].run);
	return 1;
}
