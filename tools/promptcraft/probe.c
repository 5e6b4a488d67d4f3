/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.c - the report and the child in which a probe runs.
 */
#include "tools/promptcraft/probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define CHILD_SECONDS 10u

struct layer *
report_add(struct report *r, const char *name)
{
	assert(r->len < LAYERS_MAX);
	struct layer *l = &r->layer[r->len++];
	*l = (struct layer){.state = LAYER_OK, .is_required = true};
	(void)str_copy(l->name, sizeof(l->name), name);
	return l;
}

void
layer_detail(struct layer *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->detail, sizeof(l->detail), fmt, ap);
	va_end(ap);
}

void
layer_fail(struct layer *l, enum layer_state state, const char *fmt, ...)
{
	va_list ap;
	l->state = state;
	va_start(ap, fmt);
	vsnprintf(l->cause, sizeof(l->cause), fmt, ap);
	va_end(ap);
}

void
layer_fix(struct layer *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->fix, sizeof(l->fix), fmt, ap);
	va_end(ap);
}

void
probe_read_line(const char *path, char *dst, size_t size)
{
	dst[0] = '\0';
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	ssize_t len = fd_read_full(fd, dst, size - 1);
	dst[len > 0 ? len : 0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
}

static int
write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	if (str_printf(path, sizeof(path), "/proc/%d/%s", pid, name) == -1)
		return ENAMETOOLONG;
	owned_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || fd_write_all(fd, text, strlen(text)) == -1)
		return errno;
	return 0;
}

/* Our own ids become 0 inside; without privilege setgroups must go first. */
static int
write_maps(pid_t pid)
{
	char line[48];
	int rc;
	if (str_printf(line, sizeof(line), "0 %u 1", geteuid()) == -1)
		return ENAMETOOLONG;
	rc = write_file(pid, "uid_map", line);
	if (rc == 0 && geteuid() != 0)
		rc = write_file(pid, "setgroups", "deny");
	if (rc == 0 && str_printf(line, sizeof(line), "0 %u 1", getegid()) == 0)
		rc = write_file(pid, "gid_map", line);
	return rc;
}

static _Noreturn void
run_child(int go, int (*fn)(void *arg), void *arg)
{
	char byte;
	alarm(CHILD_SECONDS);
	/* No byte: the parent could not write the maps, or is gone. */
	if (read(go, &byte, 1) != 1)
		_exit(ECANCELED);
	_exit(fn(arg));
}

int
probe_in_child(unsigned long long flags, int (*fn)(void *arg), void *arg,
	       bool *ret_is_clone)
{
	int pipe_fd[2];
	if (pipe2(pipe_fd, O_CLOEXEC) == -1)
		return errno;
	owned_fd int go_read = pipe_fd[0];
	owned_fd int go_write = pipe_fd[1];
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	fflush(NULL);
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (ret_is_clone != NULL)
		*ret_is_clone = pid == -1;
	if (pid == -1)
		return errno;
	if (pid == 0) {
		fd_close(&go_write);
		run_child(go_read, fn, arg);
	}
	int map_error = (flags & CLONE_NEWUSER) != 0 ? write_maps(pid) : 0;
	if (map_error == 0 && write(go_write, "", 1) != 1)
		map_error = errno;
	fd_close(&go_write);
	int status = 0;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (map_error != 0)
		return map_error;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? ETIMEDOUT : ENOSYS;
	return WEXITSTATUS(status);
}
