/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - agents as data: one file each (PROMPTCRAFT_AGENTS_DIR/NAME.agent),
 * read at the start.
 *
 *	; comment
 *	[agent]
 *	name = security_agent	; as the file
 *	temperature = 0.1	; 0..2
 *	keywords = form 8867	; optional: goals with one of these are its
 *	tools = code_interpreter, heimdall	; optional
 *	[system]
 *	Everything from here on is the prompt.  {language} is the one that is
 *	wanted; another word in braces is an error.
 *
 * A goal belongs to the first agent, by name, that has a keyword which occurs
 * in it, in any case; else to the one that the specification's rules name
 * (api/workflow/classify.h).
 */
#ifndef PC_API_AGENTS_AGENT_H
#define PC_API_AGENTS_AGENT_H

#include <stddef.h>

#include "supervisor/base/err.h"

#define AGENT_NAME_SIZE 32 /* as in struct author_work */
#define AGENT_KEYWORDS_MAX 16
#define AGENT_TOOLS_MAX 4
#define AGENTS_MAX 64
#define AGENT_FILE_MAX (64u << 10)

struct agent {
	char name[AGENT_NAME_SIZE];
	double temperature;
	char keywords[AGENT_KEYWORDS_MAX][48];
	size_t keywords_len;
	const char *tools[AGENT_TOOLS_MAX]; /* what they do, for the model */
	size_t tools_len;
	char *system;
};

struct agents;

/*
 * All *.agent of the folder; errors say file and line.  The agents that the
 * specification's rules name must be there.
 */
int agents_load(const char *dir, struct agents **ret, struct err *e);
void agents_free(struct agents *agents); /* NULL is ignored */

const struct agent *agents_route(const struct agents *agents, const char *goal);

/* One file's text, for which file stands in errors; agent_done() frees. */
int agent_parse(const char *file, const char *text, size_t len,
		struct agent *ret, struct err *e);
void agent_done(struct agent *agent);

#endif
