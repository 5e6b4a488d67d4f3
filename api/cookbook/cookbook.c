/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookbook.c - see cookbook.h.  Read once at the start and never changed, so
 * that workers share it without a lock; what they get is a copy.
 */
#include "api/cookbook/cookbook.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/language.h"
#include "api/cookbook/recipe.h"
#include "api/json.h"
#include "api/workflow/program.h"
#include "supervisor/base/str.h"

#define RECIPES_MAX 256
#define SETTINGS "AZURE_OPENAI_ENDPOINT or PROMPTCRAFT_MODEL_URL"

struct cookbook {
	size_t len;
	struct recipe recipes[]; /* by name */
};

/* ---- start and end --------------------------------------------------- */

static int
is_recipe_folder(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
load_all(const char *dir, struct dirent **names, size_t count,
	 struct cookbook **ret, struct err *e)
{
	struct cookbook *cookbook;

	if (count == 0 || count > RECIPES_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "%.100s: has %zu recipes; 1 to %d are allowed",
			       dir, count, RECIPES_MAX);
	cookbook = calloc(1, sizeof(*cookbook) +
				     count * sizeof(cookbook->recipes[0]));
	if (cookbook == NULL)
		return err_sys(e, "read recipes");
	for (size_t i = 0; i < count; i++) {
		if (recipe_load(dir, names[i]->d_name, &cookbook->recipes[i],
				e) < 0) {
			cookbook_free(cookbook);
			return -1;
		}
		cookbook->len++;
	}
	*ret = cookbook;
	return 0;
}

int
cookbook_load(const char *dir, struct cookbook **ret, struct err *e)
{
	struct dirent **names = NULL;
	int count, rc;

	*ret = NULL;
	if (strcmp(dir, COOKBOOK_NONE) == 0)
		return 0;
	count = scandir(dir, &names, is_recipe_folder, alphasort);
	if (count < 0)
		return err_sys(e, "%.100s (%s: no cookbook)", dir,
			       COOKBOOK_NONE);
	rc = load_all(dir, names, (size_t)count, ret, e);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return rc;
}

void
cookbook_free(struct cookbook *cookbook)
{
	if (cookbook == NULL)
		return;
	for (size_t i = 0; i < cookbook->len; i++)
		recipe_done(&cookbook->recipes[i]);
	free(cookbook);
}

/* ---- which recipe ---------------------------------------------------- */

/* What the request says counts before what the goal says; "" any. */
static const char *
wanted_language(const struct author_task *task, const struct goal *goal)
{
	const struct language *l =
		language_by_word(task->language, strlen(task->language));

	if (l != NULL)
		return l->name;
	return task->language[0] != '\0' ? task->language : goal->language;
}

/* Of equals, Python, in which more people will read it; then by name. */
static bool
is_better(const struct recipe *a, unsigned a_score, const struct recipe *b,
	  unsigned b_score)
{
	if (b == NULL || a_score != b_score)
		return b == NULL || a_score > b_score;
	return strcmp(b->language, "python") != 0 &&
	       strcmp(a->language, "python") == 0;
}

/* language "": any.  NULL: none suits. */
static const struct recipe *
best_recipe(const struct cookbook *cookbook, const struct goal *goal,
	    const char *language, struct fit *ret_fit)
{
	const struct recipe *best = NULL;

	*ret_fit = (struct fit){0};
	for (size_t i = 0; i < cookbook->len; i++) {
		const struct recipe *recipe = &cookbook->recipes[i];
		struct fit fit = recipe_fit(recipe, goal);

		if (!recipe_suits(&fit) ||
		    (language[0] != '\0' &&
		     strcmp(language, recipe->language) != 0) ||
		    !is_better(recipe, fit.score, best, ret_fit->score))
			continue;
		best = recipe;
		*ret_fit = fit;
	}
	return best;
}

/* ---- what cannot be had ---------------------------------------------- */

/* "jwt" of "jwt-python" */
static size_t
topic_len(const struct recipe *recipe)
{
	size_t len = strlen(recipe->name), end = strlen(recipe->language);

	if (len > end + 1 && recipe->name[len - end - 1] == '-' &&
	    strcmp(recipe->name + len - end, recipe->language) == 0)
		len -= end + 1;
	return len;
}

static bool
is_new_topic(const struct cookbook *cookbook, size_t at)
{
	const struct recipe *recipe = &cookbook->recipes[at];
	size_t len = topic_len(recipe);

	for (size_t i = 0; i < at; i++)
		if (topic_len(&cookbook->recipes[i]) == len &&
		    strncmp(cookbook->recipes[i].name, recipe->name, len) == 0)
			return false;
	return true;
}

static int
no_recipe(const struct cookbook *cookbook, struct err *e)
{
	char topics[ERR_TEXT_MAX] = "";
	size_t at = 0;

	for (size_t i = 0; i < cookbook->len; i++) {
		const struct recipe *recipe = &cookbook->recipes[i];

		if (at + topic_len(recipe) + 2 >= sizeof(topics))
			break;
		if (is_new_topic(cookbook, i))
			at += (size_t)snprintf(topics + at, sizeof(topics) - at,
					       " %.*s", (int)topic_len(recipe),
					       recipe->name);
	}
	return err_set(e, ERR_NOT_FOUND, 0,
		       "no context.code, no model (" SETTINGS
		       ") and no recipe fits; there are:%s",
		       topics);
}

/* Tests of the client say what is wanted; a recipe is what it is. */
static int
check_tests(const struct author_task *task, struct err *e)
{
	struct program_given given;

	if (program_given(task->context, &given, e) < 0)
		return -1;
	if (given.tests == NULL &&
	    json_text(task->context, "code_path")[0] == '\0')
		return 0;
	return err_set(e, ERR_NOT_FOUND, 0,
		       "a recipe of the cookbook has its own tests and file "
		       "names; for yours send context.code or set " SETTINGS);
}

static const struct recipe *
choose(const struct cookbook *cookbook, const struct author_task *task,
       struct goal *goal, struct fit *fit, struct err *e)
{
	const struct recipe *recipe, *other;
	const char *language;

	goal_init(goal, task->goal);
	language = wanted_language(task, goal);
	recipe = best_recipe(cookbook, goal, language, fit);
	if (recipe != NULL)
		return recipe;
	other = best_recipe(cookbook, goal, "", fit);
	if (other == NULL)
		no_recipe(cookbook, e);
	else
		err_set(e, ERR_NOT_FOUND, 0,
			"the cookbook has %s, but nothing like it in %.16s; "
			"for that send context.code or set " SETTINGS,
			other->name, language);
	return NULL;
}

static int
check_ready(void *arg, const struct author_task *task, struct err *e)
{
	struct goal goal;
	struct fit fit;

	if (task->previous != NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "the cookbook mends nothing; a model would "
			       "(" SETTINGS ")");
	if (check_tests(task, e) < 0)
		return -1;
	return choose(arg, task, &goal, &fit, e) != NULL ? 0 : -1;
}

/* ---- the author ------------------------------------------------------ */

static json_t *
about(const struct recipe *recipe, const struct goal *goal,
      const struct fit *fit)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", recipe->name,
			 "title", recipe->title, "does", recipe->does, "score",
			 (json_int_t)fit->score, "not_about",
			 recipe_open_words(recipe, goal));
}

static int
write_program(void *arg, const struct author_task *task,
	      struct author_work *ret, struct err *e)
{
	const struct recipe *recipe;
	struct goal goal;
	struct fit fit;

	*ret = (struct author_work){0};
	if (check_ready(arg, task, e) < 0)
		return -1;
	recipe = choose(arg, task, &goal, &fit, e);
	if (recipe == NULL)
		return -1;
	ret->program = json_deep_copy(recipe->program);
	ret->recipe = about(recipe, &goal, &fit);
	if (ret->program == NULL || ret->recipe == NULL) {
		json_decref(ret->program);
		json_decref(ret->recipe);
		*ret = (struct author_work){0};
		return err_set(e, ERR_IO, ENOMEM, "copy a recipe");
	}
	(void)str_copy(ret->source, sizeof(ret->source), "cookbook");
	(void)str_copy(ret->agent, sizeof(ret->agent), recipe->agent);
	return 0;
}

struct workflow_author
cookbook_author(struct cookbook *cookbook)
{
	return (struct workflow_author){.arg = cookbook,
					.never_mends = true,
					.check_ready = check_ready,
					.write = write_program};
}
