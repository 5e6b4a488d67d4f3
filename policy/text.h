/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - reading an ini file into a list of entries, with nothing in it
 * overlooked.
 *
 * libinih splits the lines; what it would pass over in silence is refused
 * before it sees it: continuation lines, comments behind a value, "key: value",
 * text after a section header, lines that it would cut in two, control
 * characters, empty values, sections that are unknown or come twice.
 */
#ifndef PC_POLICY_TEXT_H
#define PC_POLICY_TEXT_H

#include <stddef.h>

#include "policy/diag.h"

#define TEXT_FILE_MAX (256u << 10)
#define TEXT_LINE_MAX 2048

struct text_entry {
	char *section, *key, *value;
	unsigned line;
};

struct text_file {
	char *path;
	struct text_entry *entries;
	size_t len;
};

/*
 * Read path; `sections` is the NULL-terminated list of the legal ones.
 * Returns 0, or -1 with the errors reported to d.  text_done() in both cases.
 */
int text_read(struct text_file *ret, const char *path,
	      const char *const *sections, struct diag *d);
void text_done(struct text_file *file);

/*
 * The next word of a list: split at blanks outside (), which are kept.  Cuts
 * *cursor in place; NULL at the end.
 */
char *text_next_word(char **cursor);

#endif
