/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_filter.c - is the filter that the kernel holds for a process, byte for
 * byte, the one that the policy was proven with?
 *
 * The process is stopped as a debugger does it and let go again: about 15 us.
 * Reading a filter takes CAP_SYS_ADMIN and that we are not under a filter
 * ourselves; where that is not so, or a Linux security module forbids it, jobs
 * are refused.  What is asked is a process that waits at the gate and has run
 * trusted code only; still, the wait for its stop has an end.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/gate.h"

#define STOP_US 1000000
#define REST_NS 100000000 /* SIGCHLD comes before */
/* It comes to its stop on another processor; to sleep and to be woken takes
 * longer.  If it has not by now, there is none for it but ours. */
#define SPINS 100
#define SPINS_LATE 5

/* Sleep until a child may have stopped. */
static int
await_stop(pid_t pid, int *ret_status, struct err *e)
{
	const struct timespec rest = {.tv_nsec = REST_NS};
	uint64_t deadline = clock_mono_us() + STOP_US;
	sigset_t child, before;
	pid_t got;
	int rc = 0;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, &before) < 0)
		return err_sys(e, "block SIGCHLD");
	for (;;) {
		got = waitpid(pid, ret_status, __WALL | WNOHANG);
		if (got == pid)
			break;
		if (got < 0 && errno != EINTR) {
			rc = err_sys(e, "wait for its stop");
			break;
		}
		if (clock_mono_us() > deadline) {
			rc = err_set(e, ERR_IO, ETIMEDOUT, "wait for its stop");
			break;
		}
		(void)sigtimedwait(&child, NULL, &rest);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* 0: stopped, *ret_signal is what it must be given when it goes on. */
static int
wait_stop(pid_t pid, unsigned spins, int *ret_signal, struct err *e)
{
	pid_t got = 0;
	int status = 0;

	while (spins-- > 0 && got == 0) {
		got = waitpid(pid, &status, __WALL | WNOHANG);
		if (got == 0)
			(void)sched_yield();
	}
	if (got != pid && await_stop(pid, &status, e) < 0)
		return -1;
	if (!WIFSTOPPED(status))
		return err_set(e, ERR_PEER, 0, "it ended");
	/* An event of ptrace is no signal. */
	*ret_signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
	return 0;
}

_Static_assert(POLICY_BPF_MAX == BPF_MAXINSNS, "room for any filter");

/* Of a stopped process; 0 is the oldest, and there is only one. */
static int
compare_filter(pid_t pid, const struct sock_filter *bpf, uint32_t bpf_len,
	       struct err *e)
{
	static struct sock_filter got[POLICY_BPF_MAX]; /* one thread */
	/* As long as any can be (BPF_MAXINSNS). */
	long len = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, NULL, got);

	if (len < 0 && errno == ENOENT)
		return err_set(e, ERR_DENIED, 0, "no seccomp filter");
	if (len < 0)
		return err_sys(e, "read the seccomp filter back");
	if (len != (long)bpf_len)
		return err_set(e, ERR_DENIED, 0,
			       "seccomp filter of %ld instructions is not the "
			       "policy's",
			       len);
	if (memcmp(got, bpf, bpf_len * sizeof(got[0])) != 0)
		return err_set(e, ERR_DENIED, 0,
			       "seccomp filter is not the policy's");
	return 0;
}

int
gate_filter_begin(pid_t pid, struct err *e)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return err_sys(e, "attach to read the seccomp filter");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return err_sys(e, "stop to read the seccomp filter");
	return 0;
}

static int
end(pid_t pid, unsigned spins, const struct sock_filter *bpf, uint32_t bpf_len,
    struct err *e)
{
	long sig = 0;
	int rc, given = 0;

	if (wait_stop(pid, spins, &given, e) < 0)
		return err_wrap(e, "stop to read the seccomp filter");
	rc = compare_filter(pid, bpf, bpf_len, e);
	sig = given;
	if (ptrace(PTRACE_DETACH, pid, NULL, (void *)sig) < 0 && rc == 0)
		rc = err_sys(e, "let go on after reading the filter");
	return rc;
}

int
gate_filter_end(pid_t pid, const struct sock_filter *bpf, uint32_t bpf_len,
		struct err *e)
{
	return end(pid, SPINS_LATE, bpf, bpf_len, e);
}

int
gate_filter_check(pid_t pid, const struct sock_filter *bpf, uint32_t bpf_len,
		  struct err *e)
{
	if (gate_filter_begin(pid, e) < 0)
		return -1;
	return end(pid, SPINS, bpf, bpf_len, e);
}

static void __attribute__((noreturn))
filtered_child(const struct sock_filter *bpf, unsigned short len)
{
	struct sock_filter copy[1] = {bpf[0]};
	const struct sock_fprog prog = {.len = len, .filter = copy};

	/* In a user namespace like a jail, over which we have all power; and
	 * dumpable, as the program behind a jail's process is. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    unshare(CLONE_NEWUSER) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(1);
	(void)raise(SIGSTOP);
	for (;;)
		(void)pause();
}

int
gate_filter_probe(struct err *e)
{
	static const struct sock_filter bpf[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	pid_t pid = fork();
	int status, rc = 0;

	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		filtered_child(bpf, 1);
	/* Its filter is there when it stops itself. */
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		rc = err_set(e, ERR_UNSUPPORTED, 0,
			     "a process could not be filtered");
	else
		rc = gate_filter_check(pid, bpf, 1, e);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (rc < 0) {
		e->kind = ERR_UNSUPPORTED;
		return err_wrap(e, "filters of jails could not be checked: the "
				   "supervisor itself must not run under a "
				   "seccomp filter (systemd's "
				   "SystemCallFilter=, a container's profile), "
				   "and kernel.yama.ptrace_scope must be below "
				   "3");
	}
	return 0;
}
