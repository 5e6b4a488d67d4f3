/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B01: into a new namespace or another one's, by every entry point.  Each
 * namespace is asked for together with a user namespace, which is how a process
 * without capabilities gets one from a bare kernel.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "attempt.h"

#define USER UINT64_C(0x10000000)

static const struct {
	const char *name;
	uint64_t flags;
} kinds[] = {
	{"user", USER},
	{"mount", USER | CLONE_NEWNS},
	{"net", USER | CLONE_NEWNET},
	{"pid", USER | CLONE_NEWPID},
	{"ipc", USER | CLONE_NEWIPC},
	{"uts", USER | CLONE_NEWUTS},
	{"cgroup", USER | CLONE_NEWCGROUP},
	{"time", USER | 0x80},
	/* The kernel looks at 32 bits of clone's flags, a filter may at 64. */
	{"user-bit32", USER | UINT64_C(1) << 32},
};

static void
report(const char *call, const char *kind, long rc)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s-%s", call, kind);
	attempt_call(name, rc);
}

/* In a child, so that one success does not change the next attempt. */
static void
try_unshare(const char *kind, uint64_t flags)
{
	pid_t pid = fork();

	if (pid == 0) {
		report("unshare", kind, syscall(SYS_unshare, flags));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
try_clone(const char *kind, uint64_t flags)
{
	/* clone(2) itself has no bit for time namespaces. */
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	report("clone", kind, pid);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
}

static void
try_clone3(const char *kind, uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	report("clone3", kind, pid);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
}

/* What exists already: our own by path, our parent's by pidfd. */
static void
try_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	report("setns", "open", fd);
	report("setns", "path", syscall(SYS_setns, fd, 0));
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	report("setns", "pidfd", syscall(SYS_setns, fd, CLONE_NEWUTS));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].flags >> 32 == 0)
			try_unshare(kinds[i].name, kinds[i].flags);
		if ((kinds[i].flags & 0x80) == 0)
			try_clone(kinds[i].name, kinds[i].flags);
		if (kinds[i].flags >> 32 == 0)
			try_clone3(kinds[i].name, kinds[i].flags);
	}
	try_clone3("plain", 0);
	try_setns();
	return 0;
}
