/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_own.c - what our own analyzers print: one JSON object.  They have parsed
 * hostile text, so that their output is untrusted, too: whatever is not as it
 * must be means that the source was not analysed.
 *
 *	{"format": 1, "status": "ok" or "not_analysed", "reason": why not,
 *	 "version", "truncated": true if there was more,
 *	 "findings": [{"rule": "python/xss", "line_start", "line_end", "column",
 *	   "message", "severity" and "confidence" if not the rule's}]}
 */
#include <string.h>

#include "api/analysis/tool.h"
#include "api/jobs/text.h"
#include "supervisor/base/str.h"

#define OUTPUT_MAX ((size_t)2 << 20)
#define FINDINGS_MAX 1000
#define VALUES_MAX 200000 /* marks in messages are counted, too */
#define FORMAT 1

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PEER, 0, "its output is wrong: %s", what);
}

/* What the analyzer itself says of why not. */
static int
not_analysed(const json_t *root, struct err *e)
{
	const char *reason = json_string_value(json_object_get(root, "reason"));
	char text[160];

	if (reason == NULL || reason[0] == '\0')
		return bad(e, "it gives no reason");
	str_quote(text, sizeof(text), reason, strlen(reason));
	/* Without the quotes. */
	return err_set(e, ERR_INVALID, 0, "%.*s",
		       (int)(strlen(text) > 2 ? strlen(text) - 2 : 0),
		       text + 1);
}

static void
take_version(const json_t *root, struct own_output *ret)
{
	const char *version =
		json_string_value(json_object_get(root, "version"));

	ret->version[0] = '\0';
	if (version != NULL &&
	    strspn(version, "0123456789.abcdefghijklmnopqrstuvwxyz+-") ==
		    strlen(version))
		(void)str_copy(ret->version, sizeof(ret->version), version);
}

static int
take(const json_t *root, json_t *findings, struct own_output *ret,
     struct err *e)
{
	const char *status = json_string_value(json_object_get(root, "status"));
	json_t *found = json_object_get(root, "findings");

	if (!json_is_object(root) ||
	    json_integer_value(json_object_get(root, "format")) != FORMAT ||
	    status == NULL)
		return bad(e, "not of format 1");
	if (strcmp(status, "not_analysed") == 0)
		return not_analysed(root, e);
	if (strcmp(status, "ok") != 0)
		return bad(e, "unknown status");
	if (!json_is_array(found) || json_array_size(found) > FINDINGS_MAX)
		return bad(e, "no findings, or too many");
	for (size_t i = 0; i < json_array_size(found); i++)
		json_array_append(findings, json_array_get(found, i));
	ret->is_truncated = json_is_true(json_object_get(root, "truncated"));
	take_version(root, ret);
	return 0;
}

int
read_own(const char *text, size_t len, json_t *findings, struct own_output *ret,
	 struct err *e)
{
	json_error_t error;
	json_t *root;
	int rc;

	if (len > OUTPUT_MAX)
		return bad(e, "too long");
	if (read_count_values(text, len) > VALUES_MAX)
		return bad(e, "too many values");
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return bad(e, "not JSON");
	rc = take(root, findings, ret, e);
	json_decref(root);
	return rc;
}
