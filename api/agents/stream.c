/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - see stream.h.
 */
#include "api/agents/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, 0, "%s", what);
}

static int
append(struct stream_text *text, const char *bytes, size_t len, struct err *e)
{
	size_t room = text->room;
	char *longer;

	while (room < text->len + len + 1)
		room = room < 4096 ? 4096 : room * 2;
	if (room != text->room) {
		longer = realloc(text->bytes, room);
		if (longer == NULL)
			return err_sys(e, "hear the model");
		text->bytes = longer;
		text->room = room;
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
	return 0;
}

void
stream_init(struct stream *stream, size_t text_max)
{
	*stream = (struct stream){.text_max = text_max};
}

void
stream_done(struct stream *stream)
{
	free(stream->line.bytes);
	free(stream->event.bytes);
	free(stream->text.bytes);
	free(stream->refusal.bytes);
	json_decref(stream->usage);
	json_decref(stream->error);
	*stream = (struct stream){0};
}

/* ---- one chunk ------------------------------------------------------- */

static int
add_text(struct stream *s, struct stream_text *text, const json_t *piece,
	 struct err *e)
{
	size_t len = json_string_length(piece);

	if (!json_is_string(piece))
		return 0;
	if (text->len + len > s->text_max)
		return err_set(e, ERR_INVALID, 0,
			       "the answer is larger than %zu bytes",
			       s->text_max);
	return append(text, json_string_value(piece), len, e);
}

static int
take_choice(struct stream *s, const json_t *choice, struct err *e)
{
	const json_t *delta = json_object_get(choice, "delta");
	const json_t *reason = json_object_get(choice, "finish_reason");
	const json_t *index = json_object_get(choice, "index");

	if (json_is_integer(index) && json_integer_value(index) != 0)
		return 0; /* one was asked for */
	s->has_choice = true;
	if (json_array_size(json_object_get(delta, "tool_calls")) > 0)
		s->has_tools = true;
	if (json_is_string(reason) && str_copy(s->reason, sizeof(s->reason),
					       json_string_value(reason)) < 0)
		(void)str_copy(s->reason, sizeof(s->reason), "other");
	if (add_text(s, &s->text, json_object_get(delta, "content"), e) < 0)
		return -1;
	return add_text(s, &s->refusal, json_object_get(delta, "refusal"), e);
}

static int
take_chunk(struct stream *s, const json_t *chunk, struct err *e)
{
	const json_t *choices = json_object_get(chunk, "choices");
	json_t *usage = json_object_get(chunk, "usage");
	json_t *error = json_object_get(chunk, "error");

	if (json_is_object(error) && s->error == NULL)
		s->error = json_incref(error);
	if (json_is_object(usage)) {
		json_decref(s->usage);
		s->usage = json_incref(usage);
	}
	for (size_t i = 0; i < json_array_size(choices); i++)
		if (take_choice(s, json_array_get(choices, i), e) < 0)
			return -1;
	return 0;
}

/* The data of one event, which a blank line has ended. */
static int
take_event(struct stream *s, struct err *e)
{
	json_t *chunk;
	int rc;

	if (s->event.len == 0)
		return 0;
	if (strcmp(s->event.bytes, "[DONE]") == 0) {
		s->has_ended = true;
		s->event.len = 0;
		return 0;
	}
	chunk = json_loadb(s->event.bytes, s->event.len, 0, NULL);
	s->event.len = 0;
	if (!json_is_object(chunk)) {
		json_decref(chunk);
		return err_set(e, ERR_PEER, 0,
			       "the stream has an event that is no JSON");
	}
	rc = take_chunk(s, chunk, e);
	json_decref(chunk);
	return rc;
}

/* ---- lines ----------------------------------------------------------- */

/* "data: x" adds to the event; comments and other fields say nothing to us. */
static int
take_line(struct stream *s, struct err *e)
{
	static const char field[] = "data:";
	const char *value = s->line.bytes;
	size_t len = s->line.len, skip = sizeof(field) - 1;

	if (len > 0 && value[len - 1] == '\r')
		len--;
	s->line.len = 0;
	if (len == 0)
		return take_event(s, e);
	if (len < skip || strncmp(value, field, skip) != 0)
		return 0;
	if (skip < len && value[skip] == ' ')
		skip++;
	if (s->event.len + len - skip >= STREAM_EVENT_MAX)
		return bad(e, "the stream has an event that is too large");
	if (s->event.len > 0 && append(&s->event, "\n", 1, e) < 0)
		return -1;
	return append(&s->event, value + skip, len - skip, e);
}

static int
take_lines(struct stream *s, const char *bytes, size_t len, struct err *e)
{
	while (len > 0 && !s->has_ended) {
		const char *newline = memchr(bytes, '\n', len);
		size_t part = newline != NULL ? (size_t)(newline - bytes) : len;

		if (s->line.len + part >= STREAM_EVENT_MAX)
			return bad(e,
				   "the stream has an event that is too large");
		if (append(&s->line, bytes, part, e) < 0)
			return -1;
		if (newline == NULL)
			return 0;
		bytes += part + 1;
		len -= part + 1;
		if (take_line(s, e) < 0)
			return -1;
	}
	return 0;
}

/* Blanks and the bytes of a byte order mark: what may come before it all. */
static bool
is_before(char c)
{
	static const char bytes[] = " \t\r\n\xef\xbb\xbf";

	return memchr(bytes, c, sizeof(bytes) - 1) != NULL;
}

int
stream_take(struct stream *s, const char *bytes, size_t len, struct err *e)
{
	while (!s->has_begun && len > 0 && is_before(*bytes)) {
		bytes++;
		len--;
	}
	if (len == 0)
		return 0;
	if (!s->has_begun) {
		s->has_begun = true;
		s->is_whole = *bytes == '{' || *bytes == '<';
	}
	if (s->is_whole && s->line.len + len > STREAM_WHOLE_MAX)
		return bad(e, "the answer is too large");
	if (s->is_whole)
		return append(&s->line, bytes, len, e);
	return take_lines(s, bytes, len, e);
}

/* ---- the whole ------------------------------------------------------- */

bool
stream_is_complete(const struct stream *s)
{
	return s->is_whole || s->has_ended || s->reason[0] != '\0' ||
	       s->error != NULL;
}

static json_t *
message_new(const struct stream *s)
{
	json_t *message = json_object();

	if (s->text.bytes == NULL)
		json_object_set_new(message, "content", json_null());
	else
		json_object_set_new(message, "content",
				    json_stringn(s->text.bytes, s->text.len));
	if (s->refusal.len > 0)
		json_object_set_new(
			message, "refusal",
			json_stringn(s->refusal.bytes, s->refusal.len));
	if (s->has_tools)
		json_object_set_new(message, "tool_calls", json_pack("[{}]"));
	return message;
}

json_t *
stream_answer(const struct stream *s)
{
	json_t *answer;

	if (s->is_whole)
		return NULL;
	if (s->error != NULL)
		return json_pack("{s:O}", "error", s->error);
	answer = json_pack("{s:[], s:O*}", "choices", "usage", s->usage);
	if (answer != NULL && s->has_choice)
		json_array_append_new(json_object_get(answer, "choices"),
				      json_pack("{s:o, s:s}", "message",
						message_new(s), "finish_reason",
						s->reason));
	return answer;
}
