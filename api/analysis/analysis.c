/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analysis.c - see analysis.h: from sources to one report.
 */
#include "api/analysis/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/analysis/batch.h"
#include "api/analysis/finding.h"
#include "api/analysis/layout.h"
#include "api/analysis/rule.h"
#include "api/jobs/host.h"
#include "api/workflow/engine.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define REPORTED_MAX 1000

struct analysis {
	struct api *api;
	struct rules *rules;
};

int
analysis_new(struct api *api, struct analysis **ret, struct err *e)
{
	struct analysis *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare analyses");
	a->api = api;
	if (rules_load(api->config.rules_dir, &a->rules, e) < 0) {
		free(a);
		return err_wrap(e, "PROMPTCRAFT_RULES_DIR");
	}
	log_info("event=rules_read count=%zu", rules_count(a->rules));
	*ret = a;
	return 0;
}

void
analysis_free(struct analysis *a)
{
	if (a == NULL)
		return;
	rules_free(a->rules);
	free(a);
}

/* ---- one report ------------------------------------------------------ */

struct work {
	const struct rules *rules;
	const struct analysis_task *task;
	const char *languages[ANALYSIS_SOURCES_MAX];
	uint32_t lines[ANALYSIS_SOURCES_MAX];
	bool is_whole[ANALYSIS_SOURCES_MAX]; /* by all that it needs */
	struct batch batch;
	struct findings findings;
	json_t *tools, *not_analysed;
	bool is_truncated;
};

static void
work_done(struct work *w)
{
	batch_done(&w->batch);
	findings_done(&w->findings);
	json_decref(w->tools);
	json_decref(w->not_analysed);
	free(w);
}

static uint32_t
lines_of(const struct analysis_source *s)
{
	uint32_t lines = 1;

	for (size_t i = 0; i + 1 < s->len; i++)
		lines += s->text[i] == '\n';
	return lines;
}

static bool
has_tool(const char *language)
{
	size_t len;
	const struct analysis_tool *tools = analysis_tools(&len);

	for (size_t i = 0; i < len; i++)
		if (strcmp(tools[i].language, language) == 0)
			return true;
	return false;
}

static json_t *
text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

static void
note_not_analysed(struct work *w, size_t source, const char *language,
		  const char *tool, const char *reason)
{
	json_array_append_new(w->not_analysed,
			      json_pack("{s:s, s:o, s:o, s:s}", "path",
					w->task->sources[source].path,
					"language", text_or_null(language),
					"tool", text_or_null(tool), "reason",
					reason));
}

/* Beside a program, and no script. */
static bool
is_data_of_program(const struct analysis_task *task,
		   const struct analysis_source *s)
{
	return task->sources_len > 1 && s->language[0] == '\0' &&
	       analysis_is_data_path(s->path) &&
	       (s->len < 2 || memcmp(s->text, "#!", 2) != 0);
}

/* A source that no tool gets says why, and has language "" from then on. */
static void
look_at_source(struct work *w, size_t i)
{
	const struct analysis_source *s = &w->task->sources[i];
	const char *language = s->language, *reason = NULL;
	bool is_data = is_data_of_program(w->task, s);

	w->lines[i] = lines_of(s);
	if (language[0] == '\0' && !is_data)
		language = analysis_detect_language(s->path, s->text, s->len);
	if (memchr(s->text, '\0', s->len) != NULL)
		reason = "it has a NUL byte, as no program text has";
	else if (is_data)
		reason = "it is data, by its name";
	else if (language[0] == '\0')
		reason = "nothing tells which language it is in; say it in "
			 "language";
	else if (!has_tool(language))
		reason = "there is no analyzer for its language";
	w->is_whole[i] = reason == NULL || is_data;
	w->languages[i] = reason == NULL ? language : "";
	if (reason != NULL)
		note_not_analysed(w, i, language, "", reason);
}

static const char *const status_names[TOOL_STATUS_COUNT] = {
	[TOOL_COMPLETED] = "completed",
	[TOOL_FAILED] = "failed",
	[TOOL_TIMEOUT] = "timeout",
	[TOOL_UNAVAILABLE] = "unavailable",
};

/* What is found in a header, by way of another source, is the header's. */
static size_t
source_of(const struct work *w, const struct tool_run *r, const json_t *raw)
{
	const char *file = json_string_value(json_object_get(raw, "file"));

	return file != NULL && r->tool->is_following
		       ? layout_source_of(w->task, r->source, file)
		       : r->source;
}

/* What is wrong with its findings makes the tool one that failed. */
static void
take_findings(struct work *w, struct tool_run *r)
{
	size_t before = w->findings.len, len = json_array_size(r->found);
	struct err e = ERR_INIT;

	for (size_t i = 0; i < len; i++) {
		const json_t *raw = json_array_get(r->found, i);
		size_t source = source_of(w, r, raw);

		if (findings_add(&w->findings, w->rules, r->tool, source,
				 w->lines[source], raw, &e) == 0)
			continue;
		r->status = TOOL_FAILED;
		(void)str_copy(r->reason, sizeof(r->reason), e.text);
		log_warning("event=analyzer_output tool=%s error=\"%s\"",
			    r->tool->name, e.text);
		findings_cut(&w->findings, before);
		return;
	}
	if (!r->own.is_truncated)
		return;
	/* The worst may be among what it did not tell. */
	w->is_truncated = true;
	if (r->tool->is_essential)
		w->is_whole[r->source] = false;
	note_not_analysed(w, r->source, w->languages[r->source], r->tool->name,
			  "it found too much to tell it all");
}

static void
take_run(struct work *w, struct tool_run *r)
{
	const char *language = w->languages[r->source];

	if (r->status == TOOL_COMPLETED)
		take_findings(w, r);
	json_array_append_new(
		w->tools,
		json_pack("{s:s, s:o, s:s, s:s, s:s, s:I, s:I, s:o}", "name",
			  r->tool->name, "version",
			  text_or_null(r->own.version), "language", language,
			  "path", w->task->sources[r->source].path, "status",
			  status_names[r->status], "findings",
			  (json_int_t)(r->status == TOOL_COMPLETED
					       ? json_array_size(r->found)
					       : 0),
			  "duration_ms", (json_int_t)r->duration_ms, "job_id",
			  text_or_null(r->job_id)));
	if (r->status == TOOL_COMPLETED)
		return;
	if (r->tool->is_essential)
		w->is_whole[r->source] = false;
	/* Not everybody has every tool; the list of tools says so. */
	if (r->tool->is_essential || r->status != TOOL_UNAVAILABLE)
		note_not_analysed(w, r->source, language, r->tool->name,
				  r->reason);
}

static json_t *
languages_of(const struct work *w)
{
	json_t *names = json_array();

	for (size_t i = 0; i < w->task->sources_len; i++) {
		bool is_known = w->languages[i][0] == '\0';

		for (size_t k = 0; !is_known && k < i; k++)
			is_known =
				strcmp(w->languages[i], w->languages[k]) == 0;
		if (!is_known)
			json_array_append_new(names,
					      json_string(w->languages[i]));
	}
	return names;
}

static bool
is_analysed(const struct work *w)
{
	bool has_program = false;

	for (size_t i = 0; i < w->task->sources_len; i++) {
		if (!w->is_whole[i])
			return false;
		has_program |= w->languages[i][0] != '\0';
	}
	return has_program;
}

static json_t *
report_of(struct work *w)
{
	json_t *all = json_array(), *security = json_array(),
	       *ids = json_object();
	bool is_whole = is_analysed(w);
	size_t len = w->findings.len;

	if (len > REPORTED_MAX) {
		len = REPORTED_MAX;
		w->is_truncated = true;
	}
	for (size_t i = 0; i < len; i++) {
		const struct finding *f = &w->findings.at[i];
		json_t *object =
			finding_to_json(f, &w->task->sources[f->source], ids);

		if (f->type == RULE_SECURITY)
			json_array_append(security, object);
		json_array_append_new(all, object);
	}
	json_decref(ids);
	return json_pack("{s:b, s:o, s:o, s:o, s:O, s:O, s:o, s:b, s:o}",
			 "analysed", is_whole, "overall_score",
			 is_whole ? json_integer(findings_score(&w->findings))
				  : json_null(),
			 "vulnerabilities", security, "suggestions", all,
			 "not_analysed", w->not_analysed, "tools", w->tools,
			 "languages", languages_of(w), "truncated",
			 w->is_truncated, "compliance_status",
			 findings_compliance(&w->findings, is_whole));
}

static int
run(struct work *w, struct job_host *host, json_t **ret_report, struct err *e)
{
	for (size_t i = 0; i < w->task->sources_len; i++)
		look_at_source(w, i);
	if (batch_init(&w->batch, w->task, host, w->languages, e) < 0 ||
	    batch_run(&w->batch, e) < 0)
		return -1;
	for (size_t i = 0; i < w->batch.len; i++)
		take_run(w, &w->batch.runs[i]);
	findings_merge(&w->findings);
	findings_sort(&w->findings);
	*ret_report = report_of(w);
	return *ret_report != NULL
		       ? 0
		       : err_set(e, ERR_IO, ENOMEM, "report an analysis");
}

static int
check_task(const struct analysis_task *task, struct err *e)
{
	size_t total = 0;

	if (task->sources_len == 0 || task->sources_len > ANALYSIS_SOURCES_MAX)
		return err_set(e, ERR_LIMIT, 0, "1 to %d sources, not %zu",
			       ANALYSIS_SOURCES_MAX, task->sources_len);
	for (size_t i = 0; i < task->sources_len; i++)
		total += task->sources[i].len;
	if (total > ANALYSIS_TEXT_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "the sources have %zu bytes; at most %u are "
			       "analysed",
			       total, ANALYSIS_TEXT_MAX);
	return 0;
}

int
analysis_run(struct analysis *a, const struct analysis_task *task,
	     json_t **ret_report, struct err *e)
{
	struct job_host *host = task->host;
	struct work *w;
	int rc;

	if (host == NULL)
		host = workflow_engine_host(a->api->engine);
	if (check_task(task, e) < 0 || job_host_check_ready(host, e) < 0)
		return -1;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return err_set(e, ERR_IO, ENOMEM, "analyse");
	w->rules = a->rules;
	w->task = task;
	w->tools = json_array();
	w->not_analysed = json_array();
	rc = run(w, host, ret_report, e);
	work_done(w);
	return rc;
}
