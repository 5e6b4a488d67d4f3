/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http.c - bytes on a connection of the real HTTP server (libmicrohttpd,
 * its threads, our exchanges and handlers), over a Unix socket.
 *
 * Input: what a client sends; "@T@" in it becomes a valid token.  The server
 * must answer with whole responses of promised statuses, never 500, do nothing
 * for who brings no token, and serve the next client.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/analysis/analysis.h"
#include "api/auth/jwt.h"
#include "api/auth/password.h"
#include "api/http/server.h"
#include "api/workflow/watch.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "tests/fuzz/fake_api.h"
#include "tests/fuzz/fuzz.h"

#define ANSWER_MAX (1u << 20)
#define DEADLINE_S 20
#define SILENCE_MS 20
#define HEALTH_EVERY 256

static struct api api;
static int engine; /* any address but NULL */
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char *token;

/* The real one takes a tenth of a second on purpose. */
int
password_verify(const char *hash, const char *password, bool *ret_matches,
		struct err *e)
{
	(void)hash;
	(void)password;
	(void)e;
	*ret_matches = false;
	return 0;
}

static void
remove_socket(void)
{
	(void)unlink(address.sun_path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct store_user user = fake_user();
	struct http_server *server;
	struct err e = ERR_INIT;
	int fd;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(sodium_init() >= 0);
	(void)signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	fake_config(&api.config);
	api.config.max_body_bytes = 1u << 16;
	(void)str_copy(api.config.rules_dir, sizeof(api.config.rules_dir),
		       "api/analysis/rules");
	api.engine = (struct workflow_engine *)&engine;
	api.stop_fd = eventfd(0, EFD_CLOEXEC);
	FUZZ_CHECK(analysis_new(&api, &api.analysis, &e) == 0);
	FUZZ_CHECK(watch_start(&api, &api.watch, &e) == 0);
	FUZZ_CHECK(jwt_issue(&api.config, &user, clock_wall_us() / 1000000u,
			     &token, &e) == 0);
	(void)str_printf(address.sun_path, sizeof(address.sun_path),
			 "/dev/shm/fuzz-http.%d", getpid());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(fd >= 0 &&
		   bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	atexit(remove_socket);
	FUZZ_CHECK(listen(fd, 16) == 0);
	FUZZ_CHECK(http_server_start(&api, fd, &server, &e) == 0);
	return 0;
}

static int
connect_server(void)
{
	struct timeval deadline = {.tv_sec = DEADLINE_S};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FUZZ_CHECK(sock >= 0 &&
		   setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &deadline,
			      sizeof(deadline)) == 0 &&
		   setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &deadline,
			      sizeof(deadline)) == 0);
	FUZZ_CHECK(connect(sock, (struct sockaddr *)&address,
			   sizeof(address)) == 0);
	return sock;
}

/* The server may close before all is sent: that is its right. */
static bool
send_some(int sock, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(sock, at, len, MSG_NOSIGNAL);

		if (n <= 0) {
			FUZZ_CHECK(errno == EPIPE || errno == ECONNRESET);
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Returns whether a token was among it. */
static bool
send_input(int sock, const uint8_t *data, size_t len)
{
	bool has_token = false;

	while (len > 0) {
		const uint8_t *mark = memmem(data, len, "@T@", 3);
		size_t n = mark != NULL ? (size_t)(mark - data) : len;

		if (n > 0 && !send_some(sock, data, n))
			break;
		data += n;
		len -= n;
		if (mark == NULL)
			break;
		has_token = true;
		if (!send_some(sock, token, strlen(token)))
			break;
		data += 3;
		len -= 3;
	}
	(void)shutdown(sock, SHUT_WR);
	return has_token;
}

/*
 * Until the server closes.  A request that is not whole it leaves open until
 * its deadline, and libmicrohttpd does not always see that we have closed our
 * half: then it is we who leave after some silence.
 */
static size_t
receive_all(int sock, char *dst, size_t max, int silence_ms)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	size_t len = 0;

	while (poll(&p, 1, silence_ms) > 0) {
		ssize_t n = recv(sock, dst + len, max - len, 0);

		if (n <= 0) {
			FUZZ_CHECK(n == 0 || errno == ECONNRESET);
			break;
		}
		len += (size_t)n;
		FUZZ_CHECK(len < max);
	}
	dst[len] = '\0';
	return len;
}

static bool
is_promised(int status)
{
	static const int promised[] = {100, 200, 202, 204, 400, 401, 403,
				       404, 405, 408, 409, 413, 414, 415,
				       422, 429, 431, 501, 503, 505};

	for (size_t i = 0; i < ARRAY_LEN(promised); i++)
		if (promised[i] == status)
			return true;
	fprintf(stderr, "status %d\n", status);
	return false;
}

/* A header's value as a number; -1 if it is not there. */
static long
header_number(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* The JSON of one response; a HEAD's has a length and no body. */
static size_t
check_body(const char *head, const char *body)
{
	long len = header_number(head, "\r\nContent-Length:");
	json_t *json;

	if (len <= 0 || body[0] == '\0' || strncmp(body, "HTTP/1.", 7) == 0)
		return 0;
	if (strlen(body) < (size_t)len) /* cut by a reset */
		return strlen(body);
	if (strcasestr(head, "json") != NULL) {
		json = json_loadb(body, (size_t)len, 0, NULL);
		FUZZ_CHECK(json_is_object(json));
		json_decref(json);
	}
	return (size_t)len;
}

static void
check_answers(char *bytes, size_t len)
{
	char *at = bytes;

	FUZZ_CHECK(memchr(bytes, '\0', len) == NULL);
	while (at < bytes + len) {
		char *head = at, *end = strstr(at, "\r\n\r\n");
		int status;

		FUZZ_CHECK(strncmp(at, "HTTP/1.", 7) == 0);
		FUZZ_CHECK(sscanf(at + 8, " %d ", &status) == 1);
		FUZZ_CHECK(is_promised(status));
		if (end == NULL) /* cut by a reset */
			return;
		end[2] = '\0';
		at = end + 4;
		at += check_body(head, at);
	}
}

/* Whatever came before, an honest client is served. */
static void
check_health(void)
{
	static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\n\r\n";
	char answer[2048];
	int sock = connect_server();

	FUZZ_CHECK(send_some(sock, request, strlen(request)));
	(void)receive_all(sock, answer, sizeof(answer), DEADLINE_S * 1000);
	fd_close(&sock);
	FUZZ_CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char answer[ANSWER_MAX];
	static unsigned count;
	bool has_token;
	size_t n;
	int sock;

	if (len == 0 || len > 1u << 17)
		return -1;
	fake_submitted = 0;
	fake_created = 0;
	sock = connect_server();
	has_token = send_input(sock, data, len);
	n = receive_all(sock, answer, sizeof(answer), SILENCE_MS);
	fd_close(&sock);
	check_answers(answer, n);
	if (++count % HEALTH_EVERY == 0)
		check_health();
	FUZZ_CHECK(has_token || (fake_submitted == 0 && fake_created == 0));
	return 0;
}
