/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.c - the rules that are known: loads them from their folders and looks
 * them up.  The files are the operator's; they are read once, at the start
 * (rule_read.c).
 */
#include "api/analysis/rule.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "api/analysis/rule_impl.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define LANGUAGES_MAX 32

static void
rule_done(struct rule *rule)
{
	free(rule->title);
	free(rule->description);
	free(rule->recommendation);
	free(rule->good);
	for (size_t i = 0; i < rule->references_len; i++)
		free(rule->references[i]);
	free(rule->references);
}

/* ---- folders --------------------------------------------------------- */

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
is_rule_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = strlen(RULE_SUFFIX);

	return entry->d_name[0] != '.' && len > end &&
	       strcmp(entry->d_name + len - end, RULE_SUFFIX) == 0;
}

static int
load_file(struct rules *rules, const char *dir, const char *language,
	  const char *file, struct err *e)
{
	char path[1024], name[RULE_ID_SIZE];
	owned_mem char *text = NULL;
	size_t len = 0;

	if (str_printf(name, sizeof(name), "%.*s",
		       (int)(strlen(file) - strlen(RULE_SUFFIX)), file) < 0 ||
	    str_printf(path, sizeof(path), "%s/%s/%s", dir, language, file) < 0)
		return err_set(e, ERR_INVALID, 0, "%.64s: the name is too long",
			       file);
	if (!str_is_name(name, sizeof(name) - 1))
		return err_set(
			e, ERR_INVALID, 0,
			"%.32s/%.64s: a name is letters, digits, _ and -",
			language, file);
	if (fd_read_file(AT_FDCWD, path, RULE_FILE_MAX, &text, &len, e) < 0)
		return -1;
	return rules_add(rules, language, name, text, len, e);
}

struct listing {
	struct dirent **names;
	int len;
};

static void
listing_done(struct listing *l)
{
	for (int i = 0; i < l->len; i++)
		free(l->names[i]);
	free(l->names);
}

static int
load_language(struct rules *rules, const char *dir, const char *language,
	      struct err *e)
{
	struct listing files = {0};
	char path[1024];
	int rc = 0;

	if (str_printf(path, sizeof(path), "%s/%s", dir, language) < 0 ||
	    !str_is_name(language, RULE_ID_SIZE / 2))
		return err_set(e, ERR_INVALID, 0, "%.64s: not a language",
			       language);
	files.len = scandir(path, &files.names, is_rule_file, alphasort);
	if (files.len < 0)
		return err_sys(e, "%.100s", path);
	for (int i = 0; rc == 0 && i < files.len; i++)
		rc = load_file(rules, dir, language, files.names[i]->d_name, e);
	listing_done(&files);
	return rc;
}

static int
load_all(struct rules *rules, const char *dir, struct err *e)
{
	struct listing folders = {0};
	int rc = 0;

	folders.len = scandir(dir, &folders.names, is_visible, alphasort);
	if (folders.len < 0)
		return err_sys(e, "%.100s", dir);
	if (folders.len > LANGUAGES_MAX)
		rc = err_set(e, ERR_LIMIT, 0, "%.100s: more than %d languages",
			     dir, LANGUAGES_MAX);
	for (int i = 0; rc == 0 && i < folders.len; i++)
		rc = load_language(rules, dir, folders.names[i]->d_name, e);
	listing_done(&folders);
	return rc;
}

struct rules *
rules_new(struct err *e)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL)
		err_sys(e, "read rules");
	return rules;
}

int
rules_load(const char *dir, struct rules **ret, struct err *e)
{
	struct rules *rules = rules_new(e);

	if (rules == NULL)
		return -1;
	if (load_all(rules, dir, e) < 0) {
		rules_free(rules);
		return -1;
	}
	*ret = rules;
	return 0;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->len; i++)
		rule_done(&rules->at[i]);
	for (size_t i = 0; i < rules->matches_len; i++)
		free(rules->matches[i].name);
	free(rules);
}

/* ---- look-ups -------------------------------------------------------- */

size_t
rules_count(const struct rules *rules)
{
	return rules->len;
}

const struct rule *
rules_find(const struct rules *rules, const char *id)
{
	for (size_t i = 0; i < rules->len; i++)
		if (strcmp(rules->at[i].id, id) == 0)
			return &rules->at[i];
	return NULL;
}

const struct rule *
rules_match(const struct rules *rules, const char *language, const char *tool,
	    const char *check)
{
	char name[RULE_MATCH_SIZE];

	if (str_printf(name, sizeof(name), "%s %s %s", language, tool, check) <
	    0)
		return NULL;
	for (size_t i = 0; i < rules->matches_len; i++)
		if (strcmp(rules->matches[i].name, name) == 0)
			return &rules->at[rules->matches[i].rule];
	return NULL;
}
