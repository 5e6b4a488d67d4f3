/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker.c - the broker's process and both ends of its socket; see broker.h.
 *
 * The broker trusts nobody: a request is one message of fixed size with one
 * descriptor, anything else is dropped, and what it asks for is decided by the
 * rules that the broker has had since before the API was confined.
 */
#include "api/net/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define REAP_PERIOD_MS 500

_Static_assert(sizeof(struct broker_request) == 12 + GUARD_HOST_SIZE,
	       "no padding");

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
broker_send(int sock, const void *bytes, size_t len, int fd)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes,
			    .iov_len = len};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *head;

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/*
 * Returns the message's length, 0 at the end, -1 with errno; EBADMSG if it is
 * not exactly len bytes.  *ret_fd is -1 if none came.
 */
static ssize_t
receive_message(int sock, void *bytes, size_t len, int *ret_fd)
{
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     /* not CMSG_SPACE(): two would fit into that */
			     .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *head;

	*ret_fd = -1;
	if (got <= 0)
		return got;
	head = CMSG_FIRSTHDR(&msg);
	if (head != NULL && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
	if ((size_t)got == len &&
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return got;
	fd_close(ret_fd);
	errno = EBADMSG;
	return -1;
}

/* ---- the broker ------------------------------------------------------ */

static bool
is_sound(const struct broker_request *request, int reply_fd)
{
	return request->version == BROKER_VERSION && request->zero == 0 &&
	       (request->kind == BROKER_TARGET ||
		request->kind == BROKER_GUARDED) &&
	       request->port != 0 && reply_fd >= 0 &&
	       str_is_terminated(request->host, sizeof(request->host)) &&
	       request->host[0] != '\0';
}

static void
refuse(int reply_fd, enum err_kind kind, int errnum, const char *text)
{
	struct broker_reply reply = {0};

	err_set(&reply.error, kind, errnum, "%s", text);
	(void)broker_send(reply_fd, &reply, sizeof(reply), -1);
}

static void
reap(unsigned *children)
{
	while (*children > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		(*children)--;
}

static void
serve(const struct broker_rules *rules, const struct broker_request *request,
      int sock, int reply_fd, unsigned *children)
{
	pid_t pid, self = getpid();

	if (*children >= BROKER_CHILDREN_MAX) {
		refuse(reply_fd, ERR_BUSY, 0,
		       "too many connections are being made");
		return;
	}
	pid = fork();
	if (pid == 0) {
		(void)close(sock);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != self) /* it died before we asked */
			_exit(1);
		broker_work(rules, request, reply_fd);
	}
	if (pid < 0)
		refuse(reply_fd, ERR_IO, errno, "start a connection");
	else
		(*children)++;
}

/* Until the API closes its end, which also a kill -9 of it does. */
static _Noreturn void
broker_main(const struct broker_rules *rules, int sock)
{
	struct pollfd wait = {.fd = sock, .events = POLLIN};
	unsigned children = 0;

	for (;;) {
		struct broker_request request;
		owned_fd int reply_fd = -1;
		ssize_t got;

		reap(&children);
		if (poll(&wait, 1, children > 0 ? REAP_PERIOD_MS : -1) <= 0)
			continue;
		got = receive_message(sock, &request, sizeof(request),
				      &reply_fd);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR &&
				 errno != EBADMSG))
			_exit(0);
		if (got < 0)
			continue;
		if (is_sound(&request, reply_fd))
			serve(rules, &request, sock, reply_fd, &children);
	}
}

/*
 * The parent may have died before the death signal was asked for: then it has
 * closed its end, and the first look at the socket ends us.
 */
static _Noreturn void
child_main(const struct broker_rules *rules, int sock)
{
	struct broker_reply ready = {0};

	(void)prctl(PR_SET_NAME, "pc-broker", 0, 0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    dup2(sock, STDERR_FILENO + 1) < 0 ||
	    close_range(STDERR_FILENO + 2, ~0U, 0) < 0)
		(void)err_sys(&ready.error, "prepare the broker");
	else if (broker_confine(rules, &ready.error) == 0)
		ready.error.kind = ERR_NONE;
	sock = STDERR_FILENO + 1;
	if (broker_send(sock, &ready, sizeof(ready), -1) < 0 ||
	    ready.error.kind != ERR_NONE)
		_exit(1);
	broker_main(rules, sock);
}

/* ---- the API's end --------------------------------------------------- */

int
broker_add_target(struct broker_rules *rules, const char *host, uint16_t port,
		  struct err *e)
{
	struct broker_target *target = &rules->targets[rules->targets_len];

	for (size_t i = 0; i < rules->targets_len; i++)
		if (rules->targets[i].port == port &&
		    strcasecmp(rules->targets[i].host, host) == 0)
			return 0;
	if (rules->targets_len == BROKER_TARGETS_MAX ||
	    str_copy(target->host, sizeof(target->host), host) < 0)
		return err_set(e, ERR_LIMIT, 0,
			       "too many configured addresses, or one of them "
			       "is too long");
	target->port = port;
	rules->targets_len++;
	return 0;
}

static int
wait_readable(int fd, uint32_t timeout_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	uint64_t end = clock_mono_ms() + timeout_ms;

	for (;;) {
		uint64_t now = clock_mono_ms();
		int rc = poll(&wait, 1, now < end ? (int)(end - now) : 0);

		if (rc > 0)
			return 0;
		if (rc == 0 || errno != EINTR)
			return -1;
	}
}

int
broker_start(const struct broker_rules *rules, void (*forget)(void *arg),
	     void *arg, int *ret_fd, struct err *e)
{
	struct broker_reply ready;
	int pair[2], none = -1;
	owned_fd int ours = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "start the broker: socketpair");
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		if (forget != NULL)
			forget(arg);
		child_main(rules, pair[1]);
	}
	ours = pair[0];
	(void)close(pair[1]);
	if (pid < 0)
		return err_sys(e, "start the broker: fork");
	if (wait_readable(ours, 10000) < 0 ||
	    receive_message(ours, &ready, sizeof(ready), &none) <= 0)
		return err_set(e, ERR_PEER, 0,
			       "the broker ended before it was ready");
	if (ready.error.kind != ERR_NONE) {
		*e = ready.error;
		return err_wrap(e, "start the broker");
	}
	*ret_fd = fd_take(&ours);
	return 0;
}

int
broker_ask(int broker_fd, enum broker_kind kind, const char *host,
	   uint16_t port, uint32_t timeout_ms, int *ret_reply_fd, struct err *e)
{
	struct broker_request request = {.version = BROKER_VERSION,
					 .kind = (uint16_t)kind,
					 .port = port,
					 .timeout_ms = timeout_ms};
	int pair[2];

	if (host[0] == '\0' ||
	    str_copy(request.host, sizeof(request.host), host) < 0)
		return err_set(e, ERR_INVALID, 0, "the host name is too long");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "%.100s: connect: socketpair", host);
	if (broker_send(broker_fd, &request, sizeof(request), pair[1]) < 0) {
		int cause = errno;

		(void)close(pair[0]);
		(void)close(pair[1]);
		return err_set(e, cause == EAGAIN ? ERR_BUSY : ERR_PEER, cause,
			       "%.100s: ask for a connection", host);
	}
	(void)close(pair[1]);
	*ret_reply_fd = pair[0];
	return 0;
}

int
broker_answer(int reply_fd, int *ret_fd, struct err *e)
{
	struct broker_reply reply;
	owned_fd int fd = -1;
	ssize_t got = receive_message(reply_fd, &reply, sizeof(reply), &fd);

	if (got <= 0)
		return err_set(e, ERR_PEER, 0,
			       "no connection: name resolution or connect "
			       "took too long");
	if (reply.error.kind != ERR_NONE) {
		reply.error.text[sizeof(reply.error.text) - 1] = '\0';
		*e = reply.error;
		return -1;
	}
	if (fd < 0)
		return err_set(e, ERR_PEER, 0, "the broker sent no socket");
	*ret_fd = fd_take(&fd);
	return 0;
}

int
broker_connect(int broker_fd, enum broker_kind kind, const char *host,
	       uint16_t port, uint32_t timeout_ms, int *ret_fd, struct err *e)
{
	owned_fd int reply_fd = -1;

	if (broker_ask(broker_fd, kind, host, port, timeout_ms, &reply_fd, e) <
	    0)
		return -1;
	if (wait_readable(reply_fd, timeout_ms) < 0)
		return err_set(e, ERR_PEER, ETIMEDOUT,
			       "%.100s: no connection within %u ms", host,
			       timeout_ms);
	return broker_answer(reply_fd, ret_fd, e);
}
