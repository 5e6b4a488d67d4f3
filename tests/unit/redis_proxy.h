/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_proxy.h - stands between the store and its Redis, hands everything
 * through, and when told to, takes one reply away: the command was executed,
 * and its sender does not know.
 */
#ifndef PC_TESTS_REDIS_PROXY_H
#define PC_TESTS_REDIS_PROXY_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

struct redis_proxy {
	char socket[80], target[80];
	int listen_fd, stop_fd[2];
	pthread_t thread;
	atomic_bool is_armed; /* take the next reply */
	atomic_uint taken;
	/* Called while the reply is on hold; what happens in between. */
	void (*meanwhile)(void *arg);
	void *arg;
};

struct redis_link {
	struct redis_proxy *proxy;
	int client;
};

static inline int
redis_proxy_connect(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)str_copy(addr.sun_path, sizeof(addr.sun_path), path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		fd_close(&fd);
	return fd;
}

/* Whatever is there, from one to the other; false: one of them is gone. */
static inline bool
redis_proxy_pass(int from, int to)
{
	char chunk[65536];
	ssize_t n = recv(from, chunk, sizeof(chunk), 0);

	for (ssize_t at = 0, m; n > 0 && at < n; at += m) {
		m = send(to, chunk + at, (size_t)(n - at), MSG_NOSIGNAL);
		if (m <= 0)
			return false;
	}
	return n > 0;
}

static inline void *
redis_proxy_link(void *arg)
{
	struct redis_link link = *(struct redis_link *)arg;
	struct redis_proxy *proxy = link.proxy;
	owned_fd int client = link.client;
	owned_fd int server = redis_proxy_connect(proxy->target);

	free(arg);
	while (server >= 0) {
		struct pollfd fds[] = {
			{.fd = client, .events = POLLIN},
			{.fd = server, .events = POLLIN},
			{.fd = proxy->stop_fd[0], .events = POLLIN}};

		if (poll(fds, 3, -1) < 0 || fds[2].revents != 0)
			break;
		if (fds[1].revents != 0) {
			if (atomic_exchange(&proxy->is_armed, false)) {
				atomic_fetch_add(&proxy->taken, 1);
				if (proxy->meanwhile != NULL)
					proxy->meanwhile(proxy->arg);
				break;
			}
			if (!redis_proxy_pass(server, client))
				break;
		}
		if (fds[0].revents != 0 && !redis_proxy_pass(client, server))
			break;
	}
	return NULL;
}

static inline void *
redis_proxy_main(void *arg)
{
	struct redis_proxy *proxy = arg;
	pthread_t threads[64];
	size_t count = 0;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = proxy->listen_fd, .events = POLLIN},
			{.fd = proxy->stop_fd[0], .events = POLLIN}};
		struct redis_link *link;

		if (poll(fds, 2, -1) < 0 || fds[1].revents != 0 || count == 64)
			break;
		link = calloc(1, sizeof(*link));
		link->proxy = proxy;
		link->client = accept(proxy->listen_fd, NULL, NULL);
		pthread_create(&threads[count++], NULL, redis_proxy_link, link);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

static inline bool
redis_proxy_start(struct redis_proxy *proxy, const char *dir,
		  const char *target)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*proxy = (struct redis_proxy){.listen_fd = -1};
	if (str_printf(proxy->socket, sizeof(proxy->socket), "%s/proxy", dir) <
		    0 ||
	    str_copy(proxy->target, sizeof(proxy->target), target) < 0 ||
	    str_copy(addr.sun_path, sizeof(addr.sun_path), proxy->socket) < 0)
		return false;
	(void)unlink(proxy->socket);
	proxy->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(proxy->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) ==
		       0 &&
	       listen(proxy->listen_fd, 64) == 0 && pipe(proxy->stop_fd) == 0 &&
	       pthread_create(&proxy->thread, NULL, redis_proxy_main, proxy) ==
		       0;
}

static inline void
redis_proxy_stop(struct redis_proxy *proxy)
{
	fd_close(&proxy->stop_fd[1]);
	pthread_join(proxy->thread, NULL);
	fd_close(&proxy->stop_fd[0]);
	fd_close(&proxy->listen_fd);
	(void)unlink(proxy->socket);
}

#endif
