/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.c - deadlines of connections.
 *
 * libmicrohttpd's own timeout is one of inactivity: a client that sends one
 * byte now and then holds its place for ever.  Here a phase as a whole has a
 * deadline (headers, body, answer, idle), and a thread shuts down the sockets
 * that are past it.
 *
 * The thread also ends connections whose client has closed its side while we
 * wait for more of it.  libmicrohttpd 0.9.75 misses that if the end came
 * together with the last bytes: epoll tells it once, and it reads once.
 *
 * A socket is removed from the list before it is closed, so the thread never
 * touches a number that means another connection by then.
 */
#include "api/http/peers.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "api/http/address.h"
#include "supervisor/base/clock.h"

#define TICK_MS 1000

struct peer {
	struct peer *next, **link;
	_Atomic uint64_t deadline_ms; /* 0: none */
	_Atomic uint64_t entered_ms;  /* when this phase began */
	_Atomic unsigned phase;
	struct address_group from;
	int fd;
	void (*gone)(void *arg); /* guarded by the lock of all peers */
	void *gone_arg;
};

struct peers {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	pthread_t thread;
	struct peer *first;
	bool is_stopping;
};

/* A peer's fields are read one by one: a stale one is seen a second later. */
void
peer_enter(struct peer *peer, enum peer_phase phase, uint32_t timeout_s)
{
	uint64_t now_ms = clock_mono_ms();

	if (peer == NULL)
		return;
	atomic_store(&peer->phase, phase);
	atomic_store(&peer->entered_ms, now_ms);
	atomic_store(&peer->deadline_ms,
		     phase == PEER_RECEIVING || phase == PEER_SENDING
			     ? now_ms + timeout_s * UINT64_C(1000)
			     : 0);
}

void
peer_watch(struct peers *peers, struct peer *peer, void (*gone)(void *arg),
	   void *arg)
{
	if (peer == NULL)
		return;
	pthread_mutex_lock(&peers->lock);
	peer->gone = gone;
	peer->gone_arg = arg;
	pthread_mutex_unlock(&peers->lock);
}

bool
peers_has_room(struct peers *peers, const struct sockaddr *address,
	       uint32_t max)
{
	const struct address_group from = address_group_of(address);
	uint32_t count = 0;

	pthread_mutex_lock(&peers->lock);
	for (const struct peer *p = peers->first; p != NULL; p = p->next)
		count += memcmp(&p->from, &from, sizeof(from)) == 0;
	pthread_mutex_unlock(&peers->lock);
	return count < max;
}

struct peer *
peers_add(struct peers *peers, int fd, const struct sockaddr *address,
	  uint32_t timeout_s)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->fd = fd;
	peer->from = address_group_of(address);
	peer_enter(peer, PEER_RECEIVING, timeout_s);
	pthread_mutex_lock(&peers->lock);
	peer->next = peers->first;
	peer->link = &peers->first;
	if (peer->next != NULL)
		peer->next->link = &peer->next;
	peers->first = peer;
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

void
peers_remove(struct peers *peers, struct peer *peer)
{
	if (peer == NULL)
		return;
	pthread_mutex_lock(&peers->lock);
	*peer->link = peer->next;
	if (peer->next != NULL)
		peer->next->link = peer->link;
	pthread_mutex_unlock(&peers->lock);
	free(peer);
}

/* Has the client closed its side, with nothing on the way to be read? */
static bool
is_gone(const struct peer *p, uint64_t now_ms)
{
	struct pollfd poll_fd = {.fd = p->fd, .events = POLLRDHUP};
	unsigned phase = atomic_load(&p->phase);

	return (phase == PEER_RECEIVING || phase == PEER_WAITING) &&
	       atomic_load(&p->entered_ms) + TICK_MS <= now_ms &&
	       poll(&poll_fd, 1, 0) == 1;
}

static bool
is_overdue(const struct peer *p, uint64_t now_ms)
{
	uint64_t deadline_ms = atomic_load(&p->deadline_ms);

	return deadline_ms != 0 && deadline_ms <= now_ms;
}

static void
end_overdue(struct peers *peers, uint64_t now_ms)
{
	for (struct peer *p = peers->first; p != NULL; p = p->next) {
		if (!is_overdue(p, now_ms) && !is_gone(p, now_ms))
			continue;
		(void)shutdown(p->fd, SHUT_RDWR);
		/* A suspended connection does not see its socket's end. */
		if (p->gone != NULL)
			p->gone(p->gone_arg);
	}
}

static void *
thread_main(void *arg)
{
	struct peers *peers = arg;
	struct timespec until;

	(void)pthread_setname_np(pthread_self(), "deadlines");
	pthread_mutex_lock(&peers->lock);
	while (!peers->is_stopping) {
		end_overdue(peers, clock_mono_ms());
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		(void)pthread_cond_clockwait(&peers->stop, &peers->lock,
					     CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&peers->lock);
	return NULL;
}

int
peers_start(struct peers **ret, struct err *e)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int rc;

	if (peers == NULL)
		return err_sys(e, "watch connections");
	pthread_mutex_init(&peers->lock, NULL);
	pthread_cond_init(&peers->stop, NULL);
	rc = pthread_create(&peers->thread, NULL, thread_main, peers);
	if (rc != 0) {
		free(peers);
		return err_set(e, ERR_IO, rc, "start thread for connections");
	}
	*ret = peers;
	return 0;
}

void
peers_stop(struct peers *peers)
{
	if (peers == NULL)
		return;
	pthread_mutex_lock(&peers->lock);
	peers->is_stopping = true;
	pthread_cond_signal(&peers->stop);
	pthread_mutex_unlock(&peers->lock);
	pthread_join(peers->thread, NULL);
	pthread_cond_destroy(&peers->stop);
	pthread_mutex_destroy(&peers->lock);
	free(peers);
}
