/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_store.h - what the files of the Redis back end share.  Every operation
 * is one Lua script, so that it happens whole or not at all and in one round
 * trip:
 *
 *	owned_args struct redis_args args = {0};
 *	owned_reply redisReply *reply = NULL;
 *
 *	redis_arg(&args, id);
 *	if (redis_run(s, SCRIPT_X, &args, &reply, e) < 0)
 *		return -1;
 */
#ifndef PC_API_REDIS_STORE_H
#define PC_API_REDIS_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/store/redis_conn.h"
#include "api/store/store_ops.h"

enum script {
	SCRIPT_PING,
	SCRIPT_USER_ADD,
	SCRIPT_USER_GET,
	SCRIPT_USER_GET_BY_ID,
	SCRIPT_USER_SET_PASSWORD,
	SCRIPT_USER_LIST,
	SCRIPT_WORKFLOW_CREATE,
	SCRIPT_WORKFLOW_GET,
	SCRIPT_WORKFLOW_PEEK,
	SCRIPT_GLANCE,
	SCRIPT_WORKFLOW_UPDATE,
	SCRIPT_WORKFLOW_LIST,
	SCRIPT_WORKFLOW_CLAIM,
	SCRIPT_LEASE_RENEW,
	SCRIPT_LEASE_RELEASE,
	SCRIPT_NEXT_DUE,
	SCRIPT_WORKFLOW_EXPIRE,
	SCRIPT_DELIVERY_PUT,
	SCRIPT_DELIVERY_CLAIM,
	SCRIPT_DELIVERY_UPDATE,
	SCRIPT_DELIVERY_RETRY,
	SCRIPT_DELIVERY_LIST,
	SCRIPT_DELIVERY_EXPIRE,
	SCRIPT_IDEMPOTENCY_CLAIM,
	SCRIPT_IDEMPOTENCY_ANSWER,
	SCRIPT_IDEMPOTENCY_RELEASE,
	SCRIPT_USAGE_ADD,
	SCRIPT_USAGE_LIST,
	SCRIPT_USAGE_EXPIRE,
	SCRIPT_SPEND_RESERVE,
	SCRIPT_SPEND_SETTLE,
	SCRIPT_SPEND_SUM,
	SCRIPT_JOB_PUT,
	SCRIPT_JOB_GET,
	SCRIPT_JOB_LIST_RUNNING,
	SCRIPT_JOB_EXPIRE,
	SCRIPT_COUNTER_HIT,
	SCRIPT_COUNTER_CLEAR,
	SCRIPT_SETTING_GET,
	SCRIPT_SETTING_PUT,
	SCRIPT_COUNT
};

/* The text of each script (redis_scripts.c). */
extern const struct script_text {
	const char *prelude, *text;
	/*
	 * May it run again when the reply of the first run was lost?  Either it
	 * does the same again, or it knows its first run by ARGV[1].
	 */
	bool may_repeat;
} script_texts[SCRIPT_COUNT];

#define REDIS_POOL_MAX 64

struct redis_store {
	struct store base;
	struct redis_target target;
	char node[17];	    /* this process, among those that share Redis */
	atomic_uint serial; /* of requests */
	char sha[SCRIPT_COUNT][41];
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a connection came back */
	struct redis_conn *idle[REDIS_POOL_MAX];
	size_t idle_len, open_len;
	/* Redis's absence: how often in a row, since when, when to try next. */
	unsigned failures;
	uint64_t down_since_ms, retry_ms;
	char cause[ERR_TEXT_MAX];
};

STORE_DECLARE(redis)

static inline struct redis_store *
redis_of(struct store *s)
{
	return (struct redis_store *)s;
}

/*
 * Runs a script with these arguments behind its own two: ARGV[1], an id of
 * this request, and ARGV[2], '1' if it may have run already.  Errors of Redis
 * are errors here.
 */
int redis_run(struct store *s, enum script which, const struct redis_args *args,
	      redisReply **ret, struct err *e);
/* For the start: one plain command. */
int redis_command(struct redis_store *s, const struct redis_args *args,
		  redisReply **ret, struct err *e);
/* Loads all scripts, so that Redis tells their names. */
int redis_load_scripts(struct redis_store *s, struct err *e);
void redis_pool_init(struct redis_store *s);
void redis_pool_done(struct redis_store *s);

/* Is the reply this word? */
bool redis_says(const redisReply *reply, const char *word);
/* Element i of an array, or the reply itself: ERR_IO if it is not as asked. */
int redis_u64(const redisReply *reply, uint64_t *ret, struct err *e);
int redis_text(const redisReply *reply, char *dst, size_t size, struct err *e);
int redis_text_dup(const redisReply *reply, char **ret, struct err *e);
/* An array of that many elements? */
int redis_expect(const redisReply *reply, size_t elements, struct err *e);

/* Deletes by a script that takes a time and a number, until none is left. */
int redis_expire(struct store *s, enum script which, uint64_t time_us,
		 uint64_t *ret_count, struct err *e);
int redis_next_due(struct store *s, const char *key, uint64_t *ret_due_us,
		   struct err *e);
/* Replies and arguments that two files have. */
int redis_read_user(const redisReply *reply, struct store_user *ret,
		    struct err *e);
int redis_read_meta(const redisReply *reply, const char *workflow_id,
		    struct store_workflow_meta *ret, struct err *e);
void redis_arg_counter(struct redis_args *args, const char *key);
/* Six arguments of a script. */
void redis_arg_outgoing(struct redis_args *args,
			const struct store_outgoing *out);

#endif
