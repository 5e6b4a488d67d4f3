/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ide.h - what an editor or a CI system is told of an analysis: the answer of
 * the specification's 5.2, or a SARIF 2.1.0 log.  Both are made of the report
 * of api/analysis and what the request asked for; nothing here analyses.
 *
 * Texts of the report may repeat what the client sent: they are quoted, cut to
 * bounds where they go into a goal, and never interpreted.
 */
#ifndef PC_API_IDE_H
#define PC_API_IDE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/analysis/analysis.h"

struct ide_request {
	const char *type; /* security, performance, architecture, general */
	const char *threshold; /* low, medium, high */
	bool has_suggestions, has_examples;
	size_t suggestions_max;
	bool is_max_given; /* by the client, not by default */
	/* As the client sent them: their lines are the report's. */
	const struct analysis_source *sources;
	size_t sources_len;
	const char *no_model; /* why no model can mend; NULL: one can */
	uint64_t duration_ms;
};

/* {"status", "data", "metadata"}; NULL when out of memory. */
json_t *ide_answer_new(const struct ide_request *r, const json_t *report);

/* A SARIF 2.1.0 log with one run. */
json_t *ide_sarif_new(const struct ide_request *r, const json_t *report);

/* ---- parts ----------------------------------------------------------- */

/*
 * Of the type that is asked for, severe enough; worst first, without a bound.
 */
json_t *ide_findings(const struct ide_request *r, const json_t *report);

/*
 * What POST /api/v3/execute can do about these findings, an action for each
 * file and kind of finding.
 */
json_t *ide_actions(const struct ide_request *r, const json_t *findings);

/*
 * How much to trust the answer, 0..1: the share of the analyzers that ran to
 * their end, times how certain the findings are (docs/API.md).
 */
double ide_confidence(const json_t *report, const json_t *findings);

/* A UUID (version 8) that follows from the text. */
#define IDE_ID_SIZE 40
void ide_id(const char *text, char ret_id[IDE_ID_SIZE]);

/* What the client calls it, or "untitled". */
const char *ide_path_name(const char *path);

bool ide_tool_is_done(const json_t *tool);

#endif
