/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.h - what analyzers found, in one form, merged and counted.
 */
#ifndef PC_API_ANALYSIS_FINDING_H
#define PC_API_ANALYSIS_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/analysis/analysis.h"
#include "api/analysis/rule.h"
#include "api/analysis/tool.h"

struct finding {
	char *rule;		  /* an id; "TOOL/CHECK" if none of ours fits */
	const struct rule *known; /* NULL: none fits */
	enum rule_type type;
	enum rule_level severity, confidence;
	unsigned cwe;  /* 0: none */
	size_t source; /* number in the task */
	uint32_t line_start, line_end;
	uint32_t column; /* in line_start; 0: not said */
	char *message;
	uint64_t tools; /* 1 << row of the table: who found it */
};

struct findings {
	struct finding *at;
	size_t len, room;
};

void findings_done(struct findings *findings);

/*
 * One of a tool's findings, as read_own() or the tool's reader gave it.  -1:
 * what it says cannot be true (no such rule, no such line).
 */
int findings_add(struct findings *findings, const struct rules *rules,
		 const struct analysis_tool *tool, size_t source,
		 uint32_t lines, const json_t *raw, struct err *e);

/* Forget what was added behind the first `len`. */
void findings_cut(struct findings *findings, size_t len);

/* The same weakness, found more than once, becomes one. */
void findings_merge(struct findings *findings);
/* Worst first. */
void findings_sort(struct findings *findings);

/* 0..100; docs/API.md has the formula. */
unsigned findings_score(const struct findings *findings);

/*
 * As analysis.h has it; a new reference.  ids: an object, empty at first, that
 * counts, so that the same rule on an equal line of text gets another id.
 */
json_t *finding_to_json(const struct finding *finding,
			const struct analysis_source *source, json_t *ids);

/* {"owasp_compliant", "owasp_categories", "cwes"} */
json_t *findings_compliance(const struct findings *findings, bool is_analysed);

#endif
