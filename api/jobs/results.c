/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.c - see results.h.  Each line is parsed on its own, so that one bad
 * line costs that line and not the run's report.
 */
#include "api/jobs/results.h"

#include <string.h>

#include "api/jobs/text.h"

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

static enum line_fate
take_start(struct results *r, const json_t *line)
{
	const json_t *expected = json_object_get(line, "expected");

	if (expected != NULL && !json_is_null(expected) &&
	    (!json_is_integer(expected) || json_integer_value(expected) < 0))
		return LINE_MALFORMED;
	if (r->has_start || r->has_end || results_total(r) > 0)
		r->is_broken = true;
	r->has_start = true;
	r->expected =
		json_is_integer(expected) ? json_integer_value(expected) : -1;
	return LINE_TAKEN;
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
	if (json_array_size(r->cases) >= RESULTS_CASES_MAX)
		return LINE_TAKEN;
	if (json_array_append_new(r->cases, case_to_json(line, name, kind)) < 0)
		return LINE_NO_MEMORY;
	return LINE_TAKEN;
}

static enum line_fate
take_end(struct results *r, const json_t *line)
{
	if (r->has_end || !r->has_start)
		r->is_broken = true;
	r->has_end = true;
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
		{"start", take_start},
		{"test", take_test},
		{"end", take_end},
	};
	const char *type = json_string_value(json_object_get(line, "type"));

	for (size_t i = 0; type != NULL && i < 3; i++) {
		if (strcmp(records[i].type, type) == 0)
			return records[i].take(r, line);
	}
	return LINE_MALFORMED;
}

static enum line_fate
take_line(struct results *r, const char *bytes, size_t len)
{
	enum line_fate fate;
	json_t *clean = text_to_json(bytes, len), *line;

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
	results->cases = NULL;
}

bool
results_are_complete(const struct results *results)
{
	return results->has_start && results->has_end && !results->is_broken;
}

bool
results_are_short(const struct results *results)
{
	return results->expected > results_total(results);
}

uint32_t
results_total(const struct results *results)
{
	uint32_t total = 0;

	for (int i = 0; i < RESULTS_KIND_COUNT; i++)
		total += results->count[i];
	return total;
}

double
results_success_rate(const struct results *results)
{
	uint32_t ran = results_total(results) - results->count[RESULTS_SKIPPED];

	return ran == 0 ? 0.0 : (double)results->count[RESULTS_PASSED] / ran;
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
	json_object_set_new(json, "is_complete",
			    json_boolean(results_are_complete(results)));
	json_object_set_new(json, "malformed_lines",
			    json_integer(results->malformed));
	json_object_set(json, "cases", results->cases);
	return json;
}
