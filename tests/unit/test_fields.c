/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fields.c - validation by table, bodies and problem details: each fault
 * gives the right status and names the right field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/http/body.h"
#include "api/http/http.h"
#include "api/http/router.h"
#include "supervisor/base/str.h"

static const char *const languages[] = {"python", "c", NULL};
static const struct field file_fields[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, 1, 10, NULL, NULL, 0},
	{"content", FIELD_STRING, 0, 0, 0, NULL, NULL, 0},
};
static const struct field file_item = {"file", FIELD_OBJECT, FIELD_CLOSED, 0,
				       0,      NULL,	     file_fields,  2};
static const struct field context_fields[] = {
	{"files", FIELD_ARRAY, 0, 0, 2, NULL, &file_item, 1},
};
static const struct field table[] = {
	{"goal", FIELD_STRING, FIELD_REQUIRED, 1, 8, NULL, NULL, 0},
	{"language", FIELD_ENUM, FIELD_NULLABLE, 0, 0, languages, NULL, 0},
	{"count", FIELD_INTEGER, 0, -2, 5, NULL, NULL, 0},
	{"ratio", FIELD_NUMBER, FIELD_NULLABLE, 0, 1, NULL, NULL, 0},
	{"flag", FIELD_BOOL, 0, 0, 0, NULL, NULL, 0},
	{"context", FIELD_OBJECT, 0, 0, 0, NULL, context_fields, 1},
};

static const struct {
	const char *input;
	const char *field; /* NULL: valid */
	const char *word;  /* of the detail */
} rows[] = {
	{"{'goal':'x'}", NULL, NULL},
	{"{'goal':'x','other':1}", NULL, NULL},
	{"{'goal':'12345678','language':'c','count':5,'ratio':0.5,'flag':true,"
	 "'context':{'files':[{'path':'a','content':''}]}}",
	 NULL, NULL},
	{"{'goal':'x','language':null,'ratio':null}", NULL, NULL},
	{"{'goal':'x','ratio':1,'count':-2}", NULL, NULL},
	{"{}", "goal", "required"},
	{"{'goal':null}", "goal", "a string"},
	{"{'goal':7}", "goal", "a string"},
	{"{'goal':''}", "goal", "empty"},
	{"{'goal':'123456789'}", "goal", "9 bytes; 1 to 8"},
	{"{'goal':'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'}", "goal",
	 "10 bytes"},
	{"{'goal':'x','language':'ada'}", "language", "python, c"},
	{"{'goal':'x','language':3}", "language", "a string or null"},
	{"{'goal':'x','count':6}", "count", "between -2 and 5"},
	{"{'goal':'x','count':-3}", "count", "between -2 and 5"},
	{"{'goal':'x','count':1.0}", "count", "an integer"},
	{"{'goal':'x','count':true}", "count", "an integer"},
	{"{'goal':'x','ratio':1.01}", "ratio", "between 0 and 1"},
	{"{'goal':'x','flag':1}", "flag", "true or false"},
	{"{'goal':'x','context':[]}", "context", "an object"},
	{"{'goal':'x','context':{'files':{}}}", "context.files", "an array"},
	{"{'goal':'x','context':{'files':[{'path':'a'},{'path':'b'},"
	 "{'path':'c'}]}}",
	 "context.files", "3 elements; 0 to 2"},
	{"{'goal':'x','context':{'files':[{'path':'a'},7]}}",
	 "context.files[1]", "an object"},
	{"{'goal':'x','context':{'files':[{'path':'a'},{}]}}",
	 "context.files[1].path", "required"},
	{"{'goal':'x','context':{'files':[{'path':'a','mode':1}]}}",
	 "context.files[0].mode", "not a known field"},
};

/* Rows are written with ' for ". */
static json_t *
parse(const char *text)
{
	char copy[512];
	json_t *value;

	assert_int_equal(str_copy(copy, sizeof(copy), text), 0);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, JSON_ALLOW_NUL, NULL);
	assert_non_null(value);
	return value;
}

static const char *
member(const struct http_response *res, const char *name)
{
	return json_string_value(json_object_get(res->body, name));
}

static void
assert_problem(const struct http_response *res, int status, const char *field,
	       const char *word)
{
	assert_int_equal(res->status, status);
	assert_int_equal(
		json_integer_value(json_object_get(res->body, "status")),
		status);
	assert_non_null(member(res, "title"));
	assert_non_null(member(res, "detail"));
	if (strstr(member(res, "detail"), word) == NULL)
		fail_msg("no \"%s\" in: %s", word, member(res, "detail"));
	if (field != NULL) {
		assert_non_null(member(res, "field"));
		assert_string_equal(member(res, "field"), field);
	} else {
		assert_null(member(res, "field"));
	}
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_response res = {0};
		json_t *input = parse(rows[i].input);
		int rc = fields_check(input, table, ARRAY_LEN(table), &res);

		if (rc != (rows[i].field == NULL ? 0 : -1))
			fail_msg("row %zu: %s", i, rows[i].input);
		if (rows[i].field == NULL)
			assert_null(res.body);
		else
			assert_problem(&res, 422, rows[i].field, rows[i].word);
		json_decref(res.body);
		json_decref(input);
	}
}

static void
test_not_an_object(void **state)
{
	struct http_response res = {0};
	json_t *input = parse("[]");

	(void)state;
	assert_int_equal(fields_check(input, table, 1, &res), -1);
	assert_problem(&res, 422, NULL, "object");
	json_decref(res.body);
	json_decref(input);
}

static void
test_nul_in_string(void **state)
{
	struct http_response res = {0};
	json_t *input = parse("{'goal':'a\\u0000b'}");

	(void)state;
	assert_int_equal(fields_check(input, table, 1, &res), -1);
	assert_problem(&res, 422, "goal", "NUL");
	json_decref(res.body);
	json_decref(input);
}

/* A hostile key is cut in the answer, which stays valid JSON. */
static void
test_long_unknown_key(void **state)
{
	struct http_response res = {0};
	char key[4001];
	json_t *input = json_object(), *file = json_object();
	char *text;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(key); i += 2)
		memcpy(key + i, "\xc3\xa9", 2);
	key[sizeof(key) - 1] = '\0';
	json_object_set_new(file, "path", json_string("a"));
	assert_int_equal(json_object_set_new(file, key, json_true()), 0);
	json_object_set_new(input, "goal", json_string("x"));
	json_object_set_new(input, "context",
			    json_pack("{s:[o]}", "files", file));
	assert_int_equal(fields_check(input, table, ARRAY_LEN(table), &res),
			 -1);
	assert_int_equal(res.status, 422);
	text = json_dumps(res.body, 0);
	assert_non_null(text);
	assert_true(strlen(text) < 1000);
	free(text);
	json_decref(res.body);
	json_decref(input);
}

/* ---- bodies ---------------------------------------------------------- */

static void
assert_body(const char *bytes, size_t len, int status, const char *field,
	    const char *word)
{
	struct http_response res = {0};
	json_t *object = NULL;

	assert_int_equal(body_parse(bytes, len, &object, &res), -1);
	assert_null(object);
	assert_problem(&res, status, field, word);
	json_decref(res.body);
}

static void
test_body_accepted(void **state)
{
	static const char text[] = " \n{\"a\":[1,{\"b\":\"[[[[{{{{\\\"\"}]}";
	struct http_response res = {0};
	json_t *object = NULL;

	(void)state;
	assert_int_equal(body_parse(text, sizeof(text) - 1, &object, &res), 0);
	assert_int_equal(json_object_size(object), 1);
	json_decref(object);
}

static void
test_body_faults(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *field, *word;
	} faults[] = {
		{"", 400, NULL, "empty"},
		{" \t\r\n", 400, NULL, "empty"},
		{"{\"a\":\n 1,}", 400, NULL, "line 2"},
		{"{\"a\":1} x", 400, NULL, "not valid JSON"},
		{"{\"a\":1,\"a\":2}", 400, NULL, "duplicate"},
		{"{\"a\":\"\xff\"}", 400, NULL, "byte 0xff"},
		{"{\"a\":\"\\ud800\"}", 400, NULL, "not valid JSON"},
		{"{\"a\":123456789012345678901234567890}", 400, NULL,
		 "not valid JSON"},
		{"{\"a\":1e999}", 400, NULL, "not valid JSON"},
		{"{\"a\":NaN}", 400, NULL, "not valid JSON"},
		{"{\"\\u0000\":1}", 400, NULL, "not valid JSON"},
		{"[1]", 422, NULL, "object"},
		{"7", 422, NULL, "object"},
		{"{\"a\":\"x\\u0000y\"}", 422, "a", "NUL"},
		{"{\"a\":{\"b\":[1,\"\\u0000\"]}}", 422, "a.b[1]", "NUL"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		assert_body(faults[i].text, strlen(faults[i].text),
			    faults[i].status, faults[i].field, faults[i].word);
}

static void
test_body_depth_and_count(void **state)
{
	enum { SIZE = 400000 };
	static char text[SIZE];
	size_t len = 0;

	(void)state;
	memset(text, '[', SIZE);
	assert_body(text, SIZE, 413, NULL, "nested");
	len = (size_t)snprintf(text, SIZE, "{\"a\":[");
	while (len + 7 < SIZE)
		len += (size_t)snprintf(text + len, SIZE - len, "{},");
	len += (size_t)snprintf(text + len, SIZE - len, "1]}");
	assert_body(text, len, 413, NULL, "values");
}

/* Brackets within strings are no nesting, escaped quotes no ends. */
static void
test_body_depth_is_not_fooled(void **state)
{
	char text[200] = "{\"a\":\"\\\\\",\"b\":";
	struct http_response res = {0};
	json_t *object = NULL;
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < BODY_DEPTH_MAX - 1; i++)
		text[len++] = '[';
	for (int i = 0; i < BODY_DEPTH_MAX - 1; i++)
		text[len++] = ']';
	text[len++] = '}';
	assert_int_equal(body_parse(text, len, &object, &res), 0);
	json_decref(object);
	text[len - 1] = ']';
	memmove(text + 16, text + 15, len - 15);
	text[15] = '[';
	text[len] = '}';
	assert_int_equal(body_parse(text, len + 1, &object, &res), -1);
	assert_int_equal(res.status, 413);
	json_decref(res.body);
}

static void
test_media_types(void **state)
{
	(void)state;
	assert_true(body_is_json_type(NULL));
	assert_true(body_is_json_type("application/json"));
	assert_true(body_is_json_type("Application/JSON; charset=utf-8"));
	assert_false(body_is_json_type("application/jsonp"));
	assert_false(body_is_json_type("text/plain"));
	assert_false(body_is_json_type(""));
}

/* ---- problems -------------------------------------------------------- */

static void
test_inner_errors_stay_inside(void **state)
{
	struct http_response res = {0};
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_IO, 5, "open /secret/path");
	http_problem_from_err(&res, &e);
	assert_problem(&res, 500, NULL, "Internal error");
	assert_null(strstr(member(&res, "detail"), "secret"));
	err_set(&e, ERR_PEER, 0, "connect /secret/socket");
	http_problem_from_err(&res, &e);
	assert_problem(&res, 503, NULL, "not reachable");
	assert_null(strstr(member(&res, "detail"), "secret"));
	assert_true(res.retry_after_s > 0);
	err_set(&e, ERR_CONFLICT, 0, "it changed");
	http_problem_from_err(&res, &e);
	assert_problem(&res, 409, NULL, "it changed");
	json_decref(res.body);
}

static void
test_problem_of_broken_utf8(void **state)
{
	struct http_response res = {0};

	(void)state;
	http_problem(&res, 422, "a\xff", "bad %s", "\xc3");
	assert_string_equal(member(&res, "detail"), "bad ?");
	assert_string_equal(member(&res, "field"), "a?");
	json_decref(res.body);
}

/* ---- routing --------------------------------------------------------- */

static void
no_handler(struct api *api, const struct http_request *req,
	   struct http_response *res)
{
	(void)api;
	(void)req;
	(void)res;
}

static const struct http_route routes[] = {
	{"GET", "/health", 0, NULL, no_handler, NULL},
	{"POST", "/jobs", 0, NULL, no_handler, NULL},
	{"GET", "/jobs/{id}", 0, NULL, no_handler, NULL},
	{"POST", "/jobs/{id}/cancel", 0, NULL, no_handler, NULL},
	{NULL, NULL, 0, NULL, NULL, NULL},
};

static void
test_router(void **state)
{
	static const struct {
		const char *method, *path;
		int route; /* index or -1 */
		bool is_known;
		const char *id;
	} cases[] = {
		{"GET", "/health", 0, true, ""},
		{"HEAD", "/health", 0, true, ""},
		{"POST", "/health", -1, true, ""},
		{"GET", "/health/", -1, false, ""},
		{"GET", "//health", -1, false, ""},
		{"GET", "/healthx", -1, false, ""},
		{"GET", "/", -1, false, ""},
		{"GET", "", -1, false, ""},
		{"GET", "*", -1, false, ""},
		{"POST", "/jobs", 1, true, ""},
		{"GET", "/jobs/ab-1_2", 2, true, "ab-1_2"},
		{"GET", "/jobs/", -1, false, ""},
		{"GET", "/jobs/..", -1, false, ""},
		{"GET", "/jobs/a/b", -1, false, ""},
		{"GET", "/jobs/a b", -1, false, ""},
		{"POST", "/jobs/x/cancel", 3, true, "x"},
		{"GET",
		 "/jobs/"
		 "0123456789012345678901234567890123456789012345678901234567890"
		 "1234",
		 -1, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct router_match match;

		router_find(routes, cases[i].method, cases[i].path, &match);
		if (match.route != (cases[i].route < 0
					    ? NULL
					    : &routes[cases[i].route]) ||
		    match.is_path_known != cases[i].is_known)
			fail_msg("%s %s", cases[i].method, cases[i].path);
		assert_string_equal(match.id, cases[i].id);
	}
}

static void
test_router_allow(void **state)
{
	struct router_match match;

	(void)state;
	router_find(routes, "PUT", "/health", &match);
	assert_string_equal(match.allow, "GET, HEAD, OPTIONS");
	router_find(routes, "PUT", "/jobs", &match);
	assert_string_equal(match.allow, "POST, OPTIONS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_not_an_object),
		cmocka_unit_test(test_nul_in_string),
		cmocka_unit_test(test_long_unknown_key),
		cmocka_unit_test(test_body_accepted),
		cmocka_unit_test(test_body_faults),
		cmocka_unit_test(test_body_depth_and_count),
		cmocka_unit_test(test_body_depth_is_not_fooled),
		cmocka_unit_test(test_media_types),
		cmocka_unit_test(test_inner_errors_stay_inside),
		cmocka_unit_test(test_problem_of_broken_utf8),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_router_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
