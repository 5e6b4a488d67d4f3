/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_delivery.c - the outbox in Redis.
 */
#include <assert.h>
#include <string.h>

#include "api/store/redis_store.h"

void
redis_arg_outgoing(struct redis_args *args, const struct store_outgoing *out)
{
	redis_arg(args, out->delivery.delivery_id);
	redis_arg(args, out->delivery.workflow_id);
	redis_arg(args, out->delivery.status);
	redis_arg_u64(args, out->delivery.attempts);
	redis_arg_u64(args, out->delivery.due_us);
	redis_arg(args, out->document);
}

int
redis_delivery_put(struct store *s, const struct store_outgoing *out,
		   struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg_outgoing(&args, out);
	return redis_run(s, SCRIPT_DELIVERY_PUT, &args, &reply, e);
}

/* Elements 0 to 6; the document is element 5. */
static int
read_delivery(const redisReply *reply, struct store_delivery *ret,
	      struct err *e)
{
	struct store_delivery d = {0};
	uint64_t attempts;

	if (redis_text(reply->element[0], d.workflow_id, sizeof(d.workflow_id),
		       e) < 0 ||
	    redis_text(reply->element[1], d.status, sizeof(d.status), e) < 0 ||
	    redis_u64(reply->element[2], &attempts, e) < 0 ||
	    redis_u64(reply->element[3], &d.due_us, e) < 0 ||
	    redis_u64(reply->element[4], &d.updated_us, e) < 0 ||
	    redis_text(reply->element[6], d.delivery_id, sizeof(d.delivery_id),
		       e) < 0)
		return -1;
	d.attempts = (uint32_t)attempts;
	*ret = d;
	return 0;
}

int
redis_delivery_claim(struct store *s, uint64_t lease_ms,
		     struct store_delivery *ret, char **ret_document,
		     uint64_t *ret_lease_token, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_delivery d;
	uint64_t token;

	redis_arg_u64(&args, lease_ms);
	if (redis_run(s, SCRIPT_DELIVERY_CLAIM, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "no delivery is due");
	if (redis_expect(reply, 8, e) < 0 || read_delivery(reply, &d, e) < 0 ||
	    redis_u64(reply->element[7], &token, e) < 0 ||
	    redis_text_dup(reply->element[5], ret_document, e) < 0)
		return -1;
	*ret = d;
	*ret_lease_token = token;
	return 0;
}

int
redis_delivery_update(struct store *s, const struct store_delivery *d,
		      const char *document, uint64_t lease_token, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	assert(lease_token != 0);
	redis_arg(&args, d->delivery_id);
	redis_arg_u64(&args, lease_token);
	redis_arg(&args, d->status);
	redis_arg_u64(&args, d->attempts);
	redis_arg_u64(&args, d->due_us);
	if (document != NULL)
		redis_arg(&args, document);
	if (redis_run(s, SCRIPT_DELIVERY_UPDATE, &args, &reply, e) < 0)
		return -1;
	if (!redis_says(reply, "ok"))
		return err_set(e, ERR_CONFLICT, 0,
			       "delivery %s: the lease is lost",
			       d->delivery_id);
	return 0;
}

int
redis_delivery_retry(struct store *s, const char *delivery_id, uint64_t due_us,
		     struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, delivery_id);
	redis_arg_u64(&args, due_us);
	if (redis_run(s, SCRIPT_DELIVERY_RETRY, &args, &reply, e) < 0)
		return -1;
	if (!redis_says(reply, "ok"))
		return err_set(e, ERR_NOT_FOUND, 0, "no dead delivery %s",
			       delivery_id);
	return 0;
}

int
redis_delivery_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	return redis_next_due(s, "promptcraft:deliveries:claimable", ret_due_us,
			      e);
}

int
redis_delivery_list(struct store *s, const char *status, uint32_t limit,
		    int (*fn)(void *arg, const struct store_delivery *d,
			      const char *document),
		    void *arg, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_delivery d;

	redis_arg(&args, status != NULL ? status : "");
	redis_arg_u64(&args, limit);
	if (redis_run(s, SCRIPT_DELIVERY_LIST, &args, &reply, e) < 0)
		return -1;
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *row = reply->element[i];

		if (redis_expect(row, 7, e) < 0 ||
		    read_delivery(row, &d, e) < 0)
			return -1;
		if (row->element[5]->type != REDIS_REPLY_STRING)
			return err_set(e, ERR_IO, 0,
				       "store: delivery %s is damaged",
				       d.delivery_id);
		if (fn(arg, &d, row->element[5]->str) != 0)
			break;
	}
	return 0;
}

int
redis_delivery_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		      struct err *e)
{
	return redis_expire(s, SCRIPT_DELIVERY_EXPIRE, before_us, ret_count, e);
}
