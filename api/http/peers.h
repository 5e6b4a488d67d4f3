/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - the open connections and until when each may go on as it does.
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
/* It must be done with its present phase in timeout_s; 0: no deadline. */
void peer_set_deadline(struct peer *peer, uint32_t timeout_s);

#endif
