/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_shellcheck.c - what shellcheck --format=json1 prints: {"comments":
 * [...]} with a number for each check, of which we make SC1234.  After an error
 * of parsing the script was not analysed.
 */
#include <stdio.h>
#include <string.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

/* The parser gave up, or this is no shell that it knows. */
static const json_int_t refusals[] = {1072, 1071, 1088, 1104};

/* About files that are not here, and what is a matter of taste. */
static const json_int_t noise[] = {1090, 1091, 2034, 2154, 2312,
				   1073, 2016, 2029, 2317};

static bool
is_in(json_int_t code, const json_int_t *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (list[i] == code)
			return true;
	return false;
}

static const char *
severity_of(const char *level)
{
	return strcmp(level, "error") == 0 ? "medium" : "low";
}

static int
take_comment(const json_t *comment, json_t *findings, struct err *e)
{
	json_int_t code = read_integer(comment, "code");
	char check[32];
	struct read_finding f = {
		.check = check,
		.message = read_string(comment, "message"),
		.line_start = read_integer(comment, "line"),
		.line_end = read_integer(comment, "endLine"),
		.column = read_integer(comment, "column"),
		.severity = severity_of(read_string(comment, "level")),
	};

	if (code <= 0 || f.line_start <= 0)
		return err_set(
			e, ERR_PEER, 0,
			"shellcheck: printed something that is no comment");
	if (is_in(code, refusals, ARRAY_LEN(refusals)))
		return read_refused(e, "shellcheck", f.line_start, f.message);
	if (is_in(code, noise, ARRAY_LEN(noise)))
		return 0;
	snprintf(check, sizeof(check), "SC%lld", (long long)code);
	return read_add(findings, &f, e);
}

int
read_shellcheck(const char *text, size_t len, json_t *findings, struct err *e)
{
	json_t *all = read_json("shellcheck", text, len, e);
	const json_t *comments;
	int rc = 0;

	if (all == NULL)
		return -1;
	comments = json_object_get(all, "comments");
	if (!json_is_array(comments))
		rc = err_set(e, ERR_PEER, 0, "shellcheck: printed no comments");
	for (size_t i = 0; rc == 0 && i < json_array_size(comments); i++)
		rc = take_comment(json_array_get(comments, i), findings, e);
	json_decref(all);
	return rc;
}
