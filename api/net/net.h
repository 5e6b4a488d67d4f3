/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h - every connection of the API to the outside: HTTP(S) and SMTP by
 * libcurl, and plain sockets for other clients (Redis).  The broker (broker.h)
 * makes the connections; this process makes none.
 *
 * Where to connect is decided by who chose the address: an operator's (a
 * setting) may be anywhere, a client's only where the guard (guard.h) lets it.
 */
#ifndef PC_API_NET_NET_H
#define PC_API_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "supervisor/base/err.h"

struct net;

/*
 * Call before the first thread and before the process is confined, with the
 * ids that are to stay.  Every address of the settings that is ever connected
 * to must be among them now (the tables of targets.c).  forget(arg) runs in
 * the broker: it overwrites the secrets that it inherited.
 */
int net_open(const struct api_config *config, void (*forget)(void *arg),
	     void *arg, struct net **ret, struct err *e);
void net_close(struct net *net);

/*
 * A connected, non-blocking TCP socket to a host and port of the settings, for
 * clients with a protocol of their own (redisConnectFd()).  Waits at most
 * timeout_ms.  From any thread.
 */
int net_connect(struct net *net, const char *host, uint16_t port,
		uint32_t timeout_ms, int *ret_fd, struct err *e);

/*
 * Whether a client may name this URL, as far as it can be known before its host
 * is resolved.  The error begins with name.
 */
int net_check_client_url(const struct net *net, const char *name,
			 const char *url, struct err *e);

/* ---- HTTP and mail --------------------------------------------------- */

#define NET_REDIRECTS_MAX 3

enum net_trust {
	NET_OPERATOR = 1, /* the address is a setting's */
	NET_CLIENT,	  /* somebody sent it to us */
};

enum net_mail_security {
	NET_MAIL_STARTTLS,	/* or nothing is sent */
	NET_MAIL_OPPORTUNISTIC, /* STARTTLS where it is offered */
	NET_MAIL_TLS,		/* from the first byte */
	NET_MAIL_PLAIN,
};

struct net_mail {
	const char *host;
	uint16_t port;
	enum net_mail_security security;
	const char *user, *password; /* NULL: none */
	const char *from, *to;	     /* addresses, checked by the caller */
};

/* Everything it points to must live until the call is over. */
struct net_request {
	const char *name; /* of the setting or field: begins every error */
	enum net_trust trust;
	const char *url;	     /* NULL: it is a mail */
	const struct net_mail *mail; /* its text is the body */
	const char *const *headers; /* "Name: value", ends with NULL; or NULL */
	const void *body;	    /* NULL: GET, else POST */
	size_t body_len;
	uint32_t timeout_ms; /* for all of it, redirects too */
	/*
	 * At most this much of an answer is kept; more is ERR_LIMIT.  0: only
	 * the status is wanted, and it counts as soon as it has come.
	 */
	size_t response_max;
	/*
	 * Or each piece of a 2xx answer goes here as it comes and nothing is
	 * kept; the limit holds for the sum.  -1 ends the call.
	 */
	int (*on_body)(void *arg, const char *bytes, size_t len);
	void *arg;
};

struct net_response {
	int status; /* HTTP or SMTP; 0: none came */
	char *body; /* malloc'd, with a NUL after it; or NULL */
	size_t body_len;
	uint32_t retry_after_s; /* 0: not said */
};

void net_response_done(struct net_response *response);

/*
 * Do it and wait.  0: an HTTP answer came, whatever its status (of a mail: it
 * was accepted).  Else ERR_DENIED (the address is not allowed), ERR_LIMIT (the
 * answer is too large), ERR_INVALID (no URL, a redirect that cannot be
 * followed), ERR_CONFLICT (cancelled: cancel_fd, -1 for none, became readable)
 * or ERR_PEER (all else, with response->status of what did come).  Errors name
 * the setting and the host, never a path, a query or a header.
 */
int net_run(struct net *net, const struct net_request *request, int cancel_fd,
	    struct net_response *ret, struct err *e);

/*
 * The same for many at a time in one thread.  done is called from
 * net_loop_run(), once for each call that was begun; e->kind is 0 if it went
 * well.  The response is the loop's and valid until done returns.
 */
struct net_loop;
typedef void (*net_done)(void *arg, const struct net_response *response,
			 const struct err *e);

int net_loop_new(struct net *net, struct net_loop **ret, struct err *e);
/* Calls under way end without done. */
void net_loop_free(struct net_loop *loop);
int net_loop_begin(struct net_loop *loop, const struct net_request *request,
		   net_done done, void *arg, struct err *e);
/*
 * Wait until a call can go on, one of the fds is readable, or timeout_ms have
 * passed; then advance all calls.
 */
int net_loop_run(struct net_loop *loop, const int *fds, size_t fds_len,
		 uint32_t timeout_ms, struct err *e);
size_t net_loop_count(const struct net_loop *loop);

#endif
