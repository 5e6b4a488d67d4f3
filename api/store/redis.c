/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis.c - the Redis back end: opening, what is asked of a Redis before it is
 * trusted, users, counters and settings.
 *
 * Refuses a Redis that could lose data without an error (eviction, a replica,
 * a cluster that our scripts do not fit); warns of one that could lose it in a
 * crash (no append-only file).
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
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define LOADING_WAIT_MS 60000
#define LOADING_PAUSE_MS 100
#define VERSION_MIN 70000

/* ---- what INFO tells ------------------------------------------------- */

/* The value of "name:value\r\n", cut if it is longer than dst; "" if absent. */
static void
info_value(const char *info, const char *name, char *dst, size_t size)
{
	size_t name_len = strlen(name), len;

	dst[0] = '\0';
	for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		if (strncmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		line += name_len + 1;
		len = strcspn(line, "\r\n");
		len = len < size ? len : size - 1;
		memcpy(dst, line, len);
		dst[len] = '\0';
		return;
	}
}

static uint32_t
parse_version(const char *text)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(text, "%3u.%2u.%2u", &major, &minor, &patch) < 2)
		return 0;
	return major * 10000 + minor * 100 + patch;
}

static int
check_identity(const char *info, struct err *e)
{
	char value[64];

	info_value(info, "redis_version", value, sizeof(value));
	if (parse_version(value) < VERSION_MIN)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "REDIS_HOST: Redis there is version %s; 7.0 or "
			       "later is needed",
			       value);
	info_value(info, "cluster_enabled", value, sizeof(value));
	if (strcmp(value, "1") == 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "REDIS_HOST: Redis there is a cluster, which is "
			       "not supported (cluster-enabled no)");
	info_value(info, "role", value, sizeof(value));
	if (strcmp(value, "master") != 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "REDIS_HOST: Redis there is a %s, not the "
			       "primary: it takes no writes",
			       value);
	return 0;
}

/* With eviction Redis throws data away and says nothing. */
static int
check_eviction(const char *info, struct err *e)
{
	char policy[64];

	info_value(info, "maxmemory_policy", policy, sizeof(policy));
	if (strcmp(policy, "noeviction") == 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "REDIS_HOST: Redis there may throw data away "
		       "(maxmemory-policy %s): set maxmemory-policy noeviction",
		       policy);
}

/* CONFIG may be denied to us: then only what INFO says is known. */
static int
read_fsync(struct redis_store *s, char *dst, size_t size, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct err cause = ERR_INIT;

	redis_arg(&args, "CONFIG");
	redis_arg(&args, "GET");
	redis_arg(&args, "appendfsync");
	dst[0] = '\0';
	if (redis_command(s, &args, &reply, &cause) < 0) {
		if (cause.kind != ERR_UNAVAILABLE)
			return 0;
		*e = cause;
		return -1;
	}
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
		(void)redis_text(reply->element[1], dst, size, &cause);
	return 0;
}

static int
check_persistence(struct redis_store *s, const char *info, struct err *e)
{
	char value[64];

	info_value(info, "aof_enabled", value, sizeof(value));
	if (strcmp(value, "1") != 0)
		return str_copy(s->base.warning, sizeof(s->base.warning),
				"Redis keeps no append-only file: what is "
				"written is lost when it ends; set appendonly "
				"yes and appendfsync always");
	if (read_fsync(s, value, sizeof(value), e) < 0)
		return -1;
	if (value[0] == '\0')
		return str_copy(s->base.warning, sizeof(s->base.warning),
				"this user may not ask Redis for appendfsync; "
				"see that it is always, or allow +config|get");
	if (strcmp(value, "always") != 0)
		return str_printf(
			s->base.warning, sizeof(s->base.warning),
			"Redis writes its append-only file later than it "
			"answers (appendfsync %s): a crash of its machine "
			"loses the last second, and steps of workflows are "
			"repeated; set appendfsync always",
			value);
	return 0;
}

static int
check_server(struct redis_store *s, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, "INFO");
	if (redis_command(s, &args, &reply, e) < 0)
		return err_wrap(e, "INFO");
	if (reply->type != REDIS_REPLY_STRING)
		return err_set(e, ERR_PEER, 0,
			       "REDIS_HOST: what is there is no Redis");
	if (check_identity(reply->str, e) < 0 ||
	    check_eviction(reply->str, e) < 0)
		return -1;
	return check_persistence(s, reply->str, e);
}

/* ---- opening --------------------------------------------------------- */

/* A Redis that loads its data is waited for, one that is not there is not. */
static int
wait_loaded(struct redis_store *s, struct err *e)
{
	uint64_t until_ms = clock_mono_ms() + LOADING_WAIT_MS;
	struct redis_conn *conn = NULL;
	struct err cause = ERR_INIT;

	while (redis_conn_open(&s->target, clock_mono_ms() + 2000, &conn,
			       &cause) < 0) {
		if (cause.kind != ERR_UNAVAILABLE ||
		    strstr(cause.text, "loading") == NULL ||
		    clock_mono_ms() >= until_ms) {
			*e = cause;
			return err_wrap(e, s->target.options.host[0] == '/'
						   ? "REDIS_HOST"
						   : "REDIS_HOST, REDIS_PORT");
		}
		(void)usleep(LOADING_PAUSE_MS * 1000);
	}
	s->idle[s->idle_len++] = conn;
	s->open_len++;
	return 0;
}

static void
redis_close(struct store *base)
{
	struct redis_store *s = redis_of(base);

	redis_pool_done(s);
	sodium_memzero(&s->target.options, sizeof(s->target.options));
	free(s);
}

static const struct store_ops redis_ops = STORE_OPS(redis);

int
store_open_redis(const struct store_redis_options *options, struct store **ret,
		 struct err *e)
{
	struct redis_store *s;
	unsigned char id[8];

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "no random numbers");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_sys(e, "open store");
	s->base.ops = &redis_ops;
	redis_pool_init(s);
	randombytes_buf(id, sizeof(id));
	str_hex(s->node, id, sizeof(id));
	if (redis_target_resolve(options, &s->target, e) < 0 ||
	    wait_loaded(s, e) < 0 || check_server(s, e) < 0 ||
	    redis_load_scripts(s, e) < 0 || redis_ping(&s->base, e) < 0) {
		redis_close(&s->base);
		return -1;
	}
	*ret = &s->base;
	return 0;
}

/* A small write, since a full disk or memory shows only then. */
int
redis_ping(struct store *s, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	return redis_run(s, SCRIPT_PING, &args, &reply, e);
}

/* ---- users ----------------------------------------------------------- */

int
redis_read_user(const redisReply *reply, struct store_user *ret, struct err *e)
{
	struct store_user user = {0};
	uint64_t role, version, disabled;

	if (redis_expect(reply, 7, e) < 0 ||
	    redis_text(reply->element[0], user.user_id, sizeof(user.user_id),
		       e) < 0 ||
	    redis_text(reply->element[1], user.password_hash,
		       sizeof(user.password_hash), e) < 0 ||
	    redis_u64(reply->element[2], &role, e) < 0 ||
	    redis_u64(reply->element[3], &version, e) < 0 ||
	    redis_u64(reply->element[4], &disabled, e) < 0 ||
	    redis_u64(reply->element[5], &user.created_us, e) < 0 ||
	    redis_text(reply->element[6], user.username, sizeof(user.username),
		       e) < 0)
		return -1;
	user.role = (enum user_role)role;
	user.token_version = (uint32_t)version;
	user.is_disabled = disabled != 0;
	*ret = user;
	return 0;
}

int
redis_user_add(struct store *s, const struct store_user *user, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	if (user->role < USER_ROLE_USER || user->role > USER_ROLE_ADMIN)
		return err_set(e, ERR_IO, 0, "store: no such role");
	redis_arg(&args, user->user_id);
	redis_arg(&args, user->username);
	redis_arg(&args, user->password_hash);
	redis_arg_u64(&args, (uint64_t)user->role);
	redis_arg_u64(&args, user->token_version);
	redis_arg_u64(&args, user->is_disabled);
	redis_arg_u64(&args, user->created_us);
	if (redis_run(s, SCRIPT_USER_ADD, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "conflict"))
		return err_set(e, ERR_CONFLICT, 0, "user %s exists already",
			       user->username);
	return 0;
}

static int
user_get(struct store *s, enum script which, const char *key,
	 struct store_user *ret, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, key);
	if (redis_run(s, which, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "no such user");
	return redis_read_user(reply, ret, e);
}

int
redis_user_get(struct store *s, const char *username, struct store_user *ret,
	       struct err *e)
{
	return user_get(s, SCRIPT_USER_GET, username, ret, e);
}

int
redis_user_get_by_id(struct store *s, const char *user_id,
		     struct store_user *ret, struct err *e)
{
	return user_get(s, SCRIPT_USER_GET_BY_ID, user_id, ret, e);
}

int
redis_user_set_password(struct store *s, const char *username,
			const char *password_hash, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, username);
	redis_arg(&args, password_hash);
	if (redis_run(s, SCRIPT_USER_SET_PASSWORD, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "missing"))
		return err_set(e, ERR_NOT_FOUND, 0, "no such user: %s",
			       username);
	return 0;
}

int
redis_user_list(struct store *s,
		int (*fn)(void *arg, const struct store_user *user), void *arg,
		struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_user user;

	if (redis_run(s, SCRIPT_USER_LIST, &args, &reply, e) < 0)
		return -1;
	for (size_t i = 0; i < reply->elements; i++) {
		if (redis_read_user(reply->element[i], &user, e) < 0)
			return -1;
		if (fn(arg, &user) != 0)
			break;
	}
	return 0;
}

/* ---- counters -------------------------------------------------------- */

/* Rate limits have the key that the specification gives them. */
void
redis_arg_counter(struct redis_args *args, const char *key)
{
	static const char public_prefix[] = "rate_limit:";
	char name[256];

	if (strncmp(key, public_prefix, sizeof(public_prefix) - 1) == 0) {
		redis_arg(args, key);
		return;
	}
	if (str_printf(name, sizeof(name), "promptcraft:counter:%s", key) < 0)
		args->has_failed = true;
	redis_arg(args, name);
}

int
redis_counter_hit(struct store *s, const char *key, uint32_t window_s,
		  uint64_t *ret_count, uint32_t *ret_reset_s, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	uint64_t count, left_ms, left_s;

	redis_arg_counter(&args, key);
	redis_arg_u64(&args, window_s);
	if (redis_run(s, SCRIPT_COUNTER_HIT, &args, &reply, e) < 0 ||
	    redis_expect(reply, 2, e) < 0 ||
	    redis_u64(reply->element[0], &count, e) < 0 ||
	    redis_u64(reply->element[1], &left_ms, e) < 0)
		return -1;
	left_s = (left_ms + 999) / 1000;
	*ret_count = count;
	*ret_reset_s = left_s < window_s ? (uint32_t)left_s : window_s;
	return 0;
}

int
redis_counter_clear(struct store *s, const char *key, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg_counter(&args, key);
	return redis_run(s, SCRIPT_COUNTER_CLEAR, &args, &reply, e);
}

/* ---- settings -------------------------------------------------------- */

int
redis_setting_get(struct store *s, const char *key, char **ret_value,
		  struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, key);
	if (redis_run(s, SCRIPT_SETTING_GET, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "no such setting: %s", key);
	return redis_text_dup(reply, ret_value, e);
}

int
redis_setting_put(struct store *s, const char *key, const char *value,
		  bool replace, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, key);
	redis_arg(&args, value);
	redis_arg(&args, replace ? "1" : "0");
	if (redis_run(s, SCRIPT_SETTING_PUT, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "conflict"))
		return err_set(e, ERR_CONFLICT, 0, "setting %s exists already",
			       key);
	return 0;
}

/* ---- shared by the other files --------------------------------------- */

int
redis_expire(struct store *s, enum script which, uint64_t time_us,
	     uint64_t *ret_count, struct err *e)
{
	/* A script holds up everybody: not too much in one. */
	const uint64_t at_once = 200;
	uint64_t total = 0, count;

	do {
		owned_args struct redis_args args = {0};
		owned_reply redisReply *reply = NULL;

		redis_arg_u64(&args, time_us);
		redis_arg_u64(&args, at_once);
		if (redis_run(s, which, &args, &reply, e) < 0 ||
		    redis_u64(reply, &count, e) < 0)
			return -1;
		total += count;
	} while (count >= at_once);
	*ret_count = total;
	return 0;
}

/*
 * Clocks of two machines differ: if ours does by more than this, a due time is
 * told as our clock will show it, or we would come too early, again and again.
 */
#define SKEW_MIN_US 50000

int
redis_next_due(struct store *s, const char *key, uint64_t *ret_due_us,
	       struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	uint64_t due_us, server_us, now_us;

	redis_arg(&args, key);
	if (redis_run(s, SCRIPT_NEXT_DUE, &args, &reply, e) < 0 ||
	    redis_expect(reply, 2, e) < 0 ||
	    redis_u64(reply->element[0], &due_us, e) < 0 ||
	    redis_u64(reply->element[1], &server_us, e) < 0)
		return -1;
	now_us = clock_wall_us();
	if (due_us != 0 && now_us > server_us + SKEW_MIN_US)
		due_us += now_us - server_us;
	else if (due_us > server_us && server_us > now_us + SKEW_MIN_US)
		due_us -= server_us - now_us;
	*ret_due_us = due_us;
	return 0;
}
