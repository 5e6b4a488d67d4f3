/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C16: filters of the job's own.  They could only narrow, but a listener of
 * its own would take the supervisor's place for calls below it, stacked ones
 * cost the kernel memory and time, and TSYNC changes other threads.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "attempt.h"

#ifndef PR_GET_SECCOMP
#define PR_GET_SECCOMP 21
#endif

static struct sock_filter bpf[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static struct sock_fprog allow_all = {.len = 1, .filter = bpf};

int
main(void)
{
	unsigned action = SECCOMP_RET_USER_NOTIF;
	int stacked = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	attempt_call("allow_all", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					  0, &allow_all));
	attempt_call("by_prctl",
		     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &allow_all));
	attempt_call("by_prctl_high",
		     prctl((int)(PR_SET_SECCOMP), 2ul | 1ul << 32, &allow_all));
	attempt_call("own_listener",
		     syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			     SECCOMP_FILTER_FLAG_NEW_LISTENER, &allow_all));
	attempt_call("tsync", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				      SECCOMP_FILTER_FLAG_TSYNC, &allow_all));
	attempt_call("spec_allow",
		     syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			     SECCOMP_FILTER_FLAG_SPEC_ALLOW, &allow_all));
	attempt_call(
		"action_avail",
		syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	for (int i = 0; i < 4096; i++)
		stacked += syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
				   &allow_all) == 0;
	if (stacked > 0)
		attempt_done("stack", "%d", stacked);
	else
		attempt_call("stack", -1);
	/* Last: where it works, only read, write and exit are left. */
	attempt_call("strict_mode", prctl(PR_SET_SECCOMP, 1, 0, 0, 0));
	_exit(0);
}
