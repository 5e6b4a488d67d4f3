/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - one HTTP request or mail under way (call.c), as the loop that drives
 * it (loop.c) sees it.
 */
#ifndef PC_API_NET_CALL_H
#define PC_API_NET_CALL_H

#include "api/net/net_impl.h"
#include "api/net/url.h"

struct call {
	struct call *next;
	struct net_loop *loop;
	struct net_request request;
	net_done done;
	void *arg;
	char *url; /* where we are now; NULL: mail */
	struct net_url target;
	unsigned redirects;
	uint64_t end_ms;
	int reply_fd; /* while the broker connects */
	int sock;     /* until libcurl takes it */
	CURL *easy;
	struct curl_slist *headers, *resolve, *rcpt;
	size_t sent;		/* of a mail */
	size_t head_len, total; /* of the answer */
	bool has_status, is_cut, is_over;
	struct net_response response;
	struct err error;
};

struct net_loop {
	struct net *net;
	CURLM *multi;
	struct call *calls;
	size_t count;
};

/* Asks the broker for its first connection. */
int call_new(struct net_loop *loop, const struct net_request *request,
	     net_done done, void *arg, struct call **ret, struct err *e);
void call_free(struct call *c);
/* What is left of its time. */
uint32_t call_left_ms(const struct call *c);
/* The broker has answered: goes on with libcurl. */
void call_take_answer(struct call *c);
/* libcurl is through with it: is_over is set, or it begins again elsewhere. */
void call_finish_transfer(struct call *c, CURLcode rc);
/* It is over, for this reason if there is none yet. */
void call_fail(struct call *c, const struct err *e);

#endif
