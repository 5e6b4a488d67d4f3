/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - which code a workflow runs, and where it came from: the rules
 * for context.code, context.tests, context.test_code and
 * context.project_context.file_content.
 */
#ifndef PC_API_WORKFLOW_PROGRAM_H
#define PC_API_WORKFLOW_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>

#include "supervisor/base/err.h"

struct job_host;

/* What the context gives, before any language is looked at. */
struct program_given {
	const char *code_source; /* "context.code", ...; NULL: no code */
	const char *tests_source;
	json_t *code, *tests; /* borrowed strings, or NULL */
	/*
	 * The program is context.test_code alone: a trial in the sandbox that
	 * releases nothing.
	 */
	bool is_trial;
};

/* ERR_INVALID when tests and test_code contradict each other. */
int program_given(const json_t *context, struct program_given *ret,
		  struct err *e);

/* Is the program only to be tried out, as program_given() says? */
bool program_is_trial(const json_t *context);

/*
 * The job of the code that was given, as job_request_init takes it, dedented,
 * with the language told from the file's name or the code if need be, and
 * "sources" {code, tests, language, is_dedented}.  NULL when out of memory.
 */
json_t *program_new(const json_t *context, const struct program_given *given,
		    struct job_host *host);

#endif
