/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wear PID 1 out or get at it: orphans by the thousand for it to reap, every
 * signal by every call, its limits and priority, its memory.  The job must then
 * end like any other.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "attempt.h"

#define ORPHANS 3000
#define REFUSED_MAX 10000

/*
 * Born and dead at once, and nobody's but PID 1's to reap, which may have to
 * wait for a processor.
 */
static unsigned
make_orphans(void)
{
	unsigned made = 0, refused = 0;

	while (made < ORPHANS && refused < REFUSED_MAX) {
		unsigned before = made;
		pid_t pid = fork();

		if (pid == 0) {
			pid_t inner = fork();

			_exit(inner < 0);
		}
		if (pid > 0) {
			int status = 1;

			waitpid(pid, &status, 0);
			made += status == 0;
		}
		if (made == before) {
			refused++;
			usleep(1000);
		}
	}
	return made;
}

static void
try_signals(void)
{
	int reached = 0, fd = (int)syscall(SYS_pidfd_open, 1, 0);

	attempt_call("pidfd_open", fd);
	for (int sig = 0; sig < 65; sig++) {
		siginfo_t info = {.si_signo = sig, .si_code = -1};

		reached += kill(1, sig) == 0;
		reached += syscall(SYS_tkill, 1, sig) == 0;
		reached += syscall(SYS_tgkill, 1, 1, sig) == 0;
		reached += syscall(SYS_rt_sigqueueinfo, 1, sig, &info) == 0;
		reached +=
			syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == 0;
	}
	errno = EPERM;
	attempt_call("signals", reached > 0 ? reached : -1);
}

int
main(void)
{
	const struct rlimit none = {0, 0};

	setvbuf(stdout, NULL, _IONBF, 0);
	attempt_call("parent-is-pid1", getppid() == 1 ? 1 : -1);
	try_signals();
	attempt_call("nofile", prlimit(1, RLIMIT_NOFILE, &none, NULL));
	attempt_call("cpu", prlimit(1, RLIMIT_CPU, &none, NULL));
	attempt_call("read-limits",
		     prlimit(1, RLIMIT_CPU, NULL, &(struct rlimit){0}));
	attempt_call("setpriority", setpriority(PRIO_PROCESS, 1, 19));
	attempt_call("setpgid", setpgid(1, 0));
	attempt_call("ptrace", ptrace(PTRACE_SEIZE, 1, 0, 0));
	attempt_call("proc", open("/proc/1", O_RDONLY));
	attempt_call("mem", open("/proc/1/mem", O_RDWR));
	attempt_call("fd", open("/proc/1/fd/3", O_RDWR));
	attempt_call("root", open("/proc/1/root", O_RDONLY));
	attempt_done("orphans", "%u", make_orphans());
	return 0;
}
