/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_base.c - errors, strings, fds and clock of supervisor/base.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/err.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

static void
err_carries_context_outwards(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&e, ERR_IO, EBUSY, "write %s", "pids.max"),
			 -1);
	assert_int_equal(err_wrap(&e, "limit processes"), -1);
	assert_int_equal(err_wrap(&e, "job %s", "4f2a"), -1);
	assert_string_equal(e.text, "job 4f2a: limit processes: write "
				    "pids.max: Device or resource busy");
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(e.errnum, EBUSY);
}

static void
err_text_is_bounded(void **state)
{
	struct err e = ERR_INIT;
	char big[400];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_INVALID, ENOENT, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_wrap(&e, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_wrap(&e, "short");
	assert_memory_equal(e.text, "short: x", 8);
}

static void
str_copy_refuses_to_truncate(void **state)
{
	char dst[4];

	(void)state;
	assert_int_equal(str_copy(dst, sizeof(dst), "abc"), 0);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), "abcd"), -1);
	assert_string_equal(dst, "");
	assert_int_equal(str_printf(dst, sizeof(dst), "%d", 1234), -1);
	assert_string_equal(dst, "");
}

static void
str_names_are_strict(void **state)
{
	(void)state;
	assert_true(str_is_name("strict", 31));
	assert_true(str_is_name("a-b_C9", 6));
	assert_false(str_is_name("a-b_C9", 5));
	assert_false(str_is_name("", 31));
	assert_false(str_is_name("-x", 31));
	assert_false(str_is_name("a/b", 31));
	assert_false(str_is_name("..", 31));
	assert_false(str_is_name("a\n", 31));
}

static void
str_numbers_do_not_wrap(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_int_equal(str_to_u64("0", 10, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(str_to_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	v = 7;
	assert_int_equal(str_to_u64("18446744073709551616", UINT64_MAX, &v),
			 -1);
	assert_int_equal(str_to_u64("11", 10, &v), -1);
	assert_int_equal(str_to_u64("9", 3, &v), -1);
	assert_int_equal(str_to_u64("", 10, &v), -1);
	assert_int_equal(str_to_u64("+1", 10, &v), -1);
	assert_int_equal(str_to_u64(" 1", 10, &v), -1);
	assert_int_equal(str_to_u64("1x", 10, &v), -1);
	assert_int_equal(v, 7);
}

static void
str_quote_makes_one_safe_line(void **state)
{
	char dst[32];

	(void)state;
	str_quote(dst, sizeof(dst), "a\"\n\x1b", 4);
	assert_string_equal(dst, "\"a\\x22\\x0a\\x1b\"");
	str_quote(dst, sizeof(dst), "0123456789012345678901234567890123", 34);
	assert_int_equal(strlen(dst), sizeof(dst) - 1);
	assert_string_equal(dst + strlen(dst) - 4, "...\"");
	str_quote(dst, sizeof(dst), "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_string_equal(dst + strlen(dst) - 4, "...\"");
	assert_true(strlen(dst) < sizeof(dst));
}

static void
memfd_is_sealed(void **state)
{
	struct err e = ERR_INIT;
	owned_fd int fd = -1;
	char back[4] = "";

	(void)state;
	assert_int_equal(fd_memfd_sealed("t", "abc", 3, &fd, &e), 0);
	assert_true(fd_is_sealed_memfd(fd));
	assert_int_equal(fd_read_full(fd, back, sizeof(back)), 3);
	assert_memory_equal(back, "abc", 3);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(fd_is_sealed_memfd(STDIN_FILENO));
}

static void
read_file_checks_kind_and_size(void **state)
{
	struct err e = ERR_INIT;
	owned_mem char *text = NULL;
	char dir[] = "/tmp/base-XXXXXX";
	owned_fd int at = -1, fd = -1;
	size_t len = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	at = open(dir, O_DIRECTORY | O_CLOEXEC);
	fd = openat(at, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(fd_write_all(fd, "hello", 5), 0);
	assert_int_equal(fd_read_file(at, "f", 5, &text, &len, &e), 0);
	assert_int_equal(len, 5);
	assert_string_equal(text, "hello");
	assert_int_equal(fd_read_file(at, "f", 4, &text, &len, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(fd_read_file(at, ".", 4, &text, &len, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(fd_read_file(at, "g", 4, &text, &len, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	unlinkat(at, "f", 0);
	rmdir(dir);
}

static void
clock_formats_utc(void **state)
{
	char text[CLOCK_ISO_SIZE];
	uint64_t before = clock_mono_us();

	(void)state;
	clock_iso8601(1769850902123456u, text);
	assert_string_equal(text, "2026-01-31T09:15:02.123456Z");
	assert_true(clock_mono_us() >= before);
}

static void
log_levels_parse(void **state)
{
	enum log_level level = LOG_LEVEL_INFO;

	(void)state;
	assert_int_equal(log_level_parse("WARNING", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("loud", &level), -1);
	assert_int_equal(level, LOG_LEVEL_WARNING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_carries_context_outwards),
		cmocka_unit_test(err_text_is_bounded),
		cmocka_unit_test(str_copy_refuses_to_truncate),
		cmocka_unit_test(str_names_are_strict),
		cmocka_unit_test(str_numbers_do_not_wrap),
		cmocka_unit_test(str_quote_makes_one_safe_line),
		cmocka_unit_test(memfd_is_sealed),
		cmocka_unit_test(read_file_checks_kind_and_size),
		cmocka_unit_test(clock_formats_utc),
		cmocka_unit_test(log_levels_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
