/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - the start-up self-test.
 *
 * Policies may ask for more (a Landlock version); that is checked job by job.
 * Everything here is wanted by every jail.
 */
#include "supervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/gate.h"
#include "supervisor/notify.h"

static const struct {
	uint64_t flag;
	const char *name, *fix;
} namespaces[] = {
	{CLONE_NEWUSER, "user",
	 "set sysctl user.max_user_namespaces above 0 and start the supervisor "
	 "outside a chroot"},
	{CLONE_NEWPID, "pid", "set sysctl user.max_pid_namespaces above 0"},
	{CLONE_NEWNS, "mount", "set sysctl user.max_mnt_namespaces above 0"},
	{CLONE_NEWNET, "network", "set sysctl user.max_net_namespaces above 0"},
	{CLONE_NEWIPC, "ipc", "set sysctl user.max_ipc_namespaces above 0"},
	{CLONE_NEWUTS, "uts", "set sysctl user.max_uts_namespaces above 0"},
	{CLONE_NEWCGROUP, "cgroup",
	 "set sysctl user.max_cgroup_namespaces above 0"},
};

/* A child that only exits, in these namespaces; 0 or an errno. */
static int
try_clone(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(0);
	while (waitpid(pid, NULL, 0) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static int
probe_namespaces(struct err *e)
{
	uint64_t all = 0;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		/* Each on top of a user namespace, as a jail has it. */
		rc = try_clone(CLONE_NEWUSER | namespaces[i].flag);
		if (rc != 0)
			return err_set(e, ERR_UNSUPPORTED, rc,
				       "no %s namespace can be made (%s)",
				       namespaces[i].name, namespaces[i].fix);
		all |= namespaces[i].flag;
	}
	rc = try_clone(all);
	if (rc != 0)
		return err_set(e, ERR_UNSUPPORTED, rc,
			       "namespaces cannot be made together");
	return 0;
}

/* Calls that a jail's start needs; bad arguments tell them from ENOSYS. */
static int
probe_calls(struct err *e)
{
	struct mount_attr attr = {0};

	if (syscall(SYS_mount_setattr, -1, "", AT_EMPTY_PATH, &attr,
		    sizeof(attr)) < 0 &&
	    errno == ENOSYS)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the kernel has no mount_setattr: Linux 5.14 or "
			       "newer is needed");
	if (syscall(SYS_pidfd_getfd, -1, 0, 0) < 0 && errno == ENOSYS)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the kernel has no pidfd_getfd: Linux 5.14 or "
			       "newer is needed");
	return 0;
}

/*
 * A jail's RLIMIT_CORE of 1 keeps the kernel from starting a handler behind a
 * pipe.  For a socket (Linux 6.16) it asks for no limit: any crash would speak
 * to the host's handler, with bytes that the job has chosen.
 */
int
host_check_cores(int proc_fd, struct err *e)
{
	static int fd = -1; /* kept: asked for each job */
	char text[64] = "";

	if (fd < 0)
		fd = openat(proc_fd, "sys/kernel/core_pattern",
			    O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0; /* a kernel without core dumps */
	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
		return err_sys(e, "read kernel.core_pattern");
	if (text[0] != '@')
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "core dumps of jobs would go to the host's socket %s: "
		       "set sysctl kernel.core_pattern to a file's name or a "
		       "program",
		       text);
}

int
host_probe(struct host *ret, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	ret->landlock_abi = abi > 0 ? (uint32_t)abi : 0;
	if (probe_namespaces(e) < 0 || probe_calls(e) < 0 ||
	    notify_check_host(e) < 0 || gate_filter_probe(e) < 0)
		return err_wrap(e, "self-test");
	return 0;
}
