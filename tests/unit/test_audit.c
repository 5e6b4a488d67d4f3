/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit chain: it links, it goes on after a restart, it notices a torn and
 * a changed last line, and it stops when it cannot write.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "supervisor/audit.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static char dir_path[32];

static int
setup(void **state)
{
	(void)state;
	(void)strcpy(dir_path, "/tmp/pc-audit-XXXXXX");
	return mkdtemp(dir_path) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	DIR *dir = opendir(dir_path);
	const struct dirent *entry;

	(void)state;
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	return rmdir(dir_path);
}

static int
open_log(struct audit *a, struct err *e)
{
	owned_fd int dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	if (audit_open(dir, a, e) < 0)
		return -1;
	(void)fd_take(&dir);
	return 0;
}

static void
must_open(struct audit *a)
{
	struct err e = ERR_INIT;

	if (open_log(a, &e) < 0)
		fail_msg("%s", e.text);
}

static int
log_fd(int flags)
{
	char path[64];
	int fd;

	assert_int_equal(
		str_printf(path, sizeof(path), "%s/" AUDIT_FILE, dir_path), 0);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static size_t
read_log(char *dst, size_t size)
{
	int fd = log_fd(O_RDONLY);
	ssize_t n = fd_read_full(fd, dst, size - 1);

	assert_true(n >= 0);
	(void)close(fd);
	dst[n] = '\0';
	return (size_t)n;
}

static void
event(struct audit *a, const char *text)
{
	struct err e = ERR_INIT;

	if (audit_event(a, "note", text, &e) < 0 || audit_sync(a, &e) < 0)
		fail_msg("%s", e.text);
}

/* Recompute the chain from the file alone; returns the number of lines. */
static unsigned
verify(const char *text)
{
	uint8_t head[32] = {0};
	unsigned seq = 0;

	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		const char *hash;
		uint8_t got[32];
		char hex[65], wanted[32];
		crypto_hash_sha256_state s;

		assert_non_null(end);
		assert_true(end - text > 80);
		hash = end - 2 - 64; /* hash"} */
		crypto_hash_sha256_init(&s);
		crypto_hash_sha256_update(&s, head, sizeof(head));
		crypto_hash_sha256_update(
			&s, (const unsigned char *)text,
			(unsigned long long)(hash - 9 - text)); /* ,"hash":" */
		crypto_hash_sha256_final(&s, got);
		str_hex(hex, got, sizeof(got));
		assert_memory_equal(hex, hash, 64);
		memcpy(head, got, sizeof(head));
		(void)snprintf(wanted, sizeof(wanted), "{\"seq\":%u,", ++seq);
		assert_memory_equal(text, wanted, strlen(wanted));
		text = end + 1;
	}
	return seq;
}

static void
chain_links_and_goes_on(void **state)
{
	static char text[65536];
	struct audit a;

	(void)state;
	must_open(&a);
	event(&a, "one");
	event(&a, "two");
	audit_close(&a);
	must_open(&a);
	assert_int_equal(a.seq, 2);
	event(&a, "three");
	audit_close(&a);
	(void)read_log(text, sizeof(text));
	assert_int_equal(verify(text), 3);
}

static void
job_record_is_whole_and_escaped(void **state)
{
	static char text[65536];
	static struct policy policy = {.audit_len = 2,
				       .audit = {{.nr = 101, .name = "ptrace"},
						 {.nr = 165, .name = "mount"}}};
	const uint32_t denials[2] = {0, 7};
	struct proto_job_submit submit = {
		.job_id = "j1",
		.actor = "a\"b\\c\n\xff",
		.policy = "strict",
		.runtime = "python",
		.step = 4,
	};
	struct proto_job_done done = {.outcome = PROTO_OUTCOME_KILLED,
				      .reason = PROTO_REASON_MEMORY,
				      .denials_total = 7,
				      .cpu_us = 123};
	struct audit_job job = {.submit = &submit,
				.policy = &policy,
				.posture = "passed",
				.done = &done,
				.denials = denials,
				.peer_uid = 1234};
	struct audit a;
	struct err e = ERR_INIT;

	(void)state;
	must_open(&a);
	assert_int_equal(audit_job(&a, &job, &e), 0);
	assert_true(a.is_dirty);
	assert_int_equal(audit_sync(&a, &e), 0);
	assert_false(a.is_dirty);
	audit_close(&a);
	(void)read_log(text, sizeof(text));
	assert_int_equal(verify(text), 1);
	assert_non_null(strstr(text, "\"type\":\"job\""));
	assert_non_null(strstr(
		text, "\"actor_claimed\":\"a\\\"b\\\\c\\u000a\\u00ff\""));
	assert_non_null(strstr(text, "\"peer_uid\":1234"));
	assert_non_null(strstr(text, "\"calls\":{\"mount\":7}"));
	assert_non_null(strstr(text, "\"total\":7"));
	assert_non_null(strstr(text, "\"outcome\":\"killed\""));
	assert_non_null(strstr(text, "\"reason\":\"memory\""));
	assert_non_null(strstr(text, "\"posture\":\"passed\""));
	assert_non_null(strstr(text, "\"cpu_us\":123"));
	assert_non_null(strstr(text, "\"runtime_sha256\":null"));
}

static void
torn_line_is_moved_aside(void **state)
{
	static char text[65536];
	struct audit a;
	DIR *dir;
	const struct dirent *entry;
	unsigned kept = 0;
	int fd;

	(void)state;
	must_open(&a);
	event(&a, "one");
	audit_close(&a);
	fd = log_fd(O_WRONLY | O_APPEND);
	assert_int_equal(fd_write_all(fd, "{\"seq\":2,\"ti", 12), 0);
	(void)close(fd);
	must_open(&a);
	assert_int_equal(a.seq, 2); /* the warning */
	event(&a, "three");
	audit_close(&a);
	(void)read_log(text, sizeof(text));
	assert_int_equal(verify(text), 3);
	assert_non_null(strstr(text, "\"type\":\"warning\""));
	dir = opendir(dir_path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;

		if (strncmp(entry->d_name, "audit.torn.", 11) != 0)
			continue;
		assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
		assert_int_equal(st.st_size, 12);
		kept++;
	}
	(void)closedir(dir);
	assert_int_equal(kept, 1);
}

static void
torn_first_line(void **state)
{
	static char text[65536];
	struct audit a;
	int fd;

	(void)state;
	must_open(&a);
	audit_close(&a);
	fd = log_fd(O_WRONLY | O_APPEND);
	assert_int_equal(fd_write_all(fd, "x", 1), 0);
	(void)close(fd);
	must_open(&a);
	audit_close(&a);
	(void)read_log(text, sizeof(text));
	assert_int_equal(verify(text), 1);
}

/* Any byte of the last line changed: the start is refused. */
static void
changed_last_line_is_an_error(void **state)
{
	static char text[65536];
	struct audit a;
	struct err e;
	size_t len, start;

	(void)state;
	must_open(&a);
	event(&a, "one");
	event(&a, "two");
	audit_close(&a);
	len = read_log(text, sizeof(text));
	start = (size_t)(strchr(text, '\n') + 1 - text);
	for (size_t at = start; at + 1 < len; at++) {
		int fd = log_fd(O_WRONLY);
		char other = text[at] == '7' ? '8' : '7';

		assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
		e = ERR_INIT;
		if (open_log(&a, &e) == 0)
			fail_msg("byte %zu: accepted", at);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_int_equal(pwrite(fd, &text[at], 1, (off_t)at), 1);
		(void)close(fd);
	}
	must_open(&a);
	audit_close(&a);
}

static void
failed_write_stops_everything(void **state)
{
	static char text[65536];
	struct rlimit before, tight;
	struct audit a;
	struct err e = ERR_INIT;
	size_t len;

	(void)state;
	must_open(&a);
	event(&a, "one");
	len = read_log(text, sizeof(text));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = len + 20; /* a disk that is full in mid-line */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(audit_event(&a, "note", "two", &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(a.is_broken);
	/* Also when there is room again: a restart decides. */
	assert_int_equal(audit_event(&a, "note", "three", &e), -1);
	audit_close(&a);
	assert_int_equal(read_log(text, sizeof(text)), len);
	must_open(&a);
	event(&a, "two");
	audit_close(&a);
	(void)read_log(text, sizeof(text));
	assert_int_equal(verify(text), 2);
}

static void
link_in_place_of_the_log_is_refused(void **state)
{
	struct audit a;
	struct err e = ERR_INIT;
	char path[64];

	(void)state;
	assert_int_equal(
		str_printf(path, sizeof(path), "%s/" AUDIT_FILE, dir_path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(open_log(&a, &e), -1);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(chain_links_and_goes_on),
		WITH_DIR(job_record_is_whole_and_escaped),
		WITH_DIR(torn_line_is_moved_aside),
		WITH_DIR(torn_first_line),
		WITH_DIR(changed_last_line_is_an_error),
		WITH_DIR(failed_write_stops_everything),
		WITH_DIR(link_in_place_of_the_log_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
