/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h - the table of analyzers.  Adding one is adding a folder to
 * analyzers/, a row here, and, for another one's tool, a reader (read.h).
 */
#ifndef PC_API_ANALYSIS_TOOL_H
#define PC_API_ANALYSIS_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/analysis/read.h"
#include "supervisor/base/err.h"

struct analysis_tool {
	const char *name;     /* its runtime is analyze-NAME */
	const char *language; /* of the sources it reads */
	/* NULL: it is our own, and prints what read_own.c reads. */
	analysis_read_fn *read;
	uint32_t wall_ms;
	int exit_max;	   /* with a higher exit code it has failed */
	bool is_essential; /* without it a source is not analysed */
	bool is_on_stderr; /* what it finds, not on stdout */
	bool is_following; /* it looks into what a source includes */
};

const struct analysis_tool *analysis_tools(size_t *ret_len);

/* What one of our own analyzers printed besides its findings. */
struct own_output {
	char version[32];
	bool is_truncated; /* there was more */
};

/* Appends {"rule", "line_start", ...} as they are.  -1: not analysed, why. */
int read_own(const char *text, size_t len, json_t *findings,
	     struct own_output *ret, struct err *e);

#endif
