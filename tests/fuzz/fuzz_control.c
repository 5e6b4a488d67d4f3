/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_control.c - what a jail that has been taken over could send to the
 * supervisor: control messages of its PID 1 and bytes at the gate; and the
 * same control messages as jail-init reads them.
 *
 * Input: which of the three, number of fds, the message.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/channel.h"
#include "tests/fuzz/fuzz.h"

static int null_fd = -1;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	FUZZ_CHECK(null_fd >= 0);
	return 0;
}

static void
send_raw(int sock, const void *bytes, size_t len, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes,
			    .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfds > 0) {
		struct cmsghdr *cmsg = &control.align;

		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (unsigned i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &null_fd,
			       sizeof(int));
	}
	FUZZ_CHECK(sendmsg(sock, &mh, MSG_NOSIGNAL) == (ssize_t)len);
}

static void
read_control(int sock, const uint8_t *bytes, size_t len, unsigned nfds)
{
	struct jail_message msg;
	struct err e = ERR_INIT;
	int fd = -1;

	switch (channel_recv(sock, &msg, &fd, &e)) {
	case CHANNEL_OK:
		FUZZ_CHECK(len == sizeof(msg) && memcmp(&msg, bytes, len) == 0);
		FUZZ_CHECK(msg.type >= JAIL_MSG_PAYLOAD &&
			   msg.type < JAIL_MSG_COUNT &&
			   msg.type != JAIL_MSG_RUN);
		FUZZ_CHECK(str_is_terminated(msg.detail, sizeof(msg.detail)));
		FUZZ_CHECK(nfds <= 1 && (fd >= 0) == (nfds == 1));
		/* Any number may come as the stage. */
		FUZZ_CHECK(jail_stage_name((enum jail_stage)msg.stage) != NULL);
		break;
	case CHANNEL_FAILED:
		FUZZ_CHECK(e.kind == ERR_PEER && fd < 0);
		break;
	default:
		FUZZ_CHECK(!"a message that was sent is received");
	}
	fd_close(&fd);
}

static void
read_gate(int sock, const uint8_t *bytes, size_t len)
{
	struct err e = ERR_INIT;
	int32_t listener = -7;
	char byte = 0;

	switch (channel_gate_recv(sock, &byte, &listener, &e)) {
	case CHANNEL_OK:
		FUZZ_CHECK(byte == (char)bytes[0]);
		FUZZ_CHECK(byte == GATE_FILTERED
				   ? len == 5
				   : byte == GATE_READY && len == 1);
		break;
	case CHANNEL_FAILED:
		FUZZ_CHECK(e.kind == ERR_PEER);
		break;
	default:
		FUZZ_CHECK(!"a message that was sent is received");
	}
}

static void
read_in_jail(int sock, const uint8_t *bytes, size_t len, unsigned nfds)
{
	struct jail_message msg;
	struct err e = ERR_INIT;
	int fd = -1;
	int rc = control_recv(sock, &msg, &fd, &e);

	FUZZ_CHECK(rc != 0);
	if (rc > 0) {
		FUZZ_CHECK(len == sizeof(msg) && memcmp(&msg, bytes, len) == 0);
		FUZZ_CHECK(nfds <= 1 && (fd >= 0) == (nfds == 1));
	} else {
		FUZZ_CHECK(fd < 0 && e.kind != ERR_NONE);
	}
	fd_close(&fd);
}

/* jail-init's FAILED arrives as what the error said. */
static void
send_failed(const uint8_t *bytes, size_t len)
{
	struct err e = {.kind = ERR_IO, .errnum = (int)(len % 140)};
	struct jail_message msg;

	memcpy(e.text, bytes, len < ERR_TEXT_MAX ? len : ERR_TEXT_MAX - 1);
	control_failed(&msg, JAIL_STAGE_UNPACK, &e);
	FUZZ_CHECK(str_is_terminated(msg.detail, sizeof(msg.detail)));
	FUZZ_CHECK(strncmp(msg.detail, e.text, strlen(msg.detail)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	unsigned which = fuzz_u8(&in) % 4, nfds = fuzz_u8(&in) % 5;
	int ours, theirs;
	uint64_t open_fds;
	struct err e = ERR_INIT;

	if (in.left == 0 || in.left > 1024)
		return -1;
	FUZZ_CHECK(channel_pair(&ours, &theirs, &e) == 0);
	open_fds = fuzz_open_fds();
	if (which != 3)
		send_raw(theirs, in.at, in.left, nfds);
	if (which == 0)
		read_control(ours, in.at, in.left, nfds);
	else if (which == 1)
		read_gate(ours, in.at, in.left);
	else if (which == 2)
		read_in_jail(ours, in.at, in.left, nfds);
	else
		send_failed(in.at, in.left);
	FUZZ_CHECK(fuzz_open_fds() == open_fds);
	fd_close(&ours);
	fd_close(&theirs);
	return 0;
}
