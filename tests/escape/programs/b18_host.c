/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B18: the host's clock, name and scheduling.  Without a control each of these
 * would change nothing that matters: an offset of zero, the name that is there.
 */
#define _GNU_SOURCE
#include <linux/types.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "attempt.h"

struct attr {
	__u32 size, policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime, deadline, period;
};

static void
try_clock(void)
{
	struct timex zero = {.modes = ADJ_SETOFFSET};
	struct timespec now;

	attempt_call("adjtimex", syscall(SYS_adjtimex, &zero));
	zero = (struct timex){.modes = ADJ_SETOFFSET};
	attempt_call("clock_adjtime",
		     syscall(SYS_clock_adjtime, CLOCK_REALTIME, &zero));
	attempt_call("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
	/* Not CLOCK_REALTIME: it would be set if nothing held it. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	attempt_call("clock_settime",
		     syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now));
}

static void
try_name(void)
{
	char name[256] = "";

	gethostname(name, sizeof(name));
	attempt_call("sethostname",
		     syscall(SYS_sethostname, name, strlen(name)));
	attempt_call("setdomainname", syscall(SYS_setdomainname, "", 0));
}

static void
try_priority(void)
{
	struct sched_param rt = {.sched_priority = 1};
	struct attr deadline = {.size = sizeof(deadline),
				.policy = 6,
				.runtime = 1000000,
				.deadline = 10000000,
				.period = 10000000};
	struct rlimit more;
	cpu_set_t cpus;

	errno = EACCES;
	attempt_call("above-others", getpriority(PRIO_PROCESS, 0) < 0 ? 0 : -1);
	attempt_call("setpriority", setpriority(PRIO_PROCESS, 0, -1));
	attempt_call("setpriority-user", setpriority(PRIO_USER, 0, -1));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	attempt_call("sched_setaffinity",
		     sched_setaffinity(0, sizeof(cpus), &cpus));
	attempt_call("sched_setscheduler",
		     sched_setscheduler(0, SCHED_FIFO, &rt));
	attempt_call("sched_setattr",
		     syscall(SYS_sched_setattr, 0, &deadline, 0));
	/* Class 1 is real time; the kernel keeps class and level in one int. */
	attempt_call("ioprio_set", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
	attempt_call("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
	getrlimit(RLIMIT_NOFILE, &more);
	more.rlim_max++;
	attempt_call("raise-nofile", setrlimit(RLIMIT_NOFILE, &more));
	more = (struct rlimit){1, 1};
	attempt_call("raise-rtprio", setrlimit(RLIMIT_RTPRIO, &more));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	try_clock();
	try_name();
	try_priority();
	return 0;
}
