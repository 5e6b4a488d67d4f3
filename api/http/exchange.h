/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one request and its answer, from the request line to the access
 * log; and the server's state that all exchanges share.  Only server.c and
 * exchange*.c include this: nobody else knows libmicrohttpd.
 */
#ifndef PC_API_EXCHANGE_H
#define PC_API_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "api/http/http.h"
#include "api/http/idempotency.h"
#include "api/http/peers.h"
#include "api/http/pool.h"
#include "api/http/problem.h"
#include "api/http/ratelimit.h"
#include "api/http/router.h"
#include "api/net/guard.h"

struct http_server {
	struct api *api;
	struct MHD_Daemon *daemon;
	struct peers *peers;
	struct pool *slow_pool, *brief_pool;
	struct idempotency *keys;
	struct guard proxies;	    /* whose X-Forwarded-For is believed */
	atomic_size_t body_bytes;   /* buffered now, of all requests */
	atomic_size_t answer_bytes; /* of large answers not yet sent */
	atomic_int exchanges;	    /* begun and not completed */
	atomic_bool is_stopping;
};

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct peer *peer;
	struct router_match match;
	struct http_request req;
	struct http_response res;
	struct rate_state rate;
	struct idempotency_claim once;
	struct store_workflow_meta workflow; /* HTTP_WORKFLOW: what was found */
	uint64_t hits;			     /* and what was counted */
	uint32_t reset_s;
	char method[16], path[256];
	char request_id[HTTP_REQUEST_ID_SIZE];
	char *body;
	size_t body_len, body_size;
	size_t received; /* bytes of the body so far, kept or thrown away */
	uint64_t began_us;
	int sent_status;
	char *text;		    /* the answer's JSON, once it is rendered */
	size_t answer_len;	    /* what it has of answer_bytes */
	struct http_stream *stream; /* the answer is one: not ended yet */
	bool is_uri_bad;	    /* %00 or %2F in it */
	bool is_unframed;	    /* nobody knows where its body ends */
	bool has_begun;		    /* headers were looked at */
	bool is_answered;	    /* res is final */
	bool has_run; /* the handler runs, or there was no need to */
};

/* The callbacks that libmicrohttpd gets; cls is the struct http_server. */
void *exchange_new(void *cls, const char *uri,
		   struct MHD_Connection *connection);
enum MHD_Result exchange_continue(void *cls, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *upload_data,
				  size_t *upload_data_size, void **con_cls);
void exchange_completed(void *cls, struct MHD_Connection *connection,
			void **con_cls, enum MHD_RequestTerminationCode toe);

/*
 * Write the answer's JSON where that holds up nobody (exchange_send.c); else
 * exchange_send() does.
 */
void exchange_render(struct exchange *ex);
#define EXCHANGE_NO_ROOM "too many large answers wait for their clients"
/* May one more large answer be made? */
bool exchange_has_room(const struct exchange *ex);
/* It was sent, or nobody wants it. */
void exchange_drop_answer(struct exchange *ex);

/* What the pools run: item is a struct exchange. */
void exchange_run(void *item);

/*
 * Take the request's Idempotency-Key, if it has one (exchange_once.c); -1:
 * ex->res is the answer.  The end keeps ex->res for the next with this key;
 * it may be called again.
 */
int exchange_once_begin(struct exchange *ex);
void exchange_once_end(struct exchange *ex);

/* It is over: to the access log and the usage log (exchange_note.c). */
void exchange_note(const struct exchange *ex);

/* Who sends it (ex->req.user), and count it; -1: ex->res (exchange_look.c). */
int exchange_authenticate(struct exchange *ex, const char *authorization);
int exchange_count(struct exchange *ex);

/* Queue ex->res as the answer (exchange_send.c). */
enum MHD_Result exchange_send(struct exchange *ex);

/* How long an answer may take to be read, and a connection to be idle. */
#define EXCHANGE_SEND_TIMEOUT_S 120
#define EXCHANGE_IDLE_TIMEOUT_S 60

/*
 * The answer as a stream of ex->res.source, which it takes (stream.c); NULL
 * without memory.
 */
struct MHD_Response *stream_open(struct exchange *ex);
/* The exchange is over; NULL is ignored. */
void stream_close(struct http_stream *stream);

#endif
