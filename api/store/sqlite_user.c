/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_user.c - users, counters and settings in SQLite.
 *
 * Responsible for counters that lose no hit when many threads and processes
 * count at once, and for old tokens dying with the old password.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/store/sqlite_store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

/* Expired counters are swept out once in so many hits. */
#define COUNTER_SWEEP_EVERY 256
/*
 * A hit may wait for the lock, so its "now" is older than that of hits which
 * came in between: their window's end is later than it expects, by no more
 * than this.
 */
#define COUNTER_SLACK_US 30000000u

static int
read_user(const struct query *q, struct store_user *ret, struct err *e)
{
	struct store_user user = {0};

	if (query_text(q, 0, user.user_id, sizeof(user.user_id), e) < 0 ||
	    query_text(q, 1, user.username, sizeof(user.username), e) < 0 ||
	    query_text(q, 2, user.password_hash, sizeof(user.password_hash),
		       e) < 0)
		return -1;
	user.role = (enum user_role)query_u64(q, 3);
	user.token_version = (uint32_t)query_u64(q, 4);
	user.is_disabled = query_u64(q, 5) != 0;
	user.created_us = query_u64(q, 6);
	*ret = user;
	return 0;
}

int
sqlite_user_add(struct store *s, const struct store_user *user, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_USER_ADD);
	query_bind_text(&q, 1, user->user_id);
	query_bind_text(&q, 2, user->username);
	query_bind_text(&q, 3, user->password_hash);
	query_bind_u64(&q, 4, (uint64_t)user->role);
	query_bind_u64(&q, 5, user->token_version);
	query_bind_u64(&q, 6, user->is_disabled);
	query_bind_u64(&q, 7, user->created_us);
	rc = query_step(&q, e);
	if (rc < 0 && e->kind == ERR_CONFLICT)
		return err_set(e, ERR_CONFLICT, 0, "user %s exists already",
			       user->username);
	return rc;
}

static int
user_get(struct store *s, enum statement which, const char *key,
	 struct store_user *ret, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, which);
	query_bind_text(&q, 1, key);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such user");
	return rc < 0 ? -1 : read_user(&q, ret, e);
}

int
sqlite_user_get(struct store *s, const char *username, struct store_user *ret,
		struct err *e)
{
	return user_get(s, STATEMENT_USER_GET, username, ret, e);
}

int
sqlite_user_get_by_id(struct store *s, const char *user_id,
		      struct store_user *ret, struct err *e)
{
	return user_get(s, STATEMENT_USER_GET_BY_ID, user_id, ret, e);
}

int
sqlite_user_set_password(struct store *s, const char *username,
			 const char *password_hash, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_USER_SET_PASSWORD);
	query_bind_text(&q, 1, username);
	query_bind_text(&q, 2, password_hash);
	if (query_step(&q, e) < 0)
		return -1;
	if (query_changes(&q) == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such user: %s",
			       username);
	return 0;
}

static int
read_users(struct store *s, struct store_user **ret_users, size_t *ret_count,
	   struct err *e)
{
	owned_mem struct store_user *users = NULL;
	owned_query struct query q;
	size_t count = 0;
	int rc;

	query_begin(&q, s, STATEMENT_USER_LIST);
	while ((rc = query_step(&q, e)) == 1) {
		struct store_user *grown =
			reallocarray(users, count + 1, sizeof(*users));

		if (grown == NULL)
			return err_sys(e, "list users");
		users = grown;
		if (read_user(&q, &users[count], e) < 0)
			return -1;
		count++;
	}
	if (rc < 0)
		return -1;
	*ret_users = users;
	*ret_count = count;
	users = NULL;
	return 0;
}

int
sqlite_user_list(struct store *s,
		 int (*fn)(void *arg, const struct store_user *user), void *arg,
		 struct err *e)
{
	owned_mem struct store_user *users = NULL;
	size_t count = 0;

	if (read_users(s, &users, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (fn(arg, &users[i]) != 0)
			break;
	return 0;
}

/* ---- counters -------------------------------------------------------- */

static int
counter_sweep(struct store *s, uint64_t now_us, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_COUNTER_EXPIRE);
	query_bind_u64(&q, 1, now_us);
	return query_step(&q, e) < 0 ? -1 : 0;
}

static int
counter_hit(struct store *s, const char *key,
	    const struct counter_window *window, uint64_t *ret_count,
	    uint64_t *ret_end_us, bool *ret_sweep, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_COUNTER_HIT);
	query_bind_text(&q, 1, key);
	query_bind_u64(&q, 2, window->now_us);
	query_bind_u64(&q, 3, window->length_us);
	query_bind_u64(&q, 4, window->end_max_us);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_count = query_u64(&q, 0);
	*ret_end_us = query_u64(&q, 1);
	*ret_sweep = ++sqlite_of(s)->counter_hits % COUNTER_SWEEP_EVERY == 0;
	/* Only the step after the row commits. */
	return query_step(&q, e) < 0 ? -1 : 0;
}

static int
hit_in_database(struct store *s, const char *key,
		const struct counter_window *window, uint64_t *ret_count,
		uint64_t *ret_end_us, struct err *e)
{
	bool is_sweep_due = false;

	if (counter_hit(s, key, window, ret_count, ret_end_us, &is_sweep_due,
			e) < 0)
		return -1;
	return is_sweep_due ? counter_sweep(s, window->now_us, e) : 0;
}

/* 1: the database has a live counter of this key. */
static int
is_in_database(struct store *s, const char *key,
	       const struct counter_window *window, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_COUNTER_LIVE);
	query_bind_text(&q, 1, key);
	query_bind_u64(&q, 2, window->now_us);
	query_bind_u64(&q, 3, window->end_max_us);
	return query_step(&q, e);
}

/*
 * In the mapped table; in the database those for which there was no place when
 * their window began, which stay there until it ends.
 */
static int
hit(struct store *s, const char *key, const struct counter_window *window,
    uint64_t *ret_count, uint64_t *ret_end_us, struct err *e)
{
	int rc = counter_table_hit(sqlite_of(s)->counters, key, window, false,
				   ret_count, ret_end_us, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = is_in_database(s, key, window, e);
	if (rc < 0)
		return -1;
	if (rc == 0 &&
	    (rc = counter_table_hit(sqlite_of(s)->counters, key, window, true,
				    ret_count, ret_end_us, e)) != 0)
		return rc < 0 ? -1 : 0;
	return hit_in_database(s, key, window, ret_count, ret_end_us, e);
}

int
sqlite_counter_hit(struct store *s, const char *key, uint32_t window_s,
		   uint64_t *ret_count, uint32_t *ret_reset_s, struct err *e)
{
	uint64_t now_us = clock_wall_us();
	uint64_t window_us = (uint64_t)window_s * 1000000u;
	const struct counter_window window = {
		.now_us = now_us,
		.length_us = window_us,
		.end_max_us = now_us + window_us + COUNTER_SLACK_US,
	};
	uint64_t count = 0, end_us = 0, left_s;

	if (hit(s, key, &window, &count, &end_us, e) < 0)
		return -1;
	*ret_count = count;
	left_s = (end_us - now_us + 999999u) / 1000000u;
	*ret_reset_s = left_s < window_s ? (uint32_t)left_s : window_s;
	return 0;
}

int
sqlite_counter_clear(struct store *s, const char *key, struct err *e)
{
	owned_query struct query q;

	if (counter_table_clear(sqlite_of(s)->counters, key, e) < 0)
		return -1;
	query_begin(&q, s, STATEMENT_COUNTER_CLEAR);
	query_bind_text(&q, 1, key);
	return query_step(&q, e) < 0 ? -1 : 0;
}

/* ---- settings -------------------------------------------------------- */

int
sqlite_setting_get(struct store *s, const char *key, char **ret_value,
		   struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_SETTING_GET);
	query_bind_text(&q, 1, key);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such setting: %s", key);
	return rc < 0 ? -1 : query_text_dup(&q, 0, ret_value, e);
}

int
sqlite_setting_put(struct store *s, const char *key, const char *value,
		   bool replace, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s,
		    replace ? STATEMENT_SETTING_REPLACE
			    : STATEMENT_SETTING_ADD);
	query_bind_text(&q, 1, key);
	query_bind_text(&q, 2, value);
	rc = query_step(&q, e);
	if (rc < 0 && e->kind == ERR_CONFLICT)
		return err_set(e, ERR_CONFLICT, 0, "setting %s exists already",
			       key);
	return rc;
}
