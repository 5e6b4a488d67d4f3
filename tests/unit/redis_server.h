/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_server.h - a redis-server of the test's own: on a Unix socket in a
 * directory of its own, with an append-only file, no TCP port, gone with the
 * test.
 */
#ifndef PC_TESTS_REDIS_SERVER_H
#define PC_TESTS_REDIS_SERVER_H

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define REDIS_SERVER_ARGS 96
#define REDIS_SERVER_WAIT_MS 30000

/*
 * What the store's user may do, word for word as in docs/OPERATIONS.md: the
 * suites run as it.
 */
#define REDIS_USER "promptcraft"
#define REDIS_USER_PASSWORD "a password of the tests"
static const char *const redis_user_rules[] = {
	"on",
	">" REDIS_USER_PASSWORD,
	"resetchannels",
	"-@all",
	"+ping",
	"+select",
	"+info",
	"+config|get",
	"+eval",
	"+evalsha",
	"+script|load",
	"+time",
	"+get",
	"+set",
	"+setnx",
	"+del",
	"+exists",
	"+incr",
	"+expire",
	"+pexpire",
	"+pexpireat",
	"+persist",
	"+pttl",
	"+hget",
	"+hmget",
	"+hset",
	"+hexists",
	"+hincrby",
	"+lpush",
	"+rpush",
	"+lrange",
	"+zadd",
	"+zrem",
	"+zrange",
	"+zrevrange",
	"+zrangebyscore",
	"+zrevrangebyscore",
	"+zrangebylex",
	"~workflow:*",
	"~rate_limit:*",
	"~api_usage:*",
	"~promptcraft:*",
};

struct redis_server {
	char dir[48];
	char socket[64];
	const char *extra[16]; /* further arguments, NULL at the end */
	const char *password;  /* of the helpers below; NULL: none */
	pid_t pid;
};

/* Does it answer, or (while it loads) will it not yet? */
static inline bool
redis_server_is_up(const struct redis_server *r)
{
	redisContext *c = redisConnectUnix(r->socket);
	redisReply *reply = NULL;
	bool is_up = false;

	if (c != NULL && c->err == 0)
		reply = redisCommand(c, "PING");
	/* NOAUTH is an answer as well. */
	if (reply != NULL)
		is_up = strncmp(reply->str, "LOADING", 7) != 0;
	if (reply != NULL)
		freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
	return is_up;
}

static inline void
redis_server_exec(const struct redis_server *r, pid_t parent)
{
	const char *argv[REDIS_SERVER_ARGS] = {
		"redis-server", "--port",      "0",	   "--unixsocket",
		r->socket,	"--dir",       r->dir,	   "--appendonly",
		"yes",		"--save",      "",	   "--appendfsync",
		"always",	"--daemonize", "no",	   "--logfile",
		"redis.log",	"--pidfile",   "redis.pid"};
	size_t len = 19;
	int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; r->extra[i] != NULL; i++)
		argv[len++] = r->extra[i];
	argv[len++] = "--user";
	argv[len++] = REDIS_USER;
	for (size_t i = 0; i < ARRAY_LEN(redis_user_rules); i++)
		argv[len++] = redis_user_rules[i];
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	(void)dprintf(2, "no redis-server: run tools/bootstrap\n");
	_exit(127);
}

/* Starts it, or starts it again on what it has written. */
static inline bool
redis_server_start(struct redis_server *r)
{
	uint64_t until_ms = clock_mono_ms() + REDIS_SERVER_WAIT_MS;
	pid_t parent = getpid();

	r->pid = fork();
	if (r->pid == 0)
		redis_server_exec(r, parent);
	while (clock_mono_ms() < until_ms) {
		if (redis_server_is_up(r))
			return true;
		if (waitpid(r->pid, NULL, WNOHANG) == r->pid)
			break;
		(void)usleep(5000);
	}
	r->pid = 0;
	return false;
}

static inline bool
redis_server_new(struct redis_server *r)
{
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/pc-test-redis.XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		return false;
	(void)snprintf(r->socket, sizeof(r->socket), "%s/s", r->dir);
	return redis_server_start(r);
}

static inline void
redis_server_kill(struct redis_server *r)
{
	if (r->pid <= 0)
		return;
	(void)kill(r->pid, SIGKILL);
	(void)waitpid(r->pid, NULL, 0);
	r->pid = 0;
}

static inline void
redis_server_done(struct redis_server *r)
{
	char command[96];

	redis_server_kill(r);
	(void)snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	if (r->dir[0] != '\0' && system(command) != 0)
		(void)fprintf(stderr, "%s is left\n", r->dir);
}

/*
 * One command, apart from the store; the answer as text in dst ("" of nothing,
 * decimal of a number).
 */
static inline void
redis_server_ask(const struct redis_server *r, char *dst, size_t size,
		 const char *command, ...)
{
	redisContext *c = redisConnectUnix(r->socket);
	redisReply *reply = NULL;
	va_list ap;

	dst[0] = '\0';
	if (c != NULL && c->err == 0 && r->password != NULL)
		freeReplyObject(redisCommand(c, "AUTH %s", r->password));
	va_start(ap, command);
	if (c != NULL && c->err == 0)
		reply = redisvCommand(c, command, ap);
	va_end(ap);
	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
		(void)snprintf(dst, size, "%lld", reply->integer);
	else if (reply != NULL && reply->str != NULL)
		(void)snprintf(dst, size, "%s", reply->str);
	if (reply != NULL)
		freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
}

#endif
