/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.c - hostile JSON made harmless before a handler sees it.
 *
 * Depth and number of values are counted on the bytes, before anything is
 * allocated: two bytes of text ("{}") cost jansson some 200 bytes of memory.
 * jansson itself refuses text that is not UTF-8 and lone surrogates.
 */
#include "api/http/body.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "supervisor/base/str.h"

#define PATH_MAX_BYTES 200

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Index of the closing quote of the string that opens at i, or len. */
static size_t
skip_string(const char *bytes, size_t len, size_t i)
{
	for (i++; i < len && bytes[i] != '"'; i++)
		if (bytes[i] == '\\')
			i++;
	return i < len ? i : len;
}

static int
check_shape(const char *bytes, size_t len, struct http_response *res)
{
	size_t depth = 0, values = 0;

	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];

		if (c == '"')
			i = skip_string(bytes, len, i);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		if (c == '{' || c == '[' || c == ',')
			values++;
		if (depth > BODY_DEPTH_MAX) {
			http_problem(res, 413, NULL,
				     "the request body is nested deeper than "
				     "%d levels",
				     BODY_DEPTH_MAX);
			return -1;
		}
	}
	if (values <= BODY_VALUES_MAX)
		return 0;
	http_problem(res, 413, NULL, "the request body has more than %d values",
		     BODY_VALUES_MAX);
	return -1;
}

/* -1 and the dotted path of the first string with a NUL in it. */
static int
find_nul(const json_t *value, char *path, size_t used)
{
	const char *key;
	json_t *member;

	if (json_is_string(value))
		return memchr(json_string_value(value), '\0',
			      json_string_length(value)) != NULL
			       ? -1
			       : 0;
	for (size_t i = 0; i < json_array_size(value); i++) {
		snprintf(path + used, PATH_MAX_BYTES - used, "[%zu]", i);
		if (find_nul(json_array_get(value, i), path, strlen(path)) < 0)
			return -1;
	}
	/* The macro wants a writable object and does not write. */
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		snprintf(path + used, PATH_MAX_BYTES - used, "%s%.64s",
			 used > 0 ? "." : "", key);
		if (find_nul(member, path, strlen(path)) < 0)
			return -1;
	}
	path[used] = '\0';
	return 0;
}

int
body_parse(const char *bytes, size_t len, json_t **ret_object,
	   struct http_response *res)
{
	char path[PATH_MAX_BYTES] = "";
	json_error_t error;
	json_t *object;
	size_t start = 0;

	while (start < len && is_space(bytes[start]))
		start++;
	if (start == len) {
		http_problem(res, 400, NULL,
			     "the request body is empty; a JSON object is "
			     "required");
		return -1;
	}
	if (check_shape(bytes, len, res) < 0)
		return -1;
	object = json_loadb(bytes, len,
			    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL |
				    JSON_DECODE_ANY,
			    &error);
	if (object == NULL) {
		http_problem(res, 400, NULL,
			     "the request body is not valid JSON: line %d, "
			     "column %d: %s",
			     error.line, error.column, error.text);
		return -1;
	}
	if (!json_is_object(object)) {
		http_problem(res, 422, NULL,
			     "the request body must be a JSON object");
	} else if (find_nul(object, path, 0) < 0) {
		http_problem(res, 422, path, "%s contains a NUL character",
			     path);
	} else {
		*ret_object = object;
		return 0;
	}
	json_decref(object);
	return -1;
}

bool
body_is_json_type(const char *content_type)
{
	static const char json[] = "application/json";
	char after;

	if (content_type == NULL)
		return true;
	if (strncasecmp(content_type, json, sizeof(json) - 1) != 0)
		return false;
	after = content_type[sizeof(json) - 1];
	return after == '\0' || after == ';' || after == ' ' || after == '\t';
}
