/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D07: leave a core dump.  Where core_pattern is a file's name it lies in the
 * working directory; where it is a pipe, the host's handler would run as root
 * with bytes that we choose.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "attempt.h"

static int
has_core(void)
{
	struct dirent *entry;
	DIR *dir = opendir(".");
	int found = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		found |= strncmp(entry->d_name, "core", 4) == 0;
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void
crash(const char *name, int signo)
{
	struct rlimit most;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (getrlimit(RLIMIT_CORE, &most) == 0) {
			most.rlim_cur = most.rlim_max;
			(void)setrlimit(RLIMIT_CORE, &most);
		}
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		signal(signo, SIG_DFL);
		raise(signo);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != signo)
		exit(1);
	if (WCOREDUMP(status) || has_core())
		attempt_done(name, "%s", WCOREDUMP(status) ? "dumped" : "file");
	else
		attempt_blocked(name, "no_core");
}

int
main(void)
{
	struct rlimit none = {0, 0}, large = {1 << 20, 1 << 20};

	crash("segv", SIGSEGV);
	crash("abort", SIGABRT);
	crash("trap", SIGTRAP);
	/* 0 is what starts a handler behind a pipe: core(5). */
	attempt_call("limit_0", setrlimit(RLIMIT_CORE, &none));
	attempt_call("limit_0_prlimit",
		     syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL));
	attempt_call("limit_large", setrlimit(RLIMIT_CORE, &large));
	attempt_call("limit_high",
		     syscall(SYS_prlimit64, 0, RLIMIT_CORE | 1ul << 32, &none,
			     NULL));
	return 0;
}
