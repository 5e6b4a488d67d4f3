/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - the listening socket and libmicrohttpd's life.
 *
 * A few threads with epoll serve all connections; what blocks runs on pools
 * (exchange.c).  Responsible for bounds on connections, in all and from one
 * address, on header bytes, and for an orderly end: nothing new, running
 * requests answered, then closed.
 */
#include "api/http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/exchange.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define HEADER_BYTES_MAX 32768
#define SLOW_QUEUE_MAX 128
#define BRIEF_THREADS 4
#define BRIEF_QUEUE_MAX 64
#define STOP_TICK_US 10000
#define STOP_WAIT_TICKS 300

/* ---- listening ------------------------------------------------------- */

static int
bind_one(const struct addrinfo *address, int *ret_fd)
{
	owned_fd int fd = socket(address->ai_family,
				 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
				 sizeof(off));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -1;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* "localhost" has two addresses; IPv4 is what every client tries. */
static int
bind_first(const struct addrinfo *list, int *ret_fd)
{
	static const int order[] = {AF_INET, AF_INET6};

	errno = EADDRNOTAVAIL;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (const struct addrinfo *a = list; a; a = a->ai_next)
			if (a->ai_family == order[i])
				return bind_one(a, ret_fd);
	return -1;
}

static uint16_t
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {.in6 = {0}};
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port
						       : address.in.sin_port);
}

int
http_listen(const struct api_config *config, int *ret_fd, uint16_t *ret_port,
	    struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char port[8];
	int rc;

	(void)str_printf(port, sizeof(port), "%u", config->port);
	rc = getaddrinfo(config->host, port, &hints, &list);
	if (rc != 0)
		return err_set(e, ERR_INVALID, 0, "API_HOST: %s: %s",
			       config->host, gai_strerror(rc));
	rc = bind_first(list, ret_fd);
	freeaddrinfo(list);
	if (rc < 0)
		return err_sys(e, "listen on %s port %u", config->host,
			       config->port);
	*ret_port = port_of(*ret_fd);
	return 0;
}

/* ---- the daemon ------------------------------------------------------ */

/* Of IPv6 libmicrohttpd counts each single address; a proxy has many clients.
 */
static enum MHD_Result
accept_connection(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct http_server *server = cls;

	(void)len;
	return guard_lists(&server->proxies, address) ||
			       peers_has_room(
				       server->peers, address,
				       server->api->config
					       .max_connections_per_address)
		       ? MHD_YES
		       : MHD_NO;
}

static void
notify_connection(void *cls, struct MHD_Connection *connection,
		  void **socket_context,
		  enum MHD_ConnectionNotificationCode toe)
{
	struct http_server *server = cls;
	const union MHD_ConnectionInfo *info, *from;

	if (toe == MHD_CONNECTION_NOTIFY_CLOSED) {
		peers_remove(server->peers, *socket_context);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL)
		*socket_context =
			peers_add(server->peers, info->connect_fd,
				  from != NULL ? from->client_addr : NULL,
				  server->api->config.request_timeout_seconds);
}

/* Its messages may quote what a client sent. */
static void __attribute__((format(printf, 2, 0)))
log_daemon(void *cls, const char *fmt, va_list ap)
{
	char text[256], quoted[320];

	(void)cls;
	vsnprintf(text, sizeof(text), fmt, ap);
	str_quote(quoted, sizeof(quoted), text, strcspn(text, "\n"));
	log_debug("http_daemon text=%s", quoted);
}

static void __attribute__((noreturn))
panic(void *cls, const char *file, unsigned line, const char *reason)
{
	(void)cls;
	log_error("http_daemon_panic at=%s:%u reason=\"%s\"", file, line,
		  reason != NULL ? reason : "");
	abort();
}

static int
start_daemon(struct http_server *server, int listen_fd, struct err *e)
{
	const struct api_config *config = &server->api->config;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	MHD_set_panic_func(panic, NULL);
	server->daemon = MHD_start_daemon(
		flags, 0, accept_connection, server, exchange_continue, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
		MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, config->http_threads,
		MHD_OPTION_CONNECTION_LIMIT, config->max_connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		server->proxies.entries_len == 0
			? config->max_connections_per_address
			: 0,
		MHD_OPTION_CONNECTION_TIMEOUT, config->request_timeout_seconds,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		exchange_new, server, MHD_OPTION_NOTIFY_COMPLETED,
		exchange_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
		notify_connection, server, MHD_OPTION_END);
	if (server->daemon == NULL)
		return err_set(e, ERR_IO, errno, "start the HTTP server");
	return 0;
}

static void
server_done(struct http_server *server)
{
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	pool_free(server->slow_pool);
	pool_free(server->brief_pool);
	peers_stop(server->peers);
	idempotency_free(server->keys);
	free(server);
}

static int
start_parts(struct http_server *server, struct err *e)
{
	if (peers_start(&server->peers, e) < 0 ||
	    idempotency_new(&server->keys, e) < 0)
		return -1;
	if (pool_start("slow", server->api->config.job_threads, SLOW_QUEUE_MAX,
		       exchange_run, &server->slow_pool, e) < 0)
		return -1;
	return pool_start("brief", BRIEF_THREADS, BRIEF_QUEUE_MAX, exchange_run,
			  &server->brief_pool, e);
}

int
http_server_start(struct api *api, int listen_fd, struct http_server **ret,
		  struct err *e)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		err_sys(e, "start the HTTP server");
		fd_close(&listen_fd);
		return -1;
	}
	server->api = api;
	if (guard_parse_networks(&server->proxies,
				 "PROMPTCRAFT_TRUSTED_PROXIES",
				 api->config.trusted_proxies, e) < 0 ||
	    start_parts(server, e) < 0 ||
	    start_daemon(server, listen_fd, e) < 0) {
		fd_close(&listen_fd);
		server_done(server);
		return -1;
	}
	*ret = server;
	return 0;
}

/* Give answers that are ready a moment to leave. */
static void
wait_for_exchanges(const struct http_server *server)
{
	for (int i = 0; i < STOP_WAIT_TICKS; i++) {
		if (atomic_load(&server->exchanges) == 0)
			return;
		(void)usleep(STOP_TICK_US);
	}
	log_info("http_stop open_requests=%d", atomic_load(&server->exchanges));
}

/*
 * The pools first: each of their requests holds a suspended connection, which
 * libmicrohttpd cannot close, and ends with its resume.  A request that comes
 * later over an open connection is refused by the finished pool.
 */
void
http_server_stop(struct http_server *server)
{
	int listen_fd = MHD_quiesce_daemon(server->daemon);

	fd_close(&listen_fd);
	atomic_store(&server->is_stopping, true);
	pool_finish(server->slow_pool);
	pool_finish(server->brief_pool);
	wait_for_exchanges(server);
	server_done(server);
}
