/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire: good messages arrive whole with their fds, anything else drops the
 * connection and leaves no fd behind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/wire.h"

struct pair {
	int a, b;
};

static int
setup(void **state)
{
	static struct pair pair;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0, fds) < 0)
		return -1;
	pair = (struct pair){fds[0], fds[1]};
	*state = &pair;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	fd_close(&p->a);
	fd_close(&p->b);
	return 0;
}

static unsigned
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

/* Send raw bytes with count copies of fd. */
static void
send_raw(int sock, const void *bytes, size_t len, int fd, unsigned count)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	union wire_message copy[2] = {0};
	struct iovec iov = {.iov_base = copy, .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[8];

	assert_true(count <= 8 && len <= sizeof(copy));
	memcpy(copy, bytes, len);
	for (unsigned i = 0; i < count; i++)
		fds[i] = fd;
	if (count > 0) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
	}
	assert_int_equal(sendmsg(sock, &mh, MSG_NOSIGNAL), len);
}

static struct proto_job_submit
good_submit(void)
{
	struct proto_job_submit m = {.step = 3, .head.seq = 77};

	assert_int_equal(str_copy(m.job_id, sizeof(m.job_id), "id"), 0);
	wire_head_init(&m.head, PROTO_JOB_SUBMIT, sizeof(m), 0);
	return m;
}

static void
message_and_fd_arrive(void **state)
{
	struct pair *p = *state;
	struct proto_job_done m = {.exit_code = 3};
	union wire_message got;
	struct wire_fds fds;
	struct err e = ERR_INIT;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	wire_head_init(&m.head, PROTO_JOB_DONE, sizeof(m), 1);
	assert_int_equal(wire_send(p->a, &m.head, &fd, &e), WIRE_OK);
	assert_int_equal(wire_recv(p->b, &got, &fds, &e), WIRE_OK);
	assert_memory_equal(&got, &m, sizeof(m));
	assert_int_equal(fds.count, 1);
	assert_true(fds.fd[0] >= 0);
	assert_int_equal(fcntl(fds.fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fds.fd[1], -1);
	wire_fds_done(&fds);
	fd_close(&fd);
}

static void
every_type_round_trips(void **state)
{
	/* One row a type, so that a new type without a test is noticed. */
	static const struct {
		size_t size;
		enum proto_type type;
		unsigned nfds;
	} rows[] = {
		{sizeof(struct proto_hello), PROTO_HELLO, 0},
		{sizeof(struct proto_hello_reply), PROTO_HELLO_REPLY, 0},
		{sizeof(struct proto_get), PROTO_POLICY_GET, 0},
		{sizeof(struct proto_policy_info), PROTO_POLICY_INFO, 0},
		{sizeof(struct proto_get), PROTO_RUNTIME_GET, 0},
		{sizeof(struct proto_runtime_info), PROTO_RUNTIME_INFO, 0},
		{sizeof(struct proto_job_submit), PROTO_JOB_SUBMIT, 0},
		{sizeof(struct proto_job_started), PROTO_JOB_STARTED, 4},
		{sizeof(struct proto_job_denial), PROTO_JOB_DENIAL, 0},
		{sizeof(struct proto_job_kill), PROTO_JOB_KILL, 0},
		{sizeof(struct proto_job_done), PROTO_JOB_DONE, 0},
		{sizeof(struct proto_job_done), PROTO_JOB_DONE, 1},
		{sizeof(struct proto_release), PROTO_RELEASE, 0},
		{sizeof(struct proto_release_reply), PROTO_RELEASE_REPLY, 0},
	};
	struct pair *p = *state;
	int fds[4] = {p->a, p->a, p->a, p->a};

	_Static_assert(ARRAY_LEN(rows) == PROTO_TYPE_COUNT,
		       "every type but 0, JOB_DONE twice");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		union wire_message m = {0}, got;
		struct wire_fds got_fds;
		struct err e = ERR_INIT;

		wire_head_init(&m.head, rows[i].type, rows[i].size,
			       rows[i].nfds);
		assert_int_equal(wire_send(p->a, &m.head, fds, &e), WIRE_OK);
		assert_int_equal(wire_recv(p->b, &got, &got_fds, &e), WIRE_OK);
		assert_int_equal(got.head.type, rows[i].type);
		assert_int_equal(got_fds.count, rows[i].nfds);
		assert_string_not_equal(proto_type_name(rows[i].type),
					"unknown");
		wire_fds_done(&got_fds);
	}
}

static void
bad_messages_are_refused_without_leak(void **state)
{
	static const struct {
		const char *name;
		size_t offset; /* where a byte is changed, if len is 0 */
		size_t len;    /* 0: the right one */
		unsigned nfds;
		unsigned char byte;
	} rows[] = {
		{"version", offsetof(struct proto_head, version), 0, 0, 9},
		{"type", offsetof(struct proto_head, type), 0, 0, 200},
		{"type 0", offsetof(struct proto_head, type), 0, 0, 0},
		{"other type's size", offsetof(struct proto_head, type), 0, 0,
		 PROTO_HELLO},
		{"size", offsetof(struct proto_head, size), 0, 0, 1},
		{"nfds says 1", offsetof(struct proto_head, nfds), 0, 0, 1},
		{"head zero", offsetof(struct proto_head, zero), 0, 0, 1},
		{"one fd", 0, 0, 1, PROTO_VERSION},
		{"eight fds", 0, 0, 8, PROTO_VERSION},
		{"short", 0, sizeof(struct proto_job_submit) - 1, 0,
		 PROTO_VERSION},
		{"long", 0, sizeof(struct proto_job_submit) + 1, 0,
		 PROTO_VERSION},
		{"longer than any", 0, PROTO_MESSAGE_MAX + 1, 0, PROTO_VERSION},
		{"less than a head", 0, 3, 0, PROTO_VERSION},
	};
	struct pair *p = *state;
	unsigned before = open_fds();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char bytes[2 * PROTO_MESSAGE_MAX] = {0};
		struct proto_job_submit m = good_submit();
		size_t len = rows[i].len != 0 ? rows[i].len : sizeof(m);
		union wire_message got;
		struct wire_fds fds;
		struct err e = ERR_INIT;

		memcpy(bytes, &m, sizeof(m));
		bytes[rows[i].offset] = rows[i].byte;
		send_raw(p->a, bytes, len, p->a, rows[i].nfds);
		if (wire_recv(p->b, &got, &fds, &e) != WIRE_FAILED)
			fail_msg("accepted: %s", rows[i].name);
		/* Those that came are the caller's to let go. */
		assert_int_equal(fds.count, rows[i].nfds);
		wire_fds_done(&fds);
		assert_int_equal(e.kind, ERR_PEER);
		assert_int_equal(open_fds(), before);
	}
}

static void
string_without_end_is_refused(void **state)
{
	struct pair *p = *state;
	struct proto_job_submit m = good_submit();
	union wire_message got;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	memset(m.workflow, 'x', sizeof(m.workflow));
	send_raw(p->a, &m, sizeof(m), -1, 0);
	assert_int_equal(wire_recv(p->b, &got, &fds, &e), WIRE_FAILED);
	assert_non_null(strstr(e.text, "string"));
}

static void
reserved_field_must_be_zero(void **state)
{
	struct pair *p = *state;
	struct proto_job_kill m = {.zero = 1};
	union wire_message got;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	wire_head_init(&m.head, PROTO_JOB_KILL, sizeof(m), 0);
	send_raw(p->a, &m, sizeof(m), -1, 0);
	assert_int_equal(wire_recv(p->b, &got, &fds, &e), WIRE_FAILED);
}

/* An fd where none may be is not taken: it stays in the socket's queue. */
static void
fds_are_left(void **state)
{
	struct pair *p = *state;
	struct proto_job_submit m = good_submit();
	unsigned before = open_fds();
	union wire_message got;
	char bytes[1024];
	size_t len = 0;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	send_raw(p->a, &m, sizeof(m), p->a, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wire_recv_fdless(p->b, &got, &e), WIRE_FAILED);
		assert_int_equal(
			wire_recv_bytes(p->b, bytes, sizeof(bytes), &len, &e),
			WIRE_FAILED);
	}
	assert_string_equal(e.text, "message with fds");
	assert_int_equal(open_fds(), before);
	(void)wire_recv(p->b, &got, &fds, &e);
	assert_int_equal(fds.count, 1);
	wire_fds_done(&fds);
}

static void
fdless_messages_and_bytes(void **state)
{
	struct pair *p = *state;
	struct proto_job_submit m = good_submit();
	union wire_message got;
	char bytes[8];
	size_t len = 0;
	struct err e = ERR_INIT;

	send_raw(p->a, &m, sizeof(m), -1, 0);
	send_raw(p->a, "12345678", 8, -1, 0);
	send_raw(p->a, "123456789", 9, -1, 0);
	send_raw(p->a, &m, sizeof(m) - 1, -1, 0);
	assert_int_equal(wire_recv_fdless(p->b, &got, &e), WIRE_OK);
	assert_memory_equal(&got, &m, sizeof(m));
	assert_int_equal(wire_recv_bytes(p->b, bytes, sizeof(bytes), &len, &e),
			 WIRE_OK);
	assert_int_equal(len, 8);
	assert_memory_equal(bytes, "12345678", 8);
	assert_int_equal(wire_recv_bytes(p->b, bytes, sizeof(bytes), &len, &e),
			 WIRE_FAILED);
	assert_string_equal(e.text, "message too long");
	assert_int_equal(wire_recv_fdless(p->b, &got, &e), WIRE_FAILED);
	assert_int_equal(wire_recv_fdless(p->b, &got, &e), WIRE_AGAIN);
	fd_close(&p->a);
	assert_int_equal(wire_recv_fdless(p->b, &got, &e), WIRE_CLOSED);
	assert_int_equal(wire_recv_bytes(p->b, bytes, sizeof(bytes), &len, &e),
			 WIRE_CLOSED);
}

static void
empty_and_closed(void **state)
{
	struct pair *p = *state;
	union wire_message got;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	assert_int_equal(wire_recv(p->b, &got, &fds, &e), WIRE_AGAIN);
	fd_close(&p->a);
	assert_int_equal(wire_recv(p->b, &got, &fds, &e), WIRE_CLOSED);
}

static void
full_socket_says_again(void **state)
{
	struct pair *p = *state;
	struct proto_hello m = {0};
	struct err e = ERR_INIT;
	enum wire_status status = WIRE_OK;
	int sent = 0;

	wire_head_init(&m.head, PROTO_HELLO, sizeof(m), 0);
	while (status == WIRE_OK && sent++ < 100000)
		status = wire_send(p->a, &m.head, NULL, &e);
	assert_int_equal(status, WIRE_AGAIN);
	assert_true(sent > 1);
	fd_close(&p->b);
	assert_int_equal(wire_send(p->a, &m.head, NULL, &e), WIRE_FAILED);
	assert_int_equal(e.kind, ERR_PEER);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(proto_reason_name(PROTO_REASON_NONE), "");
	assert_string_equal(proto_reason_name(PROTO_REASON_MEMORY), "memory");
	assert_string_equal(proto_reason_name(PROTO_REASON_SHUTDOWN),
			    "shutdown");
	assert_string_equal(proto_reason_name(PROTO_REASON_COUNT), "");
	assert_string_equal(proto_type_name(PROTO_JOB_DONE), "JOB_DONE");
	assert_string_equal(proto_type_name((enum proto_type)0), "unknown");
	assert_string_equal(proto_type_name(PROTO_TYPE_COUNT), "unknown");
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(message_and_fd_arrive),
		WITH_PAIR(every_type_round_trips),
		WITH_PAIR(bad_messages_are_refused_without_leak),
		WITH_PAIR(string_without_end_is_refused),
		WITH_PAIR(reserved_field_must_be_zero),
		WITH_PAIR(empty_and_closed),
		WITH_PAIR(full_socket_says_again),
		cmocka_unit_test_setup_teardown(fds_are_left, setup, teardown),
		cmocka_unit_test_setup_teardown(fdless_messages_and_bytes,
						setup, teardown),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
