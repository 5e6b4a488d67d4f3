/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_conn.h - one connection to Redis: commands go out and replies come
 * back within a deadline.  hiredis reads the protocol; the sockets are ours,
 * because only so is it known whether a command that failed had gone out.
 */
#ifndef PC_API_REDIS_CONN_H
#define PC_API_REDIS_CONN_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "api/store/store.h"
#include "supervisor/base/err.h"

#define REDIS_ADDRESSES_MAX 8

/* Where to connect to, resolved once; no address: options.connect does it. */
struct redis_target {
	struct store_redis_options options;
	char name[300]; /* for errors: no secret in it */
	size_t count;
	struct {
		struct sockaddr_storage addr;
		socklen_t len;
	} address[REDIS_ADDRESSES_MAX];
};

/* The arguments of a command, in the protocol's form. */
struct redis_args {
	char *buf;
	size_t len, room;
	size_t count;
	bool has_failed; /* no memory */
};

void redis_arg_bytes(struct redis_args *args, const char *bytes, size_t len);
void redis_arg(struct redis_args *args, const char *text);
void redis_arg_u64(struct redis_args *args, uint64_t value);
void redis_args_done(struct redis_args *args);
#define owned_args __attribute__((cleanup(redis_args_done)))

struct redis_conn;

enum redis_outcome {
	REDIS_REPLIED,	/* there is a reply; it may be an error of Redis's */
	REDIS_NOT_SENT, /* nothing was executed */
	REDIS_LOST,	/* it went out; what became of it is not known */
};

void redis_reply_free(redisReply **reply);
#define owned_reply __attribute__((cleanup(redis_reply_free)))

int redis_target_resolve(const struct store_redis_options *options,
			 struct redis_target *ret, struct err *e);
/*
 * Connects, authenticates, selects the database.  ERR_DENIED: Redis does not
 * want us as we are; ERR_UNAVAILABLE: it is not there, or still loading.
 */
int redis_conn_open(const struct redis_target *target, uint64_t deadline_ms,
		    struct redis_conn **ret, struct err *e);
void redis_conn_close(struct redis_conn *conn);
/* Has the other side closed it, or sent what nobody asked for? */
bool redis_conn_is_stale(const struct redis_conn *conn);
/*
 * One command: the arguments of head, then those of body (may be NULL).  After
 * anything but REDIS_REPLIED the connection is of no more use, and *e says why.
 */
enum redis_outcome redis_conn_call(struct redis_conn *conn,
				   const struct redis_args *head,
				   const struct redis_args *body,
				   uint64_t deadline_ms, redisReply **ret,
				   struct err *e);

#endif
