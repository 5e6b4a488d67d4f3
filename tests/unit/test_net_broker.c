/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_net_broker.c - the process that connects for the API, with a resolver of
 * the test's in it: what it connects to, what it refuses whatever a name
 * resolves to, that it asks once, and that nothing of it is left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/net/broker.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* Shared with the broker's children. */
static struct {
	unsigned resolved;
	int result; /* of an act; -1: it did not return */
} * shared;

static uint16_t port;
static int listener = -1;

/* ---- what a broker that was taken over can do ------------------------ */

static int
result_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
do_read_hosts(void)
{
	return result_of(open("/etc/hosts", O_RDONLY | O_CLOEXEC));
}

#ifndef PROMPTCRAFT_ASAN
static int
do_read_proc(void)
{
	return result_of(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}
#endif

static int
do_write_etc(void)
{
	return result_of(open("/etc/pc-test", O_WRONLY | O_CREAT, 0600));
}

static int
do_write_tmp(void)
{
	int fd = open("/tmp/pc-test-broker", O_WRONLY | O_CREAT, 0600);

	int rc = result_of(fd);

	if (fd >= 0)
		(void)unlink("/tmp/pc-test-broker");
	return rc;
}

static int
do_unix_socket(void)
{
	return result_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
do_netlink(void)
{
	return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
do_raw(void)
{
	return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int
do_ping_socket(void)
{
	return result_of(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
}

static int
do_udp(void)
{
	return result_of(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* Port 9 is not among the settings'. */
static int
do_other_port(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(9),
				       .sin_addr.s_addr = htonl(0x7f000001)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = result_of(
		connect(fd, (const struct sockaddr *)&to, sizeof(to)));

	/* The control: nobody listens there. */
	return rc == ECONNREFUSED ? 0 : rc;
}

static int
do_listen(void)
{
	return result_of(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
}

static int
do_exec(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	execve("/bin/true", argv, argv + 1);
	return errno;
}

static int
do_parent_fds(void)
{
	return result_of(fcntl(listener, F_GETFD));
}

#define OTHER_PORT "TCP to another port"
#define LANDLOCK_ABI_TCP 4 /* Linux 6.7 */

static const struct {
	const char *name;
	int (*act)(void);
	int want; /* errno; -1: it is killed */
	bool has_control;
} acts[] = {
	{"read /etc/hosts", do_read_hosts, 0, true},
	{"UDP", do_udp, 0, true},
#ifndef PROMPTCRAFT_ASAN /* the sanitizer reads it itself */
	{"read /proc", do_read_proc, EACCES, true},
#endif
	{"write in /etc", do_write_etc, EACCES, false},
	{"write in /tmp", do_write_tmp, EACCES, true},
	{"unix socket", do_unix_socket, ENOSYS, true},
	{"netlink", do_netlink, ENOSYS, true},
	{"raw socket", do_raw, ENOSYS, false},
	{"ping socket", do_ping_socket, ENOSYS, false},
	{OTHER_PORT, do_other_port, EACCES, true},
	{"listen", do_listen, ENOSYS, true},
	{"a descriptor of the API's", do_parent_fds, EBADF, true},
	{"exec", do_exec, -1, false},
};

/* The kernel's part of it: before Linux 6.7 Landlock knows no ports. */
static int
wanted(size_t i)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   1u /* LANDLOCK_CREATE_RULESET_VERSION */);

	return strcmp(acts[i].name, OTHER_PORT) == 0 && abi < LANDLOCK_ABI_TCP
		       ? 0
		       : acts[i].want;
}

/* "N.act": the act's number. */
static void
act(const char *host)
{
	shared->result = -1;
	shared->result = acts[atoi(host)].act();
}

/* What names resolve to; "rebind" is in fake_resolve(). */
static const struct {
	const char *name;
	const char *addresses[3];
} names[] = {
	{"loopback.test", {"127.0.0.1"}},
	{"private.test", {"10.9.8.7"}},
	{"mixed.test", {"192.0.3.1", "127.0.0.1"}},
	{"mapped.test", {"::ffff:127.0.0.1"}},
	{"metadata.test", {"169.254.169.254"}},
	{"six.test", {"::1"}},
	{"dead-then-live.test", {"127.0.0.9", "127.0.0.1"}},
};

static struct addrinfo *
make_address(const char *text, uint16_t to_port, struct addrinfo *next)
{
	struct addrinfo *info = calloc(1, sizeof(*info));
	void *address = calloc(1, sizeof(struct sockaddr_in6));
	struct sockaddr_in *v4 = address;
	struct sockaddr_in6 *v6 = address;

	*info = (struct addrinfo){.ai_family = AF_INET,
				  .ai_addrlen = sizeof(*v4),
				  .ai_addr = address,
				  .ai_next = next};
	v4->sin_family = AF_INET;
	v4->sin_port = htons(to_port);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		return info;
	v6->sin6_family = AF_INET6;
	(void)inet_pton(AF_INET6, text, &v6->sin6_addr);
	info->ai_family = AF_INET6;
	info->ai_addrlen = sizeof(*v6);
	return info;
}

/* Not into the test framework's handlers. */
static _Noreturn void
die(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

static int
fake_resolve(const char *host, const char *service,
	     const struct addrinfo *hints, struct addrinfo **ret)
{
	uint16_t to_port = (uint16_t)atoi(service);
	unsigned count =
		__atomic_add_fetch(&shared->resolved, 1, __ATOMIC_SEQ_CST);

	(void)hints;
	if (strstr(host, ".act") != NULL)
		act(host);
	if (strcmp(host, "hang.test") == 0)
		for (;;)
			(void)poll(NULL, 0, 1000);
	if (strcmp(host, "crash.test") == 0)
		die();
	if (strcmp(host, "rebind.test") == 0) {
		/* An allowed address the first time, from then on another. */
		*ret = make_address(count == 1 ? "127.0.0.1" : "10.0.0.1",
				    to_port, NULL);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct addrinfo *list = NULL;

		if (strcasecmp(names[i].name, host) != 0)
			continue;
		for (size_t n = ARRAY_LEN(names[i].addresses); n-- > 0;)
			if (names[i].addresses[n] != NULL)
				list = make_address(names[i].addresses[n],
						    to_port, list);
		*ret = list;
		return 0;
	}
	return getaddrinfo(host, service, hints, ret);
}

static int
start(const char *allow, struct broker_rules *ret_rules)
{
	static struct broker_rules rules;
	struct err e = ERR_INIT;
	char text[32];
	int fd = -1;

	rules = (struct broker_rules){.resolve = fake_resolve};
	snprintf(text, sizeof(text), "80,%u", port);
	shared->resolved = 0;
	assert_int_equal(guard_parse_ports(&rules.guard, "P", text, &e), 0);
	assert_int_equal(guard_parse_entries(&rules.guard, "A", allow, &e), 0);
	assert_int_equal(broker_add_target(&rules, "127.0.0.1", port, &e), 0);
	assert_int_equal(broker_add_target(&rules, "loopback.test", port, &e),
			 0);
	if (broker_start(&rules, NULL, NULL, &fd, &e) < 0)
		fail_msg("%s", e.text);
	if (ret_rules != NULL)
		*ret_rules = rules;
	return fd;
}

/* Closes the API's end and sees the broker end. */
static void
stop(int broker)
{
	int status = 0;

	(void)close(broker);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* 0, or the kind of error; says what text it must have. */
static unsigned
try(int broker, enum broker_kind kind, const char *host, uint16_t to_port,
    const char *want)
{
	struct err e = ERR_INIT;
	owned_fd int fd = -1;
	struct sockaddr_in peer = {0};
	socklen_t len = sizeof(peer);

	if (broker_connect(broker, kind, host, to_port, 5000, &fd, &e) < 0) {
		if (want == NULL || strstr(e.text, want) == NULL)
			fail_msg("%s: %s", host, e.text);
		return e.kind;
	}
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	assert_int_equal(ntohs(peer.sin_port), to_port);
	return 0;
}

static void
test_targets(void **state)
{
	int broker = start("", NULL);

	(void)state;
	assert_int_equal(try(broker, BROKER_TARGET, "127.0.0.1", port, NULL),
			 0);
	assert_int_equal(
		try(broker, BROKER_TARGET, "LOOPBACK.test", port, NULL), 0);
	/* Not in the settings: neither this port nor this name. */
	assert_int_equal(
		try(broker, BROKER_TARGET, "127.0.0.1", 80, "settings"),
		ERR_DENIED);
	assert_int_equal(
		try(broker, BROKER_TARGET, "localhost", port, "settings"),
		ERR_DENIED);
	stop(broker);
}

static const struct {
	const char *host, *why;
} refused[] = {
	{"127.0.0.1", "loopback"},
	{"::1", "loopback"},
	{"::ffff:127.0.0.1", "loopback"},
	{"0.0.0.0", "unspecified"},
	{"::", "unspecified"},
	{"2130706433", "loopback"},
	{"0x7f000001", "loopback"},
	{"0177.0.0.1", "loopback"},
	{"127.1", "loopback"},
	{"localhost", "loopback"},
	{"loopback.test", "loopback"},
	{"private.test", "private"},
	{"mixed.test", "loopback"},
	{"mapped.test", "loopback"},
	{"metadata.test", "link-local"},
	{"six.test", "loopback"},
};

static void
test_guarded(void **state)
{
	int broker = start("", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(try(broker, BROKER_GUARDED, refused[i].host,
				     port, refused[i].why),
				 ERR_DENIED);
	/* Nobody listens, or somebody does: the answer is the same. */
	assert_int_equal(
		try(broker, BROKER_GUARDED, "127.0.0.1", 22, "port 22"),
		ERR_DENIED);
	stop(broker);
}

/* The control: the same names connect where the operator lists them. */
static void
test_allowed(void **state)
{
	int broker = start("127.0.0.0/8", NULL);

	(void)state;
	assert_int_equal(
		try(broker, BROKER_GUARDED, "loopback.test", port, NULL), 0);
	assert_int_equal(try(broker, BROKER_GUARDED, "2130706433", port, NULL),
			 0);
	assert_int_equal(
		try(broker, BROKER_GUARDED, "dead-then-live.test", port, NULL),
		0);
	assert_int_equal(
		try(broker, BROKER_GUARDED, "private.test", port, "private"),
		ERR_DENIED);
	assert_int_equal(try(broker, BROKER_GUARDED, "nowhere.invalid", port,
			     "nowhere.invalid") != 0,
			 1);
	stop(broker);
}

/* One answer is asked for, checked, and connected to. */
static void
test_rebind(void **state)
{
	int broker = start("127.0.0.1", NULL);

	(void)state;
	assert_int_equal(try(broker, BROKER_GUARDED, "rebind.test", port, NULL),
			 0);
	assert_int_equal(shared->resolved, 1);
	assert_int_equal(
		try(broker, BROKER_GUARDED, "rebind.test", port, "private"),
		ERR_DENIED);
	stop(broker);
}

/* Each act is done in the broker, and here (the control). */
static void
test_confined(void **state)
{
	int broker = start("127.0.0.1", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct err e = ERR_INIT;
		char host[16];
		int fd = -1;

		snprintf(host, sizeof(host), "%zu.act", i);
		assert_int_equal(broker_connect(broker, BROKER_GUARDED, host,
						port, 20000, &fd, &e),
				 -1);
		if (shared->result != wanted(i))
			fail_msg("%s: %d", acts[i].name, shared->result);
		if (acts[i].has_control && acts[i].act() != 0)
			fail_msg("%s: the control fails", acts[i].name);
	}
	stop(broker);
}

/* A resolver that hangs or dies takes nobody with it. */
static void
test_bad_resolver(void **state)
{
	int broker = start("127.0.0.1", NULL);
	struct err e = ERR_INIT;
	owned_fd int slow = -1, fd = -1;
	uint64_t began = clock_mono_ms();

	(void)state;
	assert_int_equal(broker_ask(broker, BROKER_GUARDED, "hang.test", port,
				    300, &slow, &e),
			 0);
	assert_int_equal(try(broker, BROKER_GUARDED, "crash.test", port,
			     "took too long"),
			 ERR_PEER);
	assert_int_equal(
		try(broker, BROKER_GUARDED, "loopback.test", port, NULL), 0);
	/* The timer ends it, so the reply's socket is closed. */
	assert_int_equal(
		poll(&(struct pollfd){.fd = slow, .events = POLLIN}, 1, 20000),
		1);
	assert_int_equal(broker_answer(slow, &fd, &e), -1);
	assert_true(clock_mono_ms() - began < 20000);
	stop(broker);
}

/* Malformed requests are dropped, and the broker serves on. */
static void
test_nonsense(void **state)
{
	struct broker_request request = {.version = BROKER_VERSION,
					 .kind = BROKER_TARGET,
					 .port = port,
					 .timeout_ms = 1000,
					 .host = "127.0.0.1"};
	int broker = start("", NULL), pair[2];

	(void)state;
	assert_int_equal(send(broker, "x", 1, 0), 1);
	assert_int_equal(send(broker, &request, sizeof(request), 0),
			 sizeof(request)); /* without a reply socket */
	for (int i = 0; i < 4; i++) {
		struct broker_request bad = request;
		char byte;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
				 0);
		if (i == 0)
			bad.version++;
		else if (i == 1)
			bad.kind = 7;
		else if (i == 2)
			bad.zero = 1;
		else
			memset(bad.host, 'a', sizeof(bad.host));
		assert_int_equal(
			broker_send(broker, &bad, sizeof(bad), pair[1]), 0);
		(void)close(pair[1]);
		/* No answer, only the end. */
		assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
		(void)close(pair[0]);
	}
	assert_int_equal(try(broker, BROKER_TARGET, "127.0.0.1", port, NULL),
			 0);
	stop(broker);
}

/* Descriptors that nobody asked for do not stay with who gets them. */
static void
test_surplus_descriptors(void **state)
{
	struct broker_request request = {.version = BROKER_VERSION,
					 .kind = BROKER_TARGET,
					 .port = port,
					 .timeout_ms = 1000,
					 .host = "127.0.0.1"};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int broker = start("", NULL), fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(head), &fds[1], sizeof(int));
	memcpy(CMSG_DATA(head) + sizeof(int), &fds[1], sizeof(int));
	assert_int_equal(sendmsg(broker, &msg, 0), sizeof(request));
	(void)close(fds[1]);
	/* The end of file: nobody has the other end of the pipe any more. */
	assert_int_equal(poll(&(struct pollfd){.fd = fds[0], .events = POLLIN},
			      1, 20000),
			 1);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	(void)close(fds[0]);
	assert_int_equal(try(broker, BROKER_TARGET, "127.0.0.1", port, NULL),
			 0);
	stop(broker);
}

/*
 * More than it serves at a time are told so, and it recovers.  The first must
 * be there yet when the last one asks, on a slow machine as well.
 */
static void
test_flood(void **state)
{
	int replies[BROKER_CHILDREN_MAX + 8];
	int broker = start("127.0.0.1", NULL);
	struct err e = ERR_INIT;
	unsigned busy = 0, fd_count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		int rc;

		while ((rc = broker_ask(broker, BROKER_GUARDED, "hang.test",
					port, 6000, &replies[i], &e)) < 0 &&
		       e.kind == ERR_BUSY)
			(void)poll(NULL, 0, 1); /* its socket is full */
		assert_int_equal(rc, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		int fd = -1;
		struct pollfd wait = {.fd = replies[i], .events = POLLIN};

		assert_int_equal(poll(&wait, 1, 60000), 1);
		if (broker_answer(replies[i], &fd, &e) < 0 &&
		    e.kind == ERR_BUSY)
			busy++;
		if (fd >= 0)
			fd_count++;
		(void)close(replies[i]);
	}
	assert_int_equal(busy, 8);
	assert_int_equal(fd_count, 0);
	for (int tries = 0; tries < 200; tries++) {
		owned_fd int fd = -1;

		if (broker_connect(broker, BROKER_GUARDED, "loopback.test",
				   port, 5000, &fd, &e) == 0)
			break;
		assert_int_equal(e.kind, ERR_BUSY);
		(void)poll(NULL, 0, 50);
		assert_true(tries < 199);
	}
	stop(broker);
}

/* Nobody outside listens for it; it ends with who started it. */
static void
test_dies_with_parent(void **state)
{
	int fds[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;
		int reply;
		/* The broker keeps no descriptor but its own and 0 to 2. */
		int broker = dup2(fds[1], 0) == 0 ? start("", NULL) : -1;

		(void)broker_ask(broker, BROKER_GUARDED, "hang.test", port,
				 60000, &reply, &e);
		(void)kill(getpid(), SIGKILL);
	}
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The end of file: broker and child are gone, which held the pipe. */
	assert_int_equal(poll(&(struct pollfd){.fd = fds[0], .events = POLLIN},
			      1, 20000),
			 1);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	(void)close(fds[0]);
}

static int
setup(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(0x7f000001)};
	socklen_t len = sizeof(address);

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (shared == MAP_FAILED || listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 64) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	port = ntohs(address.sin_port);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_rebind),
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_bad_resolver),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_surplus_descriptors),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_dies_with_parent),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
