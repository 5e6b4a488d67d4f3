/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker.h - the process that connects for the API.
 *
 * The API process makes no internet socket and resolves no name: its filter has
 * neither.  Before it is confined it forks the broker, which knows the
 * addresses that the operator configured and the guard's rules, and nothing
 * else of the API: no secret, no store.  Asked for a connection it resolves the
 * name once, checks every address, connects to one that it checked, and passes
 * the connected socket.  So an API process that was taken over still reaches
 * only what is configured or plainly public, and a name cannot resolve to one
 * address for the check and to another for the connection.
 *
 * Each request is served by a child of the broker, which ends after it: a
 * hostile DNS answer meets a process without a secret, and a slow one holds up
 * nobody.  The broker ends when the API does.
 */
#ifndef PC_API_NET_BROKER_H
#define PC_API_NET_BROKER_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/net/guard.h"
#include "supervisor/base/err.h"

#define BROKER_TARGETS_MAX 32
#define BROKER_CHILDREN_MAX 64

/* A host and port of the operator's. */
struct broker_target {
	char host[GUARD_HOST_SIZE];
	uint16_t port;
};

struct broker_rules {
	struct broker_target targets[BROKER_TARGETS_MAX];
	size_t targets_len;
	struct guard guard;
	/* getaddrinfo(3), or another for tests. */
	int (*resolve)(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **ret);
};

int broker_add_target(struct broker_rules *rules, const char *host,
		      uint16_t port, struct err *e);

enum broker_kind {
	BROKER_TARGET = 1, /* one of rules->targets; any address */
	BROKER_GUARDED,	   /* any host; the guard decides */
};

struct broker_request {
	uint16_t version, kind;
	uint16_t port, zero;
	uint32_t timeout_ms;
	char host[GUARD_HOST_SIZE];
};

struct broker_reply {
	struct err error; /* kind 0: a connected socket comes with it */
};

#define BROKER_VERSION 1

/*
 * Fork it; *ret_fd is the API's end, on which requests go out, each with the
 * socket on which its reply is to come.  Call before the first thread, with
 * the ids that are to stay.  The child first calls forget(arg) (or NULL) to
 * overwrite what it inherited, then gives up the rest by itself; that it could
 * is known when this returns.
 */
int broker_start(const struct broker_rules *rules, void (*forget)(void *arg),
		 void *arg, int *ret_fd, struct err *e);

/*
 * Ask; *ret_reply_fd becomes readable when there is an answer, and closing it
 * early ends the attempt.
 */
int broker_ask(int broker_fd, enum broker_kind kind, const char *host,
	       uint16_t port, uint32_t timeout_ms, int *ret_reply_fd,
	       struct err *e);
/* Once it is readable: the connected socket, non-blocking, or why not. */
int broker_answer(int reply_fd, int *ret_fd, struct err *e);
/* Both, waiting at most timeout_ms.  For what libcurl does not drive. */
int broker_connect(int broker_fd, enum broker_kind kind, const char *host,
		   uint16_t port, uint32_t timeout_ms, int *ret_fd,
		   struct err *e);

/* ---- the child's side (broker_worker.c, broker_confine.c) ------------ */

/* One message, with one descriptor or none (fd < 0); errno. */
int broker_send(int sock, const void *bytes, size_t len, int fd);
/* Serve one request and leave. */
_Noreturn void broker_work(const struct broker_rules *rules,
			   const struct broker_request *request, int reply_fd);
int broker_confine(const struct broker_rules *rules, struct err *e);

#endif
