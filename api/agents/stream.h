/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - a model's answer that comes in pieces: server-sent events with
 * chat.completion.chunk objects, put together to the answer that would have
 * come whole.
 *
 * Each piece is hostile.  Bounded while it comes: one event, the text, the
 * number of bytes (net.h) and the time.  A server that answers in one piece all
 * the same (its body begins with "{") is taken at its word.
 */
#ifndef PC_API_AGENTS_STREAM_H
#define PC_API_AGENTS_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

/* All bytes of a stream: a token of four bytes comes in 200 to 400. */
#define STREAM_BYTES_MAX (32u << 20)
#define STREAM_EVENT_MAX (256u << 10)
#define STREAM_WHOLE_MAX (4u << 20)

struct stream_text {
	char *bytes; /* malloc'd */
	size_t len, room;
};

struct stream {
	struct stream_text line;  /* that has not come to its end */
	struct stream_text event; /* its data so far */
	struct stream_text text, refusal;
	char reason[24]; /* finish_reason; "" not said yet */
	json_t *usage;	 /* NULL: not said yet */
	json_t *error;	 /* what the server said in place of an answer */
	bool has_begun, is_whole, has_ended, has_tools, has_choice;
	size_t text_max;
};

void stream_init(struct stream *stream, size_t text_max);
void stream_done(struct stream *stream);

/* The next bytes.  ERR_INVALID: no stream, or larger than it may be. */
int stream_take(struct stream *stream, const char *bytes, size_t len,
		struct err *e);

/* Has all of the answer come?  Else it was cut off. */
bool stream_is_complete(const struct stream *stream);

/*
 * The answer as a whole: {choices, usage} or {error}; NULL if it did not come
 * as a stream (then the body is in line), or when out of memory.
 */
json_t *stream_answer(const struct stream *stream);

#endif
