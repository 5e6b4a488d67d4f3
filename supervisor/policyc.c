/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policyc.c - the child that parses the operator's text.
 *
 * The child is nobody, without capabilities, groups, environment or any fd but
 * its output and the directories it reads; a parser bug there yields at worst
 * a wrong struct, which the caller checks.  It gets directories as fds, so the
 * files may lie where nobody could walk to (a checkout below /root).
 */
#include "supervisor/policyc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define NOBODY 65534
#define SECONDS_MAX 180 /* below one, unless emulated or overloaded */
#define MESSAGES_MAX 4096
#ifdef PROMPTCRAFT_ASAN
#define MEMORY_MAX RLIM_INFINITY /* ASan reserves terabytes of addresses */
#else
#define MEMORY_MAX (512u << 20)
#endif

enum child_fd {
	CHILD_FD_DIR_A = 3,
	CHILD_FD_DIR_B,
	CHILD_FD_COMPILER,
	CHILD_FD_COUNT
};

/* ---- child: only system calls from here to the exec ------------------ */

static int
limit(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit now = {.rlim_cur = value, .rlim_max = value};

	return setrlimit(resource, &now);
}

static int
drop(void)
{
	if (limit(RLIMIT_AS, MEMORY_MAX) < 0 || limit(RLIMIT_CPU, 15) < 0 ||
	    limit(RLIMIT_NOFILE, 64) < 0 || limit(RLIMIT_FSIZE, 1u << 20) < 0 ||
	    limit(RLIMIT_CORE, 0) < 0)
		return -1;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Move fds[i] to number i, whatever order they are in. */
static int
place_fds(int fds[CHILD_FD_COUNT])
{
	for (int i = 0; i < CHILD_FD_COUNT; i++) {
		if (fds[i] < 0)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD, CHILD_FD_COUNT);
		if (fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < CHILD_FD_COUNT; i++)
		if (fds[i] >= 0 && dup2(fds[i], i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, CHILD_FD_COUNT, ~0u, 0);
}

static void __attribute__((noreturn))
child(const struct policyc_request *request, int out, int messages)
{
	static const char *const no_env[] = {NULL};
	int fds[CHILD_FD_COUNT] = {
		open("/dev/null", O_RDONLY),
		out,
		messages,
		request->dir_a,
		request->dir_b,
		request->compiler_fd,
	};
	int flags;

	if (place_fds(fds) < 0 || drop() < 0)
		_exit(126);
	flags = fcntl(CHILD_FD_COMPILER, F_GETFD);
	if (flags < 0 || fcntl(CHILD_FD_COMPILER, F_SETFD, FD_CLOEXEC) < 0)
		_exit(126);
	(void)syscall(SYS_execveat, CHILD_FD_COMPILER, "", request->argv,
		      no_env, AT_EMPTY_PATH);
	_exit(127);
}

/* ---- parent ---------------------------------------------------------- */

struct capture {
	int fd;
	char *data;
	size_t len, max;
};

static void
capture_read(struct capture *c)
{
	char overflow[256];
	bool is_full = c->len == c->max;
	ssize_t n = is_full ? read(c->fd, overflow, sizeof(overflow))
			    : read(c->fd, c->data + c->len, c->max - c->len);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		fd_close(&c->fd);
	else if (!is_full)
		c->len += (size_t)n;
}

/* Read both until they end; false when time is up. */
static bool
capture_both(struct capture *out, struct capture *messages)
{
	uint64_t end = clock_mono_ms() + SECONDS_MAX * 1000ull;

	while (out->fd >= 0 || messages->fd >= 0) {
		struct pollfd p[] = {{out->fd, POLLIN, 0},
				     {messages->fd, POLLIN, 0}};
		uint64_t now = clock_mono_ms();

		if (now >= end)
			return false;
		if (poll(p, ARRAY_LEN(p), (int)(end - now)) <= 0)
			continue;
		if (p[0].revents != 0)
			capture_read(out);
		if (p[1].revents != 0)
			capture_read(messages);
	}
	return true;
}

/* Log every line; put the first into *e.  Paths are made readable. */
static void
report_messages(const struct policyc_request *request, char *text,
		struct err *e)
{
	const size_t skip = strlen(POLICYC_DIR_A);
	bool is_first = true;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		bool is_ours = strncmp(line, POLICYC_DIR_A, skip) == 0;
		const char *dir = is_ours ? request->dir_a_name : "";
		const char *rest = is_ours ? line + skip : line;
		char quoted[512];

		str_quote(quoted, sizeof(quoted), rest, strlen(rest));
		log_error("policy_error dir=%s message=%s", dir, quoted);
		if (is_first)
			err_set(e, ERR_INVALID, 0, "%s%s", dir, rest);
		is_first = false;
	}
	if (is_first)
		err_set(e, ERR_INVALID, 0,
			"promptcraft-policyc failed without a message");
}

static int
take_result(const struct policyc_request *request, int status,
	    const struct capture *out, char *messages, size_t size,
	    struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) >= 126)
		return err_set(e, ERR_IO, 0,
			       "promptcraft-policyc could not be started");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_IO, 0,
			       "promptcraft-policyc died of signal %d",
			       WTERMSIG(status));
	if (WEXITSTATUS(status) != 0) {
		report_messages(request, messages, e);
		return -1;
	}
	if (out->len != size)
		return err_set(e, ERR_INVALID, 0,
			       "promptcraft-policyc wrote another format: "
			       "supervisor and compiler are of different "
			       "versions");
	return 0;
}

int
policyc_run(const struct policyc_request *request, void *dst, size_t size,
	    struct err *e)
{
	char messages[MESSAGES_MAX];
	owned_fd int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
	struct capture out = {.data = dst, .max = size};
	struct capture text = {.data = messages, .max = MESSAGES_MAX - 1};
	int pair[2], status;
	bool in_time;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "make pipe");
	out_r = pair[0];
	out_w = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "make pipe");
	err_r = pair[0];
	err_w = pair[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		child(request, out_w, err_w);
	fd_close(&out_w);
	fd_close(&err_w);
	out.fd = fd_take(&out_r);
	text.fd = fd_take(&err_r);
	in_time = capture_both(&out, &text);
	fd_close(&out.fd);
	fd_close(&text.fd);
	if (!in_time)
		(void)kill(pid, SIGKILL); /* our own child, not yet reaped */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for promptcraft-policyc");
	if (!in_time)
		return err_set(e, ERR_LIMIT, 0,
			       "promptcraft-policyc took longer than %d s",
			       SECONDS_MAX);
	messages[text.len] = '\0';
	return take_result(request, status, &out, messages, size, e);
}
