/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_eslint.c - what analyzers/eslint prints, which is ESLint's format
 * "json": [{"filePath", "messages": [{"ruleId", "message", "line", ...}]}] for
 * one file.  A message that is fatal is about source that does not parse.
 */
#include <string.h>

#include "api/analysis/read.h"

/*
 * Checks that fire on every list[i], every file name in a variable and every
 * repetition in a regular expression.  Our own analyzer asks where the value
 * comes from.
 */
static const char *const noise[] = {
	"security/detect-object-injection",
	"security/detect-non-literal-fs-filename",
	"security/detect-non-literal-regexp",
	"security/detect-non-literal-require",
	"security/detect-possible-timing-attacks",
	"security/detect-unsafe-regex",
	"security/detect-invisible-characters",
	NULL,
};

static int
take_message(const json_t *message, json_t *findings, struct err *e)
{
	struct read_finding f = {
		.check = read_string(message, "ruleId"),
		.message = read_string(message, "message"),
		.line_start = read_integer(message, "line"),
		.line_end = read_integer(message, "endLine"),
		.column = read_integer(message, "column"),
		.severity = "medium",
		.confidence = "low",
	};

	if (json_is_true(json_object_get(message, "fatal")))
		return read_refused(e, "eslint", f.line_start, f.message);
	if (f.check[0] == '\0' || f.line_start <= 0)
		return err_set(e, ERR_PEER, 0,
			       "eslint: printed something that is no message");
	if (read_is_one_of(f.check, noise))
		return 0;
	if (f.line_end < f.line_start)
		f.line_end = f.line_start;
	return read_add(findings, &f, e);
}

int
read_eslint(const char *text, size_t len, json_t *findings, struct err *e)
{
	json_t *all = read_json("eslint", text, len, e);
	const json_t *messages;
	int rc = 0;

	if (all == NULL)
		return -1;
	messages = json_object_get(json_array_get(all, 0), "messages");
	if (json_array_size(all) != 1 || !json_is_array(messages))
		rc = err_set(e, ERR_PEER, 0, "eslint: printed no messages");
	for (size_t i = 0; rc == 0 && i < json_array_size(messages); i++)
		rc = take_message(json_array_get(messages, i), findings, e);
	json_decref(all);
	return rc;
}
