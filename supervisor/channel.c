/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.c - see channel.h.
 */
#include "supervisor/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* Room for one fd more than is allowed, so that a second one is noticed. */
union control_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * 2)];
};

int
channel_pair(int *ret_ours, int *ret_theirs, struct err *e)
{
	int pair[2], flags;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make socket pair");
	/* O_NONBLOCK is a property of each end, not of the pair. */
	flags = fcntl(pair[0], F_GETFL);
	if (flags < 0 || fcntl(pair[0], F_SETFL, flags | O_NONBLOCK) < 0) {
		err_sys(e, "set O_NONBLOCK");
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

int
channel_send(int sock, enum jail_message_type type, int fd, struct err *e)
{
	struct jail_message msg = {.type = (uint32_t)type};
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg)};
	union control_space space = {0};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *cmsg = &space.align;

		mh.msg_control = &space;
		mh.msg_controllen = CMSG_SPACE(sizeof(fd));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &mh, MSG_NOSIGNAL) != (ssize_t)sizeof(msg))
		return err_set(e, ERR_PEER, errno, "send to jail-init");
	return 0;
}

/* Own what came; false if it was more than one fd. */
static bool
take_fds(struct msghdr *mh, int *ret_fd)
{
	bool is_fine = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (*ret_fd < 0) {
				*ret_fd = fd;
			} else {
				fd_close(&fd);
				is_fine = false;
			}
		}
	}
	return is_fine;
}

/* It goes into the log and to the client; a PID 1 that was taken over must not
 * write lines of its own there. */
static bool
is_plain_text(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool
is_valid(const struct jail_message *msg, ssize_t len)
{
	return len == (ssize_t)sizeof(*msg) && msg->type >= JAIL_MSG_PAYLOAD &&
	       msg->type < JAIL_MSG_COUNT && msg->type != JAIL_MSG_RUN &&
	       str_is_terminated(msg->detail, sizeof(msg->detail)) &&
	       is_plain_text(msg->detail);
}

enum channel_status
channel_recv(int sock, struct jail_message *ret_msg, int *ret_fd, struct err *e)
{
	struct jail_message msg = {0};
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg)};
	union control_space space;
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &space,
			    .msg_controllen = sizeof(space)};
	owned_fd int fd = -1;
	ssize_t n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	bool is_fine;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CHANNEL_AGAIN;
	if (n < 0 && errno != ECONNRESET) {
		err_sys(e, "receive from jail-init");
		return CHANNEL_FAILED;
	}
	is_fine = n < 0 || take_fds(&mh, &fd);
	if (n <= 0)
		return CHANNEL_CLOSED;
	if (!is_fine || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    !is_valid(&msg, n)) {
		err_set(e, ERR_PEER, 0, "malformed message from jail-init");
		return CHANNEL_FAILED;
	}
	*ret_msg = msg;
	*ret_fd = fd_take(&fd);
	return CHANNEL_OK;
}

int
channel_gate_send(int sock, char byte, struct err *e)
{
	if (send(sock, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return err_set(e, ERR_PEER, errno, "send to the gate");
	return 0;
}

enum channel_status
channel_gate_recv(int sock, char *ret_byte, int32_t *ret_listener,
		  struct err *e)
{
	unsigned char bytes[8] = {0};
	/* No control buffer: fds that come along are dropped by the kernel. */
	ssize_t n = recv(sock, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CHANNEL_AGAIN;
	if (n <= 0)
		return CHANNEL_CLOSED;
	if (n == 5 && bytes[0] == GATE_FILTERED) {
		*ret_byte = GATE_FILTERED;
		*ret_listener =
			(int32_t)((uint32_t)bytes[1] | (uint32_t)bytes[2] << 8 |
				  (uint32_t)bytes[3] << 16 |
				  (uint32_t)bytes[4] << 24);
		return CHANNEL_OK;
	}
	if (n == 1 && bytes[0] == GATE_READY) {
		*ret_byte = GATE_READY;
		return CHANNEL_OK;
	}
	err_set(e, ERR_PEER, 0, "malformed message at the gate");
	return CHANNEL_FAILED;
}
