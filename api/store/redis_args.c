/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_args.c - the arguments of a command, put into the protocol's form as
 * they come: a document is copied once.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/redis_conn.h"

/* Room for len more bytes; false: no memory. */
static bool
args_grow(struct redis_args *args, size_t len)
{
	size_t room = args->room > 0 ? args->room : 512;
	char *grown;

	while (room - args->len < len)
		room *= 2;
	if (room == args->room)
		return true;
	grown = realloc(args->buf, room);
	if (grown == NULL) {
		args->has_failed = true;
		return false;
	}
	args->buf = grown;
	args->room = room;
	return true;
}

void
redis_arg_bytes(struct redis_args *args, const char *bytes, size_t len)
{
	char head[24];
	int head_len = snprintf(head, sizeof(head), "$%zu\r\n", len);

	if (!args_grow(args, (size_t)head_len + len + 2))
		return;
	memcpy(args->buf + args->len, head, (size_t)head_len);
	args->len += (size_t)head_len;
	memcpy(args->buf + args->len, bytes, len);
	args->len += len;
	memcpy(args->buf + args->len, "\r\n", 2);
	args->len += 2;
	args->count++;
}

void
redis_arg(struct redis_args *args, const char *text)
{
	redis_arg_bytes(args, text, strlen(text));
}

void
redis_arg_u64(struct redis_args *args, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	redis_arg(args, text);
}

/* What goes to Redis first may be a password. */
void
redis_args_done(struct redis_args *args)
{
	if (args->buf == NULL)
		return;
	sodium_memzero(args->buf, args->len < 4096 ? args->len : 4096);
	free(args->buf);
	*args = (struct redis_args){0};
}
