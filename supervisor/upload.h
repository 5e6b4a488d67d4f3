/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload.h - what follows a client's message as bytes, hashed on the way: a
 * job's bundle, which goes into a sealed memfd of our own, and what was shown
 * for a release, which is not kept.
 *
 * The client passes no fd: whoever closes one that lies on its FUSE mount waits
 * for its maker, and nothing can be asked of it without having it.  As many
 * bundles may be under way as slots are free, each has a deadline, and a peer
 * has one; so a client fills with them no more memory than with jobs.
 */
#ifndef PC_SUPERVISOR_UPLOAD_H
#define PC_SUPERVISOR_UPLOAD_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"
#include "supervisor/wire/wire.h"

#define UPLOAD_US 30000000 /* for all of a bundle */

struct upload {
	uint32_t left;	/* bytes to come; 0: nothing is under way */
	bool is_wanted; /* or dropped, the request was refused */
	int memfd;	/* -1: they are not kept */
	union wire_message request;
	crypto_hash_sha256_state hash;
	uint64_t started_us, deadline_us;
};

#define UPLOAD_INIT ((struct upload){.memfd = -1})

/* The request was taken: `bytes` of `what` follow, 1 to most. */
int upload_begin(struct upload *u, const union wire_message *request,
		 const char *what, uint32_t bytes, uint32_t most,
		 struct err *e);
/* And are kept. */
int upload_keep(struct upload *u, struct err *e);
/* It was refused: what comes is dropped. */
void upload_skip(struct upload *u, uint32_t bytes);
/* The next bytes; more than are left is ERR_PEER. */
int upload_add(struct upload *u, const void *bytes, size_t len, struct err *e);
/* All is here.  *ret_fd, if they were kept, is sealed and the caller's. */
int upload_finish(struct upload *u, uint8_t ret_sha256[32], int *ret_fd,
		  struct err *e);
void upload_done(struct upload *u);

#endif
