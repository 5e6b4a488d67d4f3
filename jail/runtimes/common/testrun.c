/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testrun.c - see testrun.h.  One case is kept back until the next one or the
 * end, since what explains a failure comes after it.
 */
#include "jail/runtimes/common/testrun.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "jail/runtimes/common/testline.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

typedef void line_parse_fn(const char *line, size_t len, struct testline *ret);

static line_parse_fn *const parsers[] = {
	[TESTRUN_UNKNOWN] = NULL,
	[TESTRUN_TAP] = testline_parse_tap,
	[TESTRUN_BATS] = testline_parse_tap,
	[TESTRUN_UNITY] = testline_parse_unity,
	[TESTRUN_CMOCKA] = testline_parse_cmocka,
};

void
testrun_init(struct testrun *run, struct harness_result *result,
	     const char *file, enum testrun_format format)
{
	memset(run, 0, sizeof(*run));
	run->result = result;
	run->file = file;
	run->format = format;
	run->since_us = clock_mono_us();
}

static void
copy_cut(char *dst, size_t size, const char *src, size_t len)
{
	if (len > size - 1)
		len = size - 1;
	memcpy(dst, src, len);
	dst[len] = '\0';
}

static void
message_add(struct testrun *run, const char *text, size_t len)
{
	size_t room = sizeof(run->message) - run->message_len;

	if (run->message_len > 0 && room > 0) {
		run->message[run->message_len++] = '\n';
		room--;
	}
	if (len > room)
		len = room;
	memcpy(run->message + run->message_len, text, len);
	run->message_len += len;
}

/* ---- cases ----------------------------------------------------------- */

static void
flush_case(struct testrun *run)
{
	double took_ms = (double)(run->case_us - run->since_us) / 1000.0;

	if (!run->has_case)
		return;
	run->has_case = false;
	run->since_us = run->case_us;
	run->cases++;
	run->group_cases++;
	run->counts[run->outcome]++;
	if (run->outcome == HARNESS_PASSED)
		run->message_len = 0;
	harness_result_test(run->result, run->name, run->outcome, took_ms,
			    run->message, run->message_len);
}

static void
begin_case(struct testrun *run, enum harness_outcome outcome, const char *name,
	   size_t name_len)
{
	flush_case(run);
	run->has_case = true;
	run->is_started = false;
	run->outcome = outcome;
	run->case_us = clock_mono_us();
	run->message_len = 0;
	copy_cut(run->name, sizeof(run->name), name, name_len);
	if (name_len == 0)
		(void)str_printf(run->name, sizeof(run->name), "test %llu",
				 (unsigned long long)run->cases + 1);
}

/* A case of our own about the run as a whole. */
static void
error_case(struct testrun *run, const char *name, const char *text)
{
	flush_case(run);
	run->counts[HARNESS_ERROR]++;
	harness_result_test(run->result, name, HARNESS_ERROR, 0, text,
			    strlen(text));
}

/*
 * cmocka explains on stderr: take its text up to the end of the line that
 * begins with `last`.
 */
static void
take_errors(struct testrun *run, const char *last)
{
	char *at = run->errors, *end = run->errors + run->errors_len;
	size_t taken;

	while (at < end) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		bool is_last = (size_t)(end - at) >= strlen(last) &&
			       memcmp(at, last, strlen(last)) == 0;

		if (newline == NULL)
			break;
		message_add(run, at, (size_t)(newline - at));
		at = newline + 1;
		if (is_last)
			break;
	}
	taken = (size_t)(at - run->errors);
	memmove(run->errors, at, run->errors_len - taken);
	run->errors_len -= taken;
}

/* A cmocka test without a verdict: its setup or teardown failed. */
static void
settle_started(struct testrun *run)
{
	char last[HARNESS_NAME_MAX + 16];

	if (!run->is_started)
		return;
	run->is_started = false;
	run->has_case = true;
	run->outcome = HARNESS_ERROR;
	run->case_us = clock_mono_us();
	(void)str_printf(last, sizeof(last), "[  ERROR   ] %s", run->name);
	take_errors(run, last);
	if (run->message_len == 0)
		message_add(run, "no verdict", strlen("no verdict"));
	flush_case(run);
}

/* What bats reports as a test though it is none. */
static bool
is_bats_own(const char *name)
{
	static const char *const names[] = {
		"setup_file failed", "teardown_file failed",
		"setup_suite failed", "teardown_suite failed",
		"bats-gather-tests"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void
handle_case(struct testrun *run, const struct testline *l)
{
	/* cmocka lists failed tests once more after its total. */
	if (run->format == TESTRUN_CMOCKA && !run->is_started)
		return;
	/* Lines are lost when a program prints something before them. */
	run->has_gap |= l->number > run->number + 1;
	run->number = l->number > 0 ? l->number : run->number + 1;
	begin_case(run, l->outcome, l->name, l->name_len);
	if (l->message_len > 0)
		message_add(run, l->message, l->message_len);
	if (run->format == TESTRUN_CMOCKA && l->outcome == HARNESS_FAILED)
		take_errors(run, "[   LINE   ]");
	if (run->format == TESTRUN_BATS && l->outcome == HARNESS_FAILED &&
	    is_bats_own(run->name))
		run->outcome = HARNESS_ERROR;
}

static void
handle_started(struct testrun *run, const struct testline *l)
{
	settle_started(run);
	flush_case(run);
	run->is_started = true;
	run->message_len = 0;
	copy_cut(run->name, sizeof(run->name), l->name, l->name_len);
}

static void
handle_total(struct testrun *run, const struct testline *l)
{
	char text[160];

	settle_started(run);
	flush_case(run);
	run->has_total = true;
	if (l->tests != run->group_cases) {
		(void)str_printf(text, sizeof(text),
				 "the summary says %llu tests, saw %llu",
				 (unsigned long long)l->tests,
				 (unsigned long long)run->group_cases);
		error_case(run, "summary", text);
	} else if (l->has_counts &&
		   (l->failures != run->counts[HARNESS_FAILED] ||
		    l->ignored != run->counts[HARNESS_SKIPPED])) {
		error_case(run, "summary",
			   "the summary's counts are not those of the lines");
	}
	run->group_cases = 0;
}

static void
handle_plan(struct testrun *run, const struct testline *l)
{
	if (run->has_plan)
		return; /* the first one counts */
	run->has_plan = true;
	run->plan = l->tests;
	if (run->cases == 0 && !run->has_case)
		harness_result_start(run->result, (int64_t)l->tests);
	if (l->tests == 0 && l->message_len > 0) {
		begin_case(run, HARNESS_SKIPPED, run->file, strlen(run->file));
		message_add(run, l->message, l->message_len);
		flush_case(run);
		run->plan = run->cases;
	}
}

static void
handle_bail(struct testrun *run, const struct testline *l)
{
	char text[256];

	copy_cut(text, sizeof(text), l->message, l->message_len);
	error_case(run, "Bail out!", text);
	run->has_bailed = true;
}

/* ---- lines ----------------------------------------------------------- */

/* The format to which a line belongs clearly, else TESTRUN_UNKNOWN. */
static enum testrun_format
format_of(const struct testrun *run, const char *line, size_t len)
{
	static const enum testrun_format order[] = {
		TESTRUN_UNITY, TESTRUN_CMOCKA, TESTRUN_TAP};
	struct testline l;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (run->is_tap_only && order[i] != TESTRUN_TAP)
			continue;
		parsers[order[i]](line, len, &l);
		if (l.kind != TESTLINE_OTHER && l.kind != TESTLINE_DETAIL)
			return order[i];
	}
	return TESTRUN_UNKNOWN;
}

static void
handle_line(struct testrun *run, const char *line, size_t len)
{
	struct testline l;

	if (run->format == TESTRUN_UNKNOWN)
		run->format = format_of(run, line, len);
	if (run->format == TESTRUN_UNKNOWN)
		return;
	parsers[run->format](line, len, &l);
	switch (l.kind) {
	case TESTLINE_CASE:
		handle_case(run, &l);
		break;
	case TESTLINE_DETAIL:
		if (run->has_case)
			message_add(run, l.message, l.message_len);
		break;
	case TESTLINE_PLAN:
		handle_plan(run, &l);
		break;
	case TESTLINE_STARTED:
		handle_started(run, &l);
		break;
	case TESTLINE_TOTAL:
		handle_total(run, &l);
		break;
	case TESTLINE_BAIL:
		handle_bail(run, &l);
		break;
	case TESTLINE_OTHER:
	case TESTLINE_MARK:
		break;
	}
}

static void
feed(struct testrun *run, const char *data, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(data, '\n', len);
		size_t n = newline ? (size_t)(newline - data) : len;
		size_t room = sizeof(run->line) - run->line_len;
		size_t keep = n < room ? n : room;

		memcpy(run->line + run->line_len, data, keep);
		run->line_len += keep;
		if (newline == NULL)
			return;
		handle_line(run, run->line, run->line_len);
		run->line_len = 0;
		data += n + 1;
		len -= n + 1;
	}
}

static void
keep_errors(struct testrun *run, const char *data, size_t len)
{
	size_t room = sizeof(run->errors) - run->errors_len;

	if (len > room)
		len = room;
	memcpy(run->errors + run->errors_len, data, len);
	run->errors_len += len;
}

void
testrun_output(void *arg, int stream, const char *data, size_t len)
{
	struct testrun *run = arg;

	if (stream == 2) {
		harness_tail_add(&run->err_tail, data, len);
		keep_errors(run, data, len);
	} else {
		harness_tail_add(&run->out_tail, data, len);
		feed(run, data, len);
	}
}

/* ---- the end --------------------------------------------------------- */

/* What happened, then the end of stderr, or of stdout if that is empty. */
static void
status_message(struct testrun *run, int status)
{
	const struct harness_tail *tail =
		run->err_tail.len > 0 ? &run->err_tail : &run->out_tail;
	char text[128];
	size_t n;

	harness_status_text(status, text, sizeof(text));
	run->message_len = 0;
	message_add(run, text, strlen(text));
	n = sizeof(run->message) - run->message_len - 1;
	if (n > tail->len)
		n = tail->len;
	if (n > 0)
		message_add(run, tail->data + (tail->len - n), n);
}

/* No format: the exit status is the one test. */
static void
finish_plain(struct testrun *run, int status)
{
	bool is_early = status == 0 && run->early != NULL;

	begin_case(run,
		   is_early	 ? HARNESS_ERROR
		   : status == 0 ? HARNESS_PASSED
				 : HARNESS_FAILED,
		   run->file, strlen(run->file));
	status_message(run, status);
	if (is_early)
		message_add(run, run->early, strlen(run->early));
	flush_case(run);
}

static void
check_books(struct testrun *run)
{
	char text[96];

	if (run->has_bailed)
		return;
	if (run->has_plan && run->plan != run->cases) {
		(void)str_printf(text, sizeof(text), "expected %llu, saw %llu",
				 (unsigned long long)run->plan,
				 (unsigned long long)run->cases);
		error_case(run, "plan", text);
	} else if (run->has_gap) {
		error_case(run, "plan", "the tests' numbers have gaps");
	} else if ((run->format == TESTRUN_UNITY ||
		    run->format == TESTRUN_CMOCKA) &&
		   (!run->has_total || run->group_cases > 0)) {
		error_case(run, "summary", "the closing summary is missing");
	}
}

void
testrun_finish(struct testrun *run, int status)
{
	if (run->line_len > 0) {
		handle_line(run, run->line, run->line_len);
		run->line_len = 0;
	}
	if (run->format == TESTRUN_UNKNOWN) {
		finish_plain(run, status);
		return;
	}
	settle_started(run);
	flush_case(run);
	if (WIFSIGNALED(status) ||
	    (status != 0 && run->counts[HARNESS_FAILED] == 0 &&
	     run->counts[HARNESS_ERROR] == 0)) {
		begin_case(run, HARNESS_ERROR, "exit status",
			   strlen("exit status"));
		status_message(run, status);
		run->has_case = false;
		run->counts[HARNESS_ERROR]++;
		harness_result_test(run->result, run->name, HARNESS_ERROR, 0,
				    run->message, run->message_len);
	}
	check_books(run);
	/* Books that do not agree have said it already. */
	if (status == 0 && run->early != NULL &&
	    run->counts[HARNESS_FAILED] == 0 && run->counts[HARNESS_ERROR] == 0)
		error_case(run, "exit status", run->early);
	if (run->result->cases == 0)
		error_case(run, run->file, "no tests found");
}
