/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - the open connections: what each is at, and until when.
 */
#ifndef PC_API_PEERS_H
#define PC_API_PEERS_H

#include <stdint.h>

#include "supervisor/base/err.h"

struct peers;
struct peer;

/* Starts the thread that ends overdue connections. */
int peers_start(struct peers **ret, struct err *e);
/* After the last connection is gone; NULL is ignored. */
void peers_stop(struct peers *peers);

/* A connection was accepted; NULL without memory.  fd stays the caller's. */
struct peer *peers_add(struct peers *peers, int fd, uint32_t timeout_s);
/* It is about to be closed; NULL is ignored. */
void peers_remove(struct peers *peers, struct peer *peer);

enum peer_phase {
	PEER_RECEIVING, /* a request, or waiting for the next one */
	PEER_RUNNING,	/* we work: no deadline */
	PEER_SENDING,
};

/* It must be done with this phase in timeout_s.  NULL is ignored. */
void peer_enter(struct peer *peer, enum peer_phase phase, uint32_t timeout_s);

#endif
