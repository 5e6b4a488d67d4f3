/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */
#include "policy/text.h"

#include <ctype.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/err.h"
#include "supervisor/base/fd.h"

#define SECTIONS_MAX 16

/* What inih's callbacks share; inih sees one line at a time. */
struct gate {
	struct text_file *file;
	struct diag *diag;
	const char *const *sections;
	unsigned section_line[SECTIONS_MAX];
	const char *at, *end;
	unsigned line;
};

static void
check_header(struct gate *g, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	size_t i;

	if (close == NULL || close != line + len - 1) {
		diag_error(g->diag, g->file->path, g->line,
			   "a section header is [Name] alone on its line");
		return;
	}
	for (i = 0; g->sections[i] != NULL; i++)
		if (strlen(g->sections[i]) == len - 2 &&
		    memcmp(g->sections[i], line + 1, len - 2) == 0)
			break;
	if (g->sections[i] == NULL) {
		diag_error(g->diag, g->file->path, g->line,
			   "unknown section %.*s", (int)len, line);
		return;
	}
	if (g->section_line[i] != 0)
		diag_error(g->diag, g->file->path, g->line,
			   "section [%s] comes twice, first at line %u",
			   g->sections[i], g->section_line[i]);
	g->section_line[i] = g->line;
}

static void
check_assignment(struct gate *g, const char *line, size_t len)
{
	const char *sep = line;

	while (sep < line + len && *sep != '=' && *sep != ':')
		sep++;
	if (sep == line + len || *sep != '=')
		diag_error(g->diag, g->file->path, g->line,
			   "expected Name=value, a [Section] or a # comment");
	else if (line[len - 1] == '\\')
		diag_error(g->diag, g->file->path, g->line,
			   "a line is not continued with \\: repeat the name "
			   "to add to a list");
}

/* Report all that inih would not; false if the line must not reach it. */
static bool
check_line(struct gate *g, const char *line, size_t len)
{
	unsigned before = g->diag->errors;

	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
		    line[i] == 0x7f) {
			diag_error(g->diag, g->file->path, g->line,
				   "control character \\x%02x in the line",
				   (unsigned char)line[i]);
			return false;
		}
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	if (len == 0 || line[0] == '#' || line[0] == ';')
		return true;
	if (isspace((unsigned char)line[0]))
		diag_error(g->diag, g->file->path, g->line,
			   "a line must not begin with a blank: repeat the "
			   "name to add to a list");
	else if (line[0] == '[')
		check_header(g, line, len);
	else
		check_assignment(g, line, len);
	return g->diag->errors == before;
}

/* ini_reader: the next line that is fit for inih; others become empty. */
static char *
next_line(char *dst, int size, void *stream)
{
	struct gate *g = stream;
	const char *start = g->at;
	const char *stop;
	size_t len;

	if (start == g->end)
		return NULL;
	stop = memchr(start, '\n', (size_t)(g->end - start));
	g->at = stop != NULL ? stop + 1 : g->end;
	len = (size_t)((stop != NULL ? stop : g->end) - start);
	g->line++;
	if (len + 2 > (size_t)size) {
		diag_error(g->diag, g->file->path, g->line,
			   "line is longer than %d bytes", size - 2);
		len = 0;
	}
	if (!check_line(g, start, len))
		len = 0;
	memcpy(dst, start, len);
	dst[len] = '\n';
	dst[len + 1] = '\0';
	return dst;
}

/* ini_handler; what it refuses is already reported, so it returns success. */
static int
take_entry(void *user, const char *section, const char *key, const char *value)
{
	struct gate *g = user;
	struct text_file *f = g->file;
	struct text_entry *entry;

	if (section[0] == '\0') {
		diag_error(g->diag, f->path, g->line,
			   "%s= stands before the first [Section]", key);
		return 1;
	}
	if (value[0] == '\0') {
		diag_error(g->diag, f->path, g->line,
			   "%s= has no value: an empty value is never a "
			   "default, leave the line out",
			   key);
		return 1;
	}
	entry = reallocarray(f->entries, f->len + 1, sizeof(*entry));
	if (entry == NULL)
		abort();
	f->entries = entry;
	entry += f->len++;
	*entry = (struct text_entry){
		.section = strdup(section),
		.key = strdup(key),
		.value = strdup(value),
		.line = g->line,
	};
	if (entry->section == NULL || entry->key == NULL ||
	    entry->value == NULL)
		abort();
	return 1;
}

int
text_read(struct text_file *ret, const char *path, const char *const *sections,
	  struct diag *d)
{
	struct gate g = {.file = ret, .diag = d, .sections = sections};
	unsigned before = d->errors;
	owned_mem char *bytes = NULL;
	struct err e = ERR_INIT;
	size_t len;
	int rc;

	*ret = (struct text_file){.path = strdup(path)};
	if (ret->path == NULL)
		abort();
	if (fd_read_file(AT_FDCWD, path, TEXT_FILE_MAX, &bytes, &len, &e) < 0) {
		diag_error(d, path, 0, "%s", e.text);
		return -1;
	}
	g.at = bytes;
	g.end = bytes + len;
	ini_allow_bom = false;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
	ini_use_stack = false; /* its stack buffer has 200 bytes */
	ini_allow_realloc = false;
	ini_max_line = TEXT_LINE_MAX;
	ini_initial_alloc = TEXT_LINE_MAX;
	rc = ini_parse_stream(next_line, &g, take_entry, &g);
	/* The checks above leave inih nothing to complain about. */
	if (rc != 0 && d->errors == before)
		diag_error(d, path, rc > 0 ? (unsigned)rc : 0,
			   "not an ini file");
	return d->errors == before ? 0 : -1;
}

void
text_done(struct text_file *file)
{
	for (size_t i = 0; i < file->len; i++) {
		free(file->entries[i].section);
		free(file->entries[i].key);
		free(file->entries[i].value);
	}
	free(file->entries);
	free(file->path);
	*file = (struct text_file){0};
}

char *
text_next_word(char **cursor)
{
	char *start = *cursor + strspn(*cursor, " \t");
	char *p = start;
	int depth = 0;

	if (*start == '\0')
		return NULL;
	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (depth == 0 && (*p == ' ' || *p == '\t'))
			break;
	}
	if (*p != '\0')
		*p++ = '\0';
	*cursor = p;
	return start;
}
