/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect.c - which language is this?  By the file's name, else by its #! line,
 * else by lines that only one language has.  A wrong guess would have the wrong
 * analyzers find nothing, so that in doubt the answer is "".
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "api/analysis/analysis.h"
#include "supervisor/base/str.h"

/* Of a text only so much is looked at. */
#define LOOK_MAX ((size_t)64 << 10)
#define LINE_LOOK_MAX 400
#define NAME_SIZE 32

static const struct {
	const char *suffix, *language;
} suffixes[] = {
	{".py", "python"},
	{".pyw", "python"},
	{".pyi", "python"},
	{".c", "c"},
	{".h", "c"},
	{".js", "javascript"},
	{".mjs", "javascript"},
	{".cjs", "javascript"},
	{".jsx", "javascript"},
	{".sh", "shell"},
	{".bash", "shell"},
	{".bats", "shell"},
	{".ksh", "shell"},
	{".dash", "shell"},
	{".ts", "typescript"},
	{".tsx", "typescript"},
	{".cc", "cpp"},
	{".cpp", "cpp"},
	{".cxx", "cpp"},
	{".hh", "cpp"},
	{".hpp", "cpp"},
	{".java", "java"},
	{".go", "go"},
	{".rs", "rust"},
	{".rb", "ruby"},
	{".php", "php"},
	{".cs", "csharp"},
	{".kt", "kotlin"},
	{".swift", "swift"},
	{".pl", "perl"},
	{".lua", "lua"},
	{".scala", "scala"},
	{".sql", "sql"},
	{".ps1", "powershell"},
	{".html", "html"},
	{".htm", "html"},
	{".vue", "vue"},
};

static const struct {
	const char *program, *language;
} programs[] = {
	{"python", "python"},	  {"pypy", "python"}, {"node", "javascript"},
	{"nodejs", "javascript"}, {"sh", "shell"},    {"bash", "shell"},
	{"dash", "shell"},	  {"ksh", "shell"},   {"ash", "shell"},
	{"bats", "shell"},	  {"perl", "perl"},   {"ruby", "ruby"},
	{"php", "php"},		  {"lua", "lua"},     {"tcc", "c"},
};

/* Text that is data of a program, not one. */
static const char *const data_suffixes[] = {
	".txt",	 ".md",	 ".rst",  ".json", ".jsonl", ".csv", ".tsv",
	".xml",	 ".yml", ".yaml", ".ini",  ".toml",  ".cfg", ".conf",
	".lock", ".log", ".css",  ".svg",  ".dat",   ".env", ".example",
};

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static const char *
by_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (ends_with(base_name(path), suffixes[i].suffix))
			return suffixes[i].language;
	return NULL;
}

bool
analysis_is_data_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(data_suffixes); i++)
		if (ends_with(base_name(path), data_suffixes[i]))
			return true;
	return false;
}

/* ---- the #! line ----------------------------------------------------- */

/* The next word of a line; false at its end. */
static bool
next_word(const char **at, const char *end, char word[NAME_SIZE])
{
	size_t len = 0;

	while (*at < end && (**at == ' ' || **at == '\t'))
		(*at)++;
	while (*at < end && !isspace((unsigned char)**at)) {
		if (len + 1 < NAME_SIZE)
			word[len++] = **at;
		/* Of a path its last part: "/usr/bin/env". */
		if (**at == '/')
			len = 0;
		(*at)++;
	}
	word[len] = '\0';
	return len > 0;
}

/* "python3.11" is python. */
static bool
is_program(const char *word, const char *program)
{
	size_t len = strlen(program);

	return strncmp(word, program, len) == 0 &&
	       strspn(word + len, "0123456789.") == strlen(word + len);
}

static const char *
by_first_line(const char *text, size_t len)
{
	const char *end, *at = text + 2;
	char word[NAME_SIZE];

	if (len < 3 || memcmp(text, "#!", 2) != 0)
		return NULL;
	if (len > LINE_LOOK_MAX)
		len = LINE_LOOK_MAX;
	end = memchr(text, '\n', len);
	if (end == NULL)
		end = text + len;
	while (next_word(&at, end, word)) {
		for (size_t i = 0; i < ARRAY_LEN(programs); i++)
			if (is_program(word, programs[i].program))
				return programs[i].language;
		/* env, its options and variables. */
		if (strcmp(word, "env") != 0 && word[0] != '-' &&
		    strchr(word, '=') == NULL)
			return NULL;
	}
	return NULL;
}

/* ---- the text itself ------------------------------------------------- */

/*
 * What a line of that language begins with, blanks aside, what must come later
 * in it, and how it ends; NULL: whatever.  weight: 2 is enough alone.
 */
static const struct mark {
	const char *language, *begin, *inside, *end;
	unsigned weight;
} marks[] = {
	{"python", "def ", "(", ":", 2},
	{"python", "async def ", "(", ":", 2},
	{"python", "class ", NULL, ":", 1},
	{"python", "from ", " import ", NULL, 1},
	{"python", "if __name__ ==", NULL, ":", 2},
	{"python", "import ", NULL, NULL, 1},
	{"python", "elif ", NULL, ":", 2},
	{"python", "except", NULL, ":", 1},
	{"python", "try:", NULL, NULL, 1},
	{"python", "for ", " in ", ":", 1},
	{"python", "with ", " as ", ":", 1},
	{"python", "print(", NULL, ")", 1},
	{"c", "#include <", NULL, ">", 2},
	{"c", "#include \"", NULL, "\"", 2},
	{"c", "#define ", NULL, NULL, 1},
	{"c", "int main(", NULL, NULL, 2},
	{"c", "typedef struct", NULL, NULL, 2},
	{"c", "static ", "(", NULL, 1},
	{"c", "char *", NULL, NULL, 1},
	{"c", "char ", "[", ";", 1},
	{"c", "void ", "(", NULL, 1},
	{"c", "int ", "(", "{", 1},
	{"javascript", "const ", " = require(", NULL, 2},
	{"javascript", "var ", " = require(", NULL, 2},
	{"javascript", "let ", " = ", ";", 1},
	{"javascript", "const ", " = ", NULL, 1},
	{"javascript", "var ", " = ", NULL, 1},
	{"javascript", "import ", " from '", NULL, 2},
	{"javascript", "import ", " from \"", NULL, 2},
	{"javascript", "module.exports", NULL, NULL, 2},
	{"javascript", "exports.", " = ", NULL, 1},
	{"javascript", "function ", "(", "{", 1},
	{"javascript", "async function ", "(", "{", 2},
	{"javascript", "export default ", NULL, NULL, 2},
	{"javascript", "document.", NULL, NULL, 1},
	{"javascript", "app.get(", NULL, "{", 2},
	{"javascript", "console.log(", NULL, NULL, 1},
	{"shell", "if [ ", "]", NULL, 2},
	{"shell", "if [[ ", "]]", NULL, 2},
	{"shell", "fi", NULL, "fi", 1},
	{"shell", "done", NULL, "done", 1},
	{"shell", "esac", NULL, "esac", 1},
	{"shell", "then", NULL, "then", 1},
	{"shell", "echo ", NULL, NULL, 1},
	{"shell", "set -e", NULL, NULL, 2},
	{"shell", "export ", "=", NULL, 1},
	{"shell", "local ", "=", NULL, 1},
	{"shell", "while ", "; do", NULL, 2},
	{"shell", "for ", "; do", NULL, 2},
	{"shell", "curl ", NULL, NULL, 1},
	{"php", "<?php", NULL, NULL, 4},
	{"go", "package ", NULL, NULL, 1},
	{"go", "func ", "(", "{", 2},
	{"rust", "fn ", "(", "{", 2},
	{"rust", "use ", "::", ";", 2},
	{"rust", "let mut ", NULL, ";", 2},
	{"java", "public class ", NULL, NULL, 3},
	{"java", "import java", NULL, ";", 3},
	{"java", "package ", NULL, ";", 2},
	{"java", "public static ", "(", NULL, 2},
	{"cpp", "using namespace ", NULL, ";", 3},
	{"cpp", "#include <iostream>", NULL, NULL, 4},
	{"cpp", "std::", NULL, NULL, 3},
	{"csharp", "using System", NULL, ";", 4},
	{"ruby", "require '", NULL, NULL, 2},
	{"ruby", "def ", NULL, NULL, 1},
	{"ruby", "end", NULL, "end", 1},
	{"typescript", "interface ", NULL, "{", 2},
	{"typescript", "import type ", NULL, NULL, 4},
	{"html", "<!doctype html", NULL, NULL, 4},
	{"html", "<html", NULL, NULL, 3},
};

static bool
contains(const char *line, size_t len, const char *what)
{
	return memmem(line, len, what, strlen(what)) != NULL;
}

static bool
fits(const struct mark *m, const char *line, size_t len)
{
	size_t begin = strlen(m->begin);

	if (len < begin || strncasecmp(line, m->begin, begin) != 0)
		return false;
	if (m->inside != NULL &&
	    !contains(line + begin, len - begin, m->inside))
		return false;
	if (m->end == NULL)
		return true;
	return len >= strlen(m->end) &&
	       memcmp(line + len - strlen(m->end), m->end, strlen(m->end)) == 0;
}

struct tally {
	bool is_found[ARRAY_LEN(marks)]; /* each counts once */
};

static void
count_line(struct tally *t, const char *line, size_t len)
{
	if (len > LINE_LOOK_MAX)
		len = LINE_LOOK_MAX;
	while (len > 0 && isspace((unsigned char)line[0])) {
		line++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	for (size_t i = 0; len > 0 && i < ARRAY_LEN(marks); i++)
		if (!t->is_found[i])
			t->is_found[i] = fits(&marks[i], line, len);
}

static unsigned
points_of(const struct tally *t, const char *language)
{
	unsigned points = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (t->is_found[i] && strcmp(marks[i].language, language) == 0)
			points += marks[i].weight;
	return points;
}

/* The one that leads clearly, or "". */
static const char *
winner(const struct tally *t)
{
	const char *best = "";
	unsigned most = 0, second = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const char *language = marks[i].language;
		unsigned points = points_of(t, language);

		if (strcmp(language, best) == 0)
			continue;
		if (points > most) {
			second = most;
			most = points;
			best = language;
		} else if (points > second) {
			second = points;
		}
	}
	return most >= 2 && most >= 2 * second ? best : "";
}

static const char *
by_text(const char *text, size_t len)
{
	struct tally tally = {0};

	if (len > LOOK_MAX)
		len = LOOK_MAX;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line_len =
			end != NULL ? (size_t)(end - (text + at)) : len - at;

		count_line(&tally, text + at, line_len);
		at += line_len + 1;
	}
	return winner(&tally);
}

const char *
analysis_detect_language(const char *path, const char *text, size_t len)
{
	const char *language = by_path(path);

	if (language == NULL)
		language = by_first_line(text, len);
	return language != NULL ? language : by_text(text, len);
}
