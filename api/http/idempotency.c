/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idempotency.c - who may run a request that was sent with a key.
 *
 * Responsible for one run of each key.  Between requests of this process a
 * list in memory decides; over restarts and between nodes the store does: the
 * first claims the key, and its answer is kept beside the claim.  A process
 * that dies leaves a claim without an answer.  Nobody can tell from outside
 * whether that request has acted, so the next one runs again, and what it
 * makes has an id that follows from user, key and fingerprint (once_id): it
 * finds what is there already instead of making a second.
 *
 * Not kept are answers that a retry may better: 409, 429 and 5xx.  And of a
 * route that has no limit no refusal is: nobody shall fill the store with the
 * answers about things that are not there.
 */
#include "api/http/idempotency.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define HEADER "Idempotency-Key"
#define RETRY_S 1
#define HOUR_US UINT64_C(3600000000)
/*
 * A longer answer (a job's with files) is not kept twice: the retry runs and
 * finds the job.
 */
#define ANSWER_MAX ((size_t)1 << 20)
#define UUID_BYTES 16

struct idempotency {
	pthread_mutex_t lock;
	struct idempotency_claim *first;
};

int
idempotency_new(struct idempotency **ret, struct err *e)
{
	struct idempotency *keys = calloc(1, sizeof(*keys));

	if (keys == NULL)
		return err_sys(e, "new list of keys");
	pthread_mutex_init(&keys->lock, NULL);
	*ret = keys;
	return 0;
}

void
idempotency_free(struct idempotency *keys)
{
	if (keys == NULL)
		return;
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

/* ---- the header ------------------------------------------------------ */

/* A structured field's string (RFC 9651): \" and \\ are escapes. */
static int
unquote(const char *value, size_t len, char *dst, size_t size)
{
	size_t used = 0;

	if (len < 2 || value[len - 1] != '"')
		return -1;
	for (size_t i = 1; i < len - 1; i++) {
		if (value[i] == '"')
			return -1;
		if (value[i] == '\\' &&
		    (++i >= len - 1 || (value[i] != '"' && value[i] != '\\')))
			return -1;
		if (used + 1 >= size)
			return -1;
		dst[used++] = value[i];
	}
	dst[used] = '\0';
	return 0;
}

static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

int
idempotency_read_key(const char *value, char ret_key[IDEMPOTENCY_KEY_SIZE],
		     struct http_response *res)
{
	int rc = value[0] == '"'
			 ? unquote(value, strlen(value), ret_key,
				   IDEMPOTENCY_KEY_SIZE)
			 : str_copy(ret_key, IDEMPOTENCY_KEY_SIZE, value);

	if (rc == 0 && ret_key[0] != '\0' && is_visible(ret_key))
		return 0;
	ret_key[0] = '\0';
	http_problem(res, 400, HEADER,
		     HEADER " must have 1 to %d visible characters, such as a "
			    "UUID",
		     IDEMPOTENCY_KEY_SIZE - 1);
	return -1;
}

/* ---- fingerprint and ids --------------------------------------------- */

static void
hash_text(crypto_hash_sha256_state *hash, const char *text)
{
	crypto_hash_sha256_update(hash, (const unsigned char *)text,
				  strlen(text) + 1);
}

static void
format_uuid(const unsigned char hash[crypto_hash_sha256_BYTES], char ret_id[40])
{
	unsigned char b[UUID_BYTES];
	char hex[2 * UUID_BYTES + 1];

	memcpy(b, hash, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x80); /* version 8: our own */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	(void)snprintf(ret_id, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		       hex + 12, hex + 16, hex + 20);
}

static void
identify(struct idempotency_claim *claim, const struct idempotency_asked *asked)
{
	unsigned char bytes[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;

	crypto_hash_sha256_init(&hash);
	hash_text(&hash, asked->method);
	hash_text(&hash, asked->path);
	crypto_hash_sha256_update(&hash, asked->body, asked->body_len);
	crypto_hash_sha256_final(&hash, bytes);
	str_hex(claim->fingerprint, bytes, sizeof(bytes));

	crypto_hash_sha256_init(&hash);
	hash_text(&hash, "once");
	hash_text(&hash, asked->user_id);
	hash_text(&hash, claim->key);
	hash_text(&hash, claim->fingerprint);
	crypto_hash_sha256_final(&hash, bytes);
	format_uuid(bytes, claim->once_id);
}

void
idempotency_once_id(const char *once_id, unsigned n, char ret_id[40])
{
	unsigned char bytes[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;
	char number[16];

	if (n == 0) {
		(void)snprintf(ret_id, 40, "%s", once_id);
		return;
	}
	(void)snprintf(number, sizeof(number), "%u", n);
	crypto_hash_sha256_init(&hash);
	hash_text(&hash, "again");
	hash_text(&hash, once_id);
	hash_text(&hash, number);
	crypto_hash_sha256_final(&hash, bytes);
	format_uuid(bytes, ret_id);
}

/* ---- within this process --------------------------------------------- */

static const struct idempotency_claim *
find(const struct idempotency *keys, const struct idempotency_claim *claim)
{
	const struct idempotency_claim *c = keys->first;

	while (c != NULL && (strcmp(c->key, claim->key) != 0 ||
			     strcmp(c->user_id, claim->user_id) != 0))
		c = c->next;
	return c;
}

/* False: another request holds it; *ret_is_same says whether it asks this. */
static bool
hold(struct idempotency *keys, struct idempotency_claim *claim,
     bool *ret_is_same)
{
	const struct idempotency_claim *other;

	pthread_mutex_lock(&keys->lock);
	other = find(keys, claim);
	if (other == NULL) {
		claim->next = keys->first;
		keys->first = claim;
		claim->is_held = true;
	} else {
		*ret_is_same =
			strcmp(other->fingerprint, claim->fingerprint) == 0;
	}
	pthread_mutex_unlock(&keys->lock);
	return claim->is_held;
}

static void
let_go(struct idempotency *keys, struct idempotency_claim *claim)
{
	struct idempotency_claim **at = &keys->first;

	pthread_mutex_lock(&keys->lock);
	while (*at != NULL && *at != claim)
		at = &(*at)->next;
	if (*at != NULL)
		*at = claim->next;
	claim->is_held = false;
	pthread_mutex_unlock(&keys->lock);
}

/* ---- the answer ------------------------------------------------------ */

static bool
is_final(int status)
{
	return status >= 200 && status < 500 && status != 409 && status != 429;
}

static bool
is_to_keep(const struct idempotency_claim *claim, int status)
{
	return is_final(status) && (status < 300 || claim->keeps_refusals);
}

/* One of ours, with the life of the process; NULL: plain JSON. */
static const char *
media_type_of(const json_t *kept)
{
	const char *name =
		json_string_value(json_object_get(kept, "media_type"));

	if (name != NULL && strcmp(name, HTTP_MEDIA_SARIF) == 0)
		return HTTP_MEDIA_SARIF;
	return NULL;
}

/* malloc'd; NULL: too long, or no memory. */
static char *
dump_answer(const struct http_response *res)
{
	json_t *kept =
		json_pack("{s:i, s:O*, s:s*}", "status", res->status, "body",
			  res->body, "media_type", res->media_type);
	char *text = kept != NULL ? json_dumps(kept, JSON_COMPACT) : NULL;

	json_decref(kept);
	if (text != NULL && strlen(text) > ANSWER_MAX) {
		free(text);
		return NULL;
	}
	return text;
}

static void
replay(const char *text, struct http_response *res)
{
	json_t *kept = json_loads(text, JSON_ALLOW_NUL, NULL), *body;
	struct err e = ERR_INIT;
	int status = (int)json_integer_value(json_object_get(kept, "status"));
	const char *media_type = media_type_of(kept);

	body = json_incref(json_object_get(kept, "body"));
	json_decref(kept);
	if (!is_final(status)) {
		json_decref(body);
		err_set(&e, ERR_IO, 0, "a kept answer is damaged");
		http_problem_from_err(res, &e);
		return;
	}
	if (body != NULL)
		http_json(res, status, body);
	res->status = status;
	res->media_type = media_type;
	res->is_problem = status >= 400;
	res->is_replayed = true;
}

static void
refuse_other(struct http_response *res)
{
	http_problem(res, 422, HEADER,
		     HEADER ": this key was sent with another request; send a "
			    "new key, or the same request again");
}

static void
refuse_busy(struct http_response *res)
{
	http_problem(res, 409, HEADER,
		     HEADER ": the first request with this key is still "
			    "running; send it again for its answer");
	res->retry_after_s = RETRY_S;
}

/* ---- begin and end --------------------------------------------------- */

/* 1: ours; 0: *res is the answer; -1: *e. */
static int
claim_in_store(struct api *api, struct idempotency_claim *claim,
	       struct http_response *res, struct err *e)
{
	uint64_t expires_us =
		clock_wall_us() + api->config.idempotency_hours * HOUR_US;
	owned_mem char *answer = NULL;
	char fingerprint[65];
	bool is_new = false;

	if (store_idempotency_claim(api->store, claim->user_id, claim->key,
				    claim->fingerprint, expires_us, &is_new,
				    fingerprint, &answer, e) < 0)
		return -1;
	if (is_new)
		return 1;
	if (strcmp(fingerprint, claim->fingerprint) != 0) {
		refuse_other(res);
		return 0;
	}
	if (answer != NULL) {
		replay(answer, res);
		return 0;
	}
	claim->is_retry = true;
	return 1;
}

int
idempotency_begin(struct idempotency *keys, struct api *api,
		  const struct idempotency_asked *asked,
		  struct idempotency_claim *claim, struct http_response *res)
{
	struct err e = ERR_INIT;
	bool is_same = false;
	int rc;

	(void)str_copy(claim->user_id, sizeof(claim->user_id), asked->user_id);
	claim->keeps_refusals = asked->is_limited;
	identify(claim, asked);
	if (!hold(keys, claim, &is_same)) {
		if (is_same)
			refuse_busy(res);
		else
			refuse_other(res);
		return 0;
	}
	rc = claim_in_store(api, claim, res, &e);
	if (rc > 0)
		return 1;
	let_go(keys, claim);
	if (rc < 0)
		http_problem_from_err(res, &e);
	return 0;
}

void
idempotency_end(struct idempotency *keys, struct api *api,
		struct idempotency_claim *claim,
		const struct http_response *res)
{
	owned_mem char *answer = NULL;
	struct err e = ERR_INIT;
	int rc = 0;

	if (!claim->is_held)
		return;
	if (is_to_keep(claim, res->status)) {
		answer = dump_answer(res);
		if (answer != NULL)
			rc = store_idempotency_answer(api->store,
						      claim->user_id,
						      claim->key, answer, &e);
	} else if (!claim->is_retry) {
		/* A retry's claim is another's, who may be at work still. */
		rc = store_idempotency_release(api->store, claim->user_id,
					       claim->key, &e);
	}
	/* A retry then runs, and finds what this one has made. */
	if (rc < 0)
		log_error("event=idempotency_keep once=%s error=\"%s\"",
			  claim->once_id, e.text);
	let_go(keys, claim);
}
