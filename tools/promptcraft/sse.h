/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse.h - server-sent events (WHATWG HTML, 9.2.6) out of bytes as they come.
 */
#ifndef PC_CLI_SSE_H
#define PC_CLI_SSE_H

#include <stddef.h>

#include "supervisor/base/err.h"

#define SSE_ID_MAX 64
#define SSE_NAME_MAX 64

struct sse_event {
	const char *id; /* "" if it has none */
	const char *name;
	const char *data;
};

struct sse_parser {
	/* Called for each event; -1 with *e ends the parsing. */
	int (*take)(void *arg, const struct sse_event *event, struct err *e);
	void *arg;
	unsigned retry_ms; /* the last that was asked for; 0: none */
	/* the rest is the parser's */
	char *line, *data;
	size_t line_len, line_size, data_len, data_size;
	char id[SSE_ID_MAX + 1], name[SSE_NAME_MAX + 1];
};

int sse_feed(struct sse_parser *p, const char *bytes, size_t len,
	     struct err *e);
/* A connection that ended takes with it what it had of an event. */
void sse_reset(struct sse_parser *p);
void sse_done(struct sse_parser *p);

#endif
