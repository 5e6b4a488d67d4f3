/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe.c - reads one recipe's folder.  An unknown key, one that is there
 * twice or is missing, a file that is not there: all are errors with file and
 * line, so that no recipe means less than its author thinks.
 */
#include "api/cookbook/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/language.h"
#include "api/ini.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define WEIGHT_MAX 100

struct reader {
	const char *folder; /* the recipe's */
	const char *name;   /* as it should be */
	bool is_in_recipe;
	struct recipe *recipe;
	struct ini ini;
};

/* ---- keys ------------------------------------------------------------ */

static int
read_text(const struct reader *r, const char *key, const char *value,
	  char *field, size_t size)
{
	if (field[0] != '\0')
		return ini_fail(&r->ini, "%s is there twice", key);
	if (value[0] == '\0' || str_copy(field, size, value) < 0)
		return ini_fail(&r->ini, "%s has 1 to %zu bytes", key,
				size - 1);
	return 0;
}

/* Words as match.c compares them. */
static bool
is_phrase(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		bool ends = p[1] == ' ' || p[1] == '\0';

		if (!(islower((unsigned char)*p) ||
		      isdigit((unsigned char)*p) || *p == ' ' ||
		      (*p == '*' && p > text && p[-1] != ' ' && ends)))
			return false;
	}
	return text[0] != '\0';
}

static int
read_match(const struct reader *r, const char *value)
{
	struct recipe *recipe = r->recipe;
	struct recipe_match *match = &recipe->matches[recipe->matches_len];
	char *phrase = NULL;
	unsigned long weight = strtoul(value, &phrase, 10);

	if (recipe->matches_len == RECIPE_MATCHES_MAX)
		return ini_fail(&r->ini, "more than %d matches",
				RECIPE_MATCHES_MAX);
	if (!isdigit((unsigned char)value[0]) || *phrase != ' ' ||
	    weight == 0 || weight > WEIGHT_MAX)
		return ini_fail(
			&r->ini,
			"match = WEIGHT PHRASE, with a weight of 1 to %d",
			WEIGHT_MAX);
	phrase += strspn(phrase, " ");
	if (!is_phrase(phrase) ||
	    str_copy(match->phrase, sizeof(match->phrase), phrase) < 0)
		return ini_fail(
			&r->ini,
			"a phrase is 1 to %zu bytes of a-z, 0-9, blanks, "
			"and a * at the end of a word",
			sizeof(match->phrase) - 1);
	match->weight = (unsigned)weight;
	recipe->matches_len++;
	return 0;
}

static int
read_words(const struct reader *r, const char *value)
{
	char *words = r->recipe->words;
	size_t len = strlen(words), size = sizeof(r->recipe->words);

	if (!is_phrase(value) ||
	    str_printf(words + len, size - len, "%s ", value) < 0)
		return ini_fail(
			&r->ini,
			"words are a-z, 0-9, blanks, and a * at the end of "
			"a word; at most %zu bytes",
			size - 1);
	return 0;
}

/* ---- files ----------------------------------------------------------- */

static json_t *
read_file(const struct reader *r, const char *name)
{
	owned_mem char *text = NULL;
	struct err e = ERR_INIT;
	json_t *value = NULL;
	char path[512];
	size_t len;

	if (name[0] == '.' || strchr(name, '/') != NULL ||
	    str_printf(path, sizeof(path), "%s/%s", r->folder, name) < 0) {
		ini_fail(&r->ini, "%.64s is not a file of this folder", name);
		return NULL;
	}
	if (fd_read_file(AT_FDCWD, path, RECIPE_FILE_MAX, &text, &len, &e) <
	    0) {
		ini_fail(&r->ini, "%.120s", e.text);
		return NULL;
	}
	if (len > 0)
		value = json_stringn(text, len);
	if (value == NULL)
		ini_fail(&r->ini, "%.64s is empty or not UTF-8", name);
	return value;
}

static int
read_program(const struct reader *r, const char *key, const char *name)
{
	json_t *program = r->recipe->program, *text;
	char path_key[16];

	if (json_object_get(program, key) != NULL)
		return ini_fail(&r->ini, "%s is there twice", key);
	text = read_file(r, name);
	if (text == NULL)
		return -1;
	(void)str_printf(path_key, sizeof(path_key), "%s_path", key);
	json_object_set_new(program, path_key, json_string(name));
	json_object_set_new(program, key, text);
	return 0;
}

static int
read_more(const struct reader *r, const char *name)
{
	json_t *files = json_object_get(r->recipe->program, "files");
	json_t *text = read_file(r, name);

	if (text == NULL)
		return -1;
	if (files == NULL) {
		files = json_array();
		json_object_set_new(r->recipe->program, "files", files);
	}
	json_array_append_new(
		files, json_pack("{s:s, s:o}", "path", name, "content", text));
	return 0;
}

/* ---- lines ----------------------------------------------------------- */

static int
read_pair(const struct reader *r, const char *key, const char *value)
{
	struct recipe *c = r->recipe;

	if (strcmp(key, "name") == 0)
		return read_text(r, key, value, c->name, sizeof(c->name));
	if (strcmp(key, "title") == 0)
		return read_text(r, key, value, c->title, sizeof(c->title));
	if (strcmp(key, "does") == 0)
		return read_text(r, key, value, c->does, sizeof(c->does));
	if (strcmp(key, "language") == 0)
		return read_text(r, key, value, c->language,
				 sizeof(c->language));
	if (strcmp(key, "agent") == 0)
		return read_text(r, key, value, c->agent, sizeof(c->agent));
	if (strcmp(key, "match") == 0)
		return read_match(r, value);
	if (strcmp(key, "words") == 0)
		return read_words(r, value);
	if (strcmp(key, "code") == 0 || strcmp(key, "tests") == 0)
		return read_program(r, key, value);
	if (strcmp(key, "file") == 0)
		return read_more(r, value);
	return ini_fail(&r->ini, "unknown key %.32s", key);
}

static int
read_line(struct reader *r, char *text)
{
	char *key, *value;

	if (text[0] == '\0')
		return 0;
	if (strcmp(text, "[recipe]") == 0 && !r->is_in_recipe) {
		r->is_in_recipe = true;
		return 0;
	}
	if (!r->is_in_recipe || !ini_pair(text, &key, &value))
		return ini_fail(&r->ini, "expected [recipe], then key = value");
	return read_pair(r, key, value);
}

static int
read_lines(struct reader *r)
{
	const char *line;
	size_t len;

	while (ini_next(&r->ini, &line, &len)) {
		char *text = ini_line(&r->ini, line, len);

		if (text == NULL || read_line(r, text) < 0)
			return -1;
	}
	return 0;
}

static int
check_whole(const struct reader *r)
{
	const struct recipe *c = r->recipe;
	const struct language *l =
		language_by_word(c->language, strlen(c->language));

	if (strcmp(c->name, r->name) != 0 ||
	    !str_is_name(c->name, sizeof(c->name) - 1))
		return ini_fail(&r->ini, "name must be that of the folder");
	if (c->title[0] == '\0' || c->does[0] == '\0' || c->agent[0] == '\0')
		return ini_fail(&r->ini, "title, does or agent is missing");
	if (l == NULL || strcmp(l->name, c->language) != 0)
		return ini_fail(&r->ini,
				"language must be python, javascript, c or "
				"shell");
	if (json_object_get(c->program, "code") == NULL ||
	    json_object_get(c->program, "tests") == NULL)
		return ini_fail(&r->ini, "code or tests is missing");
	if (c->matches_len == 0)
		return ini_fail(&r->ini, "match is missing");
	json_object_set_new(c->program, "language", json_string(c->language));
	return 0;
}

static int
read_recipe(struct reader *r)
{
	owned_mem char *text = NULL;
	char path[512], file[128];

	if (str_printf(path, sizeof(path), "%s/recipe.ini", r->folder) < 0 ||
	    str_printf(file, sizeof(file), "%s/recipe.ini", r->name) < 0)
		return err_set(r->ini.e, ERR_INVALID, 0,
			       "%.64s: the path is too long", r->name);
	if (fd_read_file(AT_FDCWD, path, RECIPE_INI_MAX, &text, &r->ini.len,
			 r->ini.e) < 0)
		return -1;
	r->ini.text = text;
	r->ini.file = file;
	if (read_lines(r) < 0)
		return -1;
	return check_whole(r);
}

int
recipe_load(const char *dir, const char *name, struct recipe *ret,
	    struct err *e)
{
	char folder[448];
	struct reader r = {
		.folder = folder, .name = name, .recipe = ret, .ini = {.e = e}};

	*ret = (struct recipe){.program = json_object()};
	if (ret->program == NULL)
		return err_set(e, ERR_IO, ENOMEM, "read a recipe");
	if (str_printf(folder, sizeof(folder), "%s/%s", dir, name) < 0)
		err_set(e, ERR_INVALID, 0, "%.64s: the path is too long", name);
	else if (read_recipe(&r) == 0)
		return 0;
	recipe_done(ret);
	return -1;
}

void
recipe_done(struct recipe *recipe)
{
	json_decref(recipe->program);
	*recipe = (struct recipe){0};
}
