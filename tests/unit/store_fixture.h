/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture.h - a fresh store for each test of a suite, and what the suites
 * of the store share.
 */
#ifndef PC_TESTS_STORE_FIXTURE_H
#define PC_TESTS_STORE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tests/unit/redis_server.h"

static char dir[64];
/* The back end that the current test is about. */
static bool is_redis;
static struct redis_server redis;

static inline struct store_redis_options
options_of(const struct redis_server *r)
{
	struct store_redis_options options = {.username = REDIS_USER,
					      .password = REDIS_USER_PASSWORD};

	str_copy(options.host, sizeof(options.host), r->socket);
	return options;
}

static inline struct store *
open_store(void)
{
	struct store_options options = {.backend = "sqlite"};
	struct store *s = NULL;
	struct err e = ERR_INIT;

	if (is_redis) {
		str_copy(options.backend, sizeof(options.backend), "redis");
		options.redis = options_of(&redis);
	}
	if (store_open(&options, dir, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static inline int
setup_sqlite(void **state)
{
	is_redis = false;
	str_copy(dir, sizeof(dir), "/tmp/pc-test-store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	*state = open_store();
	return 0;
}

static inline void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

static inline int
teardown_sqlite(void **state)
{
	store_close(*state);
	remove_file("promptcraft.db");
	remove_file("promptcraft.db-wal");
	remove_file("promptcraft.db-shm");
	remove_file("counters");
	return rmdir(dir);
}

/* One server for all tests of a program, emptied before each. */
static inline int
setup_redis(void **state)
{
	char reply[64];

	is_redis = true;
	if (redis.pid == 0 && !redis_server_new(&redis))
		fail_msg("redis-server does not start: see %s", redis.dir);
	redis_server_ask(&redis, reply, sizeof(reply), "FLUSHALL");
	assert_string_equal(reply, "OK");
	*state = open_store();
	return 0;
}

static inline int
teardown_redis(void **state)
{
	store_close(*state);
	return 0;
}

static inline int
stop_redis(void **state)
{
	(void)state;
	redis_server_done(&redis);
	return 0;
}

/* word and a space after what is in list[64]. */
static inline void
append(char *list, const char *word)
{
	size_t used = strlen(list);

	assert_true(used + strlen(word) + 2 <= 64);
	snprintf(list + used, 64 - used, "%s ", word);
}

static inline void
nap_ms(unsigned ms)
{
	(void)usleep(ms * 1000u);
}

static inline struct store_workflow_meta
make_meta(const char *id, uint64_t due_us)
{
	struct store_workflow_meta meta = {.due_us = due_us};

	str_copy(meta.workflow_id, sizeof(meta.workflow_id), id);
	str_copy(meta.user_id, sizeof(meta.user_id), "user-1");
	str_copy(meta.status, sizeof(meta.status), "created");
	meta.created_us = meta.updated_us = clock_wall_us();
	return meta;
}

static inline void
create(struct store *s, const char *id, uint64_t due_us)
{
	struct store_workflow_meta meta = make_meta(id, due_us);
	struct err e = ERR_INIT;

	if (store_workflow_create(s, &meta, meta.workflow_id, "{\"n\":0}", &e) <
	    0)
		fail_msg("%s", e.text);
}

static inline struct store_user
make_user(const char *id, const char *name)
{
	struct store_user user = {.role = USER_ROLE_APPROVER,
				  .token_version = 1,
				  .created_us = 123456789};

	str_copy(user.user_id, sizeof(user.user_id), id);
	str_copy(user.username, sizeof(user.username), name);
	str_copy(user.password_hash, sizeof(user.password_hash), "$hash");
	return user;
}

struct listing {
	struct store *s;
	char ids[64];
	int stop_after;
};

struct race {
	struct store *s;
	unsigned won, lost, failed;
};

/* Read, change, write until 50 own changes are in. */
static inline void *
race_updates(void *arg)
{
	struct race *race = arg;

	while (race->won < 50 && race->failed == 0) {
		struct store_workflow_meta meta;
		owned_mem char *document = NULL;
		char next[32];
		struct err e = ERR_INIT;

		if (store_workflow_get(race->s, "w1", &meta, &document, &e) <
		    0) {
			race->failed++;
			break;
		}
		snprintf(next, sizeof(next), "{\"n\":%ld}",
			 strtol(document + 5, NULL, 10) + 1);
		if (store_workflow_update(race->s, &meta, "{}", next, NULL, 0,
					  0, &e) == 0)
			race->won++;
		else if (e.kind == ERR_CONFLICT)
			race->lost++;
		else
			race->failed++;
	}
	return NULL;
}

static inline uint64_t
counter_hit(struct store *s, const char *key, uint32_t window_s,
	    uint32_t *ret_reset_s)
{
	uint64_t count = 0;
	struct err e = ERR_INIT;

	if (store_counter_hit(s, key, window_s, &count, ret_reset_s, &e) < 0)
		fail_msg("%s", e.text);
	return count;
}

/* For the suites of what stands on the store: the embedded one. */
static inline int
setup(void **state)
{
	return setup_sqlite(state);
}

static inline int
teardown(void **state)
{
	return teardown_sqlite(state);
}

#define ON_SQLITE(test)                                                        \
	{                                                                      \
#test " on sqlite", test, setup_sqlite, teardown_sqlite, NULL  \
	}
#define ON_REDIS(test)                                                         \
	{                                                                      \
#test " on redis", test, setup_redis, teardown_redis, NULL     \
	}
#define ON_BOTH(test) ON_SQLITE(test), ON_REDIS(test)

#endif
