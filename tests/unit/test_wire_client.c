/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's half of a job, against a scripted supervisor on a thread:
 * output caps, cancelling, a lost connection, a program that ignores stdin.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"
#include "supervisor/wire/wire.h"

#define JOB "0c6f1fd0-5a2b-4c1d-9e3f-000000000001"
#define OUTPUT_MAX 1000
#define MANY_LINES 40000
#define LINES_A_READ (65536 / 8)

enum script {
	SCRIPT_ECHO,	 /* some output, results, collected files, exit 3 */
	SCRIPT_FLOOD,	 /* stdout until JOB_KILL comes */
	SCRIPT_WAIT,	 /* nothing until JOB_KILL comes */
	SCRIPT_DIE,	 /* break the connection after JOB_STARTED */
	SCRIPT_REFUSE,	 /* JOB_DONE without JOB_STARTED */
	SCRIPT_DEAF,	 /* close stdin at once */
	SCRIPT_NONSENSE, /* answer with a client's message */
	SCRIPT_MANY,	 /* all at once more results than one read takes */
};

struct server {
	enum script script;
	char dir[32], path[64];
	int listen_fd;
	pthread_t thread;
	uint32_t kill_reason; /* what JOB_KILL said */
	bool got_bundle;
};

static struct server server;

static void
send_done(int sock, enum proto_outcome outcome, enum proto_reason reason,
	  int collected)
{
	struct proto_job_done done = {
		.outcome = outcome, .reason = reason, .exit_code = 3};
	struct err e = ERR_INIT;

	(void)str_copy(done.job_id, sizeof(done.job_id), JOB);
	wire_head_init(&done.head, PROTO_JOB_DONE, sizeof(done),
		       collected >= 0 ? 1 : 0);
	(void)wire_send(sock, &done.head, &collected, &e);
}

/* ours[]: stdin (read), stdout, stderr, result (write). */
static void
send_started(int sock, int ours[4])
{
	struct proto_job_started started = {.limits.output_bytes = OUTPUT_MAX,
					    .limits.wall_ms = 10000};
	struct err e = ERR_INIT;
	int theirs[4];

	for (int i = 0; i < 4; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			abort();
		ours[i] = ends[i == 0 ? 0 : 1];
		theirs[i] = ends[i == 0 ? 1 : 0];
	}
	wire_head_init(&started.head, PROTO_JOB_STARTED, sizeof(started), 4);
	if (wire_send(sock, &started.head, theirs, &e) != WIRE_OK)
		abort();
	for (int i = 0; i < 4; i++)
		fd_close(&theirs[i]);
}

static void
await_kill(int sock, int flood_fd)
{
	static const char junk[512] = {'x'};
	union wire_message msg;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	for (int i = 0; i < 5000; i++) {
		if (flood_fd >= 0 && write(flood_fd, junk, sizeof(junk)) < 0)
			break;
		if (wire_recv(sock, &msg, &fds, &e) == WIRE_OK) {
			server.kill_reason = msg.job_kill.reason;
			return;
		}
		(void)usleep(1000);
	}
}

static void
echo(int ours[4])
{
	char text[64];
	ssize_t n = read(ours[0], text, sizeof(text));

	if (n < 0 || fd_write_all(ours[1], text, (size_t)n) < 0 ||
	    fd_write_all(ours[2], "warn", 4) < 0 ||
	    fd_write_all(ours[3], "{\"a\":1}\n{\"b\"", 12) < 0 ||
	    fd_write_all(ours[3], ":2}\n", 4) < 0)
		abort();
}

/* As a program may: its pipe holds more than pipes do. */
static void
many_results(int fd)
{
	static char text[8 * MANY_LINES + 1];

	for (size_t i = 0; i < MANY_LINES; i++)
		memcpy(text + 8 * i, "{\"a\":1}\n", 8);
	if (fcntl(fd, F_SETPIPE_SZ, 1 << 20) < 0 ||
	    fd_write_all(fd, text, sizeof(text) - 1) < 0)
		abort();
}

static void
run_script(int sock)
{
	owned_fd int collected = -1;
	struct err e = ERR_INIT;
	int ours[4] = {-1, -1, -1, -1};

	if (server.script == SCRIPT_REFUSE) {
		send_done(sock, PROTO_OUTCOME_REFUSED, PROTO_REASON_NONE, -1);
		return;
	}
	if (server.script == SCRIPT_NONSENSE) {
		struct proto_hello hello = {0};

		wire_head_init(&hello.head, PROTO_HELLO, sizeof(hello), 0);
		(void)wire_send(sock, &hello.head, NULL, &e);
		return;
	}
	send_started(sock, ours);
	if (server.script == SCRIPT_ECHO) {
		echo(ours);
		if (fd_memfd_sealed("c", "files", 5, &collected, &e) < 0)
			abort();
		send_done(sock, PROTO_OUTCOME_EXITED, PROTO_REASON_NONE,
			  collected);
	} else if (server.script == SCRIPT_FLOOD ||
		   server.script == SCRIPT_WAIT) {
		int flags = fcntl(sock, F_GETFL);

		(void)fcntl(sock, F_SETFL, flags | O_NONBLOCK);
		await_kill(sock, server.script == SCRIPT_FLOOD ? ours[1] : -1);
		send_done(sock, PROTO_OUTCOME_KILLED,
			  (enum proto_reason)server.kill_reason, -1);
	} else if (server.script == SCRIPT_MANY) {
		many_results(ours[3]);
		send_done(sock, PROTO_OUTCOME_EXITED, PROTO_REASON_NONE, -1);
	} else if (server.script == SCRIPT_DEAF) {
		fd_close(&ours[0]);
		(void)usleep(50000);
		send_done(sock, PROTO_OUTCOME_EXITED, PROTO_REASON_NONE, -1);
	}
	for (int i = 0; i < 4; i++)
		fd_close(&ours[i]);
}

/* As many bytes as announced, without an fd. */
static bool
recv_bundle(int sock, size_t left)
{
	static char bytes[PROTO_CHUNK];
	struct err e = ERR_INIT;
	size_t len = 0;

	for (; left > 0; left -= len)
		if (wire_recv_bytes(sock, bytes, sizeof(bytes), &len, &e) !=
			    WIRE_OK ||
		    len > left)
			return false;
	return true;
}

static void *
serve(void *arg)
{
	owned_fd int sock = accept4(server.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	union wire_message msg;
	struct wire_fds fds;
	struct err e = ERR_INIT;

	(void)arg;
	if (sock < 0 || wire_recv(sock, &msg, &fds, &e) != WIRE_OK)
		return NULL;
	wire_fds_done(&fds);
	server.got_bundle = strcmp(msg.job_submit.job_id, JOB) == 0 &&
			    recv_bundle(sock, msg.job_submit.bundle_bytes);
	run_script(sock);
	return NULL;
}

static void
server_start(enum script script)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	server = (struct server){.script = script, .dir = "/tmp/pc-XXXXXX"};
	assert_non_null(mkdtemp(server.dir));
	assert_int_equal(str_printf(server.path, sizeof(server.path), "%s/s",
				    server.dir),
			 0);
	assert_int_equal(
		str_copy(addr.sun_path, sizeof(addr.sun_path), server.path), 0);
	server.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listen_fd, (const struct sockaddr *)&addr,
			      sizeof(addr)),
			 0);
	assert_int_equal(listen(server.listen_fd, 4), 0);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
server_stop(void)
{
	(void)pthread_join(server.thread, NULL);
	fd_close(&server.listen_fd);
	(void)unlink(server.path);
	(void)rmdir(server.dir);
}

static int lines_seen;

static void
count_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	assert_int_equal(len, 7);
	assert_int_equal(line[0], '{');
	lines_seen++;
}

static struct client_job_request
request(void)
{
	return (struct client_job_request){.job_id = JOB,
					   .policy = "strict",
					   .runtime = "python",
					   .actor = "a",
					   .workflow = "",
					   .bundle = "b",
					   .bundle_len = 1,
					   .on_result = count_line,
					   .cancel_fd = -1};
}

static struct client_job_result
run(enum script script, const struct client_job_request *r)
{
	struct client_job_result result;
	struct err e = ERR_INIT;

	server_start(script);
	if (client_job_run(server.path, r, &result, &e) < 0)
		fail_msg("%s", e.text);
	server_stop();
	return result;
}

static void
output_results_and_files_come_back(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got;

	(void)state;
	lines_seen = 0;
	r.stdin_data = "ping";
	r.stdin_len = 4;
	got = run(SCRIPT_ECHO, &r);
	assert_true(server.got_bundle);
	assert_false(got.is_lost);
	assert_true(got.has_started);
	assert_int_equal(got.done.exit_code, 3);
	assert_int_equal(got.out.len, 4);
	assert_memory_equal(got.out.data, "ping", 4);
	assert_memory_equal(got.err_out.data, "warn", 4);
	assert_int_equal(lines_seen, 2);
	assert_int_equal(got.collected.len, 5);
	assert_memory_equal(got.collected.data, "files", 5);
	client_job_result_done(&got);
}

static void
flood_is_cut_and_killed(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got = run(SCRIPT_FLOOD, &r);

	(void)state;
	assert_int_equal(server.kill_reason, PROTO_REASON_OUTPUT_LIMIT);
	assert_true(got.out.is_truncated);
	assert_int_equal(got.out.len, OUTPUT_MAX);
	assert_int_equal(got.done.outcome, PROTO_OUTCOME_KILLED);
	client_job_result_done(&got);
}

static void
cancel_fd_kills(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got;

	(void)state;
	r.cancel_fd = eventfd(1, EFD_CLOEXEC);
	got = run(SCRIPT_WAIT, &r);
	assert_int_equal(server.kill_reason, PROTO_REASON_CANCELLED);
	assert_int_equal(got.done.reason, PROTO_REASON_CANCELLED);
	assert_false(got.out.is_truncated);
	client_job_result_done(&got);
	fd_close(&r.cancel_fd);
}

static void
broken_connection_is_lost(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got = run(SCRIPT_DIE, &r);

	(void)state;
	assert_true(got.is_lost);
	assert_true(got.has_started);
	client_job_result_done(&got);
}

static void
nonsense_is_lost(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got = run(SCRIPT_NONSENSE, &r);

	(void)state;
	assert_true(got.is_lost);
	client_job_result_done(&got);
}

static void
refusal_has_no_start(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got = run(SCRIPT_REFUSE, &r);

	(void)state;
	assert_false(got.is_lost);
	assert_false(got.has_started);
	assert_int_equal(got.done.outcome, PROTO_OUTCOME_REFUSED);
	client_job_result_done(&got);
}

/* More stdin than a pipe holds, and nobody reads: no SIGPIPE, no hang. */
static void
unread_stdin_is_no_error(void **state)
{
	static char big[1 << 20];
	struct client_job_request r = request();
	struct client_job_result got;

	(void)state;
	r.stdin_data = big;
	r.stdin_len = sizeof(big);
	got = run(SCRIPT_DEAF, &r);
	assert_false(got.is_lost);
	assert_int_equal(got.done.outcome, PROTO_OUTCOME_EXITED);
	client_job_result_done(&got);
}

/* In its second read it hears of the end, in the third it sleeps. */
static void
count_slowly(void *arg, const char *line, size_t len)
{
	count_line(arg, line, len);
	if (lines_seen == 1)
		(void)usleep(500000);
	else if (lines_seen == 2 * LINES_A_READ + 1)
		(void)usleep(2500000);
}

static void
results_count_also_when_we_are_late(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got;

	(void)state;
	lines_seen = 0;
	r.on_result = count_slowly;
	got = run(SCRIPT_MANY, &r);
	assert_false(got.is_lost);
	assert_int_equal(lines_seen, MANY_LINES);
	client_job_result_done(&got);
}

static void
errors_before_submit(void **state)
{
	struct client_job_request r = request();
	struct client_job_result got;
	struct proto_hello_reply hello;
	struct err e = ERR_INIT;
	char path[300];

	(void)state;
	assert_int_equal(client_job_run("/nonexistent/s", &r, &got, &e), -1);
	assert_int_equal(e.kind, ERR_PEER);
	assert_int_equal(client_hello("/nonexistent/s", &hello, &e), -1);
	assert_int_equal(e.kind, ERR_PEER);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(client_hello(path, &hello, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_results_and_files_come_back),
		cmocka_unit_test(flood_is_cut_and_killed),
		cmocka_unit_test(cancel_fd_kills),
		cmocka_unit_test(broken_connection_is_lost),
		cmocka_unit_test(nonsense_is_lost),
		cmocka_unit_test(refusal_has_no_start),
		cmocka_unit_test(unread_stdin_is_no_error),
		cmocka_unit_test(results_count_also_when_we_are_late),
		cmocka_unit_test(errors_before_submit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
