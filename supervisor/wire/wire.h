/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - send and receive one proto.h message with its fds; used by both
 * ends.  A message is delivered whole and checked, or not at all.
 */
#ifndef PC_WIRE_WIRE_H
#define PC_WIRE_WIRE_H

#include <stddef.h>

#include "supervisor/base/err.h"
#include "supervisor/wire/proto.h"

union wire_message {
	struct proto_head head;
	struct proto_hello hello;
	struct proto_hello_reply hello_reply;
	struct proto_get get;
	struct proto_policy_info policy_info;
	struct proto_runtime_info runtime_info;
	struct proto_job_submit job_submit;
	struct proto_job_started job_started;
	struct proto_job_denial job_denial;
	struct proto_job_kill job_kill;
	struct proto_job_done job_done;
	struct proto_release release;
	struct proto_release_reply release_reply;
	unsigned char bytes[PROTO_MESSAGE_MAX];
};

#define WIRE_FDS_MAX 253 /* the kernel's limit (SCM_MAX_FD) */

struct wire_fds {
	int fd[WIRE_FDS_MAX]; /* -1 where unused */
	unsigned count;
};

/* Close all that are left. */
void wire_fds_done(struct wire_fds *fds);

enum wire_status {
	WIRE_OK = 0,
	WIRE_AGAIN,  /* nothing there now (non-blocking socket) */
	WIRE_CLOSED, /* orderly end of the connection */
	WIRE_FAILED, /* *e says why; the connection must be dropped */
};

/*
 * Fill head.version, type, size and nfds; seq is left as the caller set it.
 * size is the size of the concrete struct.
 */
void wire_head_init(struct proto_head *head, enum proto_type type, size_t size,
		    unsigned nfds);

/*
 * Send msg (head filled by wire_head_init) with head.nfds fds of `fds`; the
 * fds stay the caller's.  MSG_NOSIGNAL.  On a non-blocking socket with a full
 * buffer: WIRE_AGAIN, nothing was sent.
 */
enum wire_status wire_send(int sock, const struct proto_head *msg,
			   const int *fds, struct err *e);

/*
 * Receive one message into *ret_msg and its fds (CLOEXEC, owned by the caller)
 * into *ret_fds.  Checks version, known type, exact size and fd count by
 * table, zero fields, terminated strings.  On WIRE_FAILED the fds that came,
 * up to WIRE_FDS_MAX, are the caller's, too.
 */
enum wire_status wire_recv(int sock, union wire_message *ret_msg,
			   struct wire_fds *ret_fds, struct err *e);

/*
 * The same for a peer that may pass no fds.  A message with any is WIRE_FAILED
 * and stays in the socket's queue: they are never installed in this process,
 * where closing them could block (FUSE) or be the last close (SO_LINGER).
 */
enum wire_status wire_recv_fdless(int sock, union wire_message *ret_msg,
				  struct err *e);
/* And for a message without a head, of 1 to `size` bytes. */
enum wire_status wire_recv_bytes(int sock, void *dst, size_t size,
				 size_t *ret_len, struct err *e);

#endif
