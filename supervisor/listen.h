/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - the socket and the peers on it.
 *
 * Only root and --client-uid may connect (SO_PEERCRED, decided at accept).  A
 * peer has bounded connections, jobs, and unsent messages; one that does not
 * read or speaks nonsense is dropped, which kills its jobs.  Nothing a peer
 * does can stop the process.
 */
#ifndef PC_SUPERVISOR_LISTEN_H
#define PC_SUPERVISOR_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/base/err.h"
#include "supervisor/loop.h"
#include "supervisor/upload.h"
#include "supervisor/wire/wire.h"

#define LISTEN_PEERS_MAX 1024
#define LISTEN_ROOT_RESERVED 32 /* of these, for root alone */
#define LISTEN_JOBS_PER_PEER 8
/* Children that are stuck with what a client left in its connection (a file of
 * its FUSE mount with pages to write): none is taken until they are gone. */
#define LISTEN_DISCARDS_MAX 32
#define LISTEN_QUEUE_MAX 256 /* unsent messages of one peer */
/* And fds in them: they are ours until they are sent. */
#define LISTEN_QUEUED_FDS_PER_PEER 40 /* 4 pipes and a memfd a job */
#define LISTEN_QUEUED_FDS_MAX 1024    /* of all peers */
#define LISTEN_MESSAGES_PER_TURN 16

struct supervisor;
struct outgoing;

struct peer {
	struct supervisor *sup;
	struct watch watch;
	int sock;
	uid_t uid;
	pid_t pid;
	unsigned jobs;
	struct upload upload;	       /* of the bundle of its next job */
	struct outgoing *first, *last; /* what the socket did not take yet */
	unsigned queued, queued_fds;
	bool is_doomed; /* closed at the end of this turn */
	struct peer *next;
};

struct listener {
	struct watch watch;
	int sock;
	bool is_own; /* made here, not passed by systemd: removed at the end */
	dev_t own_dev;
	ino_t own_ino;
	struct peer *peers;
	unsigned count;
	unsigned queued_fds;
	unsigned uploads; /* bundles under way: each will want a slot */
	bool has_doomed;
	uint64_t retry_us; /* accept again then; 0: it may */
};

int listen_init(struct supervisor *sup, struct err *e);
/* Stop accepting and remove the socket; connected peers stay. */
void listen_stop(struct supervisor *sup);
void listen_done(struct supervisor *sup);

/* When listen_tick() has something to do: accept again after it failed, drop a
 * peer whose bundle does not come.  UINT64_MAX: nothing. */
uint64_t listen_deadline(const struct supervisor *sup);
void listen_tick(struct supervisor *sup);

/* Free the peers that were doomed in this turn; their jobs are killed. */
void listen_sweep(struct supervisor *sup);

/*
 * Send or queue a message (head filled by wire_head_init).  Takes over the
 * head->nfds fds and sets them to -1.  A peer that cannot take it is doomed.
 */
void peer_send(struct peer *peer, const struct proto_head *head, int *fds);
/* The same, without fds, in the next turn: when this one's records are on the
 * disk. */
void peer_send_later(struct peer *peer, const struct proto_head *head);

#endif
