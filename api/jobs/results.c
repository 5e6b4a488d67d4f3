/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.c - see results.h.  Each line is parsed on its own, so that one bad
 * line costs that line and not the run's report.
 */
#include "api/jobs/results.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/jobs/text.h"
#include "supervisor/base/str.h"

/* Names of a start record that are kept apart; more are a malformed record. */
#define NAMES_MAX 20000
/* Values of one line: a start record with all its names and canaries. */
#define VALUES_MAX ((size_t)3 * NAMES_MAX)

static const char *const kind_names[RESULTS_KIND_COUNT] = {
	[RESULTS_PASSED] = "passed",
	[RESULTS_FAILED] = "failed",
	[RESULTS_ERROR] = "error",
	[RESULTS_SKIPPED] = "skipped",
};

/* In the closing record and in our own counts. */
static const char *const count_names[RESULTS_KIND_COUNT] = {
	[RESULTS_PASSED] = "passed",
	[RESULTS_FAILED] = "failed",
	[RESULTS_ERROR] = "errors",
	[RESULTS_SKIPPED] = "skipped",
};

enum line_fate { LINE_TAKEN, LINE_MALFORMED, LINE_NO_MEMORY };

/* The first reason stays; it is the one to look at. */
static void __attribute__((format(printf, 2, 3)))
doubt(struct results *r, const char *format, ...)
{
	va_list args;

	if (r->doubt[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(r->doubt, sizeof(r->doubt), format, args);
	va_end(args);
}

/* An array of names as {name: how often}; NULL if it is no such array. */
static json_t *
names_to_json(const json_t *names)
{
	json_t *counts = json_object();

	if (counts == NULL || !json_is_array(names) ||
	    json_array_size(names) > NAMES_MAX) {
		json_decref(counts);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		json_int_t seen;

		if (name == NULL) {
			json_decref(counts);
			return NULL;
		}
		seen = json_integer_value(json_object_get(counts, name));
		json_object_set_new(counts, name, json_integer(seen + 1));
	}
	return counts;
}

/* One less of `name` to come; false if none was. */
static bool
take_name(json_t *counts, const char *name)
{
	json_int_t left;

	if (name == NULL)
		return false;
	left = json_integer_value(json_object_get(counts, name));

	if (left <= 0)
		return false;
	if (left == 1)
		json_object_del(counts, name);
	else
		json_object_set_new(counts, name, json_integer(left - 1));
	return true;
}

static bool
is_count_or_nothing(const json_t *expected)
{
	return expected == NULL || json_is_null(expected) ||
	       (json_is_integer(expected) && json_integer_value(expected) >= 0);
}

static enum line_fate
take_promise(struct results *r, const json_t *line)
{
	const json_t *expected = json_object_get(line, "expected");
	const json_t *canaries = json_object_get(line, "canaries");
	const char *key = json_string_value(json_object_get(line, "key"));
	const char *trust = json_string_value(json_object_get(line, "trust"));

	r->has_names = json_is_array(expected);
	if (r->has_names) {
		r->expected = (int64_t)json_array_size(expected);
		r->missing = names_to_json(expected);
	} else if (!is_count_or_nothing(expected)) {
		return LINE_MALFORMED;
	} else if (json_is_integer(expected)) {
		r->expected = json_integer_value(expected);
	}
	if (canaries != NULL)
		r->canaries = names_to_json(canaries);
	if ((r->has_names && r->missing == NULL) ||
	    (canaries != NULL && r->canaries == NULL) ||
	    (key != NULL && seal_set_key(&r->seal, key) < 0))
		return LINE_MALFORMED;
	r->is_open = json_is_true(json_object_get(line, "open"));
	r->is_separate =
		trust != NULL && strcmp(trust, "separate-process") == 0;
	return LINE_TAKEN;
}

/* Of a start record that does not count: another one may come. */
static void
forget_promise(struct results *r)
{
	json_decref(r->missing);
	json_decref(r->canaries);
	r->missing = r->canaries = NULL;
	r->has_names = false;
	r->expected = -1;
}

static enum line_fate
take_start(struct results *r, const json_t *line)
{
	enum line_fate fate = LINE_TAKEN;

	if (r->has_start || r->has_end || results_total(r) > 0)
		r->is_broken = true;
	else
		fate = take_promise(r, line);
	if (fate == LINE_TAKEN)
		r->has_start = true;
	else
		forget_promise(r);
	return fate;
}

static int
find_kind(const json_t *outcome)
{
	const char *name = json_string_value(outcome);

	for (int i = 0; name != NULL && i < RESULTS_KIND_COUNT; i++) {
		if (strcmp(kind_names[i], name) == 0)
			return i;
	}
	return -1;
}

static json_t *
case_to_json(const json_t *line, const json_t *name, int kind)
{
	const json_t *message = json_object_get(line, "message");
	const json_t *duration = json_object_get(line, "duration_ms");
	json_t *shown = json_null();

	if (json_is_string(message))
		shown = text_to_json_max(json_string_value(message),
					 json_string_length(message),
					 RESULTS_MESSAGE_MAX);
	return json_pack("{s:o, s:s, s:o, s:o}", "test",
			 text_to_json_max(json_string_value(name),
					  json_string_length(name),
					  RESULTS_NAME_MAX),
			 "outcome", kind_names[kind], "duration_ms",
			 json_is_number(duration)
				 ? json_real(json_number_value(duration))
				 : json_null(),
			 "message", shown);
}

/* Was this test among those that were there before any code ran? */
static void
take_expected(struct results *r, const json_t *line, const char *name, int kind)
{
	const json_t *of = json_object_get(line, "of");
	bool is_one = of == NULL || json_is_string(of);

	if (!r->has_names)
		return;
	for (size_t i = 0; i < json_array_size(of); i++)
		(void)take_name(r->missing,
				json_string_value(json_array_get(of, i)));
	if (is_one &&
	    !take_name(r->missing, of ? json_string_value(of) : name) &&
	    of == NULL && kind == RESULTS_PASSED && !r->is_open)
		doubt(r, "%.80s is not a test of the tests file", name);
}

static enum line_fate
take_test(struct results *r, const json_t *line)
{
	const json_t *name = json_object_get(line, "test");
	int kind = find_kind(json_object_get(line, "outcome"));

	if (kind < 0 || !json_is_string(name))
		return LINE_MALFORMED;
	if (!r->has_start || r->has_end)
		r->is_broken = true;
	r->count[kind]++;
	take_expected(r, line, json_string_value(name), kind);
	if (json_array_size(r->cases) >= RESULTS_CASES_MAX)
		return LINE_TAKEN;
	if (json_array_append_new(r->cases, case_to_json(line, name, kind)) < 0)
		return LINE_NO_MEMORY;
	return LINE_TAKEN;
}

static enum line_fate
take_canary(struct results *r, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "test"));
	int kind = find_kind(json_object_get(line, "outcome"));

	if (name == NULL || kind < 0)
		return LINE_MALFORMED;
	if (!r->has_start || r->has_end)
		r->is_broken = true;
	/* Its setup is the job's, too: an error there says nothing. */
	if (kind == RESULTS_ERROR)
		return LINE_TAKEN;
	if (!take_name(r->canaries, name))
		doubt(r, "the runner's own test %.80s was reported twice",
		      name);
	else if (kind != RESULTS_FAILED)
		doubt(r, "a test that must fail was reported as %s",
		      kind_names[kind]);
	return LINE_TAKEN;
}

static enum line_fate
take_forged(struct results *r, const json_t *line)
{
	const char *why = json_string_value(json_object_get(line, "message"));

	if (why == NULL)
		return LINE_MALFORMED;
	doubt(r, "%.140s", why);
	return LINE_TAKEN;
}

static enum line_fate
take_end(struct results *r, const json_t *line)
{
	const char *trust = json_string_value(json_object_get(line, "trust"));

	if (r->has_end || !r->has_start)
		r->is_broken = true;
	r->has_end = true;
	if (trust != NULL && strcmp(trust, "separate-process") != 0)
		r->is_separate = false;
	for (int i = 0; i < RESULTS_KIND_COUNT; i++) {
		const json_t *count = json_object_get(line, count_names[i]);

		if (!json_is_integer(count) ||
		    json_integer_value(count) != r->count[i])
			r->is_broken = true;
	}
	return LINE_TAKEN;
}

static enum line_fate
take_record(struct results *r, const json_t *line)
{
	static const struct {
		const char *type;
		enum line_fate (*take)(struct results *r, const json_t *line);
	} records[] = {
		{"start", take_start},	 {"test", take_test},
		{"canary", take_canary}, {"forged", take_forged},
		{"end", take_end},
	};
	const char *type = json_string_value(json_object_get(line, "type"));

	for (size_t i = 0; type != NULL && i < ARRAY_LEN(records); i++) {
		if (strcmp(records[i].type, type) == 0)
			return records[i].take(r, line);
	}
	return LINE_MALFORMED;
}

/* Counted before it is parsed: "{}," costs jansson some 200 bytes of memory. */
static bool
has_too_many_values(const char *bytes, size_t len)
{
	bool is_string = false;
	size_t values = 0;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '"')
			is_string = !is_string;
		else if (is_string)
			i += bytes[i] == '\\';
		else
			values += bytes[i] == '{' || bytes[i] == '[' ||
				  bytes[i] == ',';
	}
	return values > VALUES_MAX;
}

static enum line_fate
take_line(struct results *r, const char *bytes, size_t len)
{
	enum line_fate fate;
	json_t *clean, *line;

	if (!seal_check(&r->seal, bytes, len)) {
		doubt(r, "%s", "a result was not written by the runner");
		return LINE_MALFORMED;
	}
	if (has_too_many_values(bytes, len))
		return LINE_MALFORMED;
	clean = text_to_json(bytes, len);
	if (clean == NULL)
		return LINE_NO_MEMORY;
	line = json_loadb(json_string_value(clean), json_string_length(clean),
			  JSON_ALLOW_NUL, NULL);
	json_decref(clean);
	if (line == NULL)
		return LINE_MALFORMED;
	fate = take_record(r, line);
	json_decref(line);
	return fate;
}

int
results_parse(struct results *ret, const char *bytes, size_t len)
{
	memset(ret, 0, sizeof(*ret));
	ret->expected = -1;
	ret->cases = json_array();
	if (ret->cases == NULL)
		return -1;
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(bytes + at, '\n', len - at);
		size_t n = newline != NULL ? (size_t)(newline - bytes) - at
					   : len - at;
		enum line_fate fate = take_line(ret, bytes + at, n);

		if (fate == LINE_NO_MEMORY) {
			results_done(ret);
			return -1;
		}
		ret->malformed += fate == LINE_MALFORMED;
		at += n + 1;
	}
	return 0;
}

void
results_done(struct results *results)
{
	json_decref(results->cases);
	json_decref(results->missing);
	json_decref(results->canaries);
	results->cases = results->missing = results->canaries = NULL;
}

bool
results_are_complete(const struct results *results)
{
	return results->has_start && results->has_end && !results->is_broken;
}

bool
results_are_short(const struct results *results)
{
	return results->expected > results_total(results) ||
	       json_object_size(results->missing) > 0;
}

bool
results_are_forged(const struct results *results)
{
	return results->doubt[0] != '\0';
}

bool
results_have_canaries(const struct results *results)
{
	return json_object_size(results->canaries) == 0;
}

const char *
results_missing(const struct results *results)
{
	return json_object_iter_key(json_object_iter(results->missing));
}

uint32_t
results_total(const struct results *results)
{
	uint32_t total = 0;

	for (int i = 0; i < RESULTS_KIND_COUNT; i++)
		total += results->count[i];
	return total;
}

/* Of the promised names, how many times is one missing? */
static uint32_t
count_missing(const struct results *results)
{
	const json_t *times;
	const char *name;
	json_int_t total = 0;

	json_object_foreach(results->missing, name, times) total +=
		json_integer_value(times);
	return (uint32_t)total;
}

double
results_success_rate(const struct results *results)
{
	uint32_t due = results_total(results) - results->count[RESULTS_SKIPPED];

	/* A class whose setup fails reports one error for all of its tests. */
	if (results->count[RESULTS_FAILED] == 0 &&
	    results->count[RESULTS_ERROR] == 0)
		due += count_missing(results);
	if (due == 0 || results_are_forged(results))
		return 0.0;
	return (double)results->count[RESULTS_PASSED] / due;
}

json_t *
results_to_json(const struct results *results)
{
	json_t *json = json_object();

	for (int i = 0; i < RESULTS_KIND_COUNT; i++)
		json_object_set_new(json, count_names[i],
				    json_integer(results->count[i]));
	json_object_set_new(json, "total",
			    json_integer(results_total(results)));
	json_object_set_new(json, "success_rate",
			    json_real(results_success_rate(results)));
	json_object_set_new(json, "trust",
			    json_string(results->is_separate
						? "separate-process"
						: "in-process"));
	json_object_set_new(json, "is_complete",
			    json_boolean(results_are_complete(results)));
	json_object_set_new(json, "malformed_lines",
			    json_integer(results->malformed));
	json_object_set(json, "cases", results->cases);
	return json;
}
