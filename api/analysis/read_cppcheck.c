/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_cppcheck.c - what cppcheck prints with the --template of its
 * runtime.ini: a line for each finding, of fields between tabs:
 *
 *	line column severity id cwe file message
 *
 * The source cannot put a tab or a line end into a field before the file; with
 * a tab in a #line the file is one that nobody knows.
 */
#include <stdlib.h>
#include <string.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

#define FIELDS 7
#define LINE_MAX_BYTES 4096

/* The source could not be read: nothing that was said of it is complete. */
static const char *const refusals[] = {
	"syntaxError",
	"internalAstError",
	"internalError",
	"garbageCode",
	"unhandledChar",
	"tooManyConfigs",
	"noConfiguration",
	"simplifyTypedef",
	"AnalyzerError",
	"nonStandardCharLiteral",
	NULL,
};

/* Matters of taste, or about the call of cppcheck. */
static const char *const noise[] = {
	"missingInclude",
	"missingIncludeSystem",
	"unusedFunction",
	"unusedStructMember",
	"variableScope",
	"constParameter",
	"constVariable",
	"constPointer",
	"checkersReport",
	"unmatchedSuppression",
	"toomanyconfigs",
	"normalCheckLevelMaxBranches",
	"purgedConfiguration",
	"ConfigurationNotChecked",
	"staticFunction",
	"constParameterPointer",
	"constVariablePointer",
	"funcArgNamesDifferent",
	"preprocessorErrorDirective",
	NULL,
};

static const char *
severity_of(const char *word)
{
	if (strcmp(word, "error") == 0)
		return "high";
	if (strcmp(word, "warning") == 0)
		return "medium";
	return "low";
}

static int
split(char *line, char *field[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		field[i] = line;
		if (i == FIELDS - 1)
			return 0;
		line = strchr(line, '\t');
		if (line == NULL)
			return -1;
		*line++ = '\0';
	}
	return -1;
}

static int
take_line(char *line, json_t *findings, struct err *e)
{
	char *field[FIELDS];
	uint64_t at, column, cwe;
	struct read_finding f = {0};

	if (split(line, field) < 0 ||
	    str_to_u64(field[0], READ_LINE_MAX, &at) < 0 ||
	    str_to_u64(field[1], READ_LINE_MAX, &column) < 0 ||
	    str_to_u64(field[4], READ_LINE_MAX, &cwe) < 0)
		return err_set(e, ERR_PEER, 0,
			       "cppcheck: printed a line that is no finding");
	if (read_is_one_of(field[3], refusals))
		return read_refused(e, "cppcheck", (json_int_t)at, field[6]);
	if (strcmp(field[2], "information") == 0 ||
	    strcmp(field[2], "debug") == 0 || read_is_one_of(field[3], noise))
		return 0;
	f.check = field[3];
	f.file = field[5];
	f.message = field[6];
	f.line_start = f.line_end = (json_int_t)at;
	f.column = (json_int_t)column;
	f.severity = severity_of(field[2]);
	f.cwe = (json_int_t)cwe;
	return read_add(findings, &f, e);
}

int
read_cppcheck(const char *text, size_t len, json_t *findings, struct err *e)
{
	const char *end = text + len;
	char line[LINE_MAX_BYTES];

	if (len > READ_TEXT_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "cppcheck: printed too much to be read");
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop != NULL ? stop : end) - text);
		size_t keep = n < sizeof(line) ? n : sizeof(line) - 1;

		if (stop == NULL || memchr(text, '\0', n) != NULL)
			return err_set(e, ERR_PEER, 0,
				       "cppcheck: its output is cut off");
		memcpy(line, text, keep);
		line[keep] = '\0';
		if (n > 0 && take_line(line, findings, e) < 0)
			return -1;
		text = stop + 1;
	}
	return 0;
}
