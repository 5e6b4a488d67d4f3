/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agents_answer.c - answers as models write them, and what is taken from
 * each: a table from answer to program or to the reason why there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/agents/answer.h"
#include "api/agents/language.h"
#include "supervisor/base/str.h"

#define ADD "def add(a, b):\n    return a + b\n"
#define TESTS                                                                  \
	"import unittest\nfrom solution import add\n\n"                        \
	"class T(unittest.TestCase):\n"                                        \
	"    def test(self):\n        self.assertEqual(add(1, 2), 3)\n"
#define PY(name, text) "```python" name "\n" text "```\n"
#define JSON_ADD "\"def add(a, b):\\n    return a + b\\n\""

struct row {
	const char *name, *language, *answer;
	const char *code, *tests;		   /* NULL: none */
	const char *code_path, *tests_path, *says; /* language; NULL: any */
	size_t files;
	const char *error;  /* part of its text */
	enum err_kind kind; /* of the error */
	bool is_cut;
};

static const struct row rows[] = {
	/* what is taken */
	{.name = "two named files",
	 .language = "python",
	 .answer = PY(" solution.py", ADD) "\n" PY(" test_solution.py", TESTS),
	 .code = ADD,
	 .tests = TESTS,
	 .code_path = "solution.py",
	 .tests_path = "test_solution.py",
	 .says = "python"},
	{.name = "prose around",
	 .language = "python",
	 .answer = "Sure! Here it is:\n\n" PY(
		 " solution.py",
		 ADD) "\nAnd the tests:\n" PY(" test_solution.py",
					      TESTS) "\nIt adds. Let me know "
						     "if I can help.",
	 .code = ADD,
	 .tests = TESTS},
	{.name = "no names, told apart by what is in them",
	 .language = "python",
	 .answer = PY("", ADD) PY("", TESTS),
	 .code = ADD,
	 .tests = TESTS},
	{.name = "tests first",
	 .language = "python",
	 .answer = PY("", TESTS) PY("", ADD),
	 .code = ADD,
	 .tests = TESTS},
	{.name = "code alone",
	 .language = "python",
	 .answer = PY("", ADD),
	 .code = ADD},
	{.name = "no language after the fence",
	 .language = "python",
	 .answer = "```\n" ADD "```",
	 .code = ADD},
	{.name = "names in headings",
	 .language = "python",
	 .answer = "### `solution.py`\n\n" PY(
		 "", ADD) "**test_solution.py**\n" PY("", TESTS),
	 .code = ADD,
	 .tests = TESTS,
	 .code_path = "solution.py"},
	{.name = "names in the first line",
	 .language = "python",
	 .answer = PY("", "# solution.py\n" ADD)
		 PY("", "# file: test_solution.py\n" TESTS),
	 .code = "# solution.py\n" ADD,
	 .tests = "# file: test_solution.py\n" TESTS,
	 .code_path = "solution.py"},
	{.name = "language:name",
	 .language = "",
	 .answer = "```py:calc.py\n" ADD "```",
	 .code = ADD,
	 .code_path = "calc.py",
	 .says = "python"},
	{.name = "title= after the fence",
	 .language = "",
	 .answer = "```python title=\"calc.py\"\n" ADD "```",
	 .code = ADD,
	 .code_path = "calc.py"},
	{.name = "a name alone after the fence",
	 .language = "python",
	 .answer = "```solution.py\n" ADD "```\n```test_solution.py\n" TESTS
		   "```",
	 .code = ADD,
	 .tests = TESTS},
	{.name = "tildes",
	 .language = "python",
	 .answer = "~~~python\n" ADD "~~~\n",
	 .code = ADD},
	{.name = "a longer fence holds a shorter one",
	 .language = "python",
	 .answer = "````python\nS = '''\n```\n'''\n````\n",
	 .code = "S = '''\n```\n'''\n"},
	{.name = "indented in a list",
	 .language = "python",
	 .answer = "1. Code:\n\n   ```python\n   def f():\n       return 1\n"
		   "   ```\n",
	 .code = "def f():\n    return 1\n"},
	{.name = "CRLF",
	 .language = "python",
	 .answer = "```python\r\nX = 1\r\n```\r\n",
	 .code = "X = 1\n"},
	{.name = "how to run it is not the program",
	 .language = "",
	 .answer = PY(" solution.py", ADD)
		 PY(" test_solution.py",
		    TESTS) "Run:\n```bash\npython -m unittest\n```",
	 .code = ADD,
	 .tests = TESTS,
	 .says = "python"},
	{.name = "what it prints is not the program",
	 .language = "python",
	 .answer = PY("", ADD) PY("", TESTS) "```text\nOK\n```",
	 .code = ADD,
	 .tests = TESTS},
	{.name = "the same block twice",
	 .language = "python",
	 .answer = PY("", ADD) PY("", ADD),
	 .code = ADD},
	{.name = "a module beside it",
	 .language = "python",
	 .answer = PY(" helper.py", "X = 1\n") PY(" solution.py", ADD)
		 PY(" test_solution.py", TESTS),
	 .code = ADD,
	 .tests = TESTS,
	 .code_path = "solution.py",
	 .files = 1},
	{.name = "data beside it",
	 .language = "python",
	 .answer = PY(" solution.py", ADD) "```csv data.csv\na,b\n```",
	 .code = ADD,
	 .files = 1},
	{.name = "C with its header",
	 .language = "c",
	 .answer = "```c solution.h\nint f(void);\n```\n```c solution.c\n"
		   "int f(void) { return 1; }\n```\n```c test_solution.c\n"
		   "int main(void) { return 0; }\n```",
	 .code = "int f(void) { return 1; }\n",
	 .tests = "int main(void) { return 0; }\n",
	 .code_path = "solution.c",
	 .says = "c",
	 .files = 1},
	{.name = "JavaScript by another name",
	 .language = "javascript",
	 .answer = "```js\nexports.f = 1\n```\n```js\n"
		   "require('node:test')\n```",
	 .code = "exports.f = 1\n",
	 .tests = "require('node:test')\n",
	 .says = "javascript"},
	{.name = "shell is a program, too",
	 .language = "",
	 .answer = "```bash solution.sh\necho hi\n```",
	 .code = "echo hi\n",
	 .says = "shell"},
	{.name = "JSON",
	 .language = "python",
	 .answer = "{\"language\": \"python\", \"code\": " JSON_ADD
		   ", \"tests\": \"import unittest\\n\"}",
	 .code = ADD,
	 .tests = "import unittest\n",
	 .says = "python"},
	{.name = "JSON in a fence",
	 .language = "python",
	 .answer = "Here:\n```json\n{\"code\": " JSON_ADD "}\n```",
	 .code = ADD},
	{.name = "JSON with files",
	 .language = "python",
	 .answer =
		 "{\"files\": [{\"path\": \"solution.py\", "
		 "\"content\": " JSON_ADD "}, {\"path\": \"test_solution.py\", "
		 "\"content\": \"import unittest\\n\"}]}",
	 .code = ADD,
	 .tests = "import unittest\n",
	 .code_path = "solution.py"},
	{.name = "thoughts before the answer",
	 .language = "python",
	 .answer = "<think>\n```python\nwrong()\n```\n</think>\n" PY("", ADD),
	 .code = ADD},
	{.name = "program and tests in one block",
	 .language = "python",
	 .answer = PY("", ADD TESTS),
	 .code = ADD TESTS},

	/* what is refused, and why */
	{.name = "nothing",
	 .answer = " \n\t",
	 .language = "",
	 .kind = ERR_INVALID,
	 .error = "is empty"},
	{.name = "prose alone",
	 .answer = "To add two numbers, use the plus operator.",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no code block"},
	{.name = "code without a fence",
	 .answer = ADD,
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no code block"},
	{.name = "refusal",
	 .answer = "I'm sorry, but I can't help with that.",
	 .language = "python",
	 .kind = ERR_DENIED,
	 .error = "declined"},
	{.name = "refusal with a typographic apostrophe",
	 .answer = "I can\u2019t assist with this request.",
	 .language = "",
	 .kind = ERR_DENIED,
	 .error = "declined"},
	{.name = "refusal as JSON",
	 .answer = "{\"refusal\": \"no\"}",
	 .language = "",
	 .kind = ERR_DENIED,
	 .error = "declined"},
	{.name = "finish_reason length",
	 .answer = PY("", ADD),
	 .language = "python",
	 .is_cut = true,
	 .kind = ERR_INVALID,
	 .error = "PROMPTCRAFT_MODEL_MAX_TOKENS"},
	{.name = "the last fence is open",
	 .answer = PY(" solution.py", ADD) "```python test_solution.py\nimport",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "cut off inside a code block"},
	{.name = "thoughts without an end",
	 .answer = "<think>hm",
	 .language = "",
	 .kind = ERR_INVALID,
	 .error = "within its thoughts"},
	{.name = "wrong language",
	 .answer = "```javascript\nexports.f = 1\n```",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "is in javascript, not in python"},
	{.name = "wrong language that we do not have",
	 .answer = "```rust\nfn main() {}\n```",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "is in rust, not in python"},
	{.name = "a language that we do not have",
	 .answer = "```rust\nfn main() {}\n```",
	 .language = "",
	 .kind = ERR_INVALID,
	 .error = "rust, which no runtime here runs"},
	{.name = "wrong language in JSON",
	 .answer = "{\"language\": \"c\", \"code\": \"int x;\"}",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "is in c, not in python"},
	{.name = "a diff",
	 .answer = "```diff\n-a\n+b\n```",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "is in diff, not in python"},
	{.name = "tests only",
	 .answer = PY(" test_solution.py", TESTS),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "tests but no program"},
	{.name = "two programs without names",
	 .answer = PY("", "A = 1\n") PY("", "A = 2\n"),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "could both be the program"},
	{.name = "one file, two contents",
	 .answer = PY(" solution.py", "A = 1\n") PY(" solution.py", "A = 2\n"),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "could both be the program"},
	{.name = "two files of tests",
	 .answer = PY(" solution.py", ADD) PY(" test_a.py", TESTS)
		 PY(" test_b.py", "import unittest\n"),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "could both be the tests"},
	{.name = "a path of two lines",
	 .answer =
		 "{\"files\": [{\"path\": \"a\\nb.py\", \"content\": \"A\"}]}",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "answer: \"a\\x0ab.py\" is no path"},
	{.name = "a path that leaves the folder",
	 .answer = PY(" ../../etc/cron.d/x.py", ADD),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no path that a program may have"},
	{.name = "an absolute path",
	 .answer = PY(" /etc/passwd.py", ADD),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no path that a program may have"},
	{.name = "a block of blanks",
	 .answer = PY("", "  \n\n"),
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "holds no program in python"},
	{.name = "JSON without code",
	 .answer = "{\"answer\": 42}",
	 .language = "",
	 .kind = ERR_INVALID,
	 .error = "neither code nor files"},
	{.name = "JSON whose code is no text",
	 .answer = "{\"code\": [\"x\"]}",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no string"},
	{.name = "JSON that is cut off",
	 .answer = "{\"code\": \"def f",
	 .language = "python",
	 .kind = ERR_INVALID,
	 .error = "no code block"},
};

static const char *
text_of(const json_t *program, const char *name)
{
	return json_string_value(json_object_get(program, name));
}

static void
check_text(const struct row *row, const char *is, const char *want)
{
	if (want == NULL ? is == NULL : is != NULL && strcmp(is, want) == 0)
		return;
	fail_msg("%s: <%s>, not <%s>", row->name, is != NULL ? is : "NULL",
		 want != NULL ? want : "NULL");
}

static void
check_program(const struct row *row, const json_t *program)
{
	check_text(row, text_of(program, "code"), row->code);
	check_text(row, text_of(program, "tests"), row->tests);
	if (row->code_path != NULL)
		check_text(row, text_of(program, "code_path"), row->code_path);
	if (row->tests_path != NULL)
		check_text(row, text_of(program, "tests_path"),
			   row->tests_path);
	if (row->says != NULL)
		check_text(row, text_of(program, "language"), row->says);
	assert_int_equal(json_array_size(json_object_get(program, "files")),
			 row->files);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		json_t *program = NULL;
		struct err e = ERR_INIT;
		int rc = answer_read(row->answer, strlen(row->answer),
				     row->language, row->is_cut, &program, &e);

		if ((rc == 0) != (row->error == NULL))
			fail_msg("%s: %s", row->name,
				 rc == 0 ? "is taken" : e.text);
		if (rc == 0 || row->error == NULL)
			check_program(row, program);
		else if (e.kind != row->kind ||
			 strstr(e.text, row->error) == NULL)
			fail_msg("%s: %s: %s", row->name, err_kind_name(e.kind),
				 e.text);
		json_decref(program);
	}
}

static void
expect_error(const char *text, size_t len, const char *part)
{
	json_t *program = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(answer_read(text, len, "python", false, &program, &e),
			 -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, part));
}

/* A block of n bytes of code, fenced. */
static char *
block_of(size_t n)
{
	char *text = malloc(n + 32);

	assert_non_null(text);
	assert_int_equal(
		str_printf(text, n + 32, "```python\n%*s\n```\n", (int)n, ""),
		0);
	memset(text + 10, 'x', n);
	return text;
}

static void
test_sizes(void **state)
{
	json_t *program = NULL;
	struct err e = ERR_INIT;
	char *text = block_of(ANSWER_FILE_MAX - 1);

	(void)state;
	assert_int_equal(
		answer_read(text, strlen(text), "python", false, &program, &e),
		0);
	json_decref(program);
	free(text);
	text = block_of(ANSWER_FILE_MAX);
	expect_error(text, strlen(text), "a file is larger than");
	free(text);
	text = block_of(ANSWER_MAX);
	expect_error(text, strlen(text), "is larger than");
	free(text);
	expect_error("```python\nx = 1\0\n```\n", 21, "NUL");
}

static void
test_many_blocks(void **state)
{
	static const char block[] = "```text\nx\n```\n";
	const size_t len = sizeof(block) - 1;
	char text[(ANSWER_BLOCKS_MAX + 1) * sizeof(block)];

	(void)state;
	for (size_t i = 0; i < ANSWER_BLOCKS_MAX + 1; i++)
		memcpy(text + i * len, block, len);
	expect_error(text, (ANSWER_BLOCKS_MAX + 1) * len,
		     "more than 32 code blocks");
}

static void
test_paths_of_tests(void **state)
{
	static const char *const tests[] = {
		"test_solution.py", "solution_test.c", "solution.test.js",
		"x.spec.js",	    "tests.py",	       "tests/x.py",
		"a/test_b.sh",	    "test.js",	       "x-test.js"};
	static const char *const others[] = {"solution.py", "latest.py",
					     "attest.c",    "testing.py",
					     "contest.js",  "protest_x.sh"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (!language_is_tests_path(tests[i]))
			fail_msg("%s", tests[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (language_is_tests_path(others[i]))
			fail_msg("%s", others[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_paths_of_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
