/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recipes that are shipped, and which of them goals get; what a recipe.ini
 * may not be.  Runs in the top folder of the sources.
 */
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/cookbook/cookbook.h"
#include "api/cookbook/recipe.h"
#include "api/workflow/state.h"
#include "supervisor/base/str.h"

#define SHIPPED "api/cookbook/recipes"

static struct cookbook *cookbook;
static struct workflow_author author;

static int
setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (cookbook_load(SHIPPED, &cookbook, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	author = cookbook_author(cookbook);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cookbook_free(cookbook);
	return 0;
}

/* ---- which recipe ---------------------------------------------------- */

/* recipe NULL: refused. */
static const struct {
	const char *goal, *language, *recipe;
} goals[] = {
	{"Create a secure JWT authentication function with tests", "",
	 "jwt-python"},
	{"Deploy authentication function to production", "", "jwt-python"},
	{"Multi-step data processing task", "", "pipeline-python"},
	{"Implement JSON Web Token creation and verification", "javascript",
	 "jwt-javascript"},
	{"Write JWT checking for Node", "", "jwt-javascript"},
	{"Write JWT checking for Node", "py", "jwt-python"},
	{"Write a function that hashes passwords safely", "",
	 "password-python"},
	{"Store user passwords with scrypt", "", "password-python"},
	{"Convert a large CSV file to JSON", "", "csv-json-python"},
	{"Build a CSV to JSON converter", "", "csv-json-python"},
	{"Implement a rate limiter for an API", "", "rate-limit-python"},
	{"Token bucket rate limiting per user", "", "rate-limit-python"},
	{"Implement an LRU cache with TTL", "", "lru-cache-python"},
	{"Implement an LRU cache in C", "", "lru-cache-c"},
	{"Write a C library for an LRU cache", "", "lru-cache-c"},
	{"Retry failed HTTP requests with exponential backoff and jitter", "",
	 "retry-python"},
	{"Retry with backoff in JavaScript", "", "retry-javascript"},
	{"Validate URLs from users against SSRF", "", "url-python"},
	{"URL validation function", "", "url-python"},
	{"Sanitize user input against XSS", "", "sanitize-python"},
	{"Input sanitisation helpers", "", "sanitize-python"},
	{"Access a SQLite database with parameterized queries", "",
	 "sql-python"},
	{"Prevent SQL injection in user queries", "", "sql-python"},
	{"Parse nginx access logs and report the top IP addresses", "",
	 "log-python"},
	{"Log parsing in bash", "", "log-shell"},
	{"A small command-line tool for a to-do list", "", "cli-python"},
	{"Build an ETL pipeline", "", "pipeline-python"},
	/* nobody has that */
	{"A small program with tests", "", NULL},
	{"Add two numbers and return the sum", "", NULL},
	{"Concurrent test task 3", "", NULL},
	{"Simple performance test task", "", NULL},
	{"Complex analysis task 0 requiring premium search and multiple agents",
	 "", NULL},
	{"Render a Mandelbrot set as PNG", "", NULL},
	{"Create a game of chess with a token for each player", "", NULL},
	/* a word of it, but it is about something else */
	{"Create a web shop with JWT login, PostgreSQL, Stripe payments and "
	 "e-mail campaigns",
	 "", NULL},
	{"Log the temperature of the sensor every hour", "", NULL},
	/* the language is another */
	{"Implement an LRU cache in Rust", "", NULL},
	{"Implement an LRU cache in Go", "", NULL},
	{"Implement an LRU cache in C++", "", NULL},
	{"Implement an LRU cache", "rust", NULL},
	{"Build a CSV to JSON converter", "c", NULL},
	{"", "", NULL},
	{"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "", NULL},
};

static int
write_for(const char *goal, const char *language, json_t *context,
	  struct author_work *ret, struct err *e)
{
	struct author_task task = {
		.goal = goal, .language = language, .context = context};
	struct err why = ERR_INIT;
	bool is_ready = author.check_ready(author.arg, &task, &why) == 0;
	int rc = author.write(author.arg, &task, ret, e);

	assert_int_equal(is_ready, rc == 0);
	return rc;
}

static void
test_goals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
		struct author_work work;
		struct err e = ERR_INIT;
		int rc = write_for(goals[i].goal, goals[i].language, NULL,
				   &work, &e);
		const char *name =
			rc == 0 ? json_text(work.recipe, "name") : "(none)";

		if (strcmp(name, goals[i].recipe != NULL ? goals[i].recipe
							 : "(none)") != 0)
			fail_msg("%s [%s]: %s", goals[i].goal,
				 goals[i].language, name);
		if (rc < 0)
			assert_int_equal(e.kind, ERR_NOT_FOUND);
		json_decref(work.program);
		json_decref(work.recipe);
	}
}

static void
test_what_is_given(void **state)
{
	struct author_work work;
	struct err e = ERR_INIT;
	const json_t *open;

	(void)state;
	assert_int_equal(write_for("Implement an LRU cache in C with colours",
				   "", NULL, &work, &e),
			 0);
	assert_string_equal(work.source, "cookbook");
	assert_string_equal(work.agent, "web_dev_agent");
	assert_string_equal(work.model, "");
	assert_int_equal(work.cost_micros, 0);
	assert_string_equal(json_text(work.program, "language"), "c");
	assert_string_equal(json_text(work.program, "code_path"),
			    "lru_cache.c");
	assert_string_equal(json_text(work.program, "tests_path"),
			    "test_lru_cache.c");
	assert_non_null(strstr(json_text(work.program, "code"), "lru_put"));
	assert_string_equal(
		json_text(json_array_get(json_object_get(work.program, "files"),
					 0),
			  "path"),
		"lru_cache.h");
	open = json_object_get(work.recipe, "not_about");
	assert_int_equal(json_array_size(open), 1);
	assert_string_equal(json_string_value(json_array_get(open, 0)),
			    "colours");
	assert_true(json_text(work.recipe, "does")[0] != '\0');
	json_decref(work.program);
	json_decref(work.recipe);
}

/* ---- what it cannot do ----------------------------------------------- */

static void
refused(const struct author_task *task, const char *text)
{
	struct author_work work;
	struct err e = ERR_INIT;

	assert_int_equal(author.check_ready(author.arg, task, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" has no \"%s\"", e.text, text);
	assert_non_null(strstr(e.text, "AZURE_OPENAI_ENDPOINT"));
	assert_int_equal(author.write(author.arg, task, &work, &e), -1);
	assert_null(work.program);
}

static void
test_refusals(void **state)
{
	json_t *tests = json_pack("{s:s}", "tests", "assert f() == 1");
	json_t *path = json_pack("{s:s}", "code_path", "my.py");
	json_t *program = json_pack("{s:s}", "code", "x");
	struct author_task task = {.goal = "Paint the sky", .language = ""};

	(void)state;
	refused(&task, "context.code");
	refused(&task, "there are: cli csv-json jwt log lru-cache password "
		       "pipeline rate-limit retry sanitize sql url");
	task.goal = "Implement an LRU cache in Rust";
	refused(&task, "has lru-cache-python, but nothing like it in rust");
	task.goal = "Implement an LRU cache";
	task.language = "brainfuck";
	refused(&task, "in brainfuck");
	task.language = "";
	task.context = tests;
	refused(&task, "its own tests");
	task.context = path;
	refused(&task, "file names");
	task.context = NULL;
	task.previous = program;
	refused(&task, "mends nothing");
	json_decref(tests);
	json_decref(path);
	json_decref(program);
}

static void
test_long_goals(void **state)
{
	char goal[9000];
	struct author_work work;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 4000; i++)
		memcpy(goal + 2 * i, "x ", 2);
	goal[8000] = '\0';
	assert_int_equal(write_for(goal, "", NULL, &work, &e), -1);
	memset(goal, 'x', 8999);
	goal[8999] = '\0';
	assert_int_equal(write_for(goal, "", NULL, &work, &e), -1);
}

/* ---- files ----------------------------------------------------------- */

static char dir[] = "/tmp/pc-cookbook-XXXXXX";

static void
put_file(const char *name, const char *text)
{
	char path[128];
	int fd;

	(void)str_printf(path, sizeof(path), "%s/r/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#define WHOLE                                                                  \
	"[recipe]\nname = r\ntitle = T\ndoes = D.\nlanguage = python\n"        \
	"agent = create_agent\ncode = a.py\ntests = t.py\nmatch = 10 abc\n"

static const struct {
	const char *ini, *error; /* NULL: it is good */
} files[] = {
	{"; comment\n\n# another\n" WHOLE "words = x y*\r\n", NULL},
	{WHOLE "words = x\t; a remark\nmatch = 5 y # another\n", NULL},
	{"", "name must be"},
	{"name = r\n", "r/recipe.ini:1: expected [recipe]"},
	{"[recipe]\n[recipe]\n", ":2: expected [recipe]"},
	{WHOLE "colour = red\n", ":10: unknown key colour"},
	{WHOLE "title = U\n", "title is there twice"},
	{WHOLE "code = a.py\n", "code is there twice"},
	{WHOLE "match = ten abc\n", "match = WEIGHT PHRASE"},
	{WHOLE "match = 0 abc\n", "match = WEIGHT PHRASE"},
	{WHOLE "match = 101 abc\n", "match = WEIGHT PHRASE"},
	{WHOLE "match = 5\n", "match = WEIGHT PHRASE"},
	{WHOLE "match = 5 Abc\n", "a phrase is"},
	{WHOLE "match = 5 a*b\n", "a phrase is"},
	{WHOLE "match = 5 *\n", "a phrase is"},
	{WHOLE "words = a, b\n", "words are"},
	{WHOLE "file = missing.py\n", "missing.py"},
	{WHOLE "file = ../x\n", "not a file of this folder"},
	{WHOLE "file = .x\n", "not a file of this folder"},
	{WHOLE "file = empty.py\n", "empty or not UTF-8"},
	{WHOLE "file = latin.py\n", "empty or not UTF-8"},
	{"[recipe]\nname = q\n", "name must be that of the folder"},
	{"[recipe]\nname = r\ntitle = T\n", "is missing"},
	{"[recipe]\nname = r\ntitle = T\ndoes = D\nagent = a\nlanguage = "
	 "rust\n",
	 "language must be"},
	{"[recipe]\nname = r\ntitle = T\ndoes = D\nagent = a\nlanguage = "
	 "python\ncode = a.py\nmatch = 1 a\n",
	 "code or tests is missing"},
};

static void
remove_files(void)
{
	static const char *const names[] = {"a.py", "t.py", "empty.py",
					    "latin.py", "recipe.ini"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)str_printf(path, sizeof(path), "%s/r/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	(void)str_printf(path, sizeof(path), "%s/r", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_files(void **state)
{
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)str_printf(path, sizeof(path), "%s/r", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put_file("a.py", "a = 1\n");
	put_file("t.py", "import a\n");
	put_file("empty.py", "");
	put_file("latin.py", "\xe9");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct cookbook *book = NULL;
		struct err e = ERR_INIT;
		int rc;

		put_file("recipe.ini", files[i].ini);
		rc = cookbook_load(dir, &book, &e);
		if ((rc == 0) != (files[i].error == NULL) ||
		    (rc < 0 && strstr(e.text, files[i].error) == NULL))
			fail_msg("row %zu: %d %s", i, rc, e.text);
		cookbook_free(book);
	}
	remove_files();
}

static void
test_folders(void **state)
{
	struct cookbook *book = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cookbook_load("none", &book, &e), 0);
	assert_null(book);
	assert_int_equal(cookbook_load("/nonexistent", &book, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goals),
		cmocka_unit_test(test_what_is_given),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long_goals),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_folders),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
