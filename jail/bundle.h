/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle.h - the byte format in which a job's files travel: client to jail
 * (what to unpack) and jail to client (collected result files).
 *
 * Little-endian, no padding, no pointers:
 *
 *   "PCB1"  u32 count  then count entries:
 *   u8 kind  u8 status  u16 path_len  u32 data_len  path bytes  data bytes
 *
 * BUNDLE_MANIFEST (first, exactly one in what a client sends, none in what
 * comes back): the job for the harness, written by jail-init to JAIL_JOB_FILE:
 * NUL-terminated "key=value" strings.  Keys:
 *   mode=run|test      run the code, or the tests
 *   code=PATH          relative to /work
 *   tests=PATH         relative to /work; only with mode=test
 *   arg=TEXT           0..n, in order: argv of the code
 * BUNDLE_FILE: a file below /work; parent directories are made.
 * BUNDLE_COLLECT: path (no data) of a result file to bring back.
 *
 * A path is relative, 1..BUNDLE_PATH_MAX bytes, no NUL or control character,
 * no empty, "." or ".." component.  The reader checks all of it again: the
 * bytes come from a process that may be compromised.
 */
#ifndef PC_JAIL_BUNDLE_H
#define PC_JAIL_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

#define BUNDLE_PATH_MAX 255
#define BUNDLE_ENTRIES_MAX 1024
#define BUNDLE_MANIFEST_MAX 65536

enum bundle_kind {
	BUNDLE_MANIFEST = 1,
	BUNDLE_FILE,
	BUNDLE_COLLECT,
};

/* status of a BUNDLE_FILE entry that jail-init sends back. */
enum bundle_status {
	BUNDLE_OK = 0,
	BUNDLE_MISSING,	    /* no such file */
	BUNDLE_NOT_REGULAR, /* symlink, hard link, FIFO, device, directory */
	BUNDLE_TOO_LARGE,   /* CollectMax= exceeded */
	BUNDLE_UNREADABLE,
	BUNDLE_STATUS_COUNT
};

struct bundle_entry {
	enum bundle_kind kind;
	enum bundle_status status;
	char path[BUNDLE_PATH_MAX + 1]; /* "" for the manifest */
	const unsigned char *data;	/* points into the reader's bytes */
	size_t len;
};

struct bundle_reader {
	const unsigned char *at, *end;
	uint32_t left; /* entries */
	bool has_begun;
};

/* The fixed part of a bundle and of each entry, for who writes a stream. */
#define BUNDLE_HEAD_SIZE 8
#define BUNDLE_ENTRY_HEAD_SIZE 8
void bundle_head_encode(unsigned char dst[BUNDLE_HEAD_SIZE], uint32_t count);
void bundle_entry_head_encode(unsigned char dst[BUNDLE_ENTRY_HEAD_SIZE],
			      enum bundle_kind kind, enum bundle_status status,
			      uint16_t path_len, uint32_t data_len);

/* 0 if path is allowed, else -1 and *e says what is wrong with it. */
int bundle_path_check(const char *path, size_t len, struct err *e);

int bundle_reader_init(struct bundle_reader *r, const void *bytes, size_t len,
		       struct err *e);
/* 1: *ret filled; 0: end, all bytes consumed; -1: malformed. */
int bundle_reader_next(struct bundle_reader *r, struct bundle_entry *ret,
		       struct err *e);

/* Grows by realloc; `data` is the finished bundle after each add. */
struct bundle_writer {
	unsigned char *data;
	size_t len, size;
	uint32_t count;
	size_t max; /* bytes; adding more is ERR_LIMIT */
};

void bundle_writer_init(struct bundle_writer *w, size_t max);
int bundle_writer_add(struct bundle_writer *w, enum bundle_kind kind,
		      enum bundle_status status, const char *path,
		      const void *data, size_t len, struct err *e);
void bundle_writer_done(struct bundle_writer *w);

#endif
