/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_ledger.c - idempotency keys, the usage log and the money in Redis.
 */
#include <string.h>

#include "api/store/redis_store.h"

/* ---- idempotency keys ------------------------------------------------ */

int
redis_idempotency_claim(struct store *s, const char *user_id, const char *key,
			const char *fingerprint, uint64_t expires_us,
			bool *ret_is_new, char ret_fingerprint[65],
			char **ret_answer, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	char kept[65], *answer = NULL;
	uint64_t is_new;

	redis_arg(&args, user_id);
	redis_arg(&args, key);
	redis_arg(&args, fingerprint);
	redis_arg_u64(&args, expires_us);
	if (redis_run(s, SCRIPT_IDEMPOTENCY_CLAIM, &args, &reply, e) < 0 ||
	    redis_expect(reply, 3, e) < 0 ||
	    redis_u64(reply->element[0], &is_new, e) < 0 ||
	    redis_text(reply->element[1], kept, sizeof(kept), e) < 0)
		return -1;
	if (reply->element[2]->type != REDIS_REPLY_NIL &&
	    redis_text_dup(reply->element[2], &answer, e) < 0)
		return -1;
	*ret_is_new = is_new == 1;
	memcpy(ret_fingerprint, kept, sizeof(kept));
	*ret_answer = answer;
	return 0;
}

int
redis_idempotency_answer(struct store *s, const char *user_id, const char *key,
			 const char *answer, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, user_id);
	redis_arg(&args, key);
	redis_arg(&args, answer);
	if (redis_run(s, SCRIPT_IDEMPOTENCY_ANSWER, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "missing"))
		return err_set(e, ERR_NOT_FOUND, 0,
			       "nobody has claimed this idempotency key");
	return 0;
}

int
redis_idempotency_release(struct store *s, const char *user_id, const char *key,
			  struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, user_id);
	redis_arg(&args, key);
	return redis_run(s, SCRIPT_IDEMPOTENCY_RELEASE, &args, &reply, e);
}

/* ---- usage ----------------------------------------------------------- */

int
redis_usage_add(struct store *s, const char *date, const char *entry,
		struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, date);
	redis_arg(&args, entry);
	return redis_run(s, SCRIPT_USAGE_ADD, &args, &reply, e);
}

int
redis_usage_list(struct store *s, const char *date, uint32_t limit,
		 int (*fn)(void *arg, const char *entry), void *arg,
		 struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, date);
	redis_arg_u64(&args, limit);
	if (redis_run(s, SCRIPT_USAGE_LIST, &args, &reply, e) < 0)
		return -1;
	for (size_t i = 0; i < reply->elements; i++)
		if (fn(arg, reply->element[i]->str) != 0)
			break;
	return 0;
}

int
redis_usage_expire(struct store *s, const char *before_date, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, before_date);
	return redis_run(s, SCRIPT_USAGE_EXPIRE, &args, &reply, e);
}

/* ---- money ----------------------------------------------------------- */

/* {word, the day's sum, the workflow's sum} */
static int
read_totals(const redisReply *reply, struct store_spend_totals *ret,
	    struct err *e)
{
	struct store_spend_totals totals;

	if (redis_expect(reply, 3, e) < 0 ||
	    redis_u64(reply->element[1], &totals.day_micros, e) < 0 ||
	    redis_u64(reply->element[2], &totals.workflow_micros, e) < 0)
		return -1;
	*ret = totals;
	return 0;
}

int
redis_spend_reserve(struct store *s, const struct store_spend *spend,
		    uint64_t day_limit_micros, uint64_t workflow_limit_micros,
		    struct store_spend_totals *ret_totals, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, spend->spend_id);
	redis_arg(&args, spend->workflow_id);
	redis_arg(&args, spend->user_id);
	redis_arg(&args, spend->date);
	redis_arg_u64(&args, spend->step);
	redis_arg_u64(&args, spend->micros);
	redis_arg_u64(&args, day_limit_micros);
	redis_arg_u64(&args, workflow_limit_micros);
	if (redis_run(s, SCRIPT_SPEND_RESERVE, &args, &reply, e) < 0 ||
	    read_totals(reply, ret_totals, e) < 0)
		return -1;
	if (redis_says(reply->element[0], "ok"))
		return 0;
	return err_set(e, ERR_LIMIT, 0, "the %s's cost limit would be exceeded",
		       reply->element[0]->str);
}

int
redis_spend_settle(struct store *s, const char *spend_id, uint64_t micros,
		   struct store_spend_totals *ret_totals, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_spend_totals totals;

	redis_arg(&args, spend_id);
	redis_arg_u64(&args, micros);
	if (redis_run(s, SCRIPT_SPEND_SETTLE, &args, &reply, e) < 0 ||
	    read_totals(reply, &totals, e) < 0)
		return -1;
	if (redis_says(reply->element[0], "missing"))
		return err_set(e, ERR_NOT_FOUND, 0,
			       "nothing was set aside as %s", spend_id);
	*ret_totals = totals;
	return 0;
}

int
redis_spend_sum(struct store *s, const char *date, const char *user_id,
		const char *workflow_id, uint64_t *ret_micros, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, date != NULL ? date : "");
	redis_arg(&args, user_id != NULL ? user_id : "");
	redis_arg(&args, workflow_id != NULL ? workflow_id : "");
	if (redis_run(s, SCRIPT_SPEND_SUM, &args, &reply, e) < 0)
		return -1;
	return redis_u64(reply, ret_micros, e);
}
