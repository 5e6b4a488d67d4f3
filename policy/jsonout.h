/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonout.h - writes JSON to a stream.  Text from files is escaped; what is no
 * valid UTF-8 becomes "?".  Nothing here reads JSON.
 */
#ifndef PC_POLICY_JSONOUT_H
#define PC_POLICY_JSONOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct jsonout {
	FILE *out;
	bool has_member; /* the next one needs a comma */
};

/* key NULL: the outermost, or in an array.  bracket: '{' or '['. */
void jsonout_open(struct jsonout *j, const char *key, char bracket);
void jsonout_close(struct jsonout *j, char bracket);
/* text NULL: null */
void jsonout_text(struct jsonout *j, const char *key, const char *text);
void jsonout_number(struct jsonout *j, const char *key, uint64_t value);
void jsonout_bool(struct jsonout *j, const char *key, bool value);
/* An array of the lines of text, without empty ones. */
void jsonout_lines(struct jsonout *j, const char *key, const char *text);

#endif
