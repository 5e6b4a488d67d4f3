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
#include "api/http/peers.h"
#include "api/http/pool.h"
#include "api/http/problem.h"
#include "api/http/router.h"

struct http_server {
	struct api *api;
	struct MHD_Daemon *daemon;
	struct peers *peers;
	struct pool *slow_pool, *brief_pool;
	atomic_size_t body_bytes; /* buffered now, of all requests */
	atomic_int exchanges;	  /* begun and not completed */
	atomic_bool is_stopping;
};

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct peer *peer;
	struct router_match match;
	struct http_request req;
	struct http_response res;
	char method[16], path[256];
	char request_id[HTTP_REQUEST_ID_SIZE];
	char *body;
	size_t body_len, body_size;
	size_t received; /* bytes of the body so far, kept or thrown away */
	uint64_t began_us;
	int sent_status;
	bool is_uri_bad;  /* %00 in it, or too long */
	bool is_unframed; /* nobody knows where its body ends */
	bool has_begun;	  /* headers were looked at */
	bool is_answered; /* res is final */
	bool has_run;	  /* the handler runs, or there was no need to */
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

/* What the pools run: item is a struct exchange. */
void exchange_run(void *item);

/* Queue ex->res as the answer (exchange_send.c). */
enum MHD_Result exchange_send(struct exchange *ex);

/* How long an answer may take to be read, and a connection to be idle. */
#define EXCHANGE_SEND_TIMEOUT_S 120
#define EXCHANGE_IDLE_TIMEOUT_S 60

#endif
