/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - the text of an answer, shared by those who send it and those who
 * keep it.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/http.h"

struct http_text {
	atomic_uint refs;
	size_t len;
	char *bytes;
};

struct http_text *
http_text_new(json_t *body)
{
	struct http_text *text = calloc(1, sizeof(*text));

	if (text == NULL || body == NULL ||
	    (text->bytes = json_dumps(body, HTTP_JSON_FLAGS)) == NULL) {
		free(text);
		text = NULL;
	} else {
		text->len = strlen(text->bytes);
		atomic_init(&text->refs, 1);
	}
	json_decref(body);
	return text;
}

struct http_text *
http_text_ref(struct http_text *text)
{
	atomic_fetch_add(&text->refs, 1);
	return text;
}

void
http_text_unref(struct http_text *text)
{
	if (text == NULL || atomic_fetch_sub(&text->refs, 1) > 1)
		return;
	free(text->bytes);
	free(text);
}

char *
http_text_bytes(struct http_text *text)
{
	return text->bytes;
}

size_t
http_text_len(const struct http_text *text)
{
	return text->len;
}
