/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire.c - messages of the client protocol as any process that may connect
 * could send them, up to where a job would be started.
 *
 * Input: number of fds, then the message.  What is received must be what was
 * sent, byte for byte when it is sent on; what a request asks for must end up
 * within its policy; no fd may stay open.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/dispatch.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"
#include "supervisor/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#define SLOTS 2

static struct supervisor *sup;
static int null_fd;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct catalog_policy policies[2];
	static struct catalog_runtime runtimes[1];
	static struct job jobs[SLOTS];

	(void)argc;
	(void)argv;
	sup = calloc(1, sizeof(*sup));
	FUZZ_CHECK(sup != NULL);
	for (unsigned i = 0; i < ARRAY_LEN(policies); i++)
		policies[i].policy.limits = (struct policy_limits){
			.wall_ms = 10000,
			.memory_bytes = 256u << 20,
			.output_bytes = 65536,
			.pids = i == 0 ? 64 : UINT32_MAX,
			.cpu_percent = i == 0 ? 100 : UINT32_MAX,
		};
	(void)str_copy(policies[0].policy.name, POLICY_NAME_MAX, "strict");
	(void)str_copy(policies[1].policy.name, POLICY_NAME_MAX, "standard");
	(void)str_copy(runtimes[0].runtime.name, POLICY_NAME_MAX, "python");
	sup->catalog.policies = policies;
	sup->catalog.policies_len = ARRAY_LEN(policies);
	sup->catalog.runtimes = runtimes;
	sup->catalog.runtimes_len = ARRAY_LEN(runtimes);
	sup->slots.count = SLOTS;
	/* A live job of somebody else. */
	jobs[1].state = JOB_RUNNING;
	(void)str_copy(jobs[1].submit.job_id, sizeof(jobs[1].submit.job_id),
		       "00000000-0000-4000-8000-000000000001");
	sup->jobs = jobs;
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

static bool
is_clamped(uint64_t asked, uint64_t ceiling, uint64_t got)
{
	return got > 0 && got <= ceiling && (asked == 0 || got <= asked);
}

/* What is asked for and what is given. */
static void
check_submit(const struct proto_job_submit *s)
{
	struct catalog_policy *policy = NULL;
	struct err e = ERR_INIT;
	struct proto_limits got;

	if (job_check_request(sup, s, &e) < 0) {
		FUZZ_CHECK(e.kind != ERR_NONE && e.text[0] != '\0');
		return;
	}
	FUZZ_CHECK(strlen(s->job_id) == 36);
	FUZZ_CHECK(strspn(s->job_id, "0123456789abcdefABCDEF-") == 36);
	FUZZ_CHECK(strcmp(s->job_id, sup->jobs[1].submit.job_id) != 0);
	FUZZ_CHECK(strspn(s->workflow, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-") == strlen(s->workflow));
	policy = catalog_policy(&sup->catalog, s->policy);
	FUZZ_CHECK(policy != NULL);
	FUZZ_CHECK(catalog_runtime(&sup->catalog, s->runtime) != NULL);
	job_limits(&s->limits, &policy->policy, &got);
	FUZZ_CHECK(is_clamped(s->limits.wall_ms, policy->policy.limits.wall_ms,
			      got.wall_ms));
	FUZZ_CHECK(is_clamped(s->limits.memory_bytes,
			      policy->policy.limits.memory_bytes,
			      got.memory_bytes));
	FUZZ_CHECK(is_clamped(s->limits.output_bytes,
			      policy->policy.limits.output_bytes,
			      got.output_bytes));
	FUZZ_CHECK(is_clamped(s->limits.pids, policy->policy.limits.pids,
			      got.pids));
	FUZZ_CHECK(is_clamped(s->limits.cpu_percent,
			      policy->policy.limits.cpu_percent,
			      got.cpu_percent));
}

/* Sent on by wire_send it must arrive as the same bytes. */
static void
check_again(int pair[2], const union wire_message *msg,
	    const struct wire_fds *fds)
{
	union wire_message again;
	struct wire_fds again_fds;
	struct err e = ERR_INIT;

	FUZZ_CHECK(wire_send(pair[0], &msg->head, fds->fd, &e) == WIRE_OK);
	FUZZ_CHECK(wire_recv(pair[1], &again, &again_fds, &e) == WIRE_OK);
	FUZZ_CHECK(again_fds.count == fds->count);
	FUZZ_CHECK(memcmp(&again, msg, msg->head.size) == 0);
	wire_fds_done(&again_fds);
}

/* As the supervisor does it; a job is not submitted but checked. */
static void
dispatch_one(int pair[2], const union wire_message *msg)
{
	struct peer peer = {.sup = sup, .sock = pair[1]};
	union wire_message reply;
	struct wire_fds reply_fds;
	struct err e = ERR_INIT;

	if (msg->head.type == PROTO_JOB_SUBMIT) {
		check_submit(&msg->job_submit);
		return;
	}
	if (dispatch(sup, &peer, msg, &e) < 0) {
		FUZZ_CHECK(e.kind == ERR_PEER && e.text[0] != '\0');
		return;
	}
	if (msg->head.type == PROTO_JOB_KILL)
		return;
	FUZZ_CHECK(!peer.is_doomed && peer.first == NULL);
	FUZZ_CHECK(wire_recv(pair[0], &reply, &reply_fds, &e) == WIRE_OK);
	FUZZ_CHECK(reply.head.seq == msg->head.seq);
	FUZZ_CHECK(reply.head.type == msg->head.type + 1);
	wire_fds_done(&reply_fds);
}

static void
check_received(const union wire_message *msg, const struct wire_fds *fds,
	       const uint8_t *bytes, size_t len, unsigned nfds)
{
	FUZZ_CHECK(msg->head.size == len && len <= PROTO_MESSAGE_MAX);
	FUZZ_CHECK(memcmp(msg, bytes, len) == 0);
	FUZZ_CHECK(fds->count == nfds && msg->head.nfds == nfds);
	FUZZ_CHECK(msg->head.version == PROTO_VERSION && msg->head.zero == 0);
	for (unsigned i = 0; i < nfds; i++)
		FUZZ_CHECK((fcntl(fds->fd[i], F_GETFD) & FD_CLOEXEC) != 0);
}

/* As the supervisor receives it: the same, or not at all if there are fds. */
static void
check_fdless(int pair[2], const uint8_t *bytes, size_t len, unsigned nfds)
{
	union wire_message msg;
	struct err e = ERR_INIT;
	enum wire_status status;

	send_raw(pair[0], bytes, len, nfds);
	status = wire_recv_fdless(pair[1], &msg, &e);
	FUZZ_CHECK(status == WIRE_OK || status == WIRE_FAILED);
	FUZZ_CHECK(status != WIRE_OK || nfds == 0);
	if (status == WIRE_OK)
		FUZZ_CHECK(memcmp(&msg, bytes, len) == 0);
	else
		FUZZ_CHECK(e.kind == ERR_PEER && e.text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	unsigned nfds = fuzz_u8(&in) % 8;
	union wire_message msg;
	struct wire_fds fds;
	struct err e = ERR_INIT;
	uint64_t open_fds;
	int pair[2];

	if (in.left == 0 || in.left > 4096)
		return -1;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			      pair) == 0);
	open_fds = fuzz_open_fds();
	send_raw(pair[0], in.at, in.left, nfds);
	switch (wire_recv(pair[1], &msg, &fds, &e)) {
	case WIRE_OK:
		check_received(&msg, &fds, in.at, in.left, nfds);
		check_again(pair, &msg, &fds);
		if (msg.head.nfds == 0)
			dispatch_one(pair, &msg);
		break;
	case WIRE_FAILED:
		FUZZ_CHECK(e.kind == ERR_PEER && e.text[0] != '\0');
		break;
	default:
		FUZZ_CHECK(!"a message that was sent is received");
	}
	wire_fds_done(&fds);
	FUZZ_CHECK(fuzz_open_fds() == open_fds);
	check_fdless(pair, in.at, in.left, nfds);
	FUZZ_CHECK(fuzz_open_fds() == open_fds);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return 0;
}
