/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c - JSON input checked against a table of fields, so that handlers
 * read values whose presence, type and bounds are settled.
 *
 * The input is hostile: names and values are quoted in answers cut to a bound,
 * and recursion follows the table, never the input.  Bounds with min and max
 * both 0 are not checked.  The first fault, in the table's order, is told with
 * its dotted path.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/http/http.h"
#include "supervisor/base/str.h"

#define PATH_MAX_BYTES 200

/* Where we are in the document; `text` is cut, never overrun. */
struct path {
	char text[PATH_MAX_BYTES];
	size_t len;
};

static const char *const type_words[] = {
	[FIELD_STRING] = "a string",  [FIELD_INTEGER] = "an integer",
	[FIELD_NUMBER] = "a number",  [FIELD_BOOL] = "true or false",
	[FIELD_OBJECT] = "an object", [FIELD_ARRAY] = "an array",
	[FIELD_ENUM] = "a string",
};

static int check_object(const json_t *object, const struct field *table,
			size_t len, unsigned flags, struct path *path,
			struct http_response *res);

static void __attribute__((format(printf, 2, 3)))
path_append(struct path *path, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path->text + path->len, sizeof(path->text) - path->len,
		      fmt, ap);
	va_end(ap);
	if (n > 0)
		path->len += (size_t)n;
	if (path->len > sizeof(path->text) - 1)
		path->len = sizeof(path->text) - 1;
}

static void
path_cut(struct path *path, size_t len)
{
	path->len = len;
	path->text[len] = '\0';
}

static bool
has_type(const json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
	case FIELD_ENUM:
		return json_is_string(value);
	case FIELD_INTEGER:
		return json_is_integer(value);
	case FIELD_NUMBER:
		return json_is_number(value);
	case FIELD_BOOL:
		return json_is_boolean(value);
	case FIELD_OBJECT:
		return json_is_object(value);
	case FIELD_ARRAY:
		return json_is_array(value);
	}
	return false;
}

static bool
has_bounds(const struct field *field)
{
	return field->min != 0 || field->max != 0;
}

/* Lengths of strings and arrays: `unit` is what is counted. */
static int
check_length(size_t len, const char *unit, const struct field *field,
	     const struct path *path, struct http_response *res)
{
	if (!has_bounds(field) ||
	    ((int64_t)len >= field->min && (int64_t)len <= field->max))
		return 0;
	if (len == 0)
		http_problem(res, 422, path->text, "%s must not be empty",
			     path->text);
	else
		http_problem(res, 422, path->text,
			     "%s has %zu %s; %" PRId64 " to %" PRId64
			     " are allowed",
			     path->text, len, unit, field->min, field->max);
	return -1;
}

static int
check_string(const json_t *value, const struct field *field,
	     const struct path *path, struct http_response *res)
{
	size_t len = json_string_length(value);

	if (memchr(json_string_value(value), '\0', len) != NULL) {
		http_problem(res, 422, path->text,
			     "%s contains a NUL character", path->text);
		return -1;
	}
	return check_length(len, "bytes", field, path, res);
}

static int
check_enum(const json_t *value, const struct field *field,
	   const struct path *path, struct http_response *res)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; field->choices[i] != NULL; i++) {
		int n;

		if (strlen(field->choices[i]) == json_string_length(value) &&
		    strcmp(field->choices[i], json_string_value(value)) == 0)
			return 0;
		n = snprintf(list + used, sizeof(list) - used, "%s%s",
			     i > 0 ? ", " : "", field->choices[i]);
		used += n > 0 ? (size_t)n : 0;
		if (used >= sizeof(list))
			used = sizeof(list) - 1;
	}
	http_problem(res, 422, path->text, "%s must be one of: %s", path->text,
		     list);
	return -1;
}

static int
check_number(const json_t *value, const struct field *field,
	     const struct path *path, struct http_response *res)
{
	bool is_inside;

	if (json_is_integer(value))
		is_inside = json_integer_value(value) >= field->min &&
			    json_integer_value(value) <= field->max;
	else
		is_inside = json_real_value(value) >= (double)field->min &&
			    json_real_value(value) <= (double)field->max;
	if (is_inside || !has_bounds(field))
		return 0;
	http_problem(res, 422, path->text,
		     "%s must be between %" PRId64 " and %" PRId64, path->text,
		     field->min, field->max);
	return -1;
}

static int check_value(const json_t *value, const struct field *field,
		       struct path *path, struct http_response *res);

static int
check_array(const json_t *value, const struct field *field, struct path *path,
	    struct http_response *res)
{
	size_t kept = path->len;

	if (check_length(json_array_size(value), "elements", field, path, res) <
	    0)
		return -1;
	if (field->sub == NULL)
		return 0;
	for (size_t i = 0; i < json_array_size(value); i++) {
		path_append(path, "[%zu]", i);
		if (check_value(json_array_get(value, i), field->sub, path,
				res) < 0)
			return -1;
		path_cut(path, kept);
	}
	return 0;
}

static int
check_value(const json_t *value, const struct field *field, struct path *path,
	    struct http_response *res)
{
	if (json_is_null(value) && (field->flags & FIELD_NULLABLE))
		return 0;
	if (!has_type(value, field->type)) {
		http_problem(res, 422, path->text, "%s must be %s%s",
			     path->text, type_words[field->type],
			     field->flags & FIELD_NULLABLE ? " or null" : "");
		return -1;
	}
	switch (field->type) {
	case FIELD_STRING:
		return check_string(value, field, path, res);
	case FIELD_ENUM:
		return check_enum(value, field, path, res);
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		return check_number(value, field, path, res);
	case FIELD_ARRAY:
		return check_array(value, field, path, res);
	case FIELD_OBJECT:
		return check_object(value, field->sub, field->sub_len,
				    field->flags, path, res);
	case FIELD_BOOL:
		return 0;
	}
	return 0;
}

static bool
is_in_table(const char *key, const struct field *table, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(table[i].name, key) == 0)
			return true;
	return false;
}

static int
check_unknown_keys(const json_t *object, const struct field *table, size_t len,
		   struct path *path, struct http_response *res)
{
	const char *key;
	json_t *value;

	/* The iteration macro wants a writable object and does not write. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (is_in_table(key, table, len))
			continue;
		path_append(path, "%s%.64s", path->len > 0 ? "." : "", key);
		http_problem(res, 422, path->text, "%s is not a known field",
			     path->text);
		return -1;
	}
	return 0;
}

static int
check_object(const json_t *object, const struct field *table, size_t len,
	     unsigned flags, struct path *path, struct http_response *res)
{
	size_t kept = path->len;

	for (size_t i = 0; i < len; i++) {
		const json_t *value = json_object_get(object, table[i].name);

		path_append(path, "%s%s", kept > 0 ? "." : "", table[i].name);
		if (value == NULL && (table[i].flags & FIELD_REQUIRED)) {
			http_problem(res, 422, path->text, "%s is required",
				     path->text);
			return -1;
		}
		if (value != NULL &&
		    check_value(value, &table[i], path, res) < 0)
			return -1;
		path_cut(path, kept);
	}
	if (flags & FIELD_CLOSED)
		return check_unknown_keys(object, table, len, path, res);
	return 0;
}

int
fields_check(const json_t *object, const struct field *table, size_t len,
	     struct http_response *res)
{
	struct path path = {.len = 0};

	if (!json_is_object(object)) {
		http_problem(res, 422, NULL, "a JSON object is required");
		return -1;
	}
	return check_object(object, table, len, 0, &path, res);
}
