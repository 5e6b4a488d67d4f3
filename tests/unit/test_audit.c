/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log's writer against the verifier, which shares no code with it:
 * chain, restart, torn ends, room, refusals, full lines.  What a person may do
 * to the files is in tests/integration/test_audit.py.
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/audit.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/audit.h"

#define FIRST_FILE AUDIT_DIR "/audit.000001.log"

static char dir_path[32];
static int dir = -1;
static struct audit a;

static int
setup(void **state)
{
	(void)state;
	(void)strcpy(dir_path, "/tmp/pc-audit-XXXXXX");
	if (mkdtemp(dir_path) == NULL)
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a = AUDIT_INIT;
	return dir < 0 ? -1 : 0;
}

static void
remove_files(const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (listing != NULL && (entry = readdir(listing)) != NULL)
		if (entry->d_type != DT_DIR)
			(void)unlinkat(dirfd(listing), entry->d_name, 0);
	if (listing != NULL)
		(void)closedir(listing);
}

static int
teardown(void **state)
{
	(void)state;
	audit_close(&a);
	remove_files(AUDIT_DIR);
	(void)unlinkat(dir, AUDIT_DIR, AT_REMOVEDIR);
	remove_files(".");
	fd_close(&dir);
	return rmdir(dir_path);
}

static int
open_log(struct err *e)
{
	audit_close(&a);
	return audit_open(dir, AUDIT_BYTES_DEFAULT, &a, e);
}

static void
must_open(void)
{
	struct err e = ERR_INIT;

	if (open_log(&e) < 0)
		fail_msg("%s", e.text);
}

static size_t
read_log(const char *name, char *dst, size_t size)
{
	owned_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd_read_full(fd, dst, size - 1);

	assert_true(n >= 0);
	dst[n] = '\0';
	return (size_t)n;
}

static void
append_bytes(const char *text)
{
	owned_fd int fd =
		openat(dir, FIRST_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static size_t
verify_problems(void)
{
	const struct audit_options options = {.first_file = 1};
	struct audit_report r;
	struct err e = ERR_INIT;
	size_t problems;

	if (audit_verify(dir_path, &options, &r, &e) < 0)
		fail_msg("%s", e.text);
	problems = r.problems_total;
	audit_report_done(&r);
	return problems;
}

/* It is intact; the number of records. */
static uint64_t
verify(void)
{
	const struct audit_options options = {.first_file = 1};
	struct audit_report r;
	struct err e = ERR_INIT;
	uint64_t records;

	if (audit_verify(dir_path, &options, &r, &e) < 0)
		fail_msg("%s", e.text);
	if (r.problems_total != 0)
		fail_msg("%zu problems, first: %s", r.problems_total,
			 json_string_value(json_array_get(r.problems, 0)));
	records = r.records;
	audit_report_done(&r);
	return records;
}

/* ---- a job to record ------------------------------------------------- */

static struct policy policy;
static struct proto_job_submit submit;
static struct proto_job_done done;
static struct audit_denials denials;
static uint32_t counts[POLICY_AUDIT_MAX];

static struct audit_job
some_job(void)
{
	policy = (struct policy){
		.audit_len = 2,
		.audit = {{.nr = 41, .name = "socket"},
			  {.nr = 165, .name = "mount"}},
	};
	submit = (struct proto_job_submit){
		.job_id = "4f2a0000-0000-4000-8000-000000000001",
		.actor = "a\"b\\c\n\xff",
		.policy = "strict",
		.runtime = "python",
		.step = 4,
	};
	done = (struct proto_job_done){
		.outcome = PROTO_OUTCOME_KILLED,
		.reason = PROTO_REASON_MEMORY,
		.cpu_us = 123,
	};
	denials = (struct audit_denials){0};
	memset(counts, 0, sizeof(counts));
	return (struct audit_job){
		.submit = &submit,
		.policy = &policy,
		.posture = "passed",
		.done = &done,
		.denial_counts = counts,
		.denials = &denials,
		.peer_uid = 1234,
	};
}

static void
record_job(void)
{
	struct audit_job job = some_job();
	struct err e = ERR_INIT;

	assert_int_equal(audit_may_begin(&a, 0, &e), 0);
	if (audit_job_begin(&a, &job, &e) < 0 || audit_job(&a, &job, &e) < 0 ||
	    audit_sync(&a, &e) < 0)
		fail_msg("%s", e.text);
}

/* ---- tests ----------------------------------------------------------- */

static void
chain_goes_on_after_a_restart(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	assert_int_equal(verify(), 2); /* log_open, supervisor_start */
	record_job();
	assert_int_equal(audit_stop(&a, &e), 0);
	must_open();
	record_job();
	assert_int_equal(verify(), 8);
	assert_int_equal(a.seq, 8);
	assert_int_equal(a.synced, 8);
}

static void
job_record_is_whole_and_escaped(void **state)
{
	static char text[65536];
	struct audit_job job = some_job();
	const uint64_t mount[6] = {0x1000, 0, 0, 0x1000 | 0x4000, 0, 99};
	const uint64_t vsock[6] = {40, 1 | 02000000, 0, 77, 88, 99};
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	for (int i = 0; i < 7; i++)
		audit_denials_add(&denials, &policy, 1, 165, mount, 1);
	audit_denials_add(&denials, &policy, 0, 41, vsock, 1);
	counts[0] = 1;
	counts[1] = 7;
	done.denials_total = 8;
	assert_int_equal(audit_job(&a, &job, &e), 0);
	assert_true(a.wants_flush);
	assert_int_equal(audit_sync(&a, &e), 0);
	assert_false(a.wants_flush);
	assert_int_equal(verify(), 3);
	(void)read_log(FIRST_FILE, text, sizeof(text));
	assert_non_null(strstr(
		text, "\"actor_claimed\":\"a\\\"b\\\\c\\u000a\\u00ff\""));
	assert_non_null(strstr(text, "\"peer_uid\":1234"));
	assert_non_null(strstr(text, "\"calls\":{\"socket\":1,\"mount\":7}"));
	assert_non_null(strstr(
		text, "{\"call\":\"mount(0x1000, 0x0, 0x0, MS_BIND|MS_REC, "
		      "0x0)\",\"args\":[\"0x1000\",\"0x0\",\"0x0\",\"0x5000\","
		      "\"0x0\"],\"errno\":1,\"count\":7}"));
	assert_non_null(
		strstr(text, "socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, 0)"));
	assert_non_null(strstr(text, "\"total\":8"));
	assert_non_null(strstr(text, "\"outcome\":\"killed\""));
	assert_non_null(strstr(text, "\"reason\":\"memory\""));
	assert_non_null(strstr(text, "\"cpu_us\":123"));
	assert_non_null(strstr(text, "\"runtime_sha256\":null"));
}

/* Whatever a jail does and a client sends, the record can be written. */
static void
longest_job_record_fits(void **state)
{
	static struct runtime runtime;
	static char text[4 * AUDIT_LINE_MAX];
	struct audit_job job = some_job();
	const uint8_t hash[32] = {1};
	struct proto_limits limits;
	char posture[ERR_TEXT_MAX];
	const char *first;
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	policy.audit_len = POLICY_AUDIT_MAX;
	for (uint32_t i = 0; i < POLICY_AUDIT_MAX; i++) {
		const uint64_t args[6] = {~0ull, ~0ull, ~0ull,
					  ~0ull, ~0ull, ~0ull - i};

		policy.audit[i].nr = i;
		(void)snprintf(policy.audit[i].name,
			       sizeof(policy.audit[i].name),
			       "mount_with_a_longest_name_%u", i);
		counts[i] = UINT32_MAX;
		audit_denials_add(&denials, &policy, (int)i, i, args, 4095);
	}
	assert_int_equal(denials.len, AUDIT_DENIALS_MAX);
	done.denials_total = (uint64_t)UINT32_MAX * POLICY_AUDIT_MAX;
	memset(submit.actor, 1, sizeof(submit.actor) - 1);
	memset(submit.policy, 1, sizeof(submit.policy) - 1);
	memset(submit.runtime, 1, sizeof(submit.runtime) - 1);
	memset(submit.workflow, 1, sizeof(submit.workflow) - 1);
	memset(posture, 1, sizeof(posture) - 1);
	posture[sizeof(posture) - 1] = '\0';
	memcpy(done.err.text, posture, sizeof(posture));
	memset(&limits, 0xff, sizeof(limits));
	memset(&done.wall_us, 0xff, 4 * sizeof(uint64_t));
	done.denials_total = (uint64_t)UINT32_MAX * POLICY_AUDIT_MAX;
	job.posture = posture;
	job.limits = &limits;
	job.runtime = &runtime;
	job.bundle_sha256 = job.collected_sha256 = hash;
	job.has_slot = true;
	if (audit_job(&a, &job, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(verify(), 3);
	(void)read_log(FIRST_FILE, text, sizeof(text));
	/* What did not fit is still counted. */
	first = strstr(text, "\"other_calls\":");
	assert_non_null(first);
	assert_true(strtoull(first + 14, NULL, 10) > UINT32_MAX);
}

static void
torn_line_is_moved_aside(void **state)
{
	static char text[65536];
	DIR *listing;
	const struct dirent *entry;
	unsigned kept = 0;

	(void)state;
	must_open();
	record_job();
	append_bytes("{\"seq\":5,\"ti");
	must_open();
	record_job();
	assert_int_equal(verify(), 8);
	(void)read_log(FIRST_FILE, text, sizeof(text));
	assert_non_null(strstr(text, "\"type\":\"repaired\""));
	listing = fdopendir(openat(dir, AUDIT_DIR, O_RDONLY | O_CLOEXEC));
	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL) {
		struct stat st;

		if (strncmp(entry->d_name, "torn.", 5) != 0)
			continue;
		assert_int_equal(fstatat(dirfd(listing), entry->d_name, &st, 0),
				 0);
		assert_int_equal(st.st_size, 12);
		kept++;
	}
	(void)closedir(listing);
	assert_int_equal(kept, 1);
}

/* Any byte of the current file changed: the verifier says so, and the start is
 * refused unless it is the signature of a record that was synced long ago. */
static bool
is_in_signature(const char *text, size_t at)
{
	const char *line = memrchr(text, '\n', at);
	const char *sig = strstr(line == NULL ? text : line, "\"sig\":\"");

	return text + at > sig;
}

static void
changed_byte_is_an_error(void **state)
{
	static char text[65536];
	size_t len;

	(void)state;
	must_open();
	record_job();
	len = read_log(FIRST_FILE, text, sizeof(text));
	audit_close(&a);
	for (size_t at = 0; at < len; at += 13) {
		owned_fd int fd = openat(dir, FIRST_FILE, O_WRONLY | O_CLOEXEC);
		char other = text[at] == '7' ? '8' : '7';
		struct err e = ERR_INIT;

		assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
		if (verify_problems() == 0)
			fail_msg("byte %zu: not found", at);
		if (!is_in_signature(text, at)) {
			if (open_log(&e) == 0)
				fail_msg("byte %zu: accepted", at);
			assert_int_equal(e.kind, ERR_INVALID);
		}
		assert_int_equal(pwrite(fd, &text[at], 1, (off_t)at), 1);
	}
	must_open();
}

static void
failed_write_stops_everything(void **state)
{
	static char text[65536];
	struct rlimit before, tight;
	struct audit_job job = some_job();
	struct err e = ERR_INIT;
	size_t len;

	(void)state;
	must_open();
	record_job();
	len = read_log(FIRST_FILE, text, sizeof(text));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = len + 20; /* a disk that fails in mid-line */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(audit_job(&a, &job, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(a.is_broken);
	/* Also when it works again: a restart decides. */
	assert_int_equal(audit_job(&a, &job, &e), -1);
	assert_int_equal(audit_may_begin(&a, 0, &e), -1);
	assert_int_equal(read_log(FIRST_FILE, text, sizeof(text)), len);
	must_open();
	record_job();
	assert_int_equal(verify(), 7);
}

static void
jobs_that_did_not_end_are_told(void **state)
{
	static char text[65536];
	struct audit_job job = some_job();
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	for (unsigned i = 0; i < AUDIT_OPEN_MAX; i++) {
		(void)snprintf(submit.job_id, sizeof(submit.job_id),
			       "4f2a0000-0000-4000-8000-%012u", i);
		assert_int_equal(audit_job_begin(&a, &job, &e), 0);
	}
	a.wants_rotation = true;
	audit_tick(&a, AUDIT_OPEN_MAX); /* the next file lists them */
	assert_int_equal(a.file, 2);
	(void)strcpy(submit.job_id, "4f2a0000-0000-4000-8000-000000000007");
	assert_int_equal(audit_job(&a, &job, &e), 0);
	must_open();
	(void)read_log(AUDIT_DIR "/audit.000002.log", text, sizeof(text));
	assert_non_null(strstr(text, "\"jobs_lost\":255,\"lost\":["));
	assert_non_null(strstr(strstr(text, "\"lost\":"), "000000000255\""));
	assert_null(strstr(strstr(text, "\"lost\":"), "000000000007\""));
	assert_int_equal(verify(), 2 + AUDIT_OPEN_MAX + 1 + 1 + 1);
}

static void
refusals_beyond_a_number_are_counted(void **state)
{
	static char text[262144];
	struct audit_job job = some_job();
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	done.outcome = PROTO_OUTCOME_REFUSED;
	done.err.kind = ERR_BUSY;
	assert_true(audit_deadline(&a) == UINT64_MAX);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	assert_int_equal(a.seq, 2 + AUDIT_REFUSALS_MAX);
	assert_true(audit_deadline(&a) < UINT64_MAX);
	job.peer_uid = 0; /* another one's are told */
	assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	assert_int_equal(a.seq, 3 + AUDIT_REFUSALS_MAX);
	audit_tick(&a, 0); /* the minute is not over */
	assert_int_equal(a.seq, 3 + AUDIT_REFUSALS_MAX);
	a.refusals[0].since_us -= 60000001;
	audit_tick(&a, 0);
	assert_int_equal(a.seq, 4 + AUDIT_REFUSALS_MAX);
	assert_int_equal(a.synced, a.seq);
	assert_true(audit_deadline(&a) == UINT64_MAX);
	(void)read_log(FIRST_FILE, text, sizeof(text));
	assert_non_null(strstr(text, "\"peer_uid\":1234,\"count\":970,"));
	assert_non_null(strstr(text, "\"kinds\":{\"busy\":970}"));
	job.peer_uid = 1234; /* a new minute */
	assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	assert_int_equal(a.seq, 5 + AUDIT_REFUSALS_MAX);
}

/* One row each, whichever row is free: four of one would leave no other. */
static void
refusals_of_one_uid_are_in_one_row(void **state)
{
	struct audit_job job = some_job();
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	done.outcome = PROTO_OUTCOME_REFUSED;
	done.err.kind = ERR_BUSY;
	job.peer_uid = 0;
	assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	job.peer_uid = 1234;
	assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	a.refusals[0].is_used = false; /* its minute is over */
	assert_int_equal(audit_refusal(&a, &job, 0, &e), 0);
	assert_false(a.refusals[0].is_used);
	assert_int_equal(a.refusals[1].told, 2);
}

/* No child of ours ever sees the key. */
static void
key_is_not_inherited(void **state)
{
	(void)state;
	must_open();
	assert_non_null(a.key);
	assert_true(*(const uint64_t *)(const void *)a.key != 0);
	if (fork() == 0) {
		const uint8_t *bytes = (const uint8_t *)a.key;

		for (int i = 0; i < 64; i++)
			if (bytes[i] != 0)
				_exit(1);
		_exit(0);
	} else {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void
link_in_place_of_the_log_is_refused(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	must_open();
	assert_int_equal(unlinkat(dir, FIRST_FILE, 0), 0);
	assert_int_equal(symlinkat("/dev/null", dir, FIRST_FILE), 0);
	assert_int_equal(open_log(&e), -1);
}

/* ---- releases -------------------------------------------------------- */

static struct proto_release
some_release(unsigned number)
{
	struct proto_release r = {.policy = "strict",
				  .runtime = "python",
				  .actor = "a\"b\\c\n\xff",
				  .approvals = 2,
				  .attempt = 1};

	assert_int_equal(str_printf(r.workflow, sizeof(r.workflow),
				    "4f2a0000-0000-4000-8000-%012u", number),
			 0);
	memset(r.shown_sha256, 0xab, sizeof(r.shown_sha256));
	memset(r.manifest_sha256, (int)(number & 0xff),
	       sizeof(r.manifest_sha256));
	return r;
}

/* What the writer remembers is what a restart reads again. */
static void
releases_are_remembered(void **state)
{
	const struct audit_release_seen *seen;
	struct err e = ERR_INIT;
	uint64_t seq[AUDIT_RELEASES_MAX + 2];

	(void)state;
	assert_int_equal(audit_open(dir, AUDIT_BYTES_DEFAULT, &a, &e), 0);
	for (unsigned i = 0; i < AUDIT_RELEASES_MAX + 2; i++) {
		const struct proto_release r = some_release(i);

		assert_int_equal(audit_release(&a, &r, 7, 8, &seq[i], &e), 0);
		assert_int_equal(a.synced, a.seq); /* on the disk at once */
	}
	for (int round = 0; round < 2; round++) {
		assert_null(audit_release_find(&a, some_release(1).workflow));
		seen = audit_release_find(&a, some_release(2).workflow);
		assert_non_null(seen);
		assert_int_equal(seen->seq, seq[2]);
		assert_memory_equal(seen->manifest_sha256,
				    some_release(2).manifest_sha256,
				    sizeof(seen->manifest_sha256));
		assert_memory_equal(seen->shown_sha256,
				    some_release(2).shown_sha256,
				    sizeof(seen->shown_sha256));
		audit_close(&a);
		assert_int_equal(audit_open(dir, AUDIT_BYTES_DEFAULT, &a, &e),
				 0);
	}
	audit_close(&a);
	(void)verify();
}

static void
a_release_that_cannot_be_synced_is_an_error(void **state)
{
	const struct proto_release r = some_release(1);
	struct err e = ERR_INIT;
	uint64_t seq = 0;
	int pipe_ends[2];

	(void)state;
	assert_int_equal(audit_open(dir, AUDIT_BYTES_DEFAULT, &a, &e), 0);
	/* A pipe takes the line and cannot be synced. */
	assert_int_equal(pipe(pipe_ends), 0);
	fd_close(&a.fd);
	a.fd = pipe_ends[1];
	assert_int_equal(audit_release(&a, &r, 7, 8, &seq, &e), -1);
	assert_true(a.is_broken);
	assert_null(audit_release_find(&a, r.workflow));
	assert_int_equal(seq, 0);
	fd_close(&pipe_ends[0]);
	audit_close(&a);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(chain_goes_on_after_a_restart),
		WITH_DIR(job_record_is_whole_and_escaped),
		WITH_DIR(longest_job_record_fits),
		WITH_DIR(torn_line_is_moved_aside),
		WITH_DIR(changed_byte_is_an_error),
		WITH_DIR(failed_write_stops_everything),
		WITH_DIR(jobs_that_did_not_end_are_told),
		WITH_DIR(refusals_beyond_a_number_are_counted),
		WITH_DIR(refusals_of_one_uid_are_in_one_row),
		WITH_DIR(key_is_not_inherited),
		WITH_DIR(link_in_place_of_the_log_is_refused),
		WITH_DIR(releases_are_remembered),
		WITH_DIR(a_release_that_cannot_be_synced_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
