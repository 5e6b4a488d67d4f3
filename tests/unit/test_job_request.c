/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_job_request.c - from the JSON of a job to its bundle and its report,
 * against a supervisor that a thread plays: which field is blamed, what the
 * jail is handed, what is reported when the supervisor vanishes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/jobs/run.h"
#include "supervisor/base/clock.h"
#include "tests/unit/fake_supervisor.h"

static struct fake_supervisor fake;
static struct job_host *host;
static const struct job_defaults defaults = {30000, 512ull << 20};

static int
setup(void **state)
{
	struct err e;

	(void)state;
	fake_start(&fake);
	return job_host_new(fake.path, &host, &e);
}

static int
teardown(void **state)
{
	(void)state;
	job_host_free(host);
	fake_stop(&fake);
	return 0;
}

static int
init(struct job_request *r, const char *text, char field[JOB_FIELD_MAX],
     struct err *e)
{
	json_t *source = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(source);
	rc = job_request_init(r, source, host, &defaults, field, e);
	json_decref(source);
	return rc;
}

struct bad_case {
	const char *text, *field;
};

#define BASE "\"language\":\"python\",\"code\":\"x\""

static const struct bad_case bad_cases[] = {
	{"{\"code\":\"x\"}", "language"},
	{"{\"language\":\"cobol\",\"code\":\"x\"}", "language"},
	{"{\"language\":7,\"code\":\"x\"}", "language"},
	{"{\"language\":\"python\"}", "code"},
	{"{\"language\":\"python\",\"code\":\"\"}", "code"},
	{"{\"language\":\"python\",\"code\":[]}", "code"},
	{"{" BASE ",\"code_path\":\"../a.py\"}", "code_path"},
	{"{" BASE ",\"code_path\":\"/a.py\"}", "code_path"},
	{"{" BASE ",\"code_path\":\"a//b.py\"}", "code_path"},
	{"{" BASE ",\"code_path\":\"a\\nb.py\"}", "code_path"},
	{"{" BASE ",\"code_path\":\"\"}", "code_path"},
	{"{" BASE ",\"tests\":\"t\",\"tests_path\":\"solution.py\"}",
	 "tests_path"},
	{"{" BASE ",\"tests\":\"t\",\"tests_path\":\"solution.py/t.py\"}",
	 "tests_path"},
	{"{" BASE ",\"files\":7}", "files"},
	{"{" BASE ",\"files\":[7]}", "files[0]"},
	{"{" BASE ",\"files\":[{\"path\":\"a\"}]}", "files[0].content"},
	{"{" BASE ",\"files\":[{\"content\":\"a\"}]}", "files[0].path"},
	{"{" BASE ",\"files\":[{\"path\":\"a/../b\",\"content\":\"\"}]}",
	 "files[0].path"},
	{"{" BASE ",\"files\":[{\"path\":\"solution.py\",\"content\":\"\"}]}",
	 "files[0].path"},
	{"{" BASE ",\"files\":[{\"path\":\"a\",\"content\":\"\"},"
	 "{\"path\":\"a\",\"content\":\"\"}]}",
	 "files[1].path"},
	{"{" BASE ",\"files\":[{\"path\":\"a\",\"content\":\"\"},"
	 "{\"path\":\"a/b\",\"content\":\"\"}]}",
	 "files[1].path"},
	{"{" BASE ",\"args\":[1]}", "args[0]"},
	{"{" BASE ",\"stdin\":{}}", "stdin"},
	{"{" BASE ",\"security_level\":\"../x\"}", "security_level"},
	{"{" BASE ",\"limits\":[]}", "limits"},
	{"{" BASE ",\"limits\":{\"timeout_seconds\":0}}",
	 "limits.timeout_seconds"},
	{"{" BASE ",\"limits\":{\"timeout_seconds\":\"5\"}}",
	 "limits.timeout_seconds"},
	{"{" BASE ",\"limits\":{\"memory_mb\":15}}", "limits.memory_mb"},
	{"{" BASE ",\"collect\":[\"../x\"]}", "collect[0]"},
	{"{" BASE ",\"code_path\":\"a\\u0000b\"}", "code_path"},
};

static void
test_bad_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		json_t *source =
			json_loads(bad_cases[i].text, JSON_ALLOW_NUL, NULL);
		char field[JOB_FIELD_MAX];
		struct job_request r;
		struct err e = ERR_INIT;

		print_message("%s\n", bad_cases[i].text);
		assert_non_null(source);
		assert_int_equal(job_request_init(&r, source, host, &defaults,
						  field, &e),
				 -1);
		assert_string_equal(field, bad_cases[i].field);
		assert_int_equal(e.kind, ERR_INVALID);
		json_decref(source);
	}
}

/* 256 paths of this depth; below one directory, or each below its own. */
static json_t *
deep_source(size_t depth, bool is_shared)
{
	json_t *source = json_loads("{" BASE "}", 0, NULL);
	json_t *files = json_array();
	char path[BUNDLE_PATH_MAX + 1];

	for (size_t i = 0; i < JOB_FILES_MAX; i++) {
		size_t len = (size_t)snprintf(path, sizeof(path), "%03zu/",
					      is_shared ? 0 : i);

		for (size_t k = 1; k < depth; k++, len += 2)
			memcpy(path + len, "a/", 3);
		snprintf(path + len, sizeof(path) - len, "x%zu", i);
		json_array_append_new(files, json_pack("{s:s, s:s}", "path",
						       path, "content", ""));
	}
	json_object_set_new(source, "files", files);
	return source;
}

static void
test_directories_are_limited(void **state)
{
	static const struct {
		size_t depth;
		bool is_shared;
		const char *field; /* NULL: allowed */
	} cases[] = {
		{4, false, NULL},
		{5, false, "files[204].path"},
		{100, false, "files[10].path"},
		{100, true, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *source =
			deep_source(cases[i].depth, cases[i].is_shared);
		char field[JOB_FIELD_MAX];
		struct job_request r;
		struct err e = ERR_INIT;
		int rc = job_request_init(&r, source, host, &defaults, field,
					  &e);

		assert_int_equal(rc, cases[i].field == NULL ? 0 : -1);
		if (rc == 0)
			job_request_done(&r);
		else
			assert_string_equal(field, cases[i].field);
		json_decref(source);
	}
}

static void
test_defaults_and_aliases(void **state)
{
	char field[JOB_FIELD_MAX];
	struct job_request r;
	struct err e;

	(void)state;
	assert_int_equal(
		init(&r, "{\"language\":\"PY\",\"code\":\"x\"}", field, &e), 0);
	assert_string_equal(r.runtime.name, "python");
	assert_string_equal(r.code_path, "solution.py");
	assert_string_equal(r.policy, "standard");
	assert_false(r.has_tests);
	assert_int_equal(r.limits.wall_ms, 30000);
	assert_int_equal(r.limits.memory_bytes, 512ull << 20);
	job_request_done(&r);
	assert_int_equal(init(&r,
			      "{\"language\":\"node\",\"code\":\"x\","
			      "\"tests\":\"t\",\"security_level\":\"strict\","
			      "\"limits\":{\"timeout_seconds\":1.5,"
			      "\"memory_mb\":64}}",
			      field, &e),
			 0);
	assert_string_equal(r.runtime.name, "javascript");
	assert_string_equal(r.tests_path, "solution.test.js");
	assert_string_equal(r.policy, "strict");
	assert_int_equal(r.limits.wall_ms, 1500);
	assert_int_equal(r.limits.memory_bytes, 64ull << 20);
	job_request_done(&r);
}

static void
test_bundle(void **state)
{
	static const char manifest[] = "mode=test\0code=solution.py\0"
				       "tests=test_solution.py\0arg=a b\0arg=";
	static const struct {
		enum bundle_kind kind;
		const char *path, *data;
		size_t len;
	} want[] = {
		{BUNDLE_MANIFEST, "", manifest, sizeof(manifest)},
		{BUNDLE_FILE, "solution.py", "code", 4},
		{BUNDLE_FILE, "test_solution.py", "tests", 5},
		{BUNDLE_FILE, "data/in.txt", "", 0},
		{BUNDLE_COLLECT, "out.txt", "", 0},
	};
	struct bundle_writer w;
	struct bundle_reader reader;
	struct bundle_entry entry;
	char field[JOB_FIELD_MAX];
	struct job_request r;
	struct err e;

	(void)state;
	assert_int_equal(
		init(&r,
		     "{\"language\":\"python\",\"code\":\"code\",\"tests\":"
		     "\"tests\",\"args\":[\"a b\",\"\"],\"files\":[{\"path\":"
		     "\"data/in.txt\",\"content\":\"\"}],\"collect\":"
		     "[\"out.txt\"]}",
		     field, &e),
		0);
	assert_int_equal(job_request_bundle(&r, &w, &e), 0);
	assert_int_equal(bundle_reader_init(&reader, w.data, w.len, &e), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(bundle_reader_next(&reader, &entry, &e), 1);
		assert_int_equal(entry.kind, want[i].kind);
		assert_string_equal(entry.path, want[i].path);
		assert_int_equal(entry.len, want[i].len);
		assert_memory_equal(entry.data, want[i].data, want[i].len);
	}
	assert_int_equal(bundle_reader_next(&reader, &entry, &e), 0);
	bundle_writer_done(&w);
	job_request_done(&r);
}

static void
test_language_by_path(void **state)
{
	struct proto_runtime_info info;
	struct err e;

	(void)state;
	assert_int_equal(job_host_refresh(host, NULL, &e), 0);
	assert_true(job_host_runtime_by_path(host, "src/auth.py", &info));
	assert_string_equal(info.name, "python");
	assert_true(job_host_runtime_by_path(host, "a.b/x.JS", &info));
	assert_string_equal(info.name, "javascript");
	assert_false(job_host_runtime_by_path(host, "a.py/x", &info));
	assert_false(job_host_runtime_by_path(host, "x.rs", &info));
	assert_false(job_host_runtime_by_path(host, "x.", &info));
	assert_false(job_host_runtime_by_path(host, "", &info));
}

static void
test_not_ready(void **state)
{
	struct err e;

	(void)state;
	fake.is_ready = false;
	assert_int_equal(job_host_check_ready(host, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_string_equal(e.text, "memory controller is missing");
}

static void
test_slots(void **state)
{
	int stop_fd = eventfd(1, EFD_CLOEXEC);
	uint64_t before_ms;
	struct err e;

	(void)state;
	assert_int_equal(job_host_refresh(host, NULL, &e), 0);
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
	before_ms = clock_mono_ms();
	assert_int_equal(job_host_slot_acquire(host, 100, -1, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_in_range(clock_mono_ms() - before_ms, 90, 9000);
	before_ms = clock_mono_ms();
	assert_int_equal(job_host_slot_acquire(host, 10000, stop_fd, &e), -1);
	assert_in_range(clock_mono_ms() - before_ms, 0, 9000);
	close(stop_fd);
	job_host_slot_release(host);
	assert_int_equal(job_host_slot_acquire(host, 0, -1, &e), 0);
}

/* ---- runs ------------------------------------------------------------ */

static json_t *
run(const char *text, uint32_t lost_wait_ms, struct job_verdict *verdict)
{
	struct job_run_options o = {.workflow = "",
				    .actor = "tester",
				    .cancel_fd = -1,
				    .lost_wait_ms = lost_wait_ms};
	char field[JOB_FIELD_MAX], id[PROTO_ID_MAX];
	struct job_request r;
	json_t *data = NULL;
	struct err e = ERR_INIT;

	job_id_new(id);
	assert_true(job_id_is_valid(id));
	o.job_id = id;
	assert_int_equal(job_host_check_ready(host, &e), 0);
	assert_int_equal(init(&r, text, field, &e), 0);
	if (job_run(host, &r, &o, &data, verdict, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(json_string_value(json_object_get(data, "job_id")),
			    id);
	job_request_done(&r);
	return data;
}

static void
test_run_with_tests(void **state)
{
	struct job_verdict v;
	json_t *data;

	(void)state;
	fake.output = "caf\xc3\xa9 \xff\n";
	fake.results = "{\"type\":\"start\",\"expected\":null}\n"
		       "{\"type\":\"test\",\"test\":\"t\",\"outcome\":"
		       "\"passed\"}\n"
		       "{\"type\":\"end\",\"passed\":1,\"failed\":0,"
		       "\"errors\":0,\"skipped\":0}\n";
	data = run("{" BASE ",\"tests\":\"t\"}", 0, &v);
	assert_int_equal(v.outcome, JOB_PASSED);
	assert_int_equal(fake.seen_wall_ms, 30000);
	assert_string_equal(json_string_value(json_object_get(data, "stdout")),
			    "caf\xc3\xa9 \xef\xbf\xbd\n");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(data, "tests"), "passed")),
			 1);
	json_decref(data);
}

static void
test_run_refused(void **state)
{
	struct job_verdict v;

	(void)state;
	fake.done.outcome = PROTO_OUTCOME_REFUSED;
	err_set(&fake.done.err, ERR_BUSY, 0, "no slot is free");
	json_decref(run("{" BASE "}", 0, &v));
	assert_int_equal(v.outcome, JOB_ERROR);
	assert_string_equal(v.reason, "busy");
	assert_true(v.is_refused && v.is_retryable);
}

static void
test_run_lost(void **state)
{
	struct job_verdict v;
	json_t *data;

	(void)state;
	fake.dies = true;
	data = run("{" BASE "}", 2000, &v);
	assert_int_equal(v.outcome, JOB_ERROR);
	assert_string_equal(v.reason, "supervisor restarted");
	assert_string_equal(json_string_value(json_object_get(data, "reason")),
			    "supervisor restarted");
	json_decref(data);
}

static void
test_unreachable(void **state)
{
	struct job_host *nobody;
	struct err e;

	(void)state;
	assert_int_equal(job_host_new("/nonexistent/socket", &nobody, &e), 0);
	assert_int_equal(job_host_check_ready(nobody, &e), -1);
	assert_int_equal(e.kind, ERR_PEER);
	job_host_free(nobody);
}

static void
test_ids(void **state)
{
	(void)state;
	assert_true(job_id_is_valid("01234567-89ab-4def-8123-456789abcdef"));
	assert_false(job_id_is_valid("01234567-89AB-4def-8123-456789abcdef"));
	assert_false(job_id_is_valid("01234567-89ab-4def-8123-456789abcde"));
	assert_false(job_id_is_valid("01234567-89ab-4def-8123-456789abcdef0"));
	assert_false(job_id_is_valid("nonexistent-workflow-id"));
	assert_false(job_id_is_valid(""));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_fields),
		TEST(test_directories_are_limited),
		TEST(test_defaults_and_aliases),
		TEST(test_bundle),
		TEST(test_language_by_path),
		TEST(test_not_ready),
		TEST(test_slots),
		TEST(test_run_with_tests),
		TEST(test_run_refused),
		TEST(test_run_lost),
		TEST(test_unreachable),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
