/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analysis.h - looks for weaknesses in source text, for POST /api/v3/analyze
 * and for a workflow's security step.  Every analyzer is a program that runs
 * as a job of its own in a jail of the `analyzer` policy, beside the others and
 * with a deadline; nothing here parses what is analysed.  Their findings are
 * put into one form (rule.h) and merged.
 */
#ifndef PC_API_ANALYSIS_H
#define PC_API_ANALYSIS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "api/workflow/analyst.h"
#include "supervisor/base/err.h"

#define ANALYSIS_SOURCES_MAX 64
#define ANALYSIS_TEXT_MAX (4u << 20) /* bytes, of all sources together */

struct analysis;
struct job_host;

struct analysis_source {
	const char *path;     /* as the client calls it; "" if not said */
	const char *language; /* "": by path, #! line, then the text itself */
	const char *text;     /* UTF-8, dedented if need be */
	size_t len;
};

struct analysis_task {
	const struct analysis_source *sources;
	size_t sources_len;
	struct job_host *host;	 /* NULL: the engine's */
	const char *actor;	 /* for the jobs' audit records */
	const char *workflow_id; /* "" if none */
	uint32_t step, attempt;
	uint64_t wall_ms_max; /* for all of it */
	int cancel_fd;	      /* readable: give up; -1: none */
};

/*
 * Reads the rules (PROMPTCRAFT_RULES_DIR); call it while the process may still
 * read files.  *api must outlive it.
 */
int analysis_new(struct api *api, struct analysis **ret, struct err *e);
void analysis_free(struct analysis *analysis); /* NULL is ignored */

/*
 * 0 with a new reference, also if nothing could be analysed:
 *
 *   {"analysed": bool,		every source by every analyzer it needs
 *    "overall_score": 0..100 or null (docs/API.md has the formula),
 *    "vulnerabilities": [finding],	of type security, worst first
 *    "suggestions": [finding],	all types, worst first
 *    "not_analysed": [{"path", "language", "tool" or null, "reason"}],
 *    "tools": [{"name", "version" or null, "language", "path", "status":
 *	"completed" | "failed" | "timeout" | "unavailable", "findings",
 *	"duration_ms", "job_id" or null}],
 *    "languages": ["python"],
 *    "truncated": bool,		there is more than is told here
 *    "compliance_status": {"owasp_compliant": bool or null,
 *	"owasp_categories": [...], "cwes": [...]}}
 *
 * finding: {"id": UUID (the same for the same rule, path and text of line),
 *   "rule": "python/sql-injection", "type": security | performance |
 *   architecture | style, "severity": low | medium | high | critical,
 *   "confidence": low | medium | high, "cwe": "CWE-89" or null, "owasp":
 *   "A03:2021" or null, "path", "line_start", "line_end", "column" where
 *   it is known, "title",
 *   "description", "recommendation", "example_fix" or null, "references":
 *   [URL], "tools": [name]}
 *
 * -1: ERR_PEER, ERR_BUSY (worth another try; also when cancelled), ERR_LIMIT
 * (too much text), ERR_UNSUPPORTED (the supervisor refuses jobs, saying why).
 */
int analysis_run(struct analysis *analysis, const struct analysis_task *task,
		 json_t **ret_report, struct err *e);

/* The workflows' analyst; the analysis must outlive the result. */
struct workflow_analyst analysis_analyst(struct analysis *analysis);

/*
 * "python", "c", "javascript", "shell", another language's name that we know
 * but have no analyzer for, or "" if nothing tells.
 */
const char *analysis_detect_language(const char *path, const char *text,
				     size_t len);
/* Is a file of this name a program's data, no program? */
bool analysis_is_data_path(const char *path);

#endif
