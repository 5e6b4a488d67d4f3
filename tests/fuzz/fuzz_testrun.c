/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_testrun.c - what the compiled harnesses read of the job: the output of
 * a test program in its formats, C sources, the manifest.
 *
 * Input: what it is, the exit status, then the bytes; for output, in pieces.
 * The result stream that comes out must be complete JSON lines with the counts
 * of its closing record, and be read by the API as complete.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/jobs/results.h"
#include "jail/runtimes/common/csource.h"
#include "jail/runtimes/common/gate.h"
#include "jail/runtimes/common/testline.h"
#include "jail/runtimes/common/testrun.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static int result_fd; /* a memfd, emptied for each input */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	result_fd = memfd_create("results", MFD_CLOEXEC);
	FUZZ_CHECK(result_fd >= 0);
	return 0;
}

static bool
is_within(const char *at, size_t n, const char *line, size_t len)
{
	return n == 0 || (at >= line && at + n <= line + len);
}

static void
check_line(const char *line, size_t len)
{
	static void (*const parsers[])(const char *, size_t,
				       struct testline *) = {
		testline_parse_tap, testline_parse_unity,
		testline_parse_cmocka};

	for (size_t i = 0; i < ARRAY_LEN(parsers); i++) {
		struct testline t;

		parsers[i](line, len, &t);
		FUZZ_CHECK(t.kind <= TESTLINE_BAIL);
		FUZZ_CHECK(is_within(t.name, t.name_len, line, len));
		FUZZ_CHECK(is_within(t.message, t.message_len, line, len));
	}
}

/* Each piece begins with its length and stream. */
static void
feed(struct testrun *run, struct fuzz_input *in)
{
	while (in->left > 0) {
		uint8_t head = fuzz_u8(in);
		size_t n = head & 0x7fu;

		/* A whole line at once is the usual case. */
		if (n == '\n' || n > in->left)
			n = in->left;
		check_line((const char *)in->at, n);
		testrun_output(run, head & 0x80 ? 2 : 1, (const char *)in->at,
			       n);
		in->at += n;
		in->left -= n;
	}
}

static void
check_stream(int exit_code, int status)
{
	struct results r;
	struct stat st;
	char *bytes;

	FUZZ_CHECK(fstat(result_fd, &st) == 0);
	bytes = calloc(1, (size_t)st.st_size + 1);
	FUZZ_CHECK(bytes != NULL && pread(result_fd, bytes, (size_t)st.st_size,
					  0) == st.st_size);
	FUZZ_CHECK(results_parse(&r, bytes, (size_t)st.st_size) == 0);
	FUZZ_CHECK(r.malformed == 0 && results_are_complete(&r));
	FUZZ_CHECK(results_total(&r) > 0);
	if (exit_code == 0)
		FUZZ_CHECK(r.count[RESULTS_FAILED] == 0 &&
			   r.count[RESULTS_ERROR] == 0);
	/* A program that failed cannot have passed. */
	if (status != 0)
		FUZZ_CHECK(exit_code != 0);
	results_done(&r);
	free(bytes);
}

static void
fuzz_output(struct fuzz_input *in, enum testrun_format format)
{
	struct harness_result result;
	static struct testrun run;
	int status = fuzz_u8(in) % 8;

	/* 0, exit codes 1 to 3, signals 4 to 7 */
	status = status < 4 ? status << 8 : status;
	FUZZ_CHECK(ftruncate(result_fd, 0) == 0 &&
		   lseek(result_fd, 0, SEEK_SET) == 0);
	harness_result_init(&result, result_fd);
	harness_result_start(&result, -1);
	testrun_init(&run, &result, "test_file", format);
	feed(&run, in);
	testrun_finish(&run, status);
	check_stream(harness_result_end(&result), status);
}

static void
fuzz_csource(struct fuzz_input *in)
{
	struct csource c;
	const char *text = (const char *)in->at;

	csource_scan(text, in->left, &c);
	FUZZ_CHECK(c.c_includes_len <= CSOURCE_INCLUDES_MAX);
	for (size_t i = 0; i < c.c_includes_len; i++)
		FUZZ_CHECK(is_within(c.c_includes[i].path, c.c_includes[i].len,
				     text, in->left));
}

static void
fuzz_manifest(struct fuzz_input *in)
{
	char *text = fuzz_text(in->at, in->left);
	struct harness_job job;
	struct err e = ERR_INIT;

	if (harness_job_parse(text, in->left, &job, &e) < 0) {
		FUZZ_CHECK(e.text[0] != '\0');
		return;
	}
	FUZZ_CHECK(job.code != NULL && (!job.is_test || job.tests != NULL));
	for (size_t i = 0; i < job.args_len; i++)
		FUZZ_CHECK(job.args[i] != NULL);
	FUZZ_CHECK(job.args[job.args_len] == NULL);
	harness_job_done(&job);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	unsigned which = fuzz_u8(&in) % 8;

	if (in.left > 1u << 17)
		return -1;
	if (which <= TESTRUN_CMOCKA)
		fuzz_output(&in, (enum testrun_format)which);
	else if (which == 5)
		fuzz_csource(&in);
	else
		fuzz_manifest(&in);
	return 0;
}
