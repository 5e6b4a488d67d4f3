/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload: from its clone to the exec of the runtime's harness.
 *
 * The steps stand in one table, in the only order that works: fds and limits
 * first; then the ids, the capabilities (the bounding set is empty already:
 * init.c), no_new_privs, Landlock, and seccomp last, because everything before
 * it needs calls that the filter refuses.  After the filter only read, write,
 * close, execve and exit follow.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ENV_MAX (POLICY_ENV_MAX + RUNTIME_ENV_MAX + 1)

/* The exec's arguments, copied: execve(2) takes pointers to non-const. */
static char argv_text[RUNTIME_ARGV_MAX][POLICY_PATH_MAX];
static char env_text[ENV_MAX][POLICY_ENV_SIZE];
static char *exec_argv[RUNTIME_ARGV_MAX + 1];
static char *exec_env[ENV_MAX + 1];

/* Where init's fds go; none of the sources is a target. */
static const struct {
	int source, target;
} fd_places[] = {
	{JAIL_FD_STDIN, PAYLOAD_FD_STDIN},
	{JAIL_FD_STDOUT, PAYLOAD_FD_STDOUT},
	{JAIL_FD_STDERR, PAYLOAD_FD_STDERR},
	{JAIL_FD_RESULT, PAYLOAD_FD_RESULT},
	{JAIL_FD_GATE, PAYLOAD_FD_GATE},
};

_Static_assert(sizeof(fd_places) / sizeof(fd_places[0]) == PAYLOAD_FD_COUNT,
	       "every payload fd has a source");
_Static_assert((int)JAIL_FD_STDIN > PAYLOAD_FD_REPORT,
	       "sources lie above the targets");

/* ---- steps ----------------------------------------------------------- */

static int
place_fds(const struct jail *jail, struct err *e)
{
	/* The report pipe is at its place already. */
	for (size_t i = 0; i < ARRAY_LEN(fd_places); i++)
		if (dup2(fd_places[i].source, fd_places[i].target) < 0)
			return err_sys(e, "fd %d", fd_places[i].target);
	if (syscall(SYS_close_range, (unsigned)PAYLOAD_FD_REPORT + 1, ~0u, 0) <
	    0)
		return err_sys(e, "close other fds");
	/* A program that is no harness has no business with the gate; and what
	 * it wrote to the result pipe would be believed. */
	if (jail->runtime->is_direct &&
	    (fcntl(PAYLOAD_FD_GATE, F_SETFD, FD_CLOEXEC) < 0 ||
	     fcntl(PAYLOAD_FD_RESULT, F_SETFD, FD_CLOEXEC) < 0))
		return err_sys(e, "close gate and results on exec");
	return 0;
}

static int
leave_init(const struct jail *jail, struct err *e)
{
	char cwd[sizeof(JAIL_WORK_DIR)];
	sigset_t none;

	(void)jail;
	if (setsid() < 0)
		return err_sys(e, "new session");
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_sys(e, "reset signal mask");
	(void)umask(022);
	if (chdir(JAIL_WORK_DIR) < 0)
		return err_sys(e, "enter " JAIL_WORK_DIR);
	/* "(unreachable)..." would be a directory outside. */
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 ||
	    strcmp(cwd, JAIL_WORK_DIR) != 0)
		return err_set(e, ERR_DENIED, EPERM, "cwd is not in the jail");
	return 0;
}

static int
limits(const struct jail *jail, struct err *e)
{
	return lockdown_limits(jail->policy, e);
}

static int
drop_ids(const struct jail *jail, struct err *e)
{
	const uid_t id = JAIL_UID_PAYLOAD;
	uid_t r, f, s;

	(void)jail;
	/* Groups cannot be set in here (setgroups is denied), so the supervisor
	 * must have had none. */
	if (getgroups(0, NULL) != 0)
		return err_set(e, ERR_DENIED, EPERM, "groups are left");
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return err_sys(e, "become %u", id);
	if (getresuid(&r, &f, &s) < 0 || r != id || f != id || s != id ||
	    getresgid(&r, &f, &s) < 0 || r != id || f != id || s != id)
		return err_set(e, ERR_DENIED, EPERM, "ids did not change");
	/* After the ids, whose change clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "set parent-death signal");
	return 0;
}

static int
drop_caps(const struct jail *jail, struct err *e)
{
	(void)jail;
	return lockdown_caps(0, e);
}

static int
landlock(const struct jail *jail, struct err *e)
{
	return landlock_apply(jail->policy, e);
}

/* Tell the supervisor the listener and wait until it has looked. */
static int
pass_gate(int listener, struct err *e)
{
	const uint32_t n = (uint32_t)listener;
	const unsigned char told[] = {
		GATE_FILTERED,
		(unsigned char)n,
		(unsigned char)(n >> 8),
		(unsigned char)(n >> 16),
		(unsigned char)(n >> 24),
	};
	char answer = 0;
	ssize_t got;

	if (write(PAYLOAD_FD_GATE, told, sizeof(told)) != sizeof(told))
		return err_sys(e, "tell the gate");
	do {
		got = read(PAYLOAD_FD_GATE, &answer, 1);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "wait at the gate");
	if (got != 1 || answer != GATE_EXEC)
		return err_set(e, ERR_PEER, ECANCELED, "not let through");
	return 0;
}

static int
filter(const struct jail *jail, struct err *e)
{
	int listener = -1;

	if (lockdown_seccomp(jail->policy, &listener, e) < 0 ||
	    pass_gate(listener, e) < 0)
		return -1;
	fd_close(&listener);
	return 0;
}

static int
exec_harness(const struct jail *jail, struct err *e)
{
	(void)jail;
	(void)execve(exec_argv[0], exec_argv, exec_env);
	return err_sys(e, "%s", exec_argv[0]);
}

static const struct {
	enum jail_stage stage;
	int (*run)(const struct jail *jail, struct err *e);
} steps[] = {
	{JAIL_STAGE_PAYLOAD_FDS, place_fds},
	{JAIL_STAGE_PAYLOAD_FDS, leave_init},
	{JAIL_STAGE_PAYLOAD_LIMITS, limits},
	{JAIL_STAGE_PAYLOAD_IDS, drop_ids},
	{JAIL_STAGE_PAYLOAD_CAPS, drop_caps},
	{JAIL_STAGE_PAYLOAD_LANDLOCK, landlock},
	{JAIL_STAGE_PAYLOAD_SECCOMP, filter},
	{JAIL_STAGE_PAYLOAD_EXEC, exec_harness},
};

static void __attribute__((noreturn))
payload_main(const struct jail *jail, int report)
{
	enum jail_stage stage = JAIL_STAGE_PAYLOAD_FDS;
	struct jail_message failed;
	struct err e = ERR_INIT;
	int rc = 0;

	if (report != PAYLOAD_FD_REPORT)
		rc = dup3(report, PAYLOAD_FD_REPORT, O_CLOEXEC);
	if (rc < 0)
		_exit(126);
	rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(steps) && rc == 0; i++) {
		stage = steps[i].stage;
		rc = steps[i].run(jail, &e);
	}
	control_failed(&failed, stage, &e);
	(void)fd_write_all(PAYLOAD_FD_REPORT, &failed, sizeof(failed));
	_exit(126);
}

/* ---- jail-init's side ------------------------------------------------ */

/* "NAME" of both "NAME=value"? */
static bool
is_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0;
}

/* A later setting of the same name replaces the earlier one. */
static void
env_add(size_t *count, const char *text)
{
	size_t at = 0;

	while (at < *count && !is_same_name(env_text[at], text))
		at++;
	(void)str_copy(env_text[at], sizeof(env_text[at]), text);
	exec_env[at] = env_text[at];
	if (at == *count)
		++*count;
}

static void
exec_args_make(const struct jail *jail)
{
	const struct runtime *rt = jail->runtime;
	size_t count = 0;

	for (uint32_t i = 0; i < rt->argv_len; i++) {
		(void)str_copy(argv_text[i], sizeof(argv_text[i]), rt->argv[i]);
		exec_argv[i] = argv_text[i];
	}
	for (uint32_t i = 0; i < jail->policy->env_len; i++)
		env_add(&count, jail->policy->env[i]);
	for (uint32_t i = 0; i < rt->env_len; i++)
		env_add(&count, rt->env[i]);
	env_add(&count, "PWD=" JAIL_WORK_DIR);
}

static pid_t
clone_payload(int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* What was the payload's only: or the reader would never see its end. */
static int
close_payload_fds(struct err *e)
{
	if (syscall(SYS_close_range, (unsigned)JAIL_FD_STDIN,
		    (unsigned)JAIL_FD_GATE, 0) < 0)
		return err_sys(e, "close fds of the payload");
	return 0;
}

int
payload_start(struct jail *jail, struct err *e)
{
	owned_fd int report = -1;
	int pipefd[2];

	exec_args_make(jail);
	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "make pipe");
	jail->report_fd = pipefd[0];
	report = pipefd[1];
	jail->payload = clone_payload(&jail->payload_fd);
	if (jail->payload < 0)
		return err_sys(e, "clone");
	if (jail->payload == 0)
		payload_main(jail, report);
	return close_payload_fds(e);
}
