/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages of spec.h over a SOCK_SEQPACKET socket.  jail-init trusts
 * the supervisor; sizes and fd counts are checked all the same, so that a
 * mistake on either side is an error and not a misreading.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"

union control_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * 4)];
};

int
control_send(int sock, const struct jail_message *msg, int fd, struct err *e)
{
	struct jail_message copy = *msg;
	struct iovec iov = {.iov_base = &copy, .iov_len = sizeof(copy)};
	union control_space space = {0};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		mh.msg_control = space.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(fd));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(copy))
		return err_sys(e, "send to supervisor");
	return 0;
}

/* Take the first fd, close any other; returns how many came. */
static unsigned
take_fds(struct msghdr *mh, int *ret_fd)
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (unsigned char *)c + at, sizeof(fd));
			if (count++ == 0)
				*ret_fd = fd;
			else
				fd_close(&fd);
		}
	}
	return count;
}

int
control_recv(int sock, struct jail_message *ret_msg, int *ret_fd, struct err *e)
{
	struct iovec iov = {.iov_base = ret_msg, .iov_len = sizeof(*ret_msg)};
	union control_space space;
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = space.bytes,
			    .msg_controllen = sizeof(space.bytes)};
	owned_fd int fd = -1;
	unsigned count;
	ssize_t n;

	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "receive from supervisor");
	count = take_fds(&mh, &fd);
	if (n == 0 && count == 0)
		return 0;
	if (n != (ssize_t)sizeof(*ret_msg) || count > 1 ||
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return err_set(e, ERR_PEER, 0, "malformed control message");
	*ret_fd = fd_take(&fd);
	return 1;
}

void
control_failed(struct jail_message *ret, enum jail_stage stage,
	       const struct err *e)
{
	const char *tail = strerrordesc_np(e->errnum);
	size_t len = strnlen(e->text, sizeof(e->text) - 1);

	*ret = (struct jail_message){.type = JAIL_MSG_FAILED,
				     .stage = (uint32_t)stage,
				     .errnum = e->errnum};
	if (e->errnum != 0 && tail != NULL) {
		size_t tail_len = strlen(tail);

		if (len > tail_len + 2 &&
		    memcmp(e->text + len - tail_len, tail, tail_len) == 0)
			len -= tail_len + 2;
	}
	if (len > sizeof(ret->detail) - 1)
		len = sizeof(ret->detail) - 1;
	memcpy(ret->detail, e->text, len);
}
