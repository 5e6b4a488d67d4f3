/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start jail-init: clone into all namespaces, map ids, join cgroups, place
 * fds, exec the sealed memfd.
 *
 * Runs in the supervisor.  Nothing here depends on what a client said: every
 * value comes from the supervisor's own tables.  From clone3 to exec the child
 * makes only system calls; all it needs is prepared by the parent in struct
 * child_plan.  The two speak over what will be the control socket: the parent's
 * byte says that the id maps are written, the child's FAILED what went wrong.
 */
#include "jail/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define FIRST_FD ((int)JAIL_FD_CONTROL)
#define SPAWN_GO "m"
#define TCP_BUFFERS "4096 4096 16384" /* least, to start with, most */
#define KERNEL_SIGNALS 64
#define KERNEL_SIGSET_SIZE 8

enum spawn_step {
	STEP_MAPS = 1,
	STEP_IDS,
	STEP_TCP,
	STEP_CGROUP,
	STEP_CGROUP_NS,
	STEP_SIGNALS,
	STEP_FDS,
	STEP_EXEC,
	STEP_COUNT
};

static const char *const step_names[] = {
	[STEP_MAPS] = "wait for id maps",
	[STEP_IDS] = "become root of the user namespace",
	[STEP_TCP] = "limit TCP buffers in /proc/sys/net (is it writable?)",
	[STEP_CGROUP] = "join cgroup",
	[STEP_CGROUP_NS] = "make cgroup namespace",
	[STEP_SIGNALS] = "reset signals",
	[STEP_FDS] = "place fds",
	[STEP_EXEC] = "exec jail-init",
};

_Static_assert(ARRAY_LEN(step_names) == STEP_COUNT, "every step has a name");

/* All that the child needs, made before the clone. */
struct child_plan {
	int source[JAIL_FD_MOUNT0 + POLICY_MOUNTS_MAX]; /* by target number */
	int sources_len;
	int init_fd;
	int control_fd;		  /* its end; JAIL_FD_CONTROL in the end */
	int parents_fd;		  /* our end, to be closed */
	uint64_t ignored_signals; /* bit n - 1: signal n */
	const int *cgroup_task_fds;
	unsigned cgroup_task_fds_len;
	int proc_fd;
	bool has_loopback;
};

void
jail_spawn_request_init(struct jail_spawn_request *request)
{
	*request = (struct jail_spawn_request){.init_fd = -1,
					       .control_fd = -1,
					       .proc_fd = -1,
					       .net_fd = -1,
					       .home_net_fd = -1,
					       .cgroup_dir_fd = -1};
	for (size_t i = 0; i < ARRAY_LEN(request->fd); i++)
		request->fd[i] = -1;
	for (size_t i = 0; i < ARRAY_LEN(request->cgroup_task_fds); i++)
		request->cgroup_task_fds[i] = -1;
}

/* ---- the child: system calls only ------------------------------------ */

/* As jail-init would say it. */
static void __attribute__((noreturn))
child_fail(const struct child_plan *plan, enum spawn_step step)
{
	struct jail_message failed = {.type = JAIL_MSG_FAILED,
				      .stage = JAIL_STAGE_START,
				      .errnum = errno};

	memcpy(failed.detail, step_names[step], strlen(step_names[step]));
	(void)send(plan->control_fd, &failed, sizeof(failed), MSG_NOSIGNAL);
	_exit(126);
}

static int
child_wait_maps(const struct child_plan *plan)
{
	char byte;

	/* Our copy of it would hide the supervisor's death. */
	(void)close(plan->parents_fd);
	return recv(plan->control_fd, &byte, 1, 0) == 1 ? 0 : -1;
}

static int
child_become_root(void)
{
	if (setresgid(JAIL_UID_INIT, JAIL_UID_INIT, JAIL_UID_INIT) < 0)
		return -1;
	return setresuid(JAIL_UID_INIT, JAIL_UID_INIT, JAIL_UID_INIT);
}

/* Write it to a setting of the network namespace that we are in. */
static int
child_set_net(const struct child_plan *plan, const char *name, const char *text)
{
	int fd = openat(plan->proc_fd, name, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);
	int rc = fd >= 0 && write(fd, text, (size_t)len) == len ? 0 : -1;

	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/*
 * Beyond any limit a socket may fill the buffer that it starts with, and on
 * cgroup v2, which has no limit for sockets alone, the largest; tcp_mem is the
 * host's, and one job with tens of thousands of them would exhaust it.  No
 * jail can reach these files, or has a right to, once it runs.
 */
static int
child_limit_tcp(const struct child_plan *plan)
{
	if (!plan->has_loopback)
		return 0;
	if (child_set_net(plan, "sys/net/ipv4/tcp_wmem", TCP_BUFFERS) < 0)
		return -1;
	return child_set_net(plan, "sys/net/ipv4/tcp_rmem", TCP_BUFFERS);
}

static int
child_join_cgroups(const struct child_plan *plan)
{
	/* "0" to `tasks` moves this thread alone, without waiting for RCU;
	 * permission is that of the supervisor, who opened the file. */
	for (unsigned i = 0; i < plan->cgroup_task_fds_len; i++)
		if (write(plan->cgroup_task_fds[i], "0", 1) != 1)
			return -1;
	return 0;
}

/* CLONE_CLEAR_SIGHAND has removed handlers; ignored signals would survive. */
static int
child_reset_signals(const struct child_plan *plan)
{
	struct {
		void *handler; /* SIG_DFL is 0 */
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {0};
	uint64_t empty = 0;

	for (int sig = 1; sig <= KERNEL_SIGNALS; sig++)
		if ((plan->ignored_signals >> (sig - 1) & 1) != 0 &&
		    syscall(SYS_rt_sigaction, sig, &action, NULL,
			    KERNEL_SIGSET_SIZE) < 0)
			return -1;
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL,
			    KERNEL_SIGSET_SIZE);
}

/* *fd, copied to a number from `above` on if it is below. */
static int
child_move_fd(int *fd, int above)
{
	int copy;

	if (*fd >= above)
		return 0;
	copy = fcntl(*fd, F_DUPFD_CLOEXEC, above);
	if (copy < 0)
		return -1;
	*fd = copy;
	return 0;
}

/*
 * Put every source on its target number and close all else.  Sources may lie
 * on targets, so these are first copied above the targets.  The binary ends up
 * right behind them, CLOEXEC.
 */
static int
child_place_fds(struct child_plan *plan)
{
	int above = plan->sources_len + 1;

	if (child_move_fd(&plan->control_fd, above) < 0 ||
	    child_move_fd(&plan->init_fd, above) < 0)
		return -1;
	plan->source[JAIL_FD_CONTROL] = plan->control_fd;
	for (int i = FIRST_FD + 1; i < plan->sources_len; i++)
		if (plan->source[i] >= 0 &&
		    child_move_fd(&plan->source[i], above) < 0)
			return -1;
	for (int i = FIRST_FD; i < plan->sources_len; i++) {
		if (plan->source[i] < 0)
			(void)close(i);
		else if (dup2(plan->source[i], i) < 0)
			return -1;
	}
	plan->control_fd = JAIL_FD_CONTROL;
	if (dup3(plan->init_fd, above - 1, O_CLOEXEC) < 0)
		return -1;
	plan->init_fd = above - 1;
	if (syscall(SYS_close_range, 0u, (unsigned)FIRST_FD - 1, 0) < 0)
		return -1;
	return (int)syscall(SYS_close_range, (unsigned)above, ~0u, 0);
}

static void __attribute__((noreturn)) child_main(struct child_plan *plan)
{
	char name[] = "jail-init";
	char *argv[] = {name, NULL};
	char *envp[] = {NULL};

	if (child_wait_maps(plan) < 0)
		child_fail(plan, STEP_MAPS);
	if (child_become_root() < 0)
		child_fail(plan, STEP_IDS);
	if (child_limit_tcp(plan) < 0)
		child_fail(plan, STEP_TCP);
	if (child_join_cgroups(plan) < 0)
		child_fail(plan, STEP_CGROUP);
	/* After joining, or the namespace's root would be the parent's. */
	if (unshare(CLONE_NEWCGROUP) < 0)
		child_fail(plan, STEP_CGROUP_NS);
	if (child_reset_signals(plan) < 0)
		child_fail(plan, STEP_SIGNALS);
	(void)umask(022);
	if (child_place_fds(plan) < 0)
		child_fail(plan, STEP_FDS);
	(void)syscall(SYS_execveat, plan->init_fd, "", argv, envp,
		      AT_EMPTY_PATH);
	child_fail(plan, STEP_EXEC);
}

/* ---- the parent ------------------------------------------------------ */

static int
check_request(const struct jail_spawn_request *request, struct err *e)
{
	struct statfs fs;

	assert(request->uid_base != 0);
	assert(request->mounts_len <= POLICY_MOUNTS_MAX);
	assert(request->cgroup_task_fds_len <= JAIL_SPAWN_CGROUPS_MAX);
	/* The maps must go to the kernel, not to whatever lies on /proc. */
	if (fstatfs(request->proc_fd, &fs) < 0)
		return err_sys(e, "look at /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, ERR_UNSUPPORTED, 0, "/proc is not procfs");
	return 0;
}

/* Asked for once: nobody changes them when jails are started already. */
static uint64_t
ignored_signals(void)
{
	static bool is_known;
	static uint64_t ignored;

	for (int sig = 1; !is_known && sig <= KERNEL_SIGNALS; sig++) {
		struct {
			void *handler;
			unsigned long flags;
			void *restorer;
			uint64_t mask;
		} action = {0};

		if (syscall(SYS_rt_sigaction, sig, NULL, &action,
			    KERNEL_SIGSET_SIZE) == 0 &&
		    action.handler == (void *)SIG_IGN)
			ignored |= UINT64_C(1) << (sig - 1);
	}
	is_known = true;
	return ignored;
}

static void
plan_make(struct child_plan *plan, const struct jail_spawn_request *request)
{
	*plan = (struct child_plan){
		.sources_len = (int)JAIL_FD_MOUNT0 + (int)request->mounts_len,
		.init_fd = request->init_fd,
		.control_fd = request->fd[JAIL_FD_CONTROL],
		.parents_fd = request->control_fd,
		.ignored_signals = ignored_signals(),
		.cgroup_task_fds = request->cgroup_task_fds,
		.cgroup_task_fds_len = request->cgroup_task_fds_len,
		.proc_fd = request->proc_fd,
		.has_loopback = request->has_loopback,
	};
	for (int i = FIRST_FD; i < plan->sources_len; i++)
		plan->source[i] =
			i < (int)JAIL_FD_MOUNT0
				? request->fd[i]
				: request->mount_fds[i - (int)JAIL_FD_MOUNT0];
}

/*
 * CLONE_NEWCGROUP is not here but in the child, which first joins its v1
 * cgroups.
 */
static pid_t
clone_child(const struct jail_spawn_request *request, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_NEWUSER |
			 CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
			 CLONE_NEWUTS,
		.pidfd = (uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;
	int saved;

	if (request->cgroup_dir_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)request->cgroup_dir_fd;
	}
	if (request->net_fd < 0)
		args.flags |= CLONE_NEWNET;
	else if (setns(request->net_fd, CLONE_NEWNET) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	saved = errno;
	/* The child has no right over the namespace that it stays in. */
	if (pid != 0 && request->net_fd >= 0 &&
	    setns(request->home_net_fd, CLONE_NEWNET) < 0)
		assert(!"the way back is open");
	errno = saved;
	return pid;
}

static int
write_proc(int proc_fd, pid_t pid, const char *name, const char *text,
	   struct err *e)
{
	owned_fd int fd = -1;
	char path[64];

	if (str_printf(path, sizeof(path), "%d/%s", (int)pid, name) < 0)
		return err_set(e, ERR_INVALID, 0, "%s: name too long", name);
	fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	if (fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write %s", name);
	return 0;
}

/* Safe against a hostile requester: the numbers are the slot's. */
static int
write_maps(const struct jail_spawn_request *request, pid_t pid, struct err *e)
{
	char map[80];

	if (str_printf(map, sizeof(map), "%d %u 1\n%d %u 1\n", JAIL_UID_INIT,
		       request->uid_base, JAIL_UID_PAYLOAD,
		       request->uid_base + 1) < 0)
		return err_set(e, ERR_INVALID, 0, "id map too long");
	if (write_proc(request->proc_fd, pid, "setgroups", "deny", e) < 0 ||
	    write_proc(request->proc_fd, pid, "gid_map", map, e) < 0 ||
	    write_proc(request->proc_fd, pid, "uid_map", map, e) < 0)
		return -1;
	return 0;
}

static int
release(const struct jail_spawn_request *request, struct err *e)
{
	if (send(request->control_fd, SPAWN_GO, 1, MSG_NOSIGNAL) != 1)
		return err_sys(e, "release the child");
	return 0;
}

static void
reap_child(pid_t pid, int pidfd)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
jail_spawn(const struct jail_spawn_request *request, struct jail_process *ret,
	   struct err *e)
{
	owned_fd int pidfd = -1;
	struct child_plan plan;
	pid_t pid;

	if (check_request(request, e) < 0)
		return err_wrap(e, "start jail");
	plan_make(&plan, request);
	pid = clone_child(request, &pidfd);
	if (pid < 0)
		return err_sys(e, "start jail: make namespaces");
	if (pid == 0)
		child_main(&plan);
	if (write_maps(request, pid, e) < 0 || release(request, e) < 0) {
		reap_child(pid, pidfd);
		return err_wrap(e, "start jail");
	}
	*ret = (struct jail_process){.pid = pid, .pidfd = fd_take(&pidfd)};
	return 0;
}
