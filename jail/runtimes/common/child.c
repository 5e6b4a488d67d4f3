/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c - see child.h.  One loop of ppoll(2); SIGCHLD is let in only while
 * it waits, so that an end between check and wait is not missed.
 */
#include "jail/runtimes/common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/fd.h"

/*
 * After the end of the program only what it has left in the pipes is read: a
 * process that it left behind may hold them open, or go on writing.
 */
#define DRAIN_MAX (2u << 20)

struct stream {
	int fd;	 /* read end, -1 after its end */
	int out; /* where it goes */
	bool is_out_gone;
};

struct child {
	pid_t pid;
	struct stream streams[2];
	bool has_ended;
	/*
	 * Of the last piece of stdout: did another process leave a line open?
	 */
	bool is_others_line;
	struct harness_end end;
	size_t drained;
	harness_output_fn *on_output;
	void *arg;
};

static void
on_sigchld(int signo)
{
	(void)signo; /* interrupts ppoll */
}

/* exec and spawn write to no argument; their types are older than const. */
static char *const *
without_const(const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} both = {.in = argv};

	return both.out;
}

int
harness_exec(const char *const argv[], struct err *e)
{
	execvp(argv[0], without_const(argv));
	return err_sys(e, "start %s", argv[0]);
}

static int
spawn(const char *const argv[], const int write_end[2], const sigset_t *mask,
      pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, write_end[0], 1);
	posix_spawn_file_actions_adddup2(&actions, write_end[1], 2);
	posix_spawnattr_init(&attr);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawnp(ret_pid, argv[0], &actions, &attr,
			  without_const(argv), environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		return err_set(e, ERR_IO, rc, "start %s", argv[0]);
	return 0;
}

static void
hand_on(struct child *c, struct stream *s, const char *data, size_t len)
{
	if (c->has_ended)
		c->drained += len;
	if (!s->is_out_gone && fd_write_all(s->out, data, len) < 0)
		s->is_out_gone = true;
	c->on_output(c->arg, s->out, data, len);
}

union sender_space {
	struct cmsghdr align;
	/* For a sender alone: fds that come along have no room. */
	char bytes[CMSG_LEN(sizeof(struct ucred))];
};

/* read(2), and who wrote it: the kernel never joins what two have sent. */
static ssize_t
read_stdout(struct child *c, char *buf, size_t size)
{
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	union sender_space space = {0};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = space.bytes,
			    .msg_controllen = sizeof(space.bytes)};
	ssize_t n = recvmsg(c->streams[0].fd, &mh, MSG_CMSG_CLOEXEC);
	struct ucred sender = {0};
	bool is_own;

	if (n <= 0)
		return n;
	if (mh.msg_controllen >= CMSG_LEN(sizeof(sender)) &&
	    space.align.cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(&space.align), sizeof(sender));
	is_own = sender.pid == c->pid;
	c->end.have_others_written |= !is_own;
	/* "# " of another must not make a comment of the next line. */
	if (is_own && c->is_others_line)
		c->on_output(c->arg, STDOUT_FILENO, "\n", 1);
	c->is_others_line = !is_own && buf[n - 1] != '\n';
	return n;
}

/* One read; returns what there is now, 0 if nothing. */
static size_t
take(struct child *c, struct stream *s, char *buf, size_t size)
{
	ssize_t n;

	if (s->fd < 0)
		return 0;
	n = s->out == STDOUT_FILENO ? read_stdout(c, buf, size)
				    : read(s->fd, buf, size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		fd_close(&s->fd);
		return 0;
	}
	return (size_t)n;
}

/*
 * Read once from stdout and hand it on after what is in stderr by then: a
 * line on stderr that explains one on stdout is seen before it.  False when
 * there is nothing (more) now.
 */
static bool
pump(struct child *c)
{
	char out[65536], err[65536];
	size_t n = take(c, &c->streams[0], out, sizeof(out)), m;

	m = take(c, &c->streams[1], err, sizeof(err));
	if (m > 0)
		hand_on(c, &c->streams[1], err, m);
	if (n > 0)
		hand_on(c, &c->streams[0], out, n);
	return n > 0 || m > 0;
}

static void
drain(struct child *c)
{
	while (c->drained < DRAIN_MAX && pump(c))
		;
	fd_close(&c->streams[0].fd);
	fd_close(&c->streams[1].fd);
}

static int
watch(struct child *c, const sigset_t *mask, struct err *e)
{
	while (!c->has_ended) {
		struct pollfd fds[2] = {
			{.fd = c->streams[0].fd, .events = POLLIN},
			{.fd = c->streams[1].fd, .events = POLLIN},
		};
		pid_t pid;

		if (ppoll(fds, 2, NULL, mask) < 0 && errno != EINTR)
			return err_sys(e, "wait for the program");
		(void)pump(c);
		pid = waitpid(c->pid, &c->end.status, WNOHANG);
		if (pid < 0)
			return err_sys(e, "wait for the program");
		c->has_ended = pid == c->pid;
	}
	drain(c);
	return 0;
}

/*
 * What tests say of themselves comes on stdout.  Any process of the jail could
 * open a pipe anew by /proc/PID/fd and read out of it what we should have read,
 * with us stopped meanwhile.  A socket cannot be opened, and those who write to
 * this one cannot read from it.  stderr, of which no result depends, is a pipe,
 * because scripts do write to /dev/stderr.
 */
static int
make_stdout(int ret_ends[2], struct err *e)
{
	const int on = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_ends) < 0)
		return err_sys(e, "make a socket pair");
	if (shutdown(ret_ends[1], SHUT_RD) < 0 ||
	    setsockopt(ret_ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) <
		    0) {
		fd_close(&ret_ends[0]);
		fd_close(&ret_ends[1]);
		return err_sys(e, "set up a socket pair");
	}
	return 0;
}

static int
start(struct child *c, const char *const argv[], const sigset_t *mask,
      struct err *e)
{
	owned_fd int out = -1, err = -1;
	int pair[2], write_end[2];

	if (make_stdout(pair, e) < 0)
		return -1;
	c->streams[0] = (struct stream){.fd = pair[0], .out = STDOUT_FILENO};
	out = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	c->streams[1] = (struct stream){.fd = pair[0], .out = STDERR_FILENO};
	err = pair[1];
	for (size_t i = 0; i < 2; i++)
		if (fcntl(c->streams[i].fd, F_SETFL, O_NONBLOCK) < 0)
			return err_sys(e, "make a pipe non-blocking");
	write_end[0] = out;
	write_end[1] = err;
	return spawn(argv, write_end, mask, &c->pid, e);
}

static int
run(const char *const argv[], bool is_quiet, harness_output_fn *on_output,
    void *arg, struct harness_end *ret, struct err *e)
{
	struct child c = {
		.streams = {{.fd = -1}, {.fd = -1}},
		.on_output = on_output,
		.arg = arg,
	};
	struct sigaction action = {.sa_handler = on_sigchld};
	sigset_t blocked, before;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	rc = start(&c, argv, &before, e);
	c.streams[0].is_out_gone = is_quiet;
	if (rc == 0)
		rc = watch(&c, &before, e);
	fd_close(&c.streams[0].fd);
	fd_close(&c.streams[1].fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (rc == 0)
		*ret = c.end;
	return rc;
}

int
harness_child_run(const char *const argv[], harness_output_fn *on_output,
		  void *arg, struct harness_end *ret, struct err *e)
{
	return run(argv, false, on_output, arg, ret, e);
}

int
harness_child_run_quiet(const char *const argv[], harness_output_fn *on_output,
			void *arg, struct harness_end *ret, struct err *e)
{
	return run(argv, true, on_output, arg, ret, e);
}

void
harness_tail_add(struct harness_tail *tail, const char *data, size_t len)
{
	size_t size = sizeof(tail->data), keep;

	if (len >= size) {
		memcpy(tail->data, data + (len - size), size);
		tail->len = size;
		return;
	}
	keep = tail->len < size - len ? tail->len : size - len;
	memmove(tail->data, tail->data + (tail->len - keep), keep);
	memcpy(tail->data + keep, data, len);
	tail->len = keep + len;
}

void
harness_status_text(int status, char *dst, size_t size)
{
	if (WIFSIGNALED(status)) {
		const char *name = sigdescr_np(WTERMSIG(status));

		(void)snprintf(dst, size, "killed by signal %d (%s)",
			       WTERMSIG(status), name ? name : "?");
	} else {
		(void)snprintf(dst, size, "exit code %d", WEXITSTATUS(status));
	}
}
