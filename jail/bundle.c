/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader and writer of the bundle format (bundle.h).
 *
 * The reader trusts nothing: its bytes come from the API process, and inside a
 * jail it is the only parser of untrusted input in jail-init.  It copies
 * nothing but the path, never reads outside [at, end), and compares lengths by
 * subtraction so that no sum can wrap.
 */
#include "jail/bundle.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char magic[4] = {'P', 'C', 'B', '1'};

#define MAGIC_SIZE sizeof(magic)

static uint32_t
get_u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint16_t
get_u16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void
put_u32(unsigned char *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

void
bundle_head_encode(unsigned char dst[BUNDLE_HEAD_SIZE], uint32_t count)
{
	memcpy(dst, magic, MAGIC_SIZE);
	put_u32(dst + MAGIC_SIZE, count);
}

void
bundle_entry_head_encode(unsigned char dst[BUNDLE_ENTRY_HEAD_SIZE],
			 enum bundle_kind kind, enum bundle_status status,
			 uint16_t path_len, uint32_t data_len)
{
	dst[0] = (unsigned char)kind;
	dst[1] = (unsigned char)status;
	dst[2] = (unsigned char)path_len;
	dst[3] = (unsigned char)(path_len >> 8);
	put_u32(dst + 4, data_len);
}

static bool
is_dots(const char *component, size_t len)
{
	return (len == 1 && component[0] == '.') ||
	       (len == 2 && component[0] == '.' && component[1] == '.');
}

int
bundle_path_check(const char *path, size_t len, struct err *e)
{
	size_t start = 0;

	if (len == 0)
		return err_set(e, ERR_INVALID, 0, "path is empty");
	if (len > BUNDLE_PATH_MAX)
		return err_set(e, ERR_INVALID, 0,
			       "path is longer than %d bytes", BUNDLE_PATH_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];

		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_INVALID, 0,
				       "path has a control character");
	}
	if (path[0] == '/')
		return err_set(e, ERR_INVALID, 0, "path is absolute");
	for (size_t i = 0; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		if (i == start)
			return err_set(e, ERR_INVALID, 0,
				       "path has an empty component");
		if (is_dots(path + start, i - start))
			return err_set(e, ERR_INVALID, 0,
				       "path has a \".\" or \"..\" component");
		start = i + 1;
	}
	return 0;
}

int
bundle_reader_init(struct bundle_reader *r, const void *bytes, size_t len,
		   struct err *e)
{
	const unsigned char *p = bytes;
	uint32_t count;

	if (len < BUNDLE_HEAD_SIZE || memcmp(p, magic, MAGIC_SIZE) != 0)
		return err_set(e, ERR_INVALID, 0, "bundle: not a bundle");
	count = get_u32(p + MAGIC_SIZE);
	if (count > BUNDLE_ENTRIES_MAX)
		return err_set(e, ERR_LIMIT, 0, "bundle: more than %d entries",
			       BUNDLE_ENTRIES_MAX);
	*r = (struct bundle_reader){
		.at = p + BUNDLE_HEAD_SIZE, .end = p + len, .left = count};
	return 0;
}

/* The rules of each kind; the path itself is checked by the caller. */
static int
check_entry(const struct bundle_reader *r, unsigned kind, unsigned status,
	    size_t path_len, size_t len, struct err *e)
{
	if (kind < BUNDLE_MANIFEST || kind > BUNDLE_COLLECT)
		return err_set(e, ERR_INVALID, 0, "bundle: unknown kind %u",
			       kind);
	if (status >= BUNDLE_STATUS_COUNT)
		return err_set(e, ERR_INVALID, 0, "bundle: unknown status %u",
			       status);
	if (status != BUNDLE_OK && (kind != BUNDLE_FILE || len != 0))
		return err_set(e, ERR_INVALID, 0, "bundle: misplaced status");
	if (kind == BUNDLE_MANIFEST && (r->has_begun || path_len != 0))
		return err_set(e, ERR_INVALID, 0, "bundle: misplaced manifest");
	if (kind == BUNDLE_MANIFEST && len > BUNDLE_MANIFEST_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "bundle: manifest over %d bytes",
			       BUNDLE_MANIFEST_MAX);
	if (kind == BUNDLE_COLLECT && len != 0)
		return err_set(e, ERR_INVALID, 0, "bundle: collect has data");
	return 0;
}

int
bundle_reader_next(struct bundle_reader *r, struct bundle_entry *ret,
		   struct err *e)
{
	const unsigned char *p = r->at;
	size_t room = (size_t)(r->end - p);
	size_t path_len, len;

	if (r->left == 0) {
		if (room != 0)
			return err_set(e, ERR_INVALID, 0,
				       "bundle: bytes after the last entry");
		return 0;
	}
	if (room < BUNDLE_ENTRY_HEAD_SIZE)
		return err_set(e, ERR_INVALID, 0, "bundle: truncated");
	path_len = get_u16(p + 2);
	len = get_u32(p + 4);
	room -= BUNDLE_ENTRY_HEAD_SIZE;
	if (path_len > room || len > room - path_len)
		return err_set(e, ERR_INVALID, 0, "bundle: truncated");
	if (check_entry(r, p[0], p[1], path_len, len, e) < 0)
		return -1;
	if (p[0] != BUNDLE_MANIFEST &&
	    bundle_path_check((const char *)p + BUNDLE_ENTRY_HEAD_SIZE,
			      path_len, e) < 0)
		return err_wrap(e, "bundle");
	*ret = (struct bundle_entry){
		.kind = (enum bundle_kind)p[0],
		.status = (enum bundle_status)p[1],
		.data = p + BUNDLE_ENTRY_HEAD_SIZE + path_len,
		.len = len,
	};
	memcpy(ret->path, p + BUNDLE_ENTRY_HEAD_SIZE, path_len);
	r->at = ret->data + len;
	r->left--;
	r->has_begun = true;
	return 1;
}

void
bundle_writer_init(struct bundle_writer *w, size_t max)
{
	*w = (struct bundle_writer){.max = max};
}

/* Make room for `more` bytes behind w->len. */
static int
writer_reserve(struct bundle_writer *w, size_t more, struct err *e)
{
	size_t size = w->size != 0 ? w->size : 4096;
	unsigned char *data;

	if (w->len > w->max || more > w->max - w->len)
		return err_set(e, ERR_LIMIT, 0, "bundle: larger than %zu bytes",
			       w->max);
	while (size < w->len + more)
		size *= 2;
	if (size == w->size)
		return 0;
	data = realloc(w->data, size);
	if (data == NULL)
		return err_sys(e, "bundle");
	w->data = data;
	w->size = size;
	return 0;
}

int
bundle_writer_add(struct bundle_writer *w, enum bundle_kind kind,
		  enum bundle_status status, const char *path, const void *data,
		  size_t len, struct err *e)
{
	struct bundle_reader as_read = {.has_begun = w->count > 0};
	size_t head = w->count == 0 ? BUNDLE_HEAD_SIZE : 0;
	size_t path_len = strlen(path);

	if (w->count == BUNDLE_ENTRIES_MAX)
		return err_set(e, ERR_LIMIT, 0, "bundle: more than %d entries",
			       BUNDLE_ENTRIES_MAX);
	if (kind != BUNDLE_MANIFEST && bundle_path_check(path, path_len, e) < 0)
		return err_wrap(e, "bundle");
	/* The writer refuses what the reader would. */
	if (len > UINT32_MAX)
		return err_set(e, ERR_LIMIT, 0, "bundle: entry over 4 GiB");
	if (check_entry(&as_read, kind, status, path_len, len, e) < 0)
		return -1;
	if (writer_reserve(w, head + BUNDLE_ENTRY_HEAD_SIZE + path_len + len,
			   e) < 0)
		return -1;
	w->len += head;
	bundle_entry_head_encode(w->data + w->len, kind, status,
				 (uint16_t)path_len, (uint32_t)len);
	w->len += BUNDLE_ENTRY_HEAD_SIZE;
	memcpy(w->data + w->len, path, path_len);
	w->len += path_len;
	if (len > 0)
		memcpy(w->data + w->len, data, len);
	w->len += len;
	bundle_head_encode(w->data, ++w->count);
	return 0;
}

void
bundle_writer_done(struct bundle_writer *w)
{
	free(w->data);
	*w = (struct bundle_writer){0};
}
