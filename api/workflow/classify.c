/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify.c - see classify.h.  A rule fits when one of its words occurs
 * anywhere, in any case; the first rule that fits wins; the last one has no
 * words and always fits.
 */
#include "api/workflow/classify.h"

#include <stdbool.h>
#include <string.h>

#define WORDS_MAX 5

struct rule {
	const char *name;
	const char *words[WORDS_MAX];
};

static const struct rule types[] = {
	{"code_generation", {"generate", "create", "implement", "write"}},
	{"testing", {"test", "verify", "validate"}},
	{"security_analysis", {"security", "analyze", "scan"}},
	{"deployment", {"deploy", "install", "configure"}},
	{"generic", {NULL}},
};

static const struct rule agents[] = {
	{"security_agent", {"security", "vulnerability", "auth"}},
	{"web_dev_agent", {"code", "implement", "function"}},
	{"web_dev_agent", {"test", "verify", "validate"}},
	{"create_agent", {NULL}},
};

static bool
fits(const struct rule *rule, const char *text)
{
	if (rule->words[0] == NULL)
		return true;
	for (size_t i = 0; i < WORDS_MAX && rule->words[i] != NULL; i++) {
		if (strcasestr(text, rule->words[i]) != NULL)
			return true;
	}
	return false;
}

static const char *
first_fit(const struct rule *rule, const char *text)
{
	while (!fits(rule, text))
		rule++;
	return rule->name;
}

const char *
classify_type(const char *text)
{
	return first_fit(types, text);
}

const char *
classify_agent(const char *text)
{
	return first_fit(agents, text);
}
