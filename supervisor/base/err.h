/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the error value that every function which can fail fills in.
 *
 * It owns no memory, so it works without malloc, survives fork and travels in
 * a message as it is.  A function that takes `struct err *e` returns 0 on
 * success and -1 with *e filled on failure; outputs are written only on
 * success.  Only main() and request handlers log an error.
 */
#ifndef PC_BASE_ERR_H
#define PC_BASE_ERR_H

#include <stdint.h>

#define ERR_TEXT_MAX 192

enum err_kind {
	ERR_NONE = 0,
	ERR_INVALID,	 /* the caller's input is wrong; text names the field */
	ERR_DENIED,	 /* not allowed to do this */
	ERR_NOT_FOUND,	 /* the named thing does not exist */
	ERR_CONFLICT,	 /* state does not permit it (compare-and-set lost) */
	ERR_BUSY,	 /* no capacity now; trying again later may work */
	ERR_LIMIT,	 /* a configured bound was exceeded */
	ERR_UNSUPPORTED, /* the host lacks something; text says how to fix */
	ERR_IO,		 /* a system call failed; errnum is set */
	ERR_PEER,	 /* the other process vanished or spoke nonsense */
	ERR_UNAVAILABLE, /* a service does not answer; it may soon */
	ERR_KIND_COUNT
};

struct err {
	uint32_t kind;	/* enum err_kind */
	int32_t errnum; /* errno value, or 0 */
	char text[ERR_TEXT_MAX];
};

#define ERR_INIT ((struct err){0})

/*
 * Fill *e and return -1.  If errnum is not 0, ": <strerror>" is appended.
 * Text is truncated at ERR_TEXT_MAX - 1 bytes, never overrun.
 */
int err_set(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* err_set(e, ERR_IO, errno, ...) */
int err_sys(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "<context>: " before the text that is already there; returns -1. */
int err_wrap(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The analyzer sees one file at a time: spell out that these return -1. */
#if defined(__clang_analyzer__) && !defined(PC_BASE_ERR_IMPLEMENTATION)
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_sys(...) (err_sys(__VA_ARGS__), -1)
#define err_wrap(...) (err_wrap(__VA_ARGS__), -1)
#endif

/* "invalid", "denied", ... */
const char *err_kind_name(enum err_kind kind);

#endif
