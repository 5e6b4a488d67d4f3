/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.h - which message does what.  wire.c has checked its form; a type
 * that is not a client's to send drops the peer.
 */
#ifndef PC_SUPERVISOR_DISPATCH_H
#define PC_SUPERVISOR_DISPATCH_H

#include "supervisor/base/err.h"
#include "supervisor/wire/wire.h"

struct supervisor;
struct peer;

/* -1: drop the peer. */
int dispatch(struct supervisor *sup, struct peer *peer,
	     const union wire_message *msg, struct err *e);
/* What followed one of them is here: peer->upload. */
void dispatch_uploaded(struct supervisor *sup, struct peer *peer);

#endif
