/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail-init: PID 1 of one jail.
 *
 * Theory of operation.  The supervisor execs this static binary from a sealed
 * memfd, as root of a new user namespace and inside all the other new ones,
 * with the fds of spec.h and nothing else.  It lives through four parts:
 *
 *   build   run the stages below: root, mounts, /proc, pivot, host name,
 *	     loopback, and the payload, which locks itself down (payload.c) and
 *	     waits at the gate.  Nothing untrusted exists yet.
 *   shrink  give up everything but CAP_KILL and a handful of system calls
 *	     (lockdown.c), before the first untrusted byte is read.
 *   serve   unpack the bundle that comes with RUN, reap orphans, wait for the
 *	     payload's end.
 *   finish  report the end, kill what is left, collect declared files, and end
 *	     when the supervisor does not need it any more; with PID 1 the
 *	     kernel ends the namespace and all that is in it.
 *
 * It trusts the supervisor and the operator's policy.  It never trusts a
 * bundle's bytes or anything under /work.  It holds no secret, cannot be seen
 * (hidepid), traced or signalled by the payload (another uid, undumpable, and
 * PID 1), and it never outlives the supervisor: parent-death signal, and the
 * end of the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static void __attribute__((noreturn))
fail_with(const struct jail_message *failed)
{
	struct err ignored = ERR_INIT;

	(void)control_send(JAIL_FD_CONTROL, failed, -1, &ignored);
	_exit(1);
}

static void __attribute__((noreturn))
fail(enum jail_stage stage, const struct err *e)
{
	struct jail_message failed;

	control_failed(&failed, stage, e);
	fail_with(&failed);
}

static void
tell(enum jail_message_type type, int wait_status, int fd)
{
	const struct jail_message msg = {.type = (uint32_t)type,
					 .wait_status = wait_status};
	struct err e = ERR_INIT;

	if (control_send(JAIL_FD_CONTROL, &msg, fd, &e) < 0)
		_exit(1); /* the supervisor is gone */
}

/* ---- build ----------------------------------------------------------- */

/*
 * 0 to 2 come closed; filled with something that cannot be written, they are
 * never by accident a directory or a socket.
 */
static int
reserve_low_fds(struct err *e)
{
	int fd;

	do {
		fd = fcntl(JAIL_FD_POLICY, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return err_sys(e, "reserve fds");
	} while (fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		fd_close(&fd);
	return 0;
}

static int
watch_children(struct jail *jail, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block SIGCHLD");
	jail->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (jail->signal_fd < 0)
		return err_sys(e, "make signalfd");
	return 0;
}

/*
 * A supervisor that runs ahead of others, on purpose or by its shell's, keeps
 * that for itself: a job's place is that of any program, or behind.
 */
static int
lower_priority(struct err *e)
{
	const struct sched_param none = {0};
	/* musl's own functions of these names do nothing. */
	long policy = syscall(SYS_sched_getscheduler, 0);

	if (policy < 0)
		return err_sys(e, "read scheduling policy");
	policy &= ~(long)SCHED_RESET_ON_FORK;
	if ((policy == SCHED_FIFO || policy == SCHED_RR) &&
	    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none) < 0)
		return err_sys(e, "leave real-time scheduling");
	if (getpriority(PRIO_PROCESS, 0) < 0 &&
	    setpriority(PRIO_PROCESS, 0, 0) < 0)
		return err_sys(e, "lower priority");
	return 0;
}

static int
start(struct jail *jail, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "set parent-death signal");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "set undumpable");
	if (getpid() != 1)
		return err_set(e, ERR_INVALID, EINVAL, "not PID 1");
	(void)prctl(PR_SET_NAME, "jail-init", 0, 0, 0);
	/* Away from the supervisor's terminal and its process group. */
	if (setsid() < 0)
		return err_sys(e, "new session");
	/* A kernel without keyrings has none to share. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return err_sys(e, "new session keyring");
	(void)jail;
	if (lower_priority(e) < 0)
		return -1;
	return reserve_low_fds(e);
}

/* Map a sealed memfd of exactly len bytes. */
static int
map_sealed(int fd, size_t len, const char *what, const void **ret,
	   struct err *e)
{
	struct stat st;
	void *bytes;

	if (!fd_is_sealed_memfd(fd) || fstat(fd, &st) < 0)
		return err_set(e, ERR_INVALID, EINVAL, "%s: not sealed", what);
	if (st.st_size != (off_t)len)
		return err_set(e, ERR_INVALID, EINVAL, "%s: wrong size", what);
	bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(e, "%s", what);
	*ret = bytes;
	return 0;
}

static int
load(struct jail *jail, struct err *e)
{
	const void *policy, *runtime;

	if (map_sealed(JAIL_FD_POLICY, sizeof(*jail->policy), "policy", &policy,
		       e) < 0 ||
	    map_sealed(JAIL_FD_RUNTIME, sizeof(*jail->runtime), "runtime",
		       &runtime, e) < 0)
		return -1;
	jail->policy = policy;
	jail->runtime = runtime;
	if (policy_check(policy, e) < 0 || runtime_check(runtime, e) < 0)
		return -1;
	/* Now, while no fd of ours can have taken an absent one's number. */
	jail->has_tree = fcntl(JAIL_FD_ROOT, F_GETFD) >= 0;
	for (uint32_t i = 0; !jail->has_tree && i < jail->policy->mounts_len;
	     i++)
		jail->has_mount[i] =
			fcntl((int)(JAIL_FD_MOUNT0 + i), F_GETFD) >= 0;
	return 0;
}

/* For the payload, too, which has it from here: each of 41 costs a copy of the
 * credentials.  Both look, later, whether it is empty. */
static int
drop_bounds(struct jail *jail, struct err *e)
{
	(void)jail;
	return lockdown_bounds(e);
}

static const struct {
	enum jail_stage stage;
	int (*run)(struct jail *jail, struct err *e);
} stages[] = {
	{JAIL_STAGE_START, start},
	{JAIL_STAGE_POLICY, load},
	{JAIL_STAGE_START, watch_children},
	{JAIL_STAGE_ROOT, mount_root},
	{JAIL_STAGE_MOUNT, mount_sources},
	{JAIL_STAGE_PROC, mount_proc},
	{JAIL_STAGE_PIVOT, mount_pivot},
	{JAIL_STAGE_HOSTNAME, net_hostname},
	{JAIL_STAGE_NETWORK, net_loopback},
	{JAIL_STAGE_LOCKDOWN, drop_bounds},
	{JAIL_STAGE_PAYLOAD_CLONE, payload_start},
	{JAIL_STAGE_PIVOT, mount_detach},
	{JAIL_STAGE_LOCKDOWN, lockdown_init},
};

/* ---- serve ----------------------------------------------------------- */

/*
 * A record means that the payload did not reach its exec; it is read when the
 * payload has ended.
 */
static void
read_report(struct jail *jail)
{
	struct jail_message failed;
	ssize_t n = read(jail->report_fd, &failed, sizeof(failed));

	if (n == (ssize_t)sizeof(failed))
		fail_with(&failed);
	fd_close(&jail->report_fd);
}

static void
run_job(struct jail *jail, int bundle_fd)
{
	struct err e = ERR_INIT;

	if (bundle_fd < 0 || jail->job_fd < 0) {
		(void)err_set(&e, ERR_PEER, EPROTO, "unexpected RUN");
		fail(JAIL_STAGE_UNPACK, &e);
	}
	if (unpack_bundle(jail, bundle_fd, &e) < 0)
		fail(JAIL_STAGE_UNPACK, &e);
	tell(JAIL_MSG_UNPACKED, 0, -1);
}

static void
read_control(struct jail *jail)
{
	struct jail_message msg;
	struct err e = ERR_INIT;
	owned_fd int fd = -1;
	int rc = control_recv(JAIL_FD_CONTROL, &msg, &fd, &e);

	if (rc == 0)
		_exit(0); /* the supervisor hung up: all of the jail ends */
	if (rc < 0)
		fail(JAIL_STAGE_UNPACK, &e);
	if (msg.type != JAIL_MSG_RUN) {
		(void)err_set(&e, ERR_PEER, EPROTO, "unexpected message %u",
			      msg.type);
		fail(JAIL_STAGE_UNPACK, &e);
	}
	run_job(jail, fd);
}

/* Reap all that is dead; true when the payload was among them. */
static bool
reap(struct jail *jail, int options, int *ret_status)
{
	bool has_ended = false;
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, options);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return has_ended;
		if (pid == jail->payload) {
			*ret_status = status;
			has_ended = true;
		}
	}
}

static bool
read_signals(struct jail *jail, int *ret_status)
{
	struct signalfd_siginfo info;

	/* First the signal, then the dead: one that dies in between comes as a
	 * new signal. */
	while (read(jail->signal_fd, &info, sizeof(info)) > 0)
		;
	return reap(jail, WNOHANG, ret_status);
}

/* Until the payload has ended; returns its wait status. */
static int
serve(struct jail *jail)
{
	int status = 0;
	bool has_ended = false;

	while (!has_ended) {
		struct pollfd fds[] = {
			{.fd = JAIL_FD_CONTROL, .events = POLLIN},
			{.fd = jail->signal_fd, .events = POLLIN},
		};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue; /* interrupted */
		if (fds[0].revents != 0)
			read_control(jail);
		if (fds[1].revents != 0)
			has_ended = read_signals(jail, &status);
	}
	read_report(jail);
	return status;
}

/* ---- finish ---------------------------------------------------------- */

/* -1 is everybody but PID 1; a fork in flight fails when its parent is hit. */
static int
kill_all(struct jail *jail, struct err *e)
{
	int ignored;

	while (kill(-1, SIGKILL) == 0)
		(void)reap(jail, 0, &ignored);
	if (errno != ESRCH)
		return err_sys(e, "kill what is left");
	return 0;
}

/*
 * Until the supervisor hangs up, or kills: the end of all namespaces takes
 * longer than the answer that it has to give, and nobody waits for it.
 */
static void
wait_end(void)
{
	struct jail_message ignored;
	struct err e = ERR_INIT;
	owned_fd int fd = -1;

	(void)control_recv(JAIL_FD_CONTROL, &ignored, &fd, &e);
}

int
main(void)
{
	struct jail jail = {.root_fd = -1,
			    .work_fd = -1,
			    .job_fd = -1,
			    .report_fd = -1,
			    .signal_fd = -1,
			    .payload = -1,
			    .payload_fd = -1};
	struct err e = ERR_INIT;
	int collected = -1, status;

	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (stages[i].run(&jail, &e) < 0)
			fail(stages[i].stage, &e);
	tell(JAIL_MSG_PAYLOAD, 0, jail.payload_fd);
	fd_close(&jail.payload_fd);
	status = serve(&jail);
	/* COLLECTED says it as well; but not when it will take a while. */
	if (kill(-1, SIGKILL) == 0 || jail.collect_len > 0)
		tell(JAIL_MSG_EXITED, status, -1);
	if (kill_all(&jail, &e) < 0 || collect_files(&jail, &collected, &e) < 0)
		fail(JAIL_STAGE_COLLECT, &e);
	tell(JAIL_MSG_COLLECTED, status, collected);
	wait_end();
	return 0;
}
