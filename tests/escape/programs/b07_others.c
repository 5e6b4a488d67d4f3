/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B07: see, signal and take over processes that are not ours.
 * argv: host pids of other processes (a victim of the test's, another jail's),
 * tried by that number; and the jail's PID 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attempt.h"

static char *whose;

static void
report(const char *call, long rc)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s-%s", call, whose);
	attempt_call(name, rc);
}

static void
try_memory(pid_t pid)
{
	static char byte, buf[16];
	struct iovec ours = {buf, sizeof(buf)}, theirs = {&byte, 1};
	char path[64];

	report("process_vm_readv",
	       syscall(SYS_process_vm_readv, pid, &ours, 1, &theirs, 1, 0));
	report("process_vm_writev",
	       syscall(SYS_process_vm_writev, pid, &ours, 1, &theirs, 1, 0));
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	report("mem-write", open(path, O_RDWR));
	report("kcmp", syscall(SYS_kcmp, getpid(), pid, 0, 0, 0));
}

static void
try_one(pid_t pid)
{
	struct rlimit limit = {1 << 20, 1 << 20};
	union sigval value = {0};
	siginfo_t info = {.si_code = SI_QUEUE};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	report("kill0", kill(pid, 0));
	report("kill", kill(pid, SIGCONT));
	report("sigqueue", sigqueue(pid, SIGCONT, value));
	report("tgkill", syscall(SYS_tgkill, pid, pid, SIGCONT));
	report("rt_tgsigqueueinfo",
	       syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGCONT, &info));
	report("pidfd_send_signal",
	       syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0));
	report("pidfd_getfd", syscall(SYS_pidfd_getfd, fd, 0, 0));
	report("ptrace", ptrace(PTRACE_SEIZE, pid, 0, 0));
	try_memory(pid);
	report("prlimit",
	       syscall(SYS_prlimit64, pid, RLIMIT_FSIZE, &limit, NULL));
	report("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
	report("get_robust_list", syscall(SYS_get_robust_list, pid,
					  &(void *){NULL}, &(size_t){0}));
}

int
main(int argc, char **argv)
{
	char name[16];

	setvbuf(stdout, NULL, _IONBF, 0);
	whose = name;
	for (int i = 1; i < argc; i++) {
		(void)snprintf(name, sizeof(name), "host%d", i);
		try_one((pid_t)atoi(argv[i]));
	}
	strcpy(name, "pid1");
	try_one(1);
	return 0;
}
