/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_flawfinder.c - what flawfinder --csv prints: a line of column names,
 * then a record (RFC 4180) for each call that it knows by name.  It looks at
 * names only; of what our own analyzer "c" judges with the arguments in view,
 * nothing is taken from here.
 */
#include <stdlib.h>
#include <string.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

#define FIELDS_MAX 24
#define HEADER "File,Line,Column,DefaultLevel,Level,Category,Name,Warning,"
#define LEVEL_HIGH 5 /* of 0 to 5 */

enum column {
	COLUMN_LINE = 1,
	COLUMN_COLUMN = 2,
	COLUMN_LEVEL = 4,
	COLUMN_NAME = 6,
	COLUMN_WARNING = 7,
	COLUMN_CWES = 10,
};

/*
 * Flagged at every use, right or wrong: the analyzer "c" reports those of them
 * whose arguments give a reason.
 */
static const char *const noise[] = {
	"strcpy",   "strcat",  "sprintf",  "vsprintf",	     "printf",
	"fprintf",  "vprintf", "vfprintf", "snprintf",	     "vsnprintf",
	"syslog",   "vsyslog", "scanf",	   "fscanf",	     "sscanf",
	"vscanf",   "vsscanf", "vfscanf",  "system",	     "popen",
	"execl",    "execlp",  "execle",   "execv",	     "execvp",
	"memcpy",   "strlen",  "strncpy",  "strncat",	     "read",
	"char",	    "getc",    "fgetc",	   "getchar",	     "fopen",
	"open",	    "getenv",  "atoi",	   "atol",	     "random",
	"srand",    "srandom", "rand",	   "getopt",	     "getopt_long",
	"realpath", "usleep",  "umask",	   "access",	     "chmod",
	"chown",    "equal",   "mismatch", "is_permutation", "wcscpy",
	"wcscat",   "wcslen",  "wcsncpy",  "lstrcpy",	     "LoadLibrary",
	"chroot",   "gets",    "crypt",	   "signal",	     "fwprintf",
	"wprintf",  "vfork",   NULL,
};

struct csv {
	char *at;  /* into a copy that ends with NUL */
	char *end; /* its NUL */
};

/* One field, unquoted in place; -1 if its quote never ends. */
static int
next_field(struct csv *c, char **ret_field, bool *ret_last)
{
	char *to = c->at;
	bool quoted = *c->at == '"';

	*ret_field = to;
	c->at += quoted;
	for (; c->at < c->end; c->at++) {
		if (quoted && *c->at == '"') {
			if (c->at[1] != '"') {
				quoted = false;
				continue;
			}
			c->at++;
		} else if (!quoted && strchr(",\r\n", *c->at) != NULL) {
			break;
		}
		*to++ = *c->at;
	}
	if (quoted || c->at == c->end)
		return -1;
	*ret_last = *c->at != ',';
	c->at += c->at[0] == '\r' && c->at[1] == '\n' ? 2 : 1;
	*to = '\0';
	return 0;
}

/* The fields of one record, of which there are always as many. */
static int
next_record(struct csv *c, char *field[FIELDS_MAX])
{
	bool last = false;
	int n = 0;

	for (; !last; n++)
		if (n == FIELDS_MAX || next_field(c, &field[n], &last) < 0)
			return -1;
	return n > COLUMN_CWES ? 0 : -1;
}

static json_int_t
first_cwe(const char *cwes)
{
	const char *at = strstr(cwes, "CWE-");

	return at != NULL ? strtol(at + 4, NULL, 10) : 0;
}

static int
take_record(char *const field[FIELDS_MAX], json_t *findings, struct err *e)
{
	uint64_t line, column, level;
	struct read_finding f = {
		.check = field[COLUMN_NAME],
		.message = field[COLUMN_WARNING],
		.confidence = "low",
		.cwe = first_cwe(field[COLUMN_CWES]),
	};

	if (str_to_u64(field[COLUMN_LINE], READ_LINE_MAX, &line) < 0 ||
	    str_to_u64(field[COLUMN_COLUMN], READ_LINE_MAX, &column) < 0 ||
	    str_to_u64(field[COLUMN_LEVEL], LEVEL_HIGH, &level) < 0)
		return err_set(e, ERR_PEER, 0,
			       "flawfinder: printed a record that is no hit");
	if (read_is_one_of(f.check, noise))
		return 0;
	f.line_start = f.line_end = (json_int_t)line;
	f.column = (json_int_t)column;
	f.severity = level == LEVEL_HIGH ? "high" : "medium";
	return read_add(findings, &f, e);
}

static int
read_records(char *text, size_t len, json_t *findings, struct err *e)
{
	struct csv c = {.at = text, .end = text + len};
	char *field[FIELDS_MAX];

	if (next_record(&c, field) < 0)
		return err_set(e, ERR_PEER, 0, "flawfinder: printed no table");
	while (c.at < c.end) {
		/* It prints one blank line and more behind the table. */
		if (*c.at == '\r' || *c.at == '\n') {
			c.at++;
			continue;
		}
		if (next_record(&c, field) < 0)
			return err_set(e, ERR_PEER, 0,
				       "flawfinder: its table is cut off");
		if (take_record(field, findings, e) < 0)
			return -1;
	}
	return 0;
}

int
read_flawfinder(const char *text, size_t len, json_t *findings, struct err *e)
{
	char *copy;
	int rc;

	if (len > READ_TEXT_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "flawfinder: printed too much to be read");
	if (len < strlen(HEADER) || memcmp(text, HEADER, strlen(HEADER)) != 0 ||
	    memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_PEER, 0, "flawfinder: printed no table");
	copy = malloc(len + 1);
	if (copy == NULL)
		return err_set(e, ERR_LIMIT, 0, "out of memory");
	memcpy(copy, text, len);
	copy[len] = '\0';
	rc = read_records(copy, len, findings, e);
	free(copy);
	return rc;
}
