/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents.c - the folder of agents, and which of them a goal belongs to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/agent.h"
#include "api/workflow/classify.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define SUFFIX ".agent"

struct agents {
	struct agent at[AGENTS_MAX];
	size_t len;
};

static int
is_agent_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = strlen(SUFFIX);

	return entry->d_name[0] != '.' && len > end &&
	       strcmp(entry->d_name + len - end, SUFFIX) == 0;
}

static int
load_one(struct agents *agents, const char *dir, const char *name,
	 struct err *e)
{
	struct agent *agent = &agents->at[agents->len];
	owned_mem char *text = NULL;
	char path[512];
	size_t len = 0;

	if (str_printf(path, sizeof(path), "%s/%s", dir, name) < 0)
		return err_set(e, ERR_INVALID, 0, "%.64s: the path is too long",
			       name);
	if (fd_read_file(AT_FDCWD, path, AGENT_FILE_MAX, &text, &len, e) < 0 ||
	    agent_parse(name, text, len, agent, e) < 0)
		return -1;
	agents->len++;
	if (strlen(name) != strlen(agent->name) + strlen(SUFFIX) ||
	    strncmp(name, agent->name, strlen(agent->name)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "%.64s: its name is %s: the file must be named "
			       "%s%s",
			       name, agent->name, agent->name, SUFFIX);
	return 0;
}

static const struct agent *
find(const struct agents *agents, const char *name)
{
	for (size_t i = 0; i < agents->len; i++)
		if (strcmp(agents->at[i].name, name) == 0)
			return &agents->at[i];
	return NULL;
}

/* One sentence for each agent of the rules, so that none is missing later. */
static int
check_rules(const struct agents *agents, const char *dir, struct err *e)
{
	static const char *const sentences[] = {"security", "function", "test",
						""};

	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		const char *name = classify_agent(sentences[i]);

		if (find(agents, name) == NULL)
			return err_set(e, ERR_NOT_FOUND, 0,
				       "%.100s: %s%s is "
				       "missing",
				       dir, name, SUFFIX);
	}
	return 0;
}

static int
load_all(struct agents *agents, const char *dir, struct dirent **names,
	 size_t count, struct err *e)
{
	if (count > AGENTS_MAX)
		return err_set(e, ERR_LIMIT, 0, "%.100s: more than %d agents",
			       dir, AGENTS_MAX);
	for (size_t i = 0; i < count; i++)
		if (load_one(agents, dir, names[i]->d_name, e) < 0)
			return -1;
	return check_rules(agents, dir, e);
}

int
agents_load(const char *dir, struct agents **ret, struct err *e)
{
	struct agents *agents = calloc(1, sizeof(*agents));
	struct dirent **names = NULL;
	int count, rc;

	if (agents == NULL)
		return err_sys(e, "read agents");
	count = scandir(dir, &names, is_agent_file, alphasort);
	if (count < 0) {
		free(agents);
		return err_sys(e, "%.100s", dir);
	}
	rc = load_all(agents, dir, names, (size_t)count, e);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (rc < 0) {
		agents_free(agents);
		return -1;
	}
	*ret = agents;
	return 0;
}

void
agents_free(struct agents *agents)
{
	for (size_t i = 0; agents != NULL && i < agents->len; i++)
		agent_done(&agents->at[i]);
	free(agents);
}

static bool
has_keyword(const struct agent *agent, const char *goal)
{
	for (size_t i = 0; i < agent->keywords_len; i++)
		if (strcasestr(goal, agent->keywords[i]) != NULL)
			return true;
	return false;
}

const struct agent *
agents_route(const struct agents *agents, const char *goal)
{
	for (size_t i = 0; i < agents->len; i++)
		if (has_keyword(&agents->at[i], goal))
			return &agents->at[i];
	return find(agents, classify_agent(goal));
}
