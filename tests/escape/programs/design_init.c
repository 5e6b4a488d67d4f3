/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PID 1 that has been taken over, from its first instruction on, put into the
 * place of jail-init by test_design.py.  HOW says what it does with the control
 * socket (fd 3), which is all that it has of the supervisor.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTROL 3
#define GATE 10 /* JAIL_FD_GATE is at STDIN + 4 */

struct message {
	uint32_t type, stage;
	int32_t errnum, wait_status;
	char detail[112];
};

/* type 0: random bytes of any length. */
static int
say(uint32_t type, const int *fds, unsigned nfds)
{
	struct message m = {.type = type};
	struct iovec iov = {&m, sizeof(m)};
	char space[CMSG_SPACE(sizeof(int) * 64)];
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(m.detail, '\n', sizeof(m.detail) - 1);
	memcpy(m.detail, "\033[2J<6>job_done job=forged", 26);
	if (nfds > 0) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)space;

		mh.msg_control = space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	return (int)sendmsg(CONTROL, &mh, MSG_NOSIGNAL);
}

static void
flood(void)
{
	char junk[256];

	for (;;) {
		memset(junk, rand(), sizeof(junk));
		(void)send(CONTROL, junk, (size_t)rand() % sizeof(junk),
			   MSG_NOSIGNAL);
	}
}

int
main(void)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int many[64], memfd = memfd_create("x", 0);

	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	for (int sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
	for (int i = 0; i < 64; i++)
		many[i] = memfd;
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			setsid();
			for (;;)
				pause();
		}
	if (strcmp(HOW, "flood") == 0)
		flood();
	if (strcmp(HOW, "many-fds") == 0)
		say(1, many, 64);
	if (strcmp(HOW, "no-fd") == 0)
		say(1, NULL, 0);
	if (strcmp(HOW, "wrong-fd") == 0) {
		say(1, &memfd, 1);
		(void)send(GATE, "F\3\0\0\0", 5, MSG_NOSIGNAL);
	}
	if (strcmp(HOW, "itself") == 0) {
		/* It is its own payload and has passed the filter. */
		say(1, &self, 1);
		(void)send(GATE, "F\3\0\0\0", 5, MSG_NOSIGNAL);
	}
	if (strcmp(HOW, "ended") == 0)
		say(4, NULL, 0);
	if (strcmp(HOW, "collected") == 0)
		say(5, &memfd, 1);
	if (strcmp(HOW, "failed") == 0)
		say(6, NULL, 0);
	if (strcmp(HOW, "unknown") == 0)
		say(77, NULL, 0);
	if (strcmp(HOW, "closed") == 0)
		close(CONTROL);
	for (;;)
		pause();
}
