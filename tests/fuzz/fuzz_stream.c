/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stream.c - a model's answer that comes in pieces.
 *
 * Input: how it is cut (0: byte for byte), how much text is taken at most, then
 * the bytes.  However they are cut, the answer is the same as from one piece;
 * what is kept is bounded; what is answered is UTF-8, and a stream that was cut
 * off answers nothing.
 */
#include "api/agents/answer.h"
#include "api/agents/model.h"
#include "api/agents/stream.h"
#include "api/jobs/text.h"
#include "tests/fuzz/fuzz.h"

static const struct model model = {.setting = "CODE_MODEL",
				   .key_setting = "CODE_MODEL_KEY",
				   .url = "http://model.test/v1",
				   .key = "",
				   .is_streaming = true};

/* What came of it. */
struct heard {
	struct stream stream;
	struct err error;
	int rc;
};

static void
hear(struct heard *h, size_t text_max, const uint8_t *data, size_t len,
     uint8_t cut)
{
	uint32_t state = cut;

	h->error = ERR_INIT;
	h->rc = 0;
	stream_init(&h->stream, text_max);
	for (size_t at = 0, n; at < len && h->rc == 0; at += n) {
		/* Any lengths do, as long as they are the same again. */
		state = state * 1103515245 + 12345;
		n = cut == 0 ? 1 : 1 + (state >> 16) % cut;
		n = n < len - at ? n : len - at;
		/* Of its own, so that a read behind its end shows. */
		char *piece = malloc(n);

		FUZZ_CHECK(piece != NULL);
		memcpy(piece, data + at, n);
		h->rc = stream_take(&h->stream, piece, n, &h->error);
		free(piece);
	}
}

static void
check_bounds(const struct stream *s)
{
	FUZZ_CHECK(s->text.len <= s->text_max);
	FUZZ_CHECK(s->refusal.len <= s->text_max);
	FUZZ_CHECK(s->event.len < STREAM_EVENT_MAX + 1);
	FUZZ_CHECK(s->line.len <=
		   (s->is_whole ? STREAM_WHOLE_MAX : STREAM_EVENT_MAX));
	FUZZ_CHECK(memchr(s->reason, '\0', sizeof(s->reason)) != NULL);
}

static void
check_same(const struct heard *a, const struct heard *b)
{
	json_t *of_a, *of_b;

	FUZZ_CHECK(a->rc == b->rc);
	FUZZ_CHECK(strcmp(a->error.text, b->error.text) == 0);
	if (a->rc < 0)
		return;
	FUZZ_CHECK(a->stream.is_whole == b->stream.is_whole);
	FUZZ_CHECK(stream_is_complete(&a->stream) ==
		   stream_is_complete(&b->stream));
	FUZZ_CHECK(a->stream.line.len == b->stream.line.len);
	of_a = stream_answer(&a->stream);
	of_b = stream_answer(&b->stream);
	FUZZ_CHECK((of_a == NULL) == a->stream.is_whole);
	FUZZ_CHECK(of_a == NULL ? of_b == NULL : json_equal(of_a, of_b));
	json_decref(of_a);
	json_decref(of_b);
}

static void
check_reply(const struct stream *s)
{
	struct model_reply reply = {0};
	struct err e = ERR_INIT;
	int rc = model_read_stream(&model, s, &reply, &e);

	FUZZ_CHECK((rc == 0) == (reply.text != NULL));
	FUZZ_CHECK(stream_is_complete(s) || rc < 0);
	FUZZ_CHECK(rc == 0 || (e.kind != ERR_NONE && e.text[0] != '\0' &&
			       strchr(e.text, '\n') == NULL));
	if (rc == 0) {
		FUZZ_CHECK(reply.is_answered && reply.len <= ANSWER_MAX);
		FUZZ_CHECK(strlen(reply.text) == reply.len);
		FUZZ_CHECK(text_is_utf8(reply.text, reply.len));
		FUZZ_CHECK(s->is_whole || s->refusal.len == 0);
		FUZZ_CHECK(s->is_whole || !s->has_tools);
	}
	free(reply.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	uint8_t cut = fuzz_u8(&in), size = fuzz_u8(&in);
	size_t text_max = size == 0 ? ANSWER_MAX : size;
	struct heard whole, pieces;

	if (in.left > 1u << 18)
		return -1;
	hear(&pieces, text_max, in.at, in.left, cut);
	whole.error = ERR_INIT;
	stream_init(&whole.stream, text_max);
	whole.rc = stream_take(&whole.stream, (const char *)in.at, in.left,
			       &whole.error);
	check_bounds(&pieces.stream);
	check_bounds(&whole.stream);
	check_same(&whole, &pieces);
	if (whole.rc == 0)
		check_reply(&whole.stream);
	stream_done(&whole.stream);
	stream_done(&pieces.stream);
	return 0;
}
