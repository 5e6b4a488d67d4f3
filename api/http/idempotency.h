/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idempotency.h - the Idempotency-Key header: a request that makes or changes
 * something can be sent again, and is done once
 * (draft-ietf-httpapi-idempotency-key-header).
 */
#ifndef PC_API_IDEMPOTENCY_H
#define PC_API_IDEMPOTENCY_H

#include "api/http/http.h"

#define IDEMPOTENCY_KEY_SIZE 256

/* The keys that requests of this process hold right now. */
struct idempotency;

/* One request's hold on its key; lives in the exchange. */
struct idempotency_claim {
	char key[IDEMPOTENCY_KEY_SIZE]; /* "": none was sent */
	char user_id[40];
	char fingerprint[65]; /* SHA-256 of method, path and body */
	char once_id[40];     /* UUID that follows from all of these */
	bool is_held;
	bool is_retry; /* an earlier one began with it and left no answer */
	bool keeps_refusals; /* a 4xx is given again */
	struct idempotency_claim *next;
};

/* What is asked: its fingerprint goes with the key. */
struct idempotency_asked {
	const char *user_id;
	const char *method, *path;
	const void *body;
	size_t body_len;
	bool is_limited; /* a rate limit bounds how many there are */
};

int idempotency_new(struct idempotency **ret, struct err *e);
void idempotency_free(struct idempotency *keys); /* NULL is ignored */

/*
 * The header's value: 1 to 255 visible characters, bare or as a quoted string.
 * -1 and 400 in res if it is something else.
 */
int idempotency_read_key(const char *value, char ret_key[IDEMPOTENCY_KEY_SIZE],
			 struct http_response *res);

/*
 * 1: the key is ours, run the request and call idempotency_end().  0: *res is
 * the answer: what was answered before, 409 while that is not known yet, 422
 * if the key was used for something else.  claim->key is set.
 */
int idempotency_begin(struct idempotency *keys, struct api *api,
		      const struct idempotency_asked *asked,
		      struct idempotency_claim *claim,
		      struct http_response *res);
/* Keep the answer, or let go of the key if a retry may do better. */
void idempotency_end(struct idempotency *keys, struct api *api,
		     struct idempotency_claim *claim,
		     const struct http_response *res);

/* Another id of the same request: n = 0 is once_id itself. */
void idempotency_once_id(const char *once_id, unsigned n, char ret_id[40]);

#endif
