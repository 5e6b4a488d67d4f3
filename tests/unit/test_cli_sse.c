/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_sse.c - events out of bytes, however they are cut into pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/promptcraft/sse.h"

static char seen[4096];

static int
note(void *arg, const struct sse_event *event, struct err *e)
{
	size_t used = strlen(seen);

	(void)arg;
	if (strcmp(event->name, "stop") == 0)
		return err_set(e, ERR_INVALID, 0, "stopped");
	snprintf(seen + used, sizeof(seen) - used, "<%s|%s|%s>", event->id,
		 event->name, event->data);
	return 0;
}

static const char text[] = "retry: 1234\n\n"
			   "id: 1\nevent: a\ndata: {\"x\":1}\n\n"
			   ":\n\n"
			   ": comment\nid:2\r\ndata:one\r\ndata: two\r\n\r\n"
			   "event: without data\n\n"
			   "unknown: field\ndata\ndata: x\n\n"
			   "id: 3\ndata: unfinished\n";

static void
test_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct sse_parser p = {.take = note};
		struct err e;

		seen[0] = '\0';
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t left = sizeof(text) - 1 - at;

			assert_int_equal(sse_feed(&p, text + at,
						  left < piece ? left : piece,
						  &e),
					 0);
		}
		assert_string_equal(seen, "<1|a|{\"x\":1}><2|message|one\ntwo>"
					  "<|message|x>");
		assert_int_equal(p.retry_ms, 1234);
		/* What was cut off is not taken for the next one's. */
		sse_reset(&p);
		assert_int_equal(sse_feed(&p, "data: y\n\n", 9, &e), 0);
		assert_non_null(strstr(seen, "<|message|y>"));
		sse_done(&p);
	}
}

static void
test_stop(void **state)
{
	struct sse_parser p = {.take = note};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(sse_feed(&p, "event: stop\ndata: 1\n\n", 21, &e), -1);
	assert_string_equal(e.text, "stopped");
	sse_done(&p);
}

static void
test_bound(void **state)
{
	struct sse_parser p = {.take = note};
	struct err e = ERR_INIT;
	char *block = calloc(1, 1 << 20);
	int rc = 0;

	(void)state;
	memset(block, 'x', 1 << 20);
	for (int i = 0; i < 8 && rc == 0; i++)
		rc = sse_feed(&p, block, 1 << 20, &e);
	assert_int_equal(rc, -1);
	assert_string_equal(e.text, "an event is too long");
	free(block);
	sse_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
