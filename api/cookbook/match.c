/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.c - which words a goal has, and how well a recipe suits it: see
 * recipe.h.  Deliberately plain, so that anybody can foresee what is taken.
 */
#include <ctype.h>
#include <string.h>

#include "api/cookbook/recipe.h"
#include "supervisor/base/str.h"

/* Words that say nothing of what a program is to do. */
static const char *const generic[] = {
	/* grammar */
	"a", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can",
	"each", "for", "from", "has", "have", "i", "if", "in", "into", "is",
	"it", "its", "me", "must", "my", "need", "of", "on", "or", "our", "out",
	"please", "should", "so", "some", "that", "the", "them", "then", "this",
	"to", "use", "used", "using", "via", "want", "we", "when", "which",
	"will", "with", "you", "your",
	/* what any goal asks for */
	"add", "build", "code", "create", "develop", "function", "generate",
	"helper", "implement", "implementation", "library", "make", "module",
	"program", "provide", "script", "snippet", "task", "tool", "utility",
	"write", "writing", "class",
	/* how */
	"basic", "clean", "complete", "correct", "good", "production", "ready",
	"reliable", "robust", "safe", "safely", "secure", "securely", "simple",
	"small", "thorough", "tested", "well",
	/* what the workflow itself does */
	"deploy", "release", "review", "run", "ship", "test", "testing", "unit",
	/* languages are looked at by themselves */
	"bash", "c", "javascript", "js", "language", "node", "nodejs", "python",
	"python3", "sh", "shell", "standard"};

/* How goals call languages; what has no runtime stands for itself. */
static const struct {
	const char *word, *language;
} languages[] = {
	{"python", "python"},
	{"python3", "python"},
	{"py", "python"},
	{"javascript", "javascript"},
	{"js", "javascript"},
	{"node", "javascript"},
	{"nodejs", "javascript"},
	{"shell", "shell"},
	{"bash", "shell"},
	{"sh", "shell"},
	{"c99", "c"},
	{"c11", "c"},
	{"c17", "c"},
	{"c++", "c++"},
	{"cpp", "c++"},
	{"c#", "c#"},
	{"csharp", "c#"},
	{"java", "java"},
	{"golang", "go"},
	{"rust", "rust"},
	{"ruby", "ruby"},
	{"php", "php"},
	{"perl", "perl"},
	{"typescript", "typescript"},
	{"kotlin", "kotlin"},
	{"swift", "swift"},
	{"scala", "scala"},
	{"haskell", "haskell"},
	{"elixir", "elixir"},
	{"powershell", "powershell"},
};

/* Too short to mean a language anywhere but after "in", or before these. */
static const char *const short_languages[] = {"c", "go", "r"};
static const char *const after_language[] = {"function", "library", "module",
					     "program",	 "code",    NULL};

/* ---- words ----------------------------------------------------------- */

/* The letters of "c++" and "c#" and all that is not ASCII belong to words. */
static bool
is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       c == '+' || c == '#';
}

static bool
is_in(const char *word, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len && list[i] != NULL; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* A word of ours, of pattern_len bytes, and one of the goal's. */
static bool
word_fits(const char *pattern, size_t pattern_len, const char *word)
{
	size_t len = strlen(word);

	if (pattern_len > 0 && pattern[pattern_len - 1] == '*')
		return strncmp(word, pattern, pattern_len - 1) == 0;
	if (len == pattern_len + 1 && word[len - 1] == 's')
		len--;
	return len == pattern_len && strncmp(word, pattern, len) == 0;
}

static bool
is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0';
}

static bool
is_generic_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(generic); i++)
		if (word_fits(generic[i], strlen(generic[i]), word))
			return true;
	return is_number(word);
}

static void
split(struct goal *g, const char *text)
{
	size_t at = 0;

	while (*text != '\0' && g->len < GOAL_WORDS_MAX) {
		size_t begin = at;

		while (*text != '\0' && !is_word_byte(*text))
			text++;
		while (is_word_byte(*text) && at < sizeof(g->text) - 1)
			g->text[at++] = (char)tolower((unsigned char)*text++);
		if (at == begin || at == sizeof(g->text) - 1)
			break;
		g->words[g->len++] = g->text + begin;
		g->text[at++] = '\0';
	}
}

/* ---- the language ---------------------------------------------------- */

static bool
is_short_language(const struct goal *g, size_t at)
{
	const char *before = at > 0 ? g->words[at - 1] : "";
	const char *after = at + 1 < g->len ? g->words[at + 1] : "";

	if (!is_in(g->words[at], short_languages, ARRAY_LEN(short_languages)))
		return false;
	return strcmp(before, "in") == 0 || strcmp(before, "ansi") == 0 ||
	       is_in(after, after_language, ARRAY_LEN(after_language));
}

static const char *
language_of_word(const struct goal *g, size_t at)
{
	if (is_short_language(g, at))
		return g->words[at];
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strcmp(g->words[at], languages[i].word) == 0)
			return languages[i].language;
	return NULL;
}

void
goal_init(struct goal *ret, const char *text)
{
	*ret = (struct goal){0};
	split(ret, text);
	for (size_t i = 0; i < ret->len; i++) {
		const char *language = language_of_word(ret, i);

		if (language != NULL && ret->language[0] == '\0')
			(void)str_copy(ret->language, sizeof(ret->language),
				       language);
		ret->is_generic[i] =
			language != NULL || is_generic_word(ret->words[i]);
	}
}

/* ---- phrases --------------------------------------------------------- */

/* The next word of a list; NULL at its end. */
static const char *
next_word(const char **at, size_t *ret_len)
{
	const char *word;

	*at += strspn(*at, " ");
	word = *at;
	*ret_len = strcspn(word, " ");
	*at += *ret_len;
	return *ret_len > 0 ? word : NULL;
}

static bool
occurs_at(const char *phrase, const struct goal *g, size_t at)
{
	const char *word;
	size_t len;

	while ((word = next_word(&phrase, &len)) != NULL) {
		if (at >= g->len || !word_fits(word, len, g->words[at]))
			return false;
		at++;
	}
	return true;
}

static bool
occurs(const char *phrase, const struct goal *g)
{
	for (size_t i = 0; i < g->len; i++)
		if (occurs_at(phrase, g, i))
			return true;
	return false;
}

static bool
has_word(const char *list, const char *word)
{
	const char *own;
	size_t len;

	while ((own = next_word(&list, &len)) != NULL)
		if (word_fits(own, len, word))
			return true;
	return false;
}

static bool
is_about(const struct recipe *recipe, const char *word)
{
	for (size_t i = 0; i < recipe->matches_len; i++)
		if (has_word(recipe->matches[i].phrase, word))
			return true;
	return has_word(recipe->words, word);
}

struct fit
recipe_fit(const struct recipe *recipe, const struct goal *goal)
{
	struct fit fit = {0};

	for (size_t i = 0; i < recipe->matches_len; i++)
		if (occurs(recipe->matches[i].phrase, goal))
			fit.score += recipe->matches[i].weight;
	for (size_t i = 0; i < goal->len; i++) {
		if (goal->is_generic[i])
			continue;
		fit.content++;
		if (is_about(recipe, goal->words[i]))
			fit.known++;
	}
	return fit;
}

bool
recipe_suits(const struct fit *fit)
{
	return fit->score >= RECIPE_SCORE_MIN && fit->known * 2 >= fit->content;
}

json_t *
recipe_open_words(const struct recipe *recipe, const struct goal *goal)
{
	json_t *open = json_array();

	for (size_t i = 0; i < goal->len; i++)
		if (!goal->is_generic[i] && !is_about(recipe, goal->words[i]))
			json_array_append_new(open,
					      json_string(goal->words[i]));
	return open;
}
