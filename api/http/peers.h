/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - the open connections: what each is at, and until when.
 */
#ifndef PC_API_PEERS_H
#define PC_API_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "supervisor/base/err.h"

struct peers;
struct peer;

/* Starts the thread that ends overdue connections. */
int peers_start(struct peers **ret, struct err *e);
/* After the last connection is gone; NULL is ignored. */
void peers_stop(struct peers *peers);

/* Fewer than max connections from where this address is (address.h)? */
bool peers_has_room(struct peers *peers, const struct sockaddr *address,
		    uint32_t max);
/* A connection was accepted; NULL without memory.  fd stays the caller's. */
struct peer *peers_add(struct peers *peers, int fd,
		       const struct sockaddr *address, uint32_t timeout_s);
/* It is about to be closed; NULL is ignored. */
void peers_remove(struct peers *peers, struct peer *peer);

enum peer_phase {
	PEER_RECEIVING, /* a request, or waiting for the next one */
	PEER_RUNNING,	/* we work: no deadline */
	PEER_WAITING,	/* a stream with nothing to send: no deadline */
	PEER_SENDING,
};

/* It must be done with this phase in timeout_s.  NULL is ignored. */
void peer_enter(struct peer *peer, enum peer_phase phase, uint32_t timeout_s);

/*
 * Call gone(arg) from the thread that ends connections when this one's client
 * leaves while PEER_WAITING; gone NULL: no more.  NULL is ignored.
 */
void peer_watch(struct peers *peers, struct peer *peer, void (*gone)(void *arg),
		void *arg);

#endif
