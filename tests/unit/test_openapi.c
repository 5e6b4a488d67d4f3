/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_openapi.c - the table of routes and the OpenAPI document agree: the
 * same operations, who may call them, what they take.  The fields of a body
 * are compared one by one with the table that checks it, so the document's
 * requests are what the program takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first. */
#include <cmocka.h>
#include <ctype.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/http/asset.h"
#include "api/http/http.h"
#include "supervisor/base/str.h"

/* A body's own limit is below this one; the document does not name it. */
#define TEXT_MAX (64 << 20)

static json_t *document;

static int
load(void **state)
{
	const struct http_asset *asset = asset_find("/openapi.json");

	(void)state;
	assert_non_null(asset);
	document = json_loadb((const char *)asset->begin, asset_len(asset),
			      JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

static json_t *
get(const json_t *object, const char *name)
{
	return json_object_get(object, name);
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(get(object, name));

	return text != NULL ? text : "";
}

/* "#/components/schemas/X": the thing itself. */
static json_t *
resolve(json_t *value)
{
	while (get(value, "$ref") != NULL) {
		char path[128], *save = NULL;
		json_t *at = document;

		assert_int_equal(
			str_copy(path, sizeof(path), text_of(value, "$ref")),
			0);
		for (char *word = strtok_r(path + 2, "/", &save); word != NULL;
		     word = strtok_r(NULL, "/", &save))
			at = get(at, word);
		if (at == NULL)
			fail_msg("%s leads nowhere", text_of(value, "$ref"));
		value = at;
	}
	return value;
}

static json_t *
operation_of(const struct http_route *route)
{
	char method[16] = "";

	for (size_t i = 0; i < 15 && route->method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)route->method[i]);
	return get(get(get(document, "paths"), route->pattern), method);
}

/* ---- both have the same operations ----------------------------------- */

static void
test_operations(void **state)
{
	size_t routes = 0, operations = 0;
	const char *path;
	json_t *item;

	(void)state;
	for (const struct http_route *r = http_routes; r->method != NULL; r++) {
		routes++;
		if (operation_of(r) == NULL)
			fail_msg("%s %s is not in api/http/openapi", r->method,
				 r->pattern);
	}
	json_object_foreach(get(document, "paths"), path, item) operations +=
		json_object_size(item);
	if (operations != routes)
		fail_msg("the document has %zu operations, the table %zu",
			 operations, routes);
}

/* ---- who may, and what the server does by itself --------------------- */

static bool
has_parameter(const json_t *operation, const char *name)
{
	const json_t *list = get(operation, "parameters");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(text_of(resolve(json_array_get(list, i)), "name"),
			   name) == 0)
			return true;
	return false;
}

static bool
has_answer(const json_t *operation, const char *status)
{
	return get(get(operation, "responses"), status) != NULL;
}

/* In what it answers if all is well. */
static bool
has_rate_headers(const json_t *operation)
{
	static const char *const good[] = {"200", "202"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const json_t *answer =
			get(get(operation, "responses"), good[i]);

		if (get(get(answer, "headers"), "RateLimit-Limit") != NULL)
			return true;
	}
	return false;
}

static bool
is_public(const json_t *operation)
{
	return json_array_size(get(operation, "security")) == 0;
}

static bool
may_scrape(const json_t *operation)
{
	return json_array_size(get(operation, "security")) == 2;
}

static void
expect(const struct http_route *route, const char *what, bool in_table,
       bool in_document)
{
	if (in_table != in_document)
		fail_msg("%s %s: %s: the table says %s, the document %s",
			 route->method, route->pattern, what,
			 in_table ? "yes" : "no", in_document ? "yes" : "no");
}

static void
test_flags(void **state)
{
	(void)state;
	for (const struct http_route *r = http_routes; r->method != NULL; r++) {
		const json_t *op = operation_of(r);
		bool needs_role = r->flags & (HTTP_ADMIN | HTTP_APPROVER);

		expect(r, "public", r->flags & HTTP_PUBLIC, is_public(op));
		expect(r, "token for scraping", r->flags & HTTP_SCRAPE,
		       may_scrape(op));
		expect(r, "a body", r->flags & HTTP_BODY,
		       get(op, "requestBody") != NULL);
		expect(r, "a table of fields", r->flags & HTTP_BODY,
		       r->body != NULL);
		expect(r, "415", r->flags & HTTP_BODY, has_answer(op, "415"));
		expect(r, "Idempotency-Key", r->flags & HTTP_IDEMPOTENT,
		       has_parameter(op, "Idempotency-Key"));
		expect(r, "a rate limit", r->rate_operation != NULL,
		       has_rate_headers(op));
		expect(r, "{id}", strstr(r->pattern, "{id}") != NULL,
		       has_parameter(op, "id"));
		if (!(r->flags & HTTP_PUBLIC))
			expect(r, "401", true, has_answer(op, "401"));
		if (needs_role)
			expect(r, "403", true, has_answer(op, "403"));
		if (r->rate_operation != NULL)
			expect(r, "429", true, has_answer(op, "429"));
	}
}

/* ---- fields ---------------------------------------------------------- */

static void check_fields(const char *where, const struct field *fields,
			 size_t len, unsigned flags, json_t *schema);

static bool
allows_type(const json_t *schema, const char *type)
{
	const json_t *types = get(schema, "type");

	for (size_t i = 0; i < json_array_size(types); i++)
		if (strcmp(json_string_value(json_array_get(types, i)), type) ==
		    0)
			return true;
	return strcmp(text_of(schema, "type"), type) == 0;
}

static void
check_type(const char *where, const struct field *field, const json_t *schema)
{
	static const char *const names[] = {
		[FIELD_STRING] = "string", [FIELD_INTEGER] = "integer",
		[FIELD_NUMBER] = "number", [FIELD_BOOL] = "boolean",
		[FIELD_OBJECT] = "object", [FIELD_ARRAY] = "array",
		[FIELD_ENUM] = "string",
	};

	if (!allows_type(schema, names[field->type]))
		fail_msg("%s: the program takes type %s", where,
			 names[field->type]);
	if (allows_type(schema, "null") != !!(field->flags & FIELD_NULLABLE))
		fail_msg("%s: the program %s null", where,
			 field->flags & FIELD_NULLABLE ? "takes" : "refuses");
}

static void
check_number(const char *where, const json_t *schema, const char *name,
	     int64_t want)
{
	if (json_integer_value(get(schema, name)) != want)
		fail_msg("%s: %s is %lld in the program, %lld in the document",
			 where, name, (long long)want,
			 (long long)json_integer_value(get(schema, name)));
}

/*
 * The program counts bytes, the document characters, so the program may refuse
 * a text that the document allows; it is not to be the other way round.
 */
static void
check_string(const char *where, const struct field *field, const json_t *schema)
{
	json_int_t most = json_integer_value(get(schema, "maxLength"));

	if (json_integer_value(get(schema, "minLength")) < field->min)
		fail_msg("%s: the program wants %lld characters at least",
			 where, (long long)field->min);
	if (field->max > 0 && field->max < TEXT_MAX &&
	    (most == 0 || most > field->max))
		fail_msg("%s: the program takes at most %lld bytes", where,
			 (long long)field->max);
}

static void
check_choices(const char *where, const struct field *field,
	      const json_t *schema)
{
	const json_t *list = get(schema, "enum");
	size_t count = field->flags & FIELD_NULLABLE ? 1 : 0;

	for (size_t i = 0; field->choices[i] != NULL; i++, count++) {
		bool is_there = false;

		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *word =
				json_string_value(json_array_get(list, k));

			if (word != NULL &&
			    strcmp(word, field->choices[i]) == 0)
				is_there = true;
		}
		if (!is_there)
			fail_msg("%s: the document lacks %s", where,
				 field->choices[i]);
	}
	if (json_array_size(list) != count)
		fail_msg("%s: the document has values that the program "
			 "refuses",
			 where);
}

static void
check_bounds(const char *where, const struct field *field, const json_t *schema)
{
	bool has_bounds = field->min != 0 || field->max != 0;

	if (field->type == FIELD_STRING) {
		check_string(where, field, schema);
	} else if (field->type == FIELD_ENUM) {
		check_choices(where, field, schema);
	} else if (field->type == FIELD_ARRAY && has_bounds) {
		check_number(where, schema, "minItems", field->min);
		check_number(where, schema, "maxItems", field->max);
	} else if (field->type == FIELD_INTEGER ||
		   field->type == FIELD_NUMBER) {
		check_number(where, schema, "minimum", field->min);
		check_number(where, schema, "maximum", field->max);
	}
}

static void
check_field(const char *where, const struct field *field, json_t *schema)
{
	char inner[256];

	schema = resolve(schema);
	check_type(where, field, schema);
	check_bounds(where, field, schema);
	if (field->sub == NULL)
		return;
	if (field->type == FIELD_OBJECT) {
		check_fields(where, field->sub, field->sub_len, field->flags,
			     schema);
	} else {
		(void)str_printf(inner, sizeof(inner), "%s[]", where);
		check_field(inner, field->sub, get(schema, "items"));
	}
}

static bool
is_required(const json_t *schema, const char *name)
{
	const json_t *list = get(schema, "required");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), name) ==
		    0)
			return true;
	return false;
}

static void
check_fields(const char *where, const struct field *fields, size_t len,
	     unsigned flags, json_t *schema)
{
	json_t *properties = get(schema, "properties");
	char inner[256];

	for (size_t i = 0; i < len; i++) {
		json_t *property = get(properties, fields[i].name);

		(void)str_printf(inner, sizeof(inner), "%s.%s", where,
				 fields[i].name);
		if (property == NULL)
			fail_msg("%s is not in the document", inner);
		if (is_required(schema, fields[i].name) !=
		    !!(fields[i].flags & FIELD_REQUIRED))
			fail_msg("%s: required or not?", inner);
		check_field(inner, &fields[i], property);
	}
	if (json_object_size(properties) != len)
		fail_msg("%s: the document has %zu fields, the program %zu",
			 where, json_object_size(properties), len);
	if (json_is_false(get(schema, "additionalProperties")) !=
	    !!(flags & FIELD_CLOSED))
		fail_msg("%s: are other fields refused?", where);
}

static void
test_bodies(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct http_route *r = http_routes; r->method != NULL; r++) {
		json_t *content, *schema;

		if (r->body == NULL)
			continue;
		content = get(get(operation_of(r), "requestBody"), "content");
		schema = get(get(content, "application/json"), "schema");
		check_fields(r->pattern, r->body->fields, r->body->len,
			     r->body->flags, resolve(schema));
		count++;
	}
	assert_true(count > 0);
}

/* ---- the page -------------------------------------------------------- */

static bool
contains(const struct http_asset *asset, const char *text)
{
	return memmem(asset->begin, asset_len(asset), text, strlen(text)) !=
	       NULL;
}

/* It is read without its script, so all must be in it. */
static void
test_page(void **state)
{
	const struct http_asset *page = asset_find("/docs");

	(void)state;
	assert_non_null(page);
	for (const struct http_route *r = http_routes; r->method != NULL; r++)
		if (!contains(page, r->pattern))
			fail_msg("%s is not on the page", r->pattern);
}

/* Nothing that its own policy would forbid. */
static void
test_page_policy(void **state)
{
	static const char *const forbidden[] = {
		"<script>", " style=\"", "onclick", "http://", "javascript:",
	};
	const struct http_asset *page = asset_find("/docs");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (contains(page, forbidden[i]))
			fail_msg("the page has %s", forbidden[i]);
}

static void
test_etag(void **state)
{
	static const char *const paths[] = {
		"/openapi.json",
		"/docs",
		"/docs/style.css",
		"/docs/script.js",
	};

	(void)state;
	assert_null(asset_find("/docs/"));
	assert_null(asset_find("/docs/../openapi.json"));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct http_asset *asset = asset_find(paths[i]);
		unsigned char hash[16];
		char hex[33], tag[35];

		crypto_generichash(hash, sizeof(hash), asset->begin,
				   asset_len(asset), NULL, 0);
		str_hex(hex, hash, sizeof(hash));
		(void)str_printf(tag, sizeof(tag), "\"%s\"", hex);
		assert_string_equal(asset_etag(asset), tag);
		/* Nothing is hashed for a request. */
		assert_ptr_equal(asset_etag(asset), asset_etag(asset));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_policy),
		cmocka_unit_test(test_etag),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
