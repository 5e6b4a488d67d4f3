/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - the supervisor's ends of a jail's two sockets: control messages
 * with jail-init, single bytes with the payload at the gate.  Both peers live
 * in the jail, so what they send is checked like any stranger's; both sockets
 * are non-blocking, and a peer that does not read fails its job.
 */
#ifndef PC_SUPERVISOR_CHANNEL_H
#define PC_SUPERVISOR_CHANNEL_H

#include <stdint.h>

#include "jail/spec.h"
#include "supervisor/base/err.h"

enum channel_status {
	CHANNEL_OK = 0,
	CHANNEL_AGAIN,	/* nothing there now */
	CHANNEL_CLOSED, /* the other end is gone */
	CHANNEL_FAILED, /* *e says why */
};

/* *ret_ours is non-blocking, both CLOEXEC; both owned by the caller. */
int channel_pair(int *ret_ours, int *ret_theirs, struct err *e);

/* fd -1: none; it stays the caller's. */
int channel_send(int sock, enum jail_message_type type, int fd, struct err *e);
/*
 * *ret_fd is the passed fd (CLOEXEC, the caller's) or -1.  Checked: size,
 * type, a terminated detail, at most one fd.
 */
enum channel_status channel_recv(int sock, struct jail_message *ret_msg,
				 int *ret_fd, struct err *e);

int channel_gate_send(int sock, char byte, struct err *e);
/* *ret_byte is GATE_FILTERED (with *ret_listener, -1: none) or GATE_READY. */
enum channel_status channel_gate_recv(int sock, char *ret_byte,
				      int32_t *ret_listener, struct err *e);

#endif
