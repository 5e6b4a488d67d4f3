/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_conn.c - see redis_conn.h.
 *
 * Trusts Redis to speak its protocol, not to answer: every wait ends at a
 * deadline, also for a reply that comes and comes, and a reply has a size at
 * which it is too large.  Passwords go into the AUTH command and nowhere else.
 */
#include "api/store/redis_conn.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define READ_CHUNK 65536
/* The largest that we ask for: 200 deliveries with their documents. */
#define REPLY_MAX (512u << 20)

struct redis_conn {
	int fd;
	redisReader *reader;
	const struct redis_target *target;
};

void
redis_reply_free(redisReply **reply)
{
	if (*reply != NULL)
		freeReplyObject(*reply);
	*reply = NULL;
}

/* ---- where ----------------------------------------------------------- */

static int
resolve_path(const char *path, struct redis_target *ret, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (str_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "REDIS_HOST: the socket's path is longer than "
			       "%zu bytes",
			       sizeof(addr.sun_path) - 1);
	memcpy(&ret->address[0].addr, &addr, sizeof(addr));
	ret->address[0].len = sizeof(addr);
	ret->count = 1;
	return 0;
}

static int
resolve_host(const struct store_redis_options *options,
	     struct redis_target *ret, struct err *e)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", options->port);
	rc = getaddrinfo(options->host, port, &hints, &list);
	if (rc != 0)
		return err_set(e, ERR_INVALID, rc == EAI_SYSTEM ? errno : 0,
			       "REDIS_HOST: resolve %s: %s", options->host,
			       gai_strerror(rc));
	for (struct addrinfo *at = list;
	     at != NULL && ret->count < REDIS_ADDRESSES_MAX; at = at->ai_next) {
		memcpy(&ret->address[ret->count].addr, at->ai_addr,
		       at->ai_addrlen);
		ret->address[ret->count++].len = at->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}

int
redis_target_resolve(const struct store_redis_options *options,
		     struct redis_target *ret, struct err *e)
{
	struct redis_target target = {.options = *options};
	bool is_path = options->host[0] == '/';
	int rc;

	if (is_path)
		rc = resolve_path(options->host, &target, e);
	else
		rc = options->connect != NULL
			     ? 0
			     : resolve_host(options, &target, e);
	if (rc < 0)
		return -1;
	if (is_path)
		rc = str_copy(target.name, sizeof(target.name), options->host);
	else
		rc = str_printf(target.name, sizeof(target.name), "%s:%u",
				options->host, options->port);
	if (rc < 0)
		return err_set(e, ERR_INVALID, 0, "REDIS_HOST: too long");
	*ret = target;
	return 0;
}

/* ---- waiting --------------------------------------------------------- */

/* 0 when the events are there, -1 with errno (ETIMEDOUT). */
static int
wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now_ms = clock_mono_ms();
		int rc;

		if (now_ms >= deadline_ms) {
			errno = ETIMEDOUT;
			return -1;
		}
		rc = poll(&p, 1, (int)(deadline_ms - now_ms));
		if (rc > 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return -1;
	}
}

static int
set_tcp_options(int fd)
{
	const int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0)
		return -1;
	return 0;
}

static int
connect_address(const struct sockaddr *addr, socklen_t len,
		uint64_t deadline_ms, int *ret_fd)
{
	owned_fd int fd = socket(addr->sa_family,
				 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t cause_len = sizeof(int);
	int cause = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, addr, len) < 0) {
		if (errno != EINPROGRESS && errno != EAGAIN)
			return -1;
		if (wait_for(fd, POLLOUT, deadline_ms) < 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &cause_len) <
			    0)
			return -1;
		if (cause != 0) {
			errno = cause;
			return -1;
		}
	}
	if (addr->sa_family != AF_UNIX && set_tcp_options(fd) < 0)
		return -1;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* By whoever may; its errors mean the same as ours. */
static int
connect_by_other(const struct redis_target *target, uint64_t deadline_ms,
		 int *ret_fd, struct err *e)
{
	const struct store_redis_options *o = &target->options;
	uint64_t now_ms = clock_mono_ms();
	uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 1;
	owned_fd int fd = -1;

	if (o->connect(o->connect_arg, o->host, o->port, (uint32_t)left_ms, &fd,
		       e) < 0) {
		e->kind = ERR_UNAVAILABLE;
		return err_wrap(e, "store: connect to Redis %s", target->name);
	}
	if (set_tcp_options(fd) < 0)
		return err_set(e, ERR_UNAVAILABLE, errno,
			       "store: connect to Redis %s", target->name);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
connect_any(const struct redis_target *target, uint64_t deadline_ms,
	    int *ret_fd, struct err *e)
{
	if (target->count == 0)
		return connect_by_other(target, deadline_ms, ret_fd, e);
	for (size_t i = 0; i < target->count; i++)
		if (connect_address(
			    (const struct sockaddr *)&target->address[i].addr,
			    target->address[i].len, deadline_ms, ret_fd) == 0)
			return 0;
	return err_set(e, ERR_UNAVAILABLE, errno, "store: connect to Redis %s",
		       target->name);
}

/* ---- calls ----------------------------------------------------------- */

/* 0 if all went out, else -1 with errno. */
static int
send_parts(struct redis_conn *conn, struct iovec *iov, size_t iov_len,
	   uint64_t deadline_ms)
{
	while (iov_len > 0) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = iov_len};
		ssize_t n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL);
		size_t sent;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (wait_for(conn->fd, POLLOUT, deadline_ms) < 0)
				return -1;
			continue;
		}
		if (n < 0)
			return -1;
		for (sent = (size_t)n; iov_len > 0 && sent >= iov->iov_len;
		     iov++, iov_len--)
			sent -= iov->iov_len;
		if (iov_len > 0) {
			iov->iov_base = (char *)iov->iov_base + sent;
			iov->iov_len -= sent;
		}
	}
	return 0;
}

/* One chunk into the reader, its length into *ret_len; -1 with *e. */
static int
read_some(struct redis_conn *conn, uint64_t deadline_ms, size_t *ret_len,
	  struct err *e)
{
	char chunk[READ_CHUNK];
	ssize_t n;

	for (;;) {
		n = recv(conn->fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			break;
		if (n == 0)
			return err_set(e, ERR_UNAVAILABLE, 0,
				       "store: Redis %s closed the connection",
				       conn->target->name);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN ||
		    wait_for(conn->fd, POLLIN, deadline_ms) < 0)
			return err_set(e, ERR_UNAVAILABLE, errno,
				       "store: wait for Redis %s",
				       conn->target->name);
	}
	if (redisReaderFeed(conn->reader, chunk, (size_t)n) != REDIS_OK)
		return err_set(e, ERR_UNAVAILABLE, ENOMEM, "store: read Redis");
	*ret_len = (size_t)n;
	return 0;
}

static int
read_reply(struct redis_conn *conn, uint64_t deadline_ms, redisReply **ret,
	   struct err *e)
{
	void *reply = NULL;
	size_t total = 0, len;

	for (;; total += len) {
		if (redisReaderGetReply(conn->reader, &reply) != REDIS_OK)
			return err_set(e, ERR_UNAVAILABLE, 0,
				       "store: Redis %s does not speak its "
				       "protocol",
				       conn->target->name);
		if (reply != NULL)
			break;
		if (total > REPLY_MAX)
			return err_set(e, ERR_LIMIT, 0,
				       "store: the reply of Redis %s is larger "
				       "than %u bytes",
				       conn->target->name, REPLY_MAX);
		/* While there is something to read, read_some() never waits. */
		if (total > 0 && clock_mono_ms() >= deadline_ms)
			return err_set(e, ERR_UNAVAILABLE, ETIMEDOUT,
				       "store: wait for Redis %s",
				       conn->target->name);
		if (read_some(conn, deadline_ms, &len, e) < 0)
			return -1;
	}
	*ret = reply;
	return 0;
}

enum redis_outcome
redis_conn_call(struct redis_conn *conn, const struct redis_args *head,
		const struct redis_args *body, uint64_t deadline_ms,
		redisReply **ret, struct err *e)
{
	static const struct redis_args none = {0};
	char count[24];
	struct iovec iov[3];
	int count_len;

	if (body == NULL)
		body = &none;
	if (head->has_failed || body->has_failed) {
		err_set(e, ERR_IO, ENOMEM, "store: make a command");
		return REDIS_NOT_SENT;
	}
	count_len = snprintf(count, sizeof(count), "*%zu\r\n",
			     head->count + body->count);
	iov[0] = (struct iovec){count, (size_t)count_len};
	iov[1] = (struct iovec){head->buf, head->len};
	iov[2] = (struct iovec){body->buf, body->len};
	if (send_parts(conn, iov, 3, deadline_ms) < 0) {
		err_set(e, ERR_UNAVAILABLE, errno, "store: send to Redis %s",
			conn->target->name);
		/* Redis executes nothing that it has in part. */
		return REDIS_NOT_SENT;
	}
	return read_reply(conn, deadline_ms, ret, e) < 0 ? REDIS_LOST
							 : REDIS_REPLIED;
}

bool
redis_conn_is_stale(const struct redis_conn *conn)
{
	char byte;

	return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       errno != EAGAIN;
}

/* ---- opening --------------------------------------------------------- */

struct handshake_error {
	const char *prefix;
	enum err_kind kind;
	const char *text;
};

static const struct handshake_error handshake_errors[] = {
	{"WRONGPASS", ERR_DENIED,
	 "REDIS_PASSWORD, REDIS_USERNAME: Redis refuses them"},
	{"ERR invalid password", ERR_DENIED,
	 "REDIS_PASSWORD: Redis refuses it"},
	{"ERR AUTH <password> called without", ERR_DENIED,
	 "REDIS_PASSWORD: is set, but this Redis has no password; unset it or "
	 "set requirepass"},
	{"NOAUTH", ERR_DENIED, "REDIS_PASSWORD: Redis asks for a password"},
	{"ERR DB index", ERR_INVALID,
	 "REDIS_DB: Redis has no database of this number"},
	{"ERR invalid DB index", ERR_INVALID,
	 "REDIS_DB: Redis has no database of this number"},
	{"LOADING", ERR_UNAVAILABLE, "store: Redis is loading its data"},
	{"ERR max number of clients", ERR_UNAVAILABLE,
	 "store: Redis has reached maxclients"},
};

static int
explain(const struct redis_conn *conn, const redisReply *reply, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(handshake_errors); i++) {
		const struct handshake_error *row = &handshake_errors[i];

		if (strncmp(reply->str, row->prefix, strlen(row->prefix)) == 0)
			return err_set(e, row->kind, 0, "%s (%s)", row->text,
				       conn->target->name);
	}
	return err_set(e, ERR_DENIED, 0, "store: Redis %s refuses: %s",
		       conn->target->name, reply->str);
}

static int
say(struct redis_conn *conn, const struct redis_args *args,
    uint64_t deadline_ms, struct err *e)
{
	owned_reply redisReply *reply = NULL;

	if (redis_conn_call(conn, args, NULL, deadline_ms, &reply, e) !=
	    REDIS_REPLIED)
		return -1;
	return reply->type == REDIS_REPLY_ERROR ? explain(conn, reply, e) : 0;
}

static int
authenticate(struct redis_conn *conn, uint64_t deadline_ms, struct err *e)
{
	const struct store_redis_options *options = &conn->target->options;
	owned_args struct redis_args args = {0};

	if (options->password[0] == '\0')
		return 0;
	redis_arg(&args, "AUTH");
	if (options->username[0] != '\0')
		redis_arg(&args, options->username);
	redis_arg(&args, options->password);
	return say(conn, &args, deadline_ms, e);
}

/* PING last: it is what a server that still loads refuses. */
static int
handshake(struct redis_conn *conn, uint64_t deadline_ms, struct err *e)
{
	owned_args struct redis_args select = {0}, ping = {0};

	if (authenticate(conn, deadline_ms, e) < 0)
		return -1;
	if (conn->target->options.db != 0) {
		redis_arg(&select, "SELECT");
		redis_arg_u64(&select, conn->target->options.db);
		if (say(conn, &select, deadline_ms, e) < 0)
			return -1;
	}
	redis_arg(&ping, "PING");
	return say(conn, &ping, deadline_ms, e);
}

int
redis_conn_open(const struct redis_target *target, uint64_t deadline_ms,
		struct redis_conn **ret, struct err *e)
{
	struct redis_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return err_sys(e, "store: connect to Redis");
	conn->fd = -1;
	conn->target = target;
	conn->reader = redisReaderCreate();
	if (conn->reader == NULL) {
		err_set(e, ERR_IO, ENOMEM, "store: connect to Redis");
	} else if (connect_any(target, deadline_ms, &conn->fd, e) == 0 &&
		   handshake(conn, deadline_ms, e) == 0) {
		*ret = conn;
		return 0;
	}
	redis_conn_close(conn);
	return -1;
}

void
redis_conn_close(struct redis_conn *conn)
{
	if (conn == NULL)
		return;
	fd_close(&conn->fd);
	if (conn->reader != NULL)
		redisReaderFree(conn->reader);
	free(conn);
}
