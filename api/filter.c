/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - which system calls the API process makes, as a table; and how
 * such a table becomes a filter.  The broker has its own
 * (net/broker_confine.c).
 *
 * What happens to the others is a choice between two harms:
 *
 * - Calls that no code of ours and no library under it ever makes, and that an
 *   intruder wants first (run a program, trace, mount, load code into the
 *   kernel, new namespaces), kill the process.  An attempt proves that the
 *   process is not ours any more; the supervisor then kills its jobs, systemd
 *   starts a clean one, and the kernel logs the call.
 * - Everything else gets ENOSYS.  A C library that is updated under us may try
 *   a newer call first and falls back on ENOSYS; dying would turn its update
 *   into an outage, and EPERM would make it believe in a permission problem.
 *   Such calls do not help an intruder: nothing was granted.
 *
 * Foreign architectures (i386, x32) kill.  int arguments are compared on 32
 * bits, since the kernel looks at no more.
 */
#include "api/filter.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/base/str.h"

static const int allowed[] = {
	/* files: SQLite, and reading what was opened before */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	/* releases: directories, made beside their place and named */
	SCMP_SYS(openat2),
	SCMP_SYS(mkdirat),
	SCMP_SYS(renameat2),
#ifndef PROMPTCRAFT_ASAN
	SCMP_SYS(getdents64),
#endif
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fchmod),
	SCMP_SYS(fcntl),
	SCMP_SYS(memfd_create),
	SCMP_SYS(dup),
	/* sockets that exist, and what waits on them */
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(shutdown),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	/* memory; see the rules below for what is executable */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	/* threads, time, signals */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* who am I, random numbers */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
#ifdef PROMPTCRAFT_ASAN
	/* the leak check clones a tracer that stops and reads the process */
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(clone),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(prctl),
	SCMP_SYS(kill),
	SCMP_SYS(getdents64),
	SCMP_SYS(getdents),
	SCMP_SYS(getppid),
	SCMP_SYS(prlimit64),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(getrusage),
	SCMP_SYS(pipe),
	SCMP_SYS(sched_getparam),
	SCMP_SYS(tgkill),
#endif
};

static const int fatal[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
#ifndef PROMPTCRAFT_ASAN
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
#endif
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(setuid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
	SCMP_SYS(personality),
};

static const struct filter_condition conditions[] = {
	/*
	 * The supervisor, Redis on this machine, the broker.  The listening
	 * socket is there already, and the broker makes the connections.
	 */
	{SCMP_SYS(socket), 1, {{0, FILTER_INT, AF_UNIX}}},
	{SCMP_SYS(socketpair), 1, {{0, FILTER_INT, AF_UNIX}}},
	/* log_event() asks whether stderr is a terminal; libmicrohttpd. */
	{SCMP_SYS(ioctl), 1, {{1, FILTER_INT, TCGETS}}},
	{SCMP_SYS(ioctl), 1, {{1, FILTER_INT, FIONBIO}}},
	{SCMP_SYS(ioctl), 1, {{1, FILTER_INT, FIONREAD}}},
#ifndef PROMPTCRAFT_ASAN
	/* No new code: the program and its libraries are loaded. */
	{SCMP_SYS(mmap), 1, {{2, PROT_EXEC, 0}}},
	{SCMP_SYS(mprotect), 1, {{2, PROT_EXEC, 0}}},
	/* Threads, not processes; clone3 is ENOSYS and glibc uses clone. */
	{SCMP_SYS(clone),
	 1,
	 {{0, CLONE_THREAD | FILTER_NAMESPACES, CLONE_THREAD}}},
	/* Names of threads. */
	{SCMP_SYS(prctl), 1, {{0, FILTER_INT, PR_SET_NAME}}},
	/* Limits are read, not set: the fourth argument is the old value. */
	{SCMP_SYS(prlimit64), 1, {{2, UINT64_MAX, 0}}},
#endif
};

static int
add_condition(scmp_filter_ctx ctx, const struct filter_condition *row)
{
	struct scmp_arg_cmp compare[FILTER_COMPARE_MAX];

	for (size_t i = 0; i < row->compare_len; i++)
		compare[i] =
			SCMP_CMP(row->compare[i].arg, SCMP_CMP_MASKED_EQ,
				 row->compare[i].mask, row->compare[i].value);
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr,
				      (unsigned)row->compare_len, compare);
}

static int
add_rules(scmp_filter_ctx ctx, const struct filter *filter)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < filter->allowed_len; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, filter->allowed[i],
				      0);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(fatal); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, fatal[i], 0);
	for (size_t i = 0; rc == 0 && i < filter->conditions_len; i++)
		rc = add_condition(ctx, &filter->conditions[i]);
#ifndef PROMPTCRAFT_ASAN
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, FILTER_INT,
					      (uint64_t)getpid()));
#endif
	return rc;
}

static int
load(scmp_filter_ctx ctx, const struct filter *filter, struct err *e)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				  SCMP_ACT_KILL_PROCESS);

	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_rules(ctx, filter);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (rc < 0)
		return err_set(e, ERR_UNSUPPORTED, -rc,
			       "install the %s's seccomp filter", filter->name);
	return 0;
}

/* A harmless call that the kernel would grant and no filter of ours does. */
static int
check_holds(const struct filter *filter, struct err *e)
{
	errno = 0;
	if (syscall(SYS_getpgid, 0) != -1 || errno != ENOSYS)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the %s's seccomp filter does not hold",
			       filter->name);
	return filter->check != NULL ? filter->check(e) : 0;
}

static int
check_no_network(struct err *e)
{
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return 0;
	(void)close(sock);
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "the API's seccomp filter lets sockets through");
}

const struct filter filter_api = {
	.name = "API",
	.allowed = allowed,
	.allowed_len = ARRAY_LEN(allowed),
	.conditions = conditions,
	.conditions_len = ARRAY_LEN(conditions),
	.check = check_no_network,
};

int
filter_install(const struct filter *filter, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int rc;

	if (ctx == NULL)
		return err_set(e, ERR_IO, ENOMEM, "make the seccomp filter");
	rc = load(ctx, filter, e);
	seccomp_release(ctx);
	return rc < 0 ? -1 : check_holds(filter, e);
}
