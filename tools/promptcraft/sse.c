/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse.c - see sse.h.  The bytes are untrusted: lines and events are bounded,
 * and what is no field that we know is passed over, as the standard says.
 */
#include "tools/promptcraft/sse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

#define EVENT_MAX ((size_t)4 << 20)
#define RETRY_MAX_MS 60000u

static int
append(char **buf, size_t *len, size_t *size, const char *bytes, size_t count,
       struct err *e)
{
	if (count > EVENT_MAX - *len)
		return err_set(e, ERR_PEER, 0, "an event is too long");
	if (*len + count + 1 > *size) {
		size_t grown = (*len + count + 1) * 2;
		char *more = realloc(*buf, grown);

		if (more == NULL)
			return err_set(e, ERR_IO, ENOMEM, "read events");
		*buf = more;
		*size = grown;
	}
	memcpy(*buf + *len, bytes, count);
	*len += count;
	(*buf)[*len] = '\0';
	return 0;
}

static int
dispatch(struct sse_parser *p, struct err *e)
{
	const struct sse_event event = {
		.id = p->id,
		.name = p->name[0] != '\0' ? p->name : "message",
		.data = p->data,
	};
	int rc = p->data_len > 0 ? p->take(p->arg, &event, e) : 0;

	p->data_len = 0;
	p->id[0] = p->name[0] = '\0';
	return rc;
}

static int
take_field(struct sse_parser *p, const char *name, const char *value,
	   struct err *e)
{
	uint64_t ms;

	if (strcmp(name, "id") == 0) {
		(void)str_copy(p->id, sizeof(p->id), value);
	} else if (strcmp(name, "event") == 0) {
		(void)str_copy(p->name, sizeof(p->name), value);
	} else if (strcmp(name, "retry") == 0) {
		if (str_to_u64(value, RETRY_MAX_MS, &ms) == 0)
			p->retry_ms = (unsigned)ms;
	} else if (strcmp(name, "data") == 0) {
		if (p->data_len > 0 && append(&p->data, &p->data_len,
					      &p->data_size, "\n", 1, e) < 0)
			return -1;
		return append(&p->data, &p->data_len, &p->data_size, value,
			      strlen(value), e);
	}
	return 0;
}

static int
take_line(struct sse_parser *p, struct err *e)
{
	char *value;

	if (p->line_len > 0 && p->line[p->line_len - 1] == '\r')
		p->line[--p->line_len] = '\0';
	if (p->line_len == 0)
		return dispatch(p, e);
	p->line_len = 0;
	value = strchr(p->line, ':');
	if (value == NULL)
		return take_field(p, p->line, "", e);
	*value++ = '\0';
	if (*value == ' ')
		value++;
	return take_field(p, p->line, value, e);
}

int
sse_feed(struct sse_parser *p, const char *bytes, size_t len, struct err *e)
{
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t part = end != NULL ? (size_t)(end - bytes) : len;

		if (append(&p->line, &p->line_len, &p->line_size, bytes, part,
			   e) < 0)
			return -1;
		if (end == NULL)
			return 0;
		if (take_line(p, e) < 0)
			return -1;
		bytes = end + 1;
		len -= part + 1;
	}
	return 0;
}

void
sse_reset(struct sse_parser *p)
{
	p->line_len = p->data_len = 0;
	p->id[0] = p->name[0] = '\0';
}

void
sse_done(struct sse_parser *p)
{
	free(p->line);
	free(p->data);
	p->line = p->data = NULL;
}
