/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a program's output to the result stream: counts, the books, and that
 * it does not matter how the bytes are cut into pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "jail/runtimes/common/testrun.h"

#define EXIT(code) ((code) << 8) /* as from waitpid(2) */
#define LINES_MAX 64

struct stream {
	struct harness_result result;
	char *text;
	json_t *lines[LINES_MAX];
	size_t count;
};

/* Run `out` and `err` through a testrun in pieces of `step` bytes. */
static void
play(struct stream *s, enum testrun_format format, const char *out,
     const char *err, int status, size_t step)
{
	static struct testrun run;
	int fd = memfd_create("result", MFD_CLOEXEC);
	size_t len = strlen(out);

	assert_true(fd >= 0);
	harness_result_init(&s->result, fd);
	testrun_init(&run, &s->result, "tests.c", format);
	testrun_output(&run, 2, err, strlen(err));
	for (size_t at = 0; at < len; at += step)
		testrun_output(&run, 1, out + at,
			       len - at < step ? len - at : step);
	testrun_finish(&run, status);
	(void)harness_result_end(&s->result);

	len = (size_t)lseek(fd, 0, SEEK_END);
	s->text = calloc(1, len + 1);
	assert_int_equal(pread(fd, s->text, len, 0), len);
	close(fd);
	s->count = 0;
	for (char *save = NULL, *line = strtok_r(s->text, "\n", &save);
	     line != NULL; line = strtok_r(NULL, "\n", &save)) {
		json_error_t error;
		json_t *object = json_loads(line, 0, &error);

		if (object == NULL)
			fail_msg("%s: %s", error.text, line);
		assert_true(s->count < LINES_MAX);
		s->lines[s->count++] = object;
	}
}

static void
stream_done(struct stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		json_decref(s->lines[i]);
	free(s->text);
}

static const char *
text_of(const struct stream *s, size_t i, const char *key)
{
	return json_string_value(json_object_get(s->lines[i], key));
}

struct row {
	const char *about;
	size_t format; /* enum testrun_format */
	const char *out, *err;
	long status;
	uint32_t counts[HARNESS_OUTCOME_COUNT]; /* passed failed error skip */
};

static const struct row rows[] = {
	{"all is well", 0, "1..2\nok 1 - a\nok 2 - b\n", "", 0, {2, 0, 0, 0}},
	{"plan at the end", 0, "ok\nnot ok\n1..2\n", "", EXIT(1), {1, 1, 0, 0}},
	{"no plan", 0, "hello\nok 1\n", "", 0, {1, 0, 0, 0}},
	{"too few", 0, "1..3\nok 1\n", "", 0, {1, 0, 1, 0}},
	{"too many", 0, "1..1\nok 1\nok 2\n", "", 0, {2, 0, 1, 0}},
	{"no newline at the end", 0, "1..1\nok 1", "", 0, {1, 0, 0, 0}},
	{"bad exit", 0, "1..1\nok 1\n", "", EXIT(3), {1, 0, 1, 0}},
	{"exit of a failure", 0, "1..1\nnot ok 1\n", "", EXIT(1), {0, 1, 0, 0}},
	{"crash", 0, "1..2\nok 1\n", "", 11, {1, 0, 2, 0}},
	{"crash after all", 0, "1..1\nok 1\n", "", 6, {1, 0, 1, 0}},
	{"bail out", 0, "1..9\nok 1\nBail out! no\n", "", 0, {1, 0, 1, 0}},
	{"nothing planned", 0, "1..0\n", "", 0, {0, 0, 1, 0}},
	{"all skipped", 0, "1..0 # SKIP why\n", "", 0, {0, 0, 0, 1}},
	{"exit code 0", 0, "fine\n", "", 0, {1, 0, 0, 0}},
	{"exit code 2", 0, "", "no\n", EXIT(2), {0, 1, 0, 0}},
	{"abort", 0, "", "Assertion\n", 6, {0, 1, 0, 0}},
	{"silence", 0, "", "", 0, {1, 0, 0, 0}},
	{"bats' own",
	 TESTRUN_BATS,
	 "1..2\nnot ok 1 setup_file failed\n"
	 "not ok 2 a\n",
	 "",
	 EXIT(1),
	 {0, 1, 1, 0}},
	{"bats without tests", TESTRUN_BATS, "1..0\n", "", 0, {0, 0, 1, 0}},
	{"unity",
	 0,
	 "a.c:1:t:PASS\na.c:2:u:FAIL: x\na.c:3:v:IGNORE\n"
	 "-----\n3 Tests 1 Failures 1 Ignored\nFAIL\n",
	 "",
	 EXIT(1),
	 {1, 1, 0, 1}},
	{"unity cut off", 0, "a.c:1:t:PASS\n", "", 0, {1, 0, 1, 0}},
	{"unity's sum",
	 0,
	 "a.c:1:t:PASS\n2 Tests 0 Failures 0 Ignored\n",
	 "",
	 0,
	 {1, 0, 1, 0}},
	{"unity's failures",
	 0,
	 "a.c:1:t:PASS\n1 Tests 1 Failures 0 Ignored\n",
	 "",
	 0,
	 {1, 0, 1, 0}},
	{"unity, then TAP",
	 0,
	 "a.c:1:t:PASS\nok 1\n1 Tests 0 Failures 0 Ignored\n",
	 "",
	 0,
	 {1, 0, 0, 0}},
	{"cmocka",
	 TESTRUN_CMOCKA,
	 "[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n"
	 "[ RUN      ] b\n[  FAILED  ] b\n[ RUN      ] c\n"
	 "[==========] 3 test(s) run.\n[  FAILED  ] 1 test(s), listed below:\n"
	 "[  FAILED  ] b\n",
	 "[  ERROR   ] --- 1 != 2\n[   LINE   ] --- a.c:7: error\n"
	 "Could not run test\n[  ERROR   ] c\n",
	 EXIT(2),
	 {1, 1, 1, 0}},
	{"cmocka cut off",
	 TESTRUN_CMOCKA,
	 "[==========] Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n",
	 "",
	 0,
	 {1, 0, 1, 0}},
	{"cmocka's group set-up",
	 TESTRUN_CMOCKA,
	 "[==========] Running 2 test(s).\n[==========] 0 test(s) run.\n",
	 "GROUP SETUP\n",
	 EXIT(1),
	 {0, 0, 1, 0}},
};

static void
test_counts(void **state)
{
	static const size_t steps[] = {1, 2, 7, 100000};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t j = 0; j < 4; j++) {
			struct stream s;

			print_message("%s\n", rows[i].about);
			play(&s, (enum testrun_format)rows[i].format,
			     rows[i].out, rows[i].err, (int)rows[i].status,
			     steps[j]);
			for (size_t k = 0; k < HARNESS_OUTCOME_COUNT; k++)
				assert_int_equal(s.result.counts[k],
						 rows[i].counts[k]);
			assert_string_equal(text_of(&s, 0, "type"), "start");
			assert_string_equal(text_of(&s, s.count - 1, "type"),
					    "end");
			stream_done(&s);
		}
}

static void
test_details(void **state)
{
	struct stream s;

	(void)state;
	play(&s, TESTRUN_UNKNOWN,
	     "1..2\nnot ok 1 - a\n# got 1\n# wanted 2\nok 2 - b\n# fine\n", "",
	     EXIT(1), 3);
	assert_int_equal(
		json_integer_value(json_object_get(s.lines[0], "expected")), 2);
	assert_string_equal(text_of(&s, 1, "test"), "a");
	assert_string_equal(text_of(&s, 1, "message"), "got 1\nwanted 2");
	assert_string_equal(text_of(&s, 2, "message"), "");
	stream_done(&s);
}

static void
test_cmocka_messages(void **state)
{
	struct stream s;

	(void)state;
	play(&s, TESTRUN_CMOCKA,
	     "[==========] Running 2 test(s).\n[ RUN      ] a\n[  FAILED  ] a\n"
	     "[ RUN      ] b\n[==========] 2 test(s) run.\n",
	     "[  ERROR   ] --- 1 != 2\n[   LINE   ] --- a.c:7: error\n"
	     "Could not run test: Test setup failed\n[  ERROR   ] b\n",
	     EXIT(2), 5);
	assert_string_equal(text_of(&s, 1, "message"),
			    "[  ERROR   ] --- 1 != 2\n"
			    "[   LINE   ] --- a.c:7: error");
	assert_string_equal(text_of(&s, 2, "outcome"), "error");
	assert_string_equal(text_of(&s, 2, "message"),
			    "Could not run test: Test setup failed\n"
			    "[  ERROR   ] b");
	stream_done(&s);
}

static void
test_exit_message(void **state)
{
	struct stream s;

	(void)state;
	play(&s, TESTRUN_UNKNOWN, "", "a.c:5: main: Assertion `0' failed.\n", 6,
	     9);
	assert_string_equal(text_of(&s, 1, "test"), "tests.c");
	assert_string_equal(text_of(&s, 1, "message"),
			    "killed by signal 6 (Aborted)\n"
			    "a.c:5: main: Assertion `0' failed.\n");
	stream_done(&s);
}

/* Bytes that are no text, lines without end, names without bound. */
static void
test_garbage(void **state)
{
	static char out[20000];
	struct stream s;

	(void)state;
	memset(out, 'x', 9000);
	memcpy(out + 9000, "\nnot ok 1 - \"\\\x01\xff\xc3\xa4 ", 20);
	memset(out + 9019, 'y', 9000);
	memcpy(out + 18019, "\n# \xed\xa0\x80\t\n1..1\n", 14);
	play(&s, TESTRUN_UNKNOWN, out, "", EXIT(1), 4096);
	assert_int_equal(s.result.counts[HARNESS_FAILED], 1);
	assert_int_equal(s.result.counts[HARNESS_ERROR], 0);
	assert_memory_equal(text_of(&s, 1, "test"),
			    "\"\\\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4 yyy", 14);
	assert_true(strlen(text_of(&s, 1, "test")) <= HARNESS_NAME_MAX);
	stream_done(&s);
}

/* However many tests and however long their messages: bounded, and the books
 * still balance. */
static void
test_bounds(void **state)
{
	static char message[3 * HARNESS_MESSAGE_MAX];
	struct harness_result r;
	int fd = memfd_create("result", MFD_CLOEXEC);
	off_t size;

	(void)state;
	memset(message, '\n', sizeof(message));
	harness_result_init(&r, fd);
	for (int i = 0; i < 20000; i++)
		harness_result_test(&r, "test", HARNESS_PASSED, 0, message,
				    i % 2 ? sizeof(message) : 0);
	assert_int_equal(r.counts[HARNESS_ERROR], 1);
	assert_int_equal(harness_result_end(&r), 1);
	size = lseek(fd, 0, SEEK_END);
	assert_in_range(size, 1 << 20, 8 << 20);
	assert_int_equal(r.counts[HARNESS_PASSED] + 1, r.cases);
	close(fd);
}

static void
test_tail(void **state)
{
	static struct harness_tail tail;
	char block[3000];

	(void)state;
	for (int i = 0; i < 5; i++) {
		memset(block, 'a' + i, sizeof(block));
		harness_tail_add(&tail, block, sizeof(block));
	}
	assert_int_equal(tail.len, sizeof(tail.data));
	assert_int_equal(tail.data[0], 'd');
	assert_int_equal(tail.data[sizeof(tail.data) - 1], 'e');
	harness_tail_add(&tail, "z", 1);
	assert_int_equal(tail.data[sizeof(tail.data) - 1], 'z');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_cmocka_messages),
		cmocka_unit_test(test_exit_message),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
