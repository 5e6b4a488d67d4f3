/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_kernel.c - the kernel, the caller's privilege, and the calls by which
 * a payload is locked down and watched: seccomp, Landlock, pidfds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/gate.h"
#include "tools/promptcraft/probe.h"

static void
probe_release(struct report *r)
{
	struct layer *l = report_add(r, "kernel");
	struct utsname u;
	if (uname(&u) == -1) {
		layer_fail(l, LAYER_MISSING, "uname: %s",
			   strerrordesc_np(errno));
		return;
	}
	layer_detail(l, "Linux %.64s %.32s", u.release, u.machine);
	char *rest = NULL;
	unsigned long major = strtoul(u.release, &rest, 10);
	unsigned long minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	if (strcmp(u.machine, "x86_64") != 0) {
		layer_fail(l, LAYER_MISSING,
			   "the filters are made for x86_64 only");
		layer_fix(l, "use an x86_64 machine");
	} else if (major < 5 || (major == 5 && minor < 14)) {
		layer_fail(l, LAYER_MISSING, "Linux %lu.%lu is too old", major,
			   minor);
		layer_fix(l, "use Linux 5.14 or newer");
	}
}

/* What the supervisor cannot do without; the rest it drops anyhow. */
static const struct {
	unsigned bit;
	const char *name;
} needed_caps[] = {
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
	{CAP_SETUID, "CAP_SETUID"},
	{CAP_SETGID, "CAP_SETGID"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{CAP_KILL, "CAP_KILL"},
	{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
};

static void
probe_privileges(struct report *r)
{
	struct layer *l = report_add(r, "privileges");
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	char lacking[160] = "";
	if (geteuid() != 0) {
		layer_fail(l, LAYER_MISSING,
			   "this process is user %u, so it cannot see what the "
			   "supervisor could do",
			   geteuid());
		layer_fix(l, "sudo promptcraft doctor");
		return;
	}
	if (syscall(SYS_capget, &head, data) == -1) {
		layer_fail(l, LAYER_MISSING, "capget: %s",
			   strerrordesc_np(errno));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(needed_caps); i++) {
		if ((data[0].effective >> needed_caps[i].bit & 1) != 0)
			continue;
		size_t used = strlen(lacking);
		snprintf(lacking + used, sizeof(lacking) - used, " %s",
			 needed_caps[i].name);
	}
	if (lacking[0] == '\0') {
		layer_detail(l, "root with the needed capabilities");
		return;
	}
	layer_fail(l, LAYER_MISSING, "root lacks%s", lacking);
	layer_fix(l, "run on the host or in a VM; in a container add them "
		     "(docker: --cap-add)");
}

void
probe_kernel(struct report *r)
{
	probe_release(r);
	probe_privileges(r);
}

static const struct sock_filter allow_all[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int
install_filter(unsigned flags)
{
	const struct sock_fprog program = {
		.len = ARRAY_LEN(allow_all),
		.filter = (struct sock_filter *)(uintptr_t)allow_all,
	};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) ==
			       -1
		       ? errno
		       : 0;
}

static int
try_filter(void *arg)
{
	(void)arg;
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1)
		return errno;
	return install_filter(0);
}

static int
try_listener(void *arg)
{
	(void)arg;
	return install_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static void
probe_seccomp(struct report *r)
{
	struct layer *l = report_add(r, "seccomp filters");
	int error = probe_in_child(0, try_filter, NULL, NULL);
	if (error == 0) {
		layer_detail(l, "installed in a child; kill-process available");
	} else {
		layer_fail(l, LAYER_MISSING, "seccomp: %s",
			   strerrordesc_np(error));
		layer_fix(l, "use a kernel with CONFIG_SECCOMP_FILTER=y");
	}
	l = report_add(r, "seccomp user notification");
	error = probe_in_child(0, try_listener, NULL, NULL);
	if (error == 0) {
		layer_detail(l, "listener made in a child");
	} else if (error == EBUSY) {
		layer_fail(l, LAYER_MISSING,
			   "seccomp: EBUSY: this process already runs under a "
			   "filter with a listener (a container's), and the "
			   "kernel allows one");
		layer_fix(l, "run outside that container, or without its "
			     "seccomp listener");
	} else {
		layer_fail(l, LAYER_MISSING, "seccomp: %s",
			   strerrordesc_np(error));
		layer_fix(l, "use Linux 5.14 or newer");
	}
}

/*
 * The supervisor compares the filter that the kernel holds for a jail with the
 * proven one, before it opens the gate; its own code tries it here.
 */
static void
probe_filter_back(struct report *r)
{
	struct layer *l = report_add(r, "filters of jails");
	struct err e = ERR_INIT;
	if (gate_filter_probe(&e) == 0) {
		layer_detail(l, "a child's was read back, byte for byte");
		return;
	}
	layer_fail(l, LAYER_MISSING, "a child's cannot be read back: %s",
		   e.errnum != 0 ? strerrordesc_np(e.errnum) : e.text);
	if (e.errnum == EINVAL) /* no such request */
		layer_fix(l, "use a kernel with CONFIG_CHECKPOINT_RESTORE=y");
	else
		layer_fix(l, "run where no seccomp filter is in force (not in "
			     "a container, without systemd's "
			     "SystemCallFilter=), with sysctl "
			     "kernel.yama.ptrace_scope below 3 and "
			     "CONFIG_CHECKPOINT_RESTORE=y");
}

static void
probe_landlock(struct report *r)
{
	struct layer *l = report_add(r, "Landlock");
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	if (abi > 0) {
		layer_detail(l, "ABI %ld", abi);
	} else if (errno == EOPNOTSUPP) {
		char lsm[160];
		probe_read_line("/sys/kernel/security/lsm", lsm, sizeof(lsm));
		layer_fail(l, LAYER_MISSING,
			   "built into the kernel but not switched on at boot "
			   "(lsm: %s)",
			   lsm[0] != '\0' ? lsm : "unknown");
		layer_fix(l, "add lsm=landlock,... to the kernel command line "
			     "and reboot");
	} else {
		layer_fail(l, LAYER_MISSING, "landlock_create_ruleset: %s",
			   strerrordesc_np(errno));
		layer_fix(l, "use a kernel with CONFIG_SECURITY_LANDLOCK=y, "
			     "5.13 or newer; in a container, allow the "
			     "landlock calls in its seccomp profile");
	}
}

/* Take an fd of a child, as the supervisor takes the listener of a jail. */
static int
take_fd_of_child(void)
{
	int pipe_fd[2];
	if (pipe2(pipe_fd, O_CLOEXEC) == -1)
		return errno;
	owned_fd int read_end = pipe_fd[0];
	owned_fd int write_end = pipe_fd[1];
	pid_t child = fork();
	if (child == -1)
		return errno;
	if (child == 0) {
		char byte;
		fd_close(&write_end);
		(void)!read(read_end, &byte, 1); /* until we are done */
		_exit(0);
	}
	int error = 0;
	owned_fd int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	owned_fd int fd =
		pidfd == -1 ? -1
			    : (int)syscall(SYS_pidfd_getfd, pidfd, read_end, 0);
	if (fd == -1)
		error = errno;
	fd_close(&write_end);
	(void)waitpid(child, NULL, 0);
	return error;
}

static void
probe_pidfd(struct report *r)
{
	struct layer *l = report_add(r, "pidfd_open, pidfd_getfd");
	int error = take_fd_of_child();
	char scope[16];
	if (error == 0) {
		layer_detail(l, "took an fd of a child");
		return;
	}
	probe_read_line("/proc/sys/kernel/yama/ptrace_scope", scope,
			sizeof(scope));
	bool is_yama = strcmp(scope, "3") == 0;
	layer_fail(l, LAYER_MISSING, "pidfd_getfd: %s%s",
		   strerrordesc_np(error),
		   is_yama ? " (kernel.yama.ptrace_scope=3 forbids it)" : "");
	layer_fix(l, "%s",
		  is_yama ? "boot with kernel.yama.ptrace_scope below "
			    "3 (it cannot be lowered at run time)"
			  : "use Linux 5.14 or newer, as root with "
			    "CAP_SYS_PTRACE");
}

/* No limit of a job keeps the kernel from a socket (Linux 6.16). */
static void
probe_cores(struct report *r)
{
	struct layer *l = report_add(r, "core dumps");
	char pattern[64];
	probe_read_line("/proc/sys/kernel/core_pattern", pattern,
			sizeof(pattern));
	if (pattern[0] != '@') {
		layer_detail(l, "not to a socket");
		return;
	}
	layer_fail(l, LAYER_MISSING, "they go to the socket %s", pattern);
	layer_fix(l, "sysctl -w kernel.core_pattern=core, or a program");
}

void
probe_lockdown(struct report *r)
{
	probe_pidfd(r);
	probe_seccomp(r);
	probe_filter_back(r);
	probe_landlock(r);
	probe_cores(r);
}
