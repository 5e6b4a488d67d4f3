/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language.c - see language.h.  Names and default paths are those of
 * jail/runtimes/.../runtime.ini.
 */
#include "api/agents/language.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct language table[] = {
	{
		.name = "python",
		.words = {"python", "py", "python3"},
		.suffixes = {".py"},
		.code_path = "solution.py",
		.tests_path = "test_solution.py",
		.test_marks = {"import unittest", "import pytest",
			       "from unittest", "\ndef test_", "def test_"},
		.test_rules =
			"test_solution.py uses unittest, imports what it tests "
			"from the module solution, and needs nothing but the "
			"standard library.",
	},
	{
		.name = "javascript",
		.words = {"javascript", "js", "node", "nodejs"},
		.suffixes = {".js", ".cjs", ".mjs"},
		.code_path = "solution.js",
		.tests_path = "test_solution.js",
		.test_marks = {"node:test", "node:assert", "require('assert')",
			       "require(\"assert\")"},
		.test_rules =
			"solution.js exports by module.exports; "
			"test_solution.js uses node:test and node:assert and "
			"requires './solution'. There are no npm packages.",
	},
	{
		.name = "c",
		.words = {"c", "gcc", "c17", "c11", "c99"},
		.suffixes = {".c", ".h"},
		.code_path = "solution.c",
		.tests_path = "test_solution.c",
		.header_path = "solution.h",
		.test_marks = {"cmocka.h", "unity.h", "printf(\"ok ",
			       "printf(\"not ok "},
		.test_rules =
			"solution.c has no main(); its declarations are in a "
			"third file, solution.h. test_solution.c includes "
			"\"solution.h\", has main(), and prints TAP: a line "
			"\"1..N\", then \"ok 1 - what\" or \"not ok 1 - what\" "
			"for each test; it returns 1 if one failed.",
	},
	{
		.name = "shell",
		.words = {"shell", "sh", "bash"},
		.suffixes = {".sh", ".bash", ".bats"},
		.code_path = "solution.sh",
		.tests_path = "test_solution.sh",
		.test_marks = {"bats", "@test", "echo \"1..", "echo 1.."},
		.test_rules =
			"test_solution.sh runs sh ./solution.sh or sources it, "
			"and prints TAP: a line \"1..N\", then \"ok 1 - what\" "
			"or \"not ok 1 - what\" for each test; it exits with 1 "
			"if one failed.",
	},
	{.name = NULL},
};

const struct language *
languages(void)
{
	return table;
}

void
language_names(char *dst, size_t size)
{
	size_t used = 0;

	dst[0] = '\0';
	for (const struct language *l = table; l->name != NULL && used < size;
	     l++)
		used += (size_t)snprintf(dst + used, size - used, "%s%s",
					 used > 0 ? ", " : "", l->name);
}

const struct language *
language_by_word(const char *word, size_t len)
{
	for (const struct language *l = table; l->name != NULL; l++)
		for (size_t i = 0; i < LANGUAGE_WORDS_MAX; i++)
			if (l->words[i] != NULL && strlen(l->words[i]) == len &&
			    strncasecmp(l->words[i], word, len) == 0)
				return l;
	return NULL;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcasecmp(text + len - end_len, end) == 0;
}

const struct language *
language_by_path(const char *path)
{
	for (const struct language *l = table; l->name != NULL; l++)
		for (size_t i = 0; i < LANGUAGE_WORDS_MAX; i++)
			if (l->suffixes[i] != NULL &&
			    ends_with(path, l->suffixes[i]))
				return l;
	return NULL;
}

bool
language_is_tests_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const char *dot = strchr(name, '.');
	size_t stem = dot != NULL ? (size_t)(dot - name) : strlen(name);

	if (strncmp(path, "tests/", 6) == 0 || strncmp(path, "test/", 5) == 0)
		return true;
	if (strncasecmp(name, "test_", 5) == 0 ||
	    strncasecmp(name, "test-", 5) == 0)
		return true;
	if (stem > 5 && (strncmp(name + stem - 5, "_test", 5) == 0 ||
			 strncmp(name + stem - 5, "-test", 5) == 0))
		return true;
	if (dot != NULL &&
	    (strncmp(dot, ".test.", 6) == 0 || strncmp(dot, ".spec.", 6) == 0))
		return true;
	return (stem == 5 && strncmp(name, "tests", 5) == 0) ||
	       (stem == 4 && strncmp(name, "test", 4) == 0);
}

bool
language_is_header_path(const char *path)
{
	return ends_with(path, ".h");
}

bool
language_looks_like_tests(const struct language *language, const char *text)
{
	for (size_t i = 0; i < LANGUAGE_WORDS_MAX; i++)
		if (language->test_marks[i] != NULL &&
		    strstr(text, language->test_marks[i]) != NULL)
			return true;
	return false;
}
