/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker_worker.c - one request of the API: resolve once, check every address,
 * connect to one of those, pass the socket.  Runs in a process of its own that
 * a timer ends, whatever the resolver does.
 */
#include "api/net/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ADDRESSES_MAX 16
#define TIMEOUT_MAX_MS 60000u

struct work {
	const struct broker_rules *rules;
	const struct broker_request *request;
	int reply_fd;
	uint64_t end_ms; /* monotonic */
};

static int
check_target(const struct work *w, struct err *e)
{
	for (size_t i = 0; i < w->rules->targets_len; i++)
		if (w->rules->targets[i].port == w->request->port &&
		    strcasecmp(w->rules->targets[i].host, w->request->host) ==
			    0)
			return 0;
	return err_set(e, ERR_DENIED, 0,
		       "%.100s port %u: is not an address of the settings",
		       w->request->host, w->request->port);
}

static int
resolve(const struct work *w, struct addrinfo **ret, struct err *e)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_protocol = IPPROTO_TCP,
				       .ai_flags = AI_NUMERICSERV};
	char service[8];
	int rc;

	snprintf(service, sizeof(service), "%u", w->request->port);
	rc = w->rules->resolve(w->request->host, service, &hints, ret);
	if (rc == 0)
		return 0;
	return err_set(e, rc == EAI_NONAME ? ERR_NOT_FOUND : ERR_PEER, 0,
		       "%.100s: %s", w->request->host, gai_strerror(rc));
}

static bool
is_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)
			       ->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)
			       ->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)
			       ->sin6_addr,
		      &((const struct sockaddr_in6 *)(const void *)b)
			       ->sin6_addr,
		      sizeof(struct in6_addr)) == 0;
}

/*
 * Has this machine the address?  Then it is also where packets to it would
 * come from; connecting a datagram socket tells, and sends nothing.  A public
 * address of ours is behind our own firewall for us.
 */
static bool
is_own(const struct addrinfo *address)
{
	owned_fd int fd =
		socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union {
		struct sockaddr any;
		struct sockaddr_in6 in6;
	} source = {0};
	socklen_t len = sizeof(source);

	if (fd < 0)
		return true;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		return false; /* nor will the other kind of socket */
	return getsockname(fd, &source.any, &len) < 0 ||
	       is_same_address(&source.any, address->ai_addr);
}

/* All of them: one that may be reached does not excuse another. */
static int
check_addresses(const struct work *w, const struct addrinfo *list,
		struct err *e)
{
	const struct guard *guard = &w->rules->guard;

	for (; list != NULL; list = list->ai_next)
		if (guard_check_address(guard, w->request->host, list->ai_addr,
					e) < 0 ||
		    (is_own(list) && guard_check_own(guard, w->request->host,
						     list->ai_addr, e) < 0))
			return -1;
	return 0;
}

/* POLLOUT of the socket, or nobody wants it any more. */
static int
wait_connected(const struct work *w, int fd, uint64_t end_ms)
{
	struct pollfd waits[] = {{.fd = fd, .events = POLLOUT},
				 {.fd = w->reply_fd, .events = 0}};
	socklen_t len = sizeof(int);
	int cause = 0;

	for (;;) {
		uint64_t now = clock_mono_ms();
		int rc = poll(waits, 2, now < end_ms ? (int)(end_ms - now) : 0);

		if (waits[1].revents & (POLLHUP | POLLERR))
			_exit(0);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc < 0 ? errno : ETIMEDOUT;
		break;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &len) < 0 ? errno
								      : cause;
}

/* 0, or the errno. */
static int
connect_one(const struct work *w, const struct addrinfo *address,
	    uint64_t end_ms, int *ret_fd)
{
	owned_fd int fd =
		socket(address->ai_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int cause = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		cause = errno == EINPROGRESS ? wait_connected(w, fd, end_ms)
					     : errno;
	if (cause == 0)
		*ret_fd = fd_take(&fd);
	return cause;
}

/* Each address gets its share of the time that is left. */
static int
connect_any(const struct work *w, const struct addrinfo *list, int *ret_fd,
	    struct err *e)
{
	int cause = EADDRNOTAVAIL;
	uint64_t left = 0;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		left++;
	for (; list != NULL && left > 0; list = list->ai_next, left--) {
		uint64_t now = clock_mono_ms();

		if (now >= w->end_ms) {
			cause = ETIMEDOUT;
			break;
		}
		cause = connect_one(w, list, now + (w->end_ms - now) / left,
				    ret_fd);
		if (cause == 0)
			return 0;
	}
	return err_set(e, ERR_PEER, cause, "%.100s port %u: connect",
		       w->request->host, w->request->port);
}

static int
work(const struct work *w, int *ret_fd, struct err *e)
{
	bool is_guarded = w->request->kind != BROKER_TARGET;
	struct addrinfo *list = NULL, *last;
	unsigned count = 1;

	if (is_guarded ? guard_check_port(&w->rules->guard, w->request->port,
					  e) < 0
		       : check_target(w, e) < 0)
		return -1;
	if (resolve(w, &list, e) < 0 ||
	    (is_guarded && check_addresses(w, list, e) < 0))
		return -1;
	for (last = list; last->ai_next != NULL && count < ADDRESSES_MAX;
	     last = last->ai_next)
		count++;
	last->ai_next = NULL;
	return connect_any(w, list, ret_fd, e);
}

static void
set_timer(uint32_t ms)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = ms / 1000,
			     .tv_usec = (suseconds_t)(ms % 1000) * 1000}};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

_Noreturn void
broker_work(const struct broker_rules *rules,
	    const struct broker_request *request, int reply_fd)
{
	uint32_t timeout_ms = request->timeout_ms < TIMEOUT_MAX_MS
				      ? request->timeout_ms
				      : TIMEOUT_MAX_MS;
	const struct work w = {.rules = rules,
			       .request = request,
			       .reply_fd = reply_fd,
			       .end_ms = clock_mono_ms() + timeout_ms};
	struct broker_reply reply = {0};
	int fd = -1;

	/* SIGALRM ends the process; the connecting itself gives up before. */
	set_timer(timeout_ms + 500);
	if (work(&w, &fd, &reply.error) == 0)
		reply.error.kind = ERR_NONE;
	(void)broker_send(reply_fd, &reply, sizeof(reply), fd);
	_exit(0);
}
