/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis.c - what only the Redis back end promises: the keys of the
 * specification, who is let in, what a Redis must be like.
 */
#include "tests/unit/store_fixture.h"

#include <sys/un.h>

static char answer[8192];

#define ask(...) redis_server_ask(&redis, answer, sizeof(answer), __VA_ARGS__)

/* ---- keys ------------------------------------------------------------ */

static void
test_keys_of_the_specification(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 5);
	uint32_t reset_s = 0;
	uint64_t count = 0;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_workflow_create(*state, &meta, "s", "{\"a\":1}", &e), 0);
	ask("GET workflow:w1");
	assert_string_equal(answer, "{\"a\":1}");
	meta.version = 1;
	assert_int_equal(store_workflow_update(*state, &meta, "s", "{\"a\":2}",
					       NULL, 0, 0, &e),
			 0);
	ask("GET workflow:w1");
	assert_string_equal(answer, "{\"a\":2}");
	assert_int_equal(store_counter_hit(*state, "rate_limit:u:execute", 3600,
					   &count, &reset_s, &e),
			 0);
	ask("GET rate_limit:u:execute");
	assert_string_equal(answer, "1");
	ask("TTL rate_limit:u:execute");
	assert_true(atoi(answer) > 3590);
	assert_int_equal(store_usage_add(*state, "2026-01-02", "{\"n\":1}", &e),
			 0);
	assert_int_equal(store_usage_add(*state, "2026-01-02", "{\"n\":2}", &e),
			 0);
	ask("LINDEX api_usage:2026-01-02 0");
	assert_string_equal(answer, "{\"n\":2}");
}

/* A workflow that lives has no end, one that ended has. */
static void
test_only_terminal_workflows_have_a_ttl(void **state)
{
	uint64_t soon_us = clock_wall_us() + UINT64_C(3600000000);
	struct store_workflow_meta meta = make_meta("w1", 5);
	struct err e = ERR_INIT;

	/* As if somebody had set it by mistake. */
	meta.expires_us = soon_us;
	assert_int_equal(store_workflow_create(*state, &meta, "s", "{}", &e),
			 0);
	ask("TTL workflow:w1");
	assert_string_equal(answer, "-1");
	ask("TTL promptcraft:workflow:w1");
	assert_string_equal(answer, "-1");
	str_copy(meta.status, sizeof(meta.status), "completed");
	meta.version = 1;
	assert_int_equal(
		store_workflow_update(*state, &meta, "s", "{}", NULL, 0, 0, &e),
		0);
	ask("TTL workflow:w1");
	assert_true(atoi(answer) >= 3590);
	ask("TTL promptcraft:workflow:w1");
	assert_true(atoi(answer) >= 3590);
	str_copy(meta.status, sizeof(meta.status), "running");
	assert_int_equal(
		store_workflow_update(*state, &meta, "s", "{}", NULL, 0, 0, &e),
		0);
	ask("TTL workflow:w1");
	assert_string_equal(answer, "-1");
}

/* Nothing of a workflow that expired is left in any list. */
static void
test_expiry_leaves_nothing(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 5);
	uint64_t count = 0;
	struct err e = ERR_INIT;

	meta.expires_us = 1000;
	assert_int_equal(store_workflow_create(*state, &meta, "s", "{}", &e),
			 0);
	str_copy(meta.status, sizeof(meta.status), "failed");
	meta.version = 1;
	meta.due_us = 0;
	assert_int_equal(
		store_workflow_update(*state, &meta, "s", "{}", NULL, 0, 0, &e),
		0);
	assert_int_equal(store_workflow_expire(*state, 2000, &count, &e), 0);
	assert_int_equal(count, 1);
	ask("DEL promptcraft:ping");
	/* Keys that do not go by themselves. */
	ask("EVAL %s 0",
	    "local n = 0 "
	    "for _, key in ipairs(redis.call('KEYS', '*')) do "
	    "if redis.call('PTTL', key) < 0 then n = n + 1 end end "
	    "return n");
	assert_string_equal(answer, "0");
}

static void
test_what_is_not_ours_is_told(void **state)
{
	struct store_workflow_meta meta;
	char *document = NULL;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	ask("HSET promptcraft:workflow:w1 version abc");
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 -1);
	assert_int_equal(e.kind, ERR_IO);
	ask("SET promptcraft:workflow:w2 a-string");
	assert_int_equal(store_workflow_get(*state, "w2", &meta, &document, &e),
			 -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.text, "WRONGTYPE"));
	assert_null(document);
}

static void
test_scripts_that_were_forgotten(void **state)
{
	struct store_workflow_meta meta;
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	ask("SCRIPT FLUSH");
	assert_string_equal(answer, "OK");
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 0);
	/* Nor does a try that was given up leave an error. */
	assert_int_equal(e.kind, ERR_NONE);
}

/* ---- who is let in, and to what -------------------------------------- */

static void
assert_open_fails(const struct store_redis_options *options, enum err_kind kind,
		  const char *setting, const char *text)
{
	struct store *s = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(store_open_redis(options, &s, &e), -1);
	assert_null(s);
	if (e.kind != kind || strstr(e.text, setting) == NULL ||
	    strstr(e.text, text) == NULL)
		fail_msg("kind %u: %s", e.kind, e.text);
	/* Never the secret. */
	assert_null(strstr(e.text, "password of"));
}

static void
test_refused_accounts(void **state)
{
	struct store_redis_options options = options_of(&redis);

	(void)state;
	str_copy(options.password, sizeof(options.password),
		 "wrong password of tests");
	assert_open_fails(&options, ERR_DENIED, "REDIS_PASSWORD", "refuses");
	options = options_of(&redis);
	str_copy(options.username, sizeof(options.username), "nobody");
	assert_open_fails(&options, ERR_DENIED, "REDIS_USERNAME", "refuses");
	options = options_of(&redis);
	options.username[0] = '\0';
	assert_open_fails(&options, ERR_DENIED, "REDIS_PASSWORD",
			  "has no password");
	options = options_of(&redis);
	options.db = 999;
	assert_open_fails(&options, ERR_INVALID, "REDIS_DB", "no database");
	options = options_of(&redis);
	str_copy(options.host, sizeof(options.host), "/tmp/pc-no-such-socket");
	assert_open_fails(&options, ERR_UNAVAILABLE, "REDIS_HOST", "No such");
	str_copy(options.host, sizeof(options.host), "no-such-host.invalid");
	options.port = 6379;
	assert_open_fails(&options, ERR_INVALID, "REDIS_HOST", "resolve");
}

/* By password alone, over TCP, in a database of its own. */
static void
test_requirepass_over_tcp(void **state)
{
	struct redis_server r = {.extra = {"--requirepass", "pass of tests",
					   "--bind", "127.0.0.1", "--port"},
				 .password = "pass of tests"};
	struct store_redis_options options = {.host = "127.0.0.1", .db = 3};
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	char port[8], reply[64];
	uint64_t count = 0;
	uint32_t reset_s = 0;
	struct store *s = NULL;
	owned_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct err e = ERR_INIT;

	(void)state;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	options.port = ntohs(addr.sin_port);
	fd_close(&fd);
	snprintf(port, sizeof(port), "%u", options.port);
	r.extra[5] = port;
	assert_true(redis_server_new(&r));
	assert_open_fails(&options, ERR_DENIED, "REDIS_PASSWORD",
			  "asks for a password");
	str_copy(options.password, sizeof(options.password), "pass of tests");
	if (store_open_redis(&options, &s, &e) < 0)
		fail_msg("%s", e.text);
	create(s, "w1", 0);
	/*
	 * A closed TCP connection takes a command yet, so it must be looked at
	 * before: what goes down it is not known to be executed or not.
	 */
	for (unsigned i = 1; i <= 2; i++) {
		redis_server_kill(&r);
		assert_true(redis_server_start(&r));
		assert_int_equal(
			store_counter_hit(s, "k", 3600, &count, &reset_s, &e),
			0);
		assert_int_equal(count, i);
	}
	store_close(s);
	redis_server_ask(&r, reply, sizeof(reply), "EXISTS workflow:w1");
	assert_string_equal(reply, "0");
	redis_server_done(&r);
	/* Nobody is there now. */
	assert_open_fails(&options, ERR_UNAVAILABLE, "REDIS_HOST, REDIS_PORT",
			  "Connection refused");
}

static void
test_user_without_a_right(void **state)
{
	struct store_redis_options options = options_of(&redis);

	(void)state;
	ask("ACL SETUSER poor on >x ~* +@all -evalsha");
	str_copy(options.username, sizeof(options.username), "poor");
	str_copy(options.password, sizeof(options.password), "x");
	assert_open_fails(&options, ERR_IO, "NOPERM", "evalsha");
	ask("ACL DELUSER poor");
}

static struct store *
open_with(const char *name, const char *value, const char *undo)
{
	struct store_redis_options options = options_of(&redis);
	struct store *s = NULL;
	struct err e = ERR_INIT;
	int rc;

	ask("CONFIG SET %s %s", name, value);
	assert_string_equal(answer, "OK");
	rc = store_open_redis(&options, &s, &e);
	ask("CONFIG SET %s %s", name, undo);
	if (rc < 0)
		fail_msg("%s", e.text);
	return s;
}

static void
test_eviction_is_refused(void **state)
{
	struct store_redis_options options = options_of(&redis);

	(void)state;
	ask("CONFIG SET maxmemory-policy volatile-lru");
	assert_open_fails(&options, ERR_UNSUPPORTED, "volatile-lru",
			  "set maxmemory-policy noeviction");
	ask("CONFIG SET maxmemory-policy noeviction");
}

static void
test_weak_persistence_is_told(void **state)
{
	struct store *s = open_with("appendfsync", "everysec", "always");

	(void)state;
	assert_non_null(strstr(store_warning(s), "set appendfsync always"));
	store_close(s);
	s = open_with("appendonly", "no", "yes");
	assert_non_null(strstr(store_warning(s), "set appendonly yes"));
	store_close(s);
}

/* Answers as a Redis that we do not want. */
static void *
serve_old_redis(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char chunk[4096], reply[256];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk) - 1, 0)) > 0) {
		static const char info[] = "redis_version:5.0.14\r\n"
					   "role:master\r\n";

		chunk[n] = '\0';
		if (strstr(chunk, "INFO") != NULL)
			snprintf(reply, sizeof(reply), "$%zu\r\n%s\r\n",
				 strlen(info), info);
		else
			str_copy(reply, sizeof(reply), "+OK\r\n");
		if (send(fd, reply, strlen(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	fd_close(&fd);
	return NULL;
}

static void
test_old_redis_is_refused(void **state)
{
	struct store_redis_options options = options_of(&redis);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	owned_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t thread;

	(void)state;
	str_printf(addr.sun_path, sizeof(addr.sun_path), "%s/old", redis.dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_old_redis, &fd),
			 0);
	str_copy(options.host, sizeof(options.host), addr.sun_path);
	assert_open_fails(&options, ERR_UNSUPPORTED, "5.0.14", "7.0 or later");
	pthread_join(thread, NULL);
}

/* Answers PING, and everything else with more than there is room for. */
static void *
serve_too_much(void *arg)
{
	static char junk[1 << 20];
	int fd = accept(*(int *)arg, NULL, NULL);
	char chunk[4096];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk) - 1, 0)) > 0) {
		chunk[n] = '\0';
		if (strstr(chunk, "PING") != NULL) {
			(void)send(fd, "+PONG\r\n", 7, MSG_NOSIGNAL);
			continue;
		}
		n = send(fd, "$1000000000000\r\n", 16, MSG_NOSIGNAL);
		/* It ends by itself, should nobody end it. */
		for (int mib = 0; mib < 700 && n > 0; mib++)
			n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		break;
	}
	fd_close(&fd);
	return NULL;
}

static void
test_endless_reply(void **state)
{
	struct store_redis_options options = options_of(&redis);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	owned_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err e = ERR_INIT;
	struct store *s = NULL;
	pthread_t thread;

	(void)state;
	options.password[0] = '\0';
	str_printf(addr.sun_path, sizeof(addr.sun_path), "%s/much", redis.dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_too_much, &fd), 0);
	str_copy(options.host, sizeof(options.host), addr.sun_path);
	/* By its size, or on a slow machine by its time. */
	assert_int_equal(store_open_redis(&options, &s, &e), -1);
	if (strstr(e.text, "larger than") == NULL &&
	    (e.errnum != ETIMEDOUT || strstr(e.text, "wait for") == NULL))
		fail_msg("kind %u: %s", e.kind, e.text);
	pthread_join(thread, NULL);
}

/* Full is full: nothing is half written, and what is there can be read. */
static void
test_full_memory_is_told(void **state)
{
	struct store_workflow_meta meta = make_meta("w2", 5);
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	ask("CONFIG SET maxmemory 1");
	assert_int_equal(store_workflow_create(*state, &meta, "s", "{}", &e),
			 -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(e.errnum, ENOSPC);
	assert_int_equal(store_ping(*state, &e), -1);
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 0);
	ask("CONFIG SET maxmemory 0");
	ask("EXISTS workflow:w2 promptcraft:workflow:w2");
	assert_string_equal(answer, "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_REDIS(test_keys_of_the_specification),
		ON_REDIS(test_only_terminal_workflows_have_a_ttl),
		ON_REDIS(test_expiry_leaves_nothing),
		ON_REDIS(test_what_is_not_ours_is_told),
		ON_REDIS(test_scripts_that_were_forgotten),
		ON_REDIS(test_refused_accounts),
		ON_REDIS(test_requirepass_over_tcp),
		ON_REDIS(test_user_without_a_right),
		ON_REDIS(test_eviction_is_refused),
		ON_REDIS(test_weak_persistence_is_told),
		ON_REDIS(test_old_redis_is_refused),
		ON_REDIS(test_endless_reply),
		ON_REDIS(test_full_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
