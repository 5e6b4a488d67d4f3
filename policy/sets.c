/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sets.c - named groups of system calls, one file each:
 *
 *   # what the group is for
 *   read                        # why it is needed
 *   ioctl(*, {FIONREAD})        # why
 *
 * A rule without a reason is an error: a reviewer reads these files.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/text.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static void
read_line(char *line, const char *path, unsigned number, bool *is_heading,
	  set_rule_fn *fn, void *user, struct diag *diag)
{
	char *rule, *reason;
	size_t len;

	line += strspn(line, " \t");
	if (*line == '#' && *is_heading)
		fn(user, path, number, NULL, line + 1 + (line[1] == ' '));
	if (*line == '#')
		return;
	*is_heading = false;
	if (*line == '\0')
		return;
	reason = strchr(line, '#');
	if (reason == NULL || reason[1 + strspn(reason + 1, " \t")] == '\0') {
		diag_error(diag, path, number,
			   "expected RULE # reason: every rule of a set says "
			   "why it is needed");
		return;
	}
	*reason++ = '\0';
	reason += strspn(reason, " \t");
	len = strlen(line);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	rule = text_next_word(&line);
	if (line[strspn(line, " \t")] != '\0') {
		diag_error(diag, path, number,
			   "one rule a line: \"%s\" stands behind \"%s\"", line,
			   rule);
		return;
	}
	fn(user, path, number, rule, reason);
}

int
set_read(const char *sets_dir, const char *name, set_rule_fn *fn, void *user,
	 struct diag *diag)
{
	unsigned before = diag->errors, number = 0;
	owned_mem char *bytes = NULL;
	struct err e = ERR_INIT;
	bool is_heading = true;
	char path[4096];
	size_t len;

	if (str_printf(path, sizeof(path), "%s/%s", sets_dir, name) < 0 ||
	    fd_read_file(AT_FDCWD, path, TEXT_FILE_MAX, &bytes, &len, &e) < 0) {
		diag_error(diag, path, 0, "%s", e.text);
		return -1;
	}
	if (memchr(bytes, '\0', len) != NULL) {
		diag_error(diag, path, 0, "has a NUL byte");
		return -1;
	}
	for (char *line = bytes; line != NULL;) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end++ = '\0';
		read_line(line, path, ++number, &is_heading, fn, user, diag);
		line = end;
	}
	return diag->errors == before ? 0 : -1;
}
