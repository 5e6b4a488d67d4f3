/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are forced to the disk while other jobs go on: what counts as
 * synced when, and that nothing is if the disk fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/audit.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/flush.h"
#include "supervisor/base/str.h"

static char dir_path[32];
static int dir = -1;
static struct audit a;
static bool cannot_begin, fails;

int __real_flush_begin(struct flush *f, int fd);
int __wrap_flush_begin(struct flush *f, int fd);
enum flush_state __real_flush_end(struct flush *f);
enum flush_state __wrap_flush_end(struct flush *f);
enum flush_state __real_flush_wait(struct flush *f);
enum flush_state __wrap_flush_wait(struct flush *f);

int
__wrap_flush_begin(struct flush *f, int fd)
{
	if (!cannot_begin)
		return __real_flush_begin(f, fd);
	errno = EAGAIN;
	return -1;
}

static enum flush_state
end_as(enum flush_state state)
{
	if (!fails || state != FLUSH_OVER)
		return state;
	errno = EIO;
	return FLUSH_FAILED;
}

enum flush_state
__wrap_flush_end(struct flush *f)
{
	return end_as(__real_flush_end(f));
}

enum flush_state
__wrap_flush_wait(struct flush *f)
{
	return end_as(__real_flush_wait(f));
}

static int
setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	cannot_begin = fails = false;
	(void)strcpy(dir_path, "/tmp/pc-flush-XXXXXX");
	if (mkdtemp(dir_path) == NULL)
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (audit_open(dir, AUDIT_BYTES_DEFAULT, &a, &e) < 0 ||
	    flush_init(&a.flush, &e) < 0) {
		print_error("%s\n", e.text);
		return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {
		AUDIT_DIR "/audit.000001.log",
		AUDIT_DIR "/audit.000002.log",
		AUDIT_DIR "/" AUDIT_KEY_FILE,
		AUDIT_DIR "/" AUDIT_PUBLIC_FILE,
		AUDIT_HEAD_FILE,
	};

	(void)state;
	audit_close(&a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(dir, names[i], 0);
	(void)unlinkat(dir, AUDIT_DIR, AT_REMOVEDIR);
	fd_close(&dir);
	return rmdir(dir_path);
}

static void
end_job(void)
{
	static const struct proto_job_submit submit = {
		.job_id = "4f2a0000-0000-4000-8000-000000000001",
		.policy = "strict",
		.runtime = "python",
	};
	static const struct proto_job_done done = {
		.outcome = PROTO_OUTCOME_EXITED,
	};
	const struct audit_job job = {
		.submit = &submit, .posture = "passed", .done = &done};
	struct err e = ERR_INIT;

	if (audit_job(&a, &job, &e) < 0)
		fail_msg("%s", e.text);
}

static void
wait_for_end(void)
{
	struct pollfd event = {.fd = a.flush.event_fd, .events = POLLIN};

	assert_int_equal(poll(&event, 1, 60000), 1);
}

/* What the head beside the log calls synced. */
static uint64_t
synced_by_head(void)
{
	owned_fd int fd = openat(dir, AUDIT_HEAD_FILE, O_RDONLY | O_CLOEXEC);
	char text[AUDIT_HEAD_SIZE + 1] = "";
	const char *at;

	assert_int_equal(fd_read_full(fd, text, AUDIT_HEAD_SIZE),
			 AUDIT_HEAD_SIZE);
	at = strstr(text, "\"synced\":");
	assert_non_null(at);
	return strtoull(at + strlen("\"synced\":"), NULL, 10);
}

/* ---- tests ----------------------------------------------------------- */

static void
a_record_is_synced_when_the_flush_is_over(void **state)
{
	const uint64_t before = a.seq;

	(void)state;
	end_job();
	audit_flush(&a);
	assert_true(a.flush.is_running);
	assert_int_equal(a.synced, before);
	assert_int_equal(synced_by_head(), before);
	wait_for_end();
	audit_flushed(&a);
	assert_false(a.flush.is_running);
	assert_int_equal(a.synced, before + 1);
	assert_int_equal(synced_by_head(), before + 1);
}

static void
what_comes_meanwhile_is_for_the_next(void **state)
{
	const uint64_t before = a.seq;

	(void)state;
	end_job();
	audit_flush(&a);
	end_job();
	audit_flush(&a); /* one at a time */
	wait_for_end();
	audit_flushed(&a);
	assert_int_equal(a.synced, before + 1);
	assert_true(a.wants_flush);
	audit_flush(&a);
	wait_for_end();
	audit_flushed(&a);
	assert_int_equal(a.synced, before + 2);
	audit_flush(&a);
	assert_false(a.flush.is_running); /* nothing is left to do */
}

static void
who_cannot_wait_for_turns_waits_for_the_disk(void **state)
{
	const uint64_t before = a.seq;
	struct err e = ERR_INIT;

	(void)state;
	end_job();
	audit_flush(&a);
	end_job();
	a.wants_sync = true; /* as a refusal does */
	audit_flush(&a);
	assert_false(a.flush.is_running);
	assert_int_equal(a.synced, before + 2);
	audit_flushed(&a); /* the loop still has its event */
	assert_int_equal(a.synced, before + 2);
	assert_int_equal(synced_by_head(), before + 2);
	assert_int_equal(audit_stop(&a, &e), 0);
}

/* The kernel tells an error once: the sync after it would know of none. */
static void
an_error_of_the_one_before_is_heard(void **state)
{
	const uint64_t before = a.synced;
	struct err e = ERR_INIT;

	(void)state;
	end_job();
	audit_flush(&a);
	end_job();
	fails = true;
	assert_int_equal(audit_sync(&a, &e), -1);
	assert_true(a.is_broken);
	assert_non_null(strstr(e.text, strerrordesc_np(EIO)));
	assert_int_equal(a.synced, before);
	assert_int_equal(synced_by_head(), before);
}

static void
what_is_broken_stays_so(void **state)
{
	const uint64_t before = a.synced;

	(void)state;
	end_job();
	audit_flush(&a);
	a.is_broken = true; /* by a record that could not be written */
	wait_for_end();
	audit_flushed(&a);
	assert_true(a.is_broken);
	assert_int_equal(a.synced, before);
	assert_int_equal(synced_by_head(), before);
}

static void
the_next_file_comes_after_it(void **state)
{
	const uint64_t before = a.seq;

	(void)state;
	end_job();
	audit_flush(&a);
	a.wants_rotation = true;
	audit_tick(&a, 1);
	assert_int_equal(a.file, 2);
	assert_int_equal(a.synced, before + 2); /* and log_open */
	assert_false(a.flush.is_running);
	assert_false(a.is_broken);
}

static void
a_tick_does_not_wait_for_the_disk(void **state)
{
	const uint64_t before = a.seq;

	(void)state;
	end_job();
	audit_flush(&a);
	end_job();
	audit_tick(&a, 1);
	assert_int_equal(a.synced, before);
	wait_for_end();
	audit_flushed(&a);
	assert_int_equal(a.synced, before + 1);
}

static void
a_disk_that_fails_stops_everything(void **state)
{
	const uint64_t before = a.synced;
	struct err e = ERR_INIT;

	(void)state;
	end_job();
	fails = true;
	audit_flush(&a);
	wait_for_end();
	audit_flushed(&a);
	assert_true(a.is_broken);
	assert_int_equal(a.synced, before);
	assert_int_equal(synced_by_head(), before);
	assert_int_equal(audit_may_begin(&a, 0, &e), -1);
}

static void
without_it_the_disk_is_waited_for(void **state)
{
	const uint64_t before = a.seq;

	(void)state;
	cannot_begin = true;
	end_job();
	audit_flush(&a);
	assert_int_equal(a.synced, before + 1);
	cannot_begin = false;
	flush_done(&a.flush);
	end_job();
	audit_flush(&a);
	assert_int_equal(a.synced, before + 2);
}

static void
it_is_called_without_cause(void **state)
{
	const uint64_t before = a.synced;

	(void)state;
	audit_flushed(&a);
	assert_int_equal(a.synced, before);
	assert_false(a.is_broken);
}

static void
a_file_that_cannot_be_flushed_is_an_error(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	errno = 0;
	assert_int_equal(flush_begin(&a.flush, ends[1]), -1);
	assert_int_equal(errno, EINVAL);
	assert_false(a.flush.is_running);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

#define WITH_LOG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOG(a_record_is_synced_when_the_flush_is_over),
		WITH_LOG(what_comes_meanwhile_is_for_the_next),
		WITH_LOG(who_cannot_wait_for_turns_waits_for_the_disk),
		WITH_LOG(an_error_of_the_one_before_is_heard),
		WITH_LOG(what_is_broken_stays_so),
		WITH_LOG(the_next_file_comes_after_it),
		WITH_LOG(a_tick_does_not_wait_for_the_disk),
		WITH_LOG(a_disk_that_fails_stops_everything),
		WITH_LOG(without_it_the_disk_is_waited_for),
		WITH_LOG(it_is_called_without_cause),
		WITH_LOG(a_file_that_cannot_be_flushed_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
