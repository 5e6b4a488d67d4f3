/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_glance.c - what a request about a workflow must know, by one script.
 */
#include "api/store/redis_store.h"

#define MS_PER_S 1000u

static int
read_count(const redisReply *count, const redisReply *left_ms,
	   uint32_t window_s, struct store_glance *ret, struct err *e)
{
	uint64_t ms, s;

	if (redis_u64(count, &ret->hits, e) < 0 ||
	    redis_u64(left_ms, &ms, e) < 0)
		return -1;
	s = (ms + MS_PER_S - 1) / MS_PER_S;
	ret->reset_s = s < window_s ? (uint32_t)s : window_s;
	return 0;
}

static int
read_glance(const redisReply *reply, const char *workflow_id, uint32_t window_s,
	    struct store_glance *ret, struct err *e)
{
	const redisReply *user = reply->element[0], *meta = reply->element[1];

	if (user->type != REDIS_REPLY_NIL &&
	    redis_read_user(user, &ret->user, e) < 0)
		return -1;
	if (meta->type != REDIS_REPLY_NIL &&
	    (redis_expect(meta, 7, e) < 0 ||
	     redis_read_meta(meta, workflow_id, &ret->meta, e) < 0))
		return -1;
	return read_count(reply->element[2], reply->element[3], window_s, ret,
			  e);
}

int
redis_glance(struct store *s, const char *user_id, uint32_t token_version,
	     const char *workflow_id, const char *counter_key,
	     uint32_t window_s, struct store_glance *ret, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_glance glance = {0};

	redis_arg(&args, user_id);
	redis_arg(&args, workflow_id);
	if (counter_key != NULL)
		redis_arg_counter(&args, counter_key);
	else
		redis_arg(&args, "");
	redis_arg_u64(&args, window_s);
	redis_arg_u64(&args, token_version);
	if (redis_run(s, SCRIPT_GLANCE, &args, &reply, e) < 0 ||
	    redis_expect(reply, 4, e) < 0 ||
	    read_glance(reply, workflow_id, window_s, &glance, e) < 0)
		return -1;
	*ret = glance;
	return 0;
}
