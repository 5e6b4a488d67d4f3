/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent data on local sockets, by each call that sends. */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "attempt.h"

int
main(void)
{
	struct iovec iov = {.iov_base = "x", .iov_len = 1};
	struct mmsghdr mh = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	attempt_call("sendto", send(pair[0], "x", 1, MSG_OOB));
	attempt_call("sendmsg", sendmsg(pair[0], &mh.msg_hdr, MSG_OOB));
	attempt_call("sendmmsg", sendmmsg(pair[0], &mh, 1, MSG_OOB));
	if (send(pair[0], "x", 1, MSG_NOSIGNAL) != 1)
		return 1;
	return 0;
}
