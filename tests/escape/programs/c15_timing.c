/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C15: loosen what stands against side channels: turn speculation mitigations
 * off for oneself, reach the performance counters, pin oneself beside a victim.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "attempt.h"

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif

int
main(void)
{
	struct perf_event_attr perf = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof(perf),
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	struct sched_param fifo = {.sched_priority = 1};
	cpu_set_t one;

	attempt_call("store_bypass_on",
		     prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS,
			   PR_SPEC_ENABLE, 0, 0));
	attempt_call("indirect_branch_on",
		     prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH,
			   PR_SPEC_ENABLE, 0, 0));
	attempt_call("l1d_flush_off",
		     prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH,
			   PR_SPEC_DISABLE, 0, 0));
	attempt_call("set_tsc", prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
	attempt_call("core_sched", prctl(PR_SCHED_CORE, 1, 0, 0, 0));
	attempt_call("perf", syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	attempt_call("pin", sched_setaffinity(0, sizeof(one), &one));
	attempt_call("fifo", sched_setscheduler(0, SCHED_FIFO, &fifo));
	attempt_call("nice", setpriority(PRIO_PROCESS, 0,
					 getpriority(PRIO_PROCESS, 0) - 1));
	return 0;
}
