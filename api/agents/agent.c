/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - reads one agent's file.  An unknown key, one that is there twice, a
 * tool that does not exist, an unknown word in braces: all are errors with file
 * and line, so that no file means less than its author thinks.
 */
#include "api/agents/agent.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ini.h"
#include "supervisor/base/str.h"

static const struct {
	const char *name, *says;
} tools[] = {
	{"code_interpreter",
	 "The tests are run in a sandbox without network and without any "
	 "package but the standard library."},
	{"heimdall",
	 "The code is analysed for security weaknesses; serious ones are sent "
	 "back to be mended."},
};

struct reader {
	struct ini ini;
	struct agent *agent;
	bool is_in_agent, has_temperature, has_keywords, has_tools;
};

/* ---- keys ------------------------------------------------------------ */

static int
read_name(struct reader *r, const char *value)
{
	if (r->agent->name[0] != '\0')
		return ini_fail(&r->ini, "name is there twice");
	if (!str_is_name(value, AGENT_NAME_SIZE - 1))
		return ini_fail(&r->ini,
				"name must be 1 to %d of a-z, 0-9, _ and -",
				AGENT_NAME_SIZE - 1);
	return str_copy(r->agent->name, AGENT_NAME_SIZE, value);
}

static int
read_temperature(struct reader *r, const char *value)
{
	char *end = NULL;
	double number;

	if (r->has_temperature)
		return ini_fail(&r->ini, "temperature is there twice");
	number = strtod(value, &end);
	if (end == value || *end != '\0' || !isfinite(number) || number < 0 ||
	    number > 2)
		return ini_fail(&r->ini,
				"temperature must be a number from 0 to 2");
	r->agent->temperature = number;
	r->has_temperature = true;
	return 0;
}

static int
add_keyword(struct reader *r, const char *word)
{
	struct agent *agent = r->agent;

	if (agent->keywords_len == AGENT_KEYWORDS_MAX)
		return ini_fail(&r->ini, "more than %d keywords",
				AGENT_KEYWORDS_MAX);
	if (strlen(word) < 3 || str_copy(agent->keywords[agent->keywords_len],
					 sizeof(agent->keywords[0]), word) < 0)
		return ini_fail(&r->ini, "a keyword has 3 to %zu bytes",
				sizeof(agent->keywords[0]) - 1);
	agent->keywords_len++;
	return 0;
}

static int
add_tool(struct reader *r, const char *word)
{
	struct agent *agent = r->agent;

	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		if (strcmp(tools[i].name, word) != 0)
			continue;
		if (agent->tools_len == AGENT_TOOLS_MAX)
			return ini_fail(&r->ini, "more than %d tools",
					AGENT_TOOLS_MAX);
		agent->tools[agent->tools_len++] = tools[i].says;
		return 0;
	}
	return ini_fail(&r->ini,
			"unknown tool %.32s: code_interpreter and heimdall "
			"are known",
			word);
}

static int
read_list(struct reader *r, char *value, const char *key, bool *has,
	  int (*add)(struct reader *r, const char *word))
{
	char *save = NULL;

	if (*has)
		return ini_fail(&r->ini, "%s is there twice", key);
	*has = true;
	for (char *word = strtok_r(value, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save))
		if (add(r, ini_trim(word)) < 0)
			return -1;
	return 0;
}

static int
read_key(struct reader *r, char *text)
{
	char *value;

	if (!ini_pair(text, &text, &value))
		return ini_fail(&r->ini, "expected key = value or [system]");
	if (!r->is_in_agent)
		return ini_fail(&r->ini, "%.32s stands before [agent]", text);
	if (strcmp(text, "name") == 0)
		return read_name(r, value);
	if (strcmp(text, "temperature") == 0)
		return read_temperature(r, value);
	if (strcmp(text, "keywords") == 0)
		return read_list(r, value, text, &r->has_keywords, add_keyword);
	if (strcmp(text, "tools") == 0)
		return read_list(r, value, text, &r->has_tools, add_tool);
	return ini_fail(
		&r->ini,
		"unknown key %.32s: name, temperature, keywords and tools "
		"are known",
		text);
}

/* 1: it is [system]. */
static int
read_line(struct reader *r, const char *bytes, size_t len)
{
	char *text = ini_line(&r->ini, bytes, len);

	if (text == NULL)
		return -1;
	if (text[0] == '\0')
		return 0;
	if (strcmp(text, "[system]") == 0)
		return 1;
	if (text[0] != '[')
		return read_key(r, text);
	if (strcmp(text, "[agent]") != 0 || r->is_in_agent)
		return ini_fail(&r->ini,
				"the sections are [agent], then [system]");
	r->is_in_agent = true;
	return 0;
}

/* ---- the prompt ------------------------------------------------------ */

/* {word}: one that nobody fills in would go to the model as it is. */
static int
check_braces(struct reader *r, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		size_t n = 0;

		if (*p == '\n')
			r->ini.line++;
		if (*p != '{')
			continue;
		while (islower((unsigned char)p[1 + n]) || p[1 + n] == '_')
			n++;
		if (n > 0 && p[1 + n] == '}' &&
		    (n != 8 || strncmp(p + 1, "language", 8) != 0))
			return ini_fail(&r->ini,
					"unknown word {%.*s}: {language} is "
					"known",
					(int)(n < 32 ? n : 32), p + 1);
	}
	return 0;
}

static int
read_system(struct reader *r, const char *text, size_t len)
{
	struct agent *agent = r->agent;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	if (len == 0)
		return ini_fail(&r->ini, "[system] has no text");
	agent->system = strndup(text, len);
	if (agent->system == NULL)
		return err_sys(r->ini.e, "read %s", r->ini.file);
	r->ini.line++;
	return check_braces(r, agent->system);
}

static int
check_whole(struct reader *r)
{
	if (r->agent->name[0] == '\0')
		return ini_fail(&r->ini, "[agent] has no name");
	if (!r->has_temperature)
		return ini_fail(&r->ini, "[agent] has no temperature");
	return 0;
}

static int
read_text(struct reader *r)
{
	const char *line;
	size_t len;

	while (ini_next(&r->ini, &line, &len)) {
		int rc = read_line(r, line, len);

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		if (check_whole(r) < 0)
			return -1;
		return read_system(r, r->ini.text + r->ini.at,
				   r->ini.len - r->ini.at);
	}
	return ini_fail(&r->ini, "there is no [system]");
}

int
agent_parse(const char *file, const char *text, size_t len, struct agent *ret,
	    struct err *e)
{
	struct reader r = {
		.agent = ret,
		.ini = {.file = file, .text = text, .len = len, .e = e}};

	*ret = (struct agent){0};
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_INVALID, 0, "%s: has a NUL byte", file);
	if (read_text(&r) == 0)
		return 0;
	agent_done(ret);
	return -1;
}

void
agent_done(struct agent *agent)
{
	free(agent->system);
	*agent = (struct agent){0};
}
