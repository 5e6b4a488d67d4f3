/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_call.c - how a script is run: a pool of connections, reconnecting with
 * backoff, and what is done when a reply is lost.
 *
 * Responsible for no command being repeated that may have been executed unless
 * it says that it may (script_texts), for an absence of Redis shorter than
 * PATIENCE_MS going unnoticed, and for a longer one costing its callers no
 * more waiting: then one of them tries every now and then, the others fail at
 * once.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/store/redis_store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define CALL_TIMEOUT_MS 5000
#define CONNECT_TIMEOUT_MS 1000
#define PATIENCE_MS 3000
#define BACKOFF_MIN_MS 20
#define BACKOFF_MAX_MS 2000

/* ---- the pool -------------------------------------------------------- */

void
redis_pool_init(struct redis_store *s)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->lock, NULL);
}

void
redis_pool_done(struct redis_store *s)
{
	for (size_t i = 0; i < s->idle_len; i++)
		redis_conn_close(s->idle[i]);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

/* Twice as long after each failure, a random half of it more or less. */
static uint64_t
backoff_ms(unsigned failures)
{
	uint64_t ms = BACKOFF_MAX_MS;

	if (failures < 7)
		ms = (uint64_t)BACKOFF_MIN_MS << failures;
	return ms / 2 + randombytes_uniform((uint32_t)ms);
}

/* Under the lock: Redis did not answer, so no idle connection is any good. */
static void
note_absence(struct redis_store *s, const struct err *e)
{
	uint64_t now_ms = clock_mono_ms();

	if (s->failures == 0)
		s->down_since_ms = now_ms;
	s->retry_ms = now_ms + backoff_ms(s->failures);
	s->failures++;
	(void)str_copy(s->cause, sizeof(s->cause), e->text);
	s->open_len -= s->idle_len;
	while (s->idle_len > 0)
		redis_conn_close(s->idle[--s->idle_len]);
}

/* A connection that is no good any more is gone. */
static void
pool_drop(struct redis_store *s, struct redis_conn *conn, const struct err *e)
{
	redis_conn_close(conn);
	pthread_mutex_lock(&s->lock);
	s->open_len--;
	note_absence(s, e);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void
pool_give(struct redis_store *s, struct redis_conn *conn)
{
	pthread_mutex_lock(&s->lock);
	s->failures = 0;
	s->idle[s->idle_len++] = conn;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Under the lock: waits until something changes or the time has come. */
static void
wait_until(struct redis_store *s, uint64_t time_ms)
{
	struct timespec ts = {
		.tv_sec = (time_t)(time_ms / 1000),
		.tv_nsec = (long)(time_ms % 1000) * 1000000,
	};

	(void)pthread_cond_timedwait(&s->changed, &s->lock, &ts);
}

/* When to look again while Redis is away. */
static uint64_t
wake_ms(const struct redis_store *s, uint64_t deadline_ms)
{
	uint64_t patience_ms = s->down_since_ms + PATIENCE_MS + 1;
	uint64_t ms = s->retry_ms < patience_ms ? s->retry_ms : patience_ms;

	return ms < deadline_ms ? ms : deadline_ms;
}

/*
 * Under the lock: true with *ret_conn set (a connection that was there) or
 * NULL (the caller is to make one, and is counted).
 */
static bool
pool_reserve(struct redis_store *s, uint64_t deadline_ms,
	     struct redis_conn **ret_conn, struct err *e)
{
	for (;;) {
		uint64_t now_ms = clock_mono_ms();
		bool is_waiting = s->failures > 0 && now_ms < s->retry_ms;

		while (s->idle_len > 0) {
			struct redis_conn *conn = s->idle[--s->idle_len];

			if (!redis_conn_is_stale(conn)) {
				*ret_conn = conn;
				return true;
			}
			s->open_len--;
			redis_conn_close(conn);
		}
		if (now_ms >= deadline_ms ||
		    (is_waiting && now_ms - s->down_since_ms > PATIENCE_MS)) {
			err_set(e, ERR_UNAVAILABLE, 0, "%s",
				s->failures > 0 ? s->cause
						: "store: every connection to "
						  "Redis is in use");
			return false;
		}
		if (!is_waiting && s->open_len < REDIS_POOL_MAX)
			break;
		wait_until(s,
			   is_waiting ? wake_ms(s, deadline_ms) : deadline_ms);
	}
	/* While Redis is away one caller looks for it, not all. */
	if (s->failures > 0)
		s->retry_ms = clock_mono_ms() + CONNECT_TIMEOUT_MS;
	s->open_len++;
	*ret_conn = NULL;
	return true;
}

/* The time when a connection attempt of this call must end. */
static uint64_t
connect_deadline(uint64_t deadline_ms)
{
	uint64_t limit_ms = clock_mono_ms() + CONNECT_TIMEOUT_MS;

	return limit_ms < deadline_ms ? limit_ms : deadline_ms;
}

static int
pool_take(struct redis_store *s, uint64_t deadline_ms, struct redis_conn **ret,
	  struct err *e)
{
	for (;;) {
		struct redis_conn *conn = NULL;
		bool has_one;

		pthread_mutex_lock(&s->lock);
		has_one = pool_reserve(s, deadline_ms, &conn, e);
		pthread_mutex_unlock(&s->lock);
		if (!has_one)
			return -1;
		if (conn == NULL &&
		    redis_conn_open(&s->target, connect_deadline(deadline_ms),
				    &conn, e) < 0) {
			pool_drop(s, NULL, e);
			if (e->kind != ERR_UNAVAILABLE)
				return -1;
			continue;
		}
		*ret = conn;
		return 0;
	}
}

/* ---- errors that Redis answers with ---------------------------------- */

enum refusal {
	REFUSAL_NO_SCRIPT, /* it forgot the scripts: send the text */
	REFUSAL_AWAY,	   /* not executed, and not for long, we hope */
	REFUSAL_FULL,	   /* not executed: no memory, no disk */
	REFUSAL_OTHER,
};

static const struct {
	const char *prefix;
	enum refusal refusal;
} refusals[] = {
	{"NOSCRIPT", REFUSAL_NO_SCRIPT}, {"LOADING", REFUSAL_AWAY},
	{"READONLY", REFUSAL_AWAY},	 {"MASTERDOWN", REFUSAL_AWAY},
	{"BUSY ", REFUSAL_AWAY},	 {"NOREPLICAS", REFUSAL_AWAY},
	{"OOM", REFUSAL_FULL},		 {"MISCONF", REFUSAL_FULL},
};

static enum refusal
classify(const redisReply *reply)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (strncmp(reply->str, refusals[i].prefix,
			    strlen(refusals[i].prefix)) == 0)
			return refusals[i].refusal;
	/* An error within a script has the code behind its own words. */
	if (strstr(reply->str, "OOM ") != NULL ||
	    strstr(reply->str, "MISCONF ") != NULL)
		return REFUSAL_FULL;
	return REFUSAL_OTHER;
}

static int
set_refusal(const redisReply *reply, struct err *e)
{
	switch (classify(reply)) {
	case REFUSAL_AWAY:
		return err_set(e, ERR_UNAVAILABLE, 0, "store: Redis: %s",
			       reply->str);
	case REFUSAL_FULL:
		return err_set(e, ERR_IO, ENOSPC, "store: Redis: %s",
			       reply->str);
	default:
		return err_set(e, ERR_IO, 0, "store: Redis: %s", reply->str);
	}
}

/* ---- running a script ------------------------------------------------ */

static void
make_head(struct redis_args *head, const struct redis_store *s,
	  enum script which, const char *request, bool is_text, bool is_repeat)
{
	const struct script_text *script = &script_texts[which];
	char text[8192];

	if (is_text) {
		snprintf(text, sizeof(text), "%s%s", script->prelude,
			 script->text);
		redis_arg(head, "EVAL");
		redis_arg(head, text);
	} else {
		redis_arg(head, "EVALSHA");
		redis_arg(head, s->sha[which]);
	}
	redis_arg(head, "0");
	redis_arg(head, request);
	redis_arg(head, is_repeat ? "1" : "0");
}

/* One try of a call. */
enum turn {
	TURN_DONE,
	TURN_FAILED,
	TURN_AGAIN,	/* it was not executed */
	TURN_WITH_TEXT, /* nor was this, and Redis wants the text */
	TURN_UNKNOWN,	/* it may have been executed */
};

static enum turn
take_turn(struct redis_store *s, const struct redis_args *head,
	  const struct redis_args *body, uint64_t deadline_ms, redisReply **ret,
	  struct err *e)
{
	owned_reply redisReply *reply = NULL;
	struct redis_conn *conn;
	enum redis_outcome outcome;
	enum refusal refusal;

	if (pool_take(s, deadline_ms, &conn, e) < 0)
		return TURN_FAILED;
	outcome = redis_conn_call(conn, head, body, deadline_ms, &reply, e);
	if (outcome != REDIS_REPLIED) {
		pool_drop(s, conn, e);
		if (e->kind != ERR_UNAVAILABLE)
			return TURN_FAILED;
		return outcome == REDIS_LOST ? TURN_UNKNOWN : TURN_AGAIN;
	}
	if (reply->type != REDIS_REPLY_ERROR) {
		pool_give(s, conn);
		*ret = reply;
		reply = NULL;
		return TURN_DONE;
	}
	refusal = classify(reply);
	set_refusal(reply, e);
	if (refusal == REFUSAL_AWAY)
		pool_drop(s, conn, e);
	else
		pool_give(s, conn);
	return refusal == REFUSAL_AWAY	      ? TURN_AGAIN
	       : refusal == REFUSAL_NO_SCRIPT ? TURN_WITH_TEXT
					      : TURN_FAILED;
}

int
redis_run(struct store *base, enum script which, const struct redis_args *args,
	  redisReply **ret, struct err *e)
{
	uint64_t deadline_ms = clock_mono_ms() + CALL_TIMEOUT_MS;
	struct redis_store *s = redis_of(base);
	bool is_text = false, is_repeat = false;
	/* What went well in the end leaves no error behind. */
	struct err cause = ERR_INIT;
	char request[32];

	snprintf(request, sizeof(request), "%s%08x", s->node,
		 atomic_fetch_add(&s->serial, 1));
	for (;;) {
		owned_args struct redis_args head = {0};

		make_head(&head, s, which, request, is_text, is_repeat);
		switch (take_turn(s, &head, args, deadline_ms, ret, &cause)) {
		case TURN_DONE:
			return 0;
		case TURN_FAILED:
			*e = cause;
			return -1;
		case TURN_WITH_TEXT:
			is_text = true;
			break;
		case TURN_UNKNOWN:
			if (!script_texts[which].may_repeat) {
				*e = cause;
				return -1;
			}
			is_repeat = true;
			break;
		case TURN_AGAIN:
			break;
		}
	}
}

int
redis_command(struct redis_store *s, const struct redis_args *args,
	      redisReply **ret, struct err *e)
{
	uint64_t deadline_ms = clock_mono_ms() + CALL_TIMEOUT_MS;

	return take_turn(s, args, NULL, deadline_ms, ret, e) == TURN_DONE ? 0
									  : -1;
}

int
redis_load_scripts(struct redis_store *s, struct err *e)
{
	for (size_t i = 0; i < SCRIPT_COUNT; i++) {
		owned_args struct redis_args args = {0};
		owned_reply redisReply *reply = NULL;
		char text[8192];

		if (str_printf(text, sizeof(text), "%s%s",
			       script_texts[i].prelude,
			       script_texts[i].text) < 0)
			return err_set(e, ERR_IO, 0,
				       "store: script %zu is too long", i);
		redis_arg(&args, "SCRIPT");
		redis_arg(&args, "LOAD");
		redis_arg(&args, text);
		if (redis_command(s, &args, &reply, e) < 0 ||
		    redis_text(reply, s->sha[i], sizeof(s->sha[i]), e) < 0)
			return err_wrap(e, "script %zu", i);
	}
	return 0;
}

/* ---- reading replies ------------------------------------------------- */

bool
redis_says(const redisReply *reply, const char *word)
{
	return (reply->type == REDIS_REPLY_STRING ||
		reply->type == REDIS_REPLY_STATUS) &&
	       strcmp(reply->str, word) == 0;
}

static int
not_ours(struct err *e)
{
	return err_set(e, ERR_IO, 0, "store: Redis holds what is not ours");
}

int
redis_u64(const redisReply *reply, uint64_t *ret, struct err *e)
{
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0) {
		*ret = (uint64_t)reply->integer;
		return 0;
	}
	if (reply->type != REDIS_REPLY_STRING ||
	    str_to_u64(reply->str, INT64_MAX, ret) < 0)
		return not_ours(e);
	return 0;
}

int
redis_text(const redisReply *reply, char *dst, size_t size, struct err *e)
{
	if (reply->type != REDIS_REPLY_STRING ||
	    str_copy(dst, size, reply->str) < 0)
		return not_ours(e);
	return 0;
}

int
redis_text_dup(const redisReply *reply, char **ret, struct err *e)
{
	char *copy;

	if (reply->type != REDIS_REPLY_STRING)
		return not_ours(e);
	copy = strdup(reply->str);
	if (copy == NULL)
		return err_set(e, ERR_IO, ENOMEM, "store: read a document");
	*ret = copy;
	return 0;
}

int
redis_expect(const redisReply *reply, size_t elements, struct err *e)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != elements)
		return not_ours(e);
	return 0;
}
