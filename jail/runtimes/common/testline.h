/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testline.h - what one line of a test program's output says, in each of the
 * formats that are recognised: TAP, Unity and cmocka's standard output.
 *
 * Lines are untrusted bytes.  A parser only looks at the one line; counting
 * and deciding is testrun.h's.
 */
#ifndef PC_RUNTIMES_TESTLINE_H
#define PC_RUNTIMES_TESTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/runtimes/common/result.h"

enum testline_kind {
	TESTLINE_OTHER = 0,
	TESTLINE_MARK,	  /* belongs to the format, says nothing to us */
	TESTLINE_CASE,	  /* outcome, name, message */
	TESTLINE_DETAIL,  /* message: more about the case before */
	TESTLINE_PLAN,	  /* tests; message: why none, if tests is 0 */
	TESTLINE_STARTED, /* name: a test has begun (cmocka) */
	TESTLINE_TOTAL,	  /* tests; failures, ignored where has_counts */
	TESTLINE_BAIL,	  /* message: "Bail out!" */
};

struct testline {
	enum testline_kind kind;
	enum harness_outcome outcome;
	bool has_counts;
	const char *name; /* points into the line */
	size_t name_len;
	const char *message;
	size_t message_len;
	uint64_t tests, failures, ignored;
	uint64_t number; /* of a TAP case, 0 if it has none */
};

/* line[0..len) without its newline; ret is always filled. */
void testline_parse_tap(const char *line, size_t len, struct testline *ret);
void testline_parse_unity(const char *line, size_t len, struct testline *ret);
void testline_parse_cmocka(const char *line, size_t len, struct testline *ret);

#endif
