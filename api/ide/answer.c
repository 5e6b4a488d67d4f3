/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - the answer of the specification's 5.2.  What could not be
 * analysed is said in data.not_analysed and in the summary; it is never left
 * to be taken for clean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ide/ide.h"
#include "api/jobs/text.h"
#include "api/json.h"
#include "api/workflow/classify.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* The specification's name for the analysis by all our tools. */
#define ANALYSIS_NAME "heimdall"
#define REASON_MAX 200

static json_t *
part(const json_t *report, const char *name)
{
	return json_object_get(report, name);
}

/* ---- summary --------------------------------------------------------- */

static void
put_counts(FILE *out, const json_t *findings)
{
	static const char *const words[] = {"critical", "high", "medium",
					    "low"};
	const char *between = "";

	for (size_t k = 0; k < ARRAY_LEN(words); k++) {
		size_t count = 0;

		for (size_t i = 0; i < json_array_size(findings); i++)
			count += strcmp(json_text(json_array_get(findings, i),
						  "severity"),
					words[k]) == 0;
		if (count == 0)
			continue;
		fprintf(out, "%s%zu %s", between, count, words[k]);
		between = ", ";
	}
}

static size_t
count_lines(const struct ide_request *r)
{
	size_t lines = 0;

	for (size_t i = 0; i < r->sources_len; i++) {
		const struct analysis_source *s = &r->sources[i];

		for (size_t k = 0; k < s->len; k++)
			lines += s->text[k] == '\n';
		lines += s->len > 0 && s->text[s->len - 1] != '\n';
	}
	return lines;
}

static void
put_looked_at(FILE *out, const struct ide_request *r, const json_t *report)
{
	const json_t *languages = part(report, "languages");
	size_t lines = count_lines(r);

	fprintf(out, " in %zu line%s", lines, lines == 1 ? "" : "s");
	for (size_t i = 0; i < json_array_size(languages); i++)
		fprintf(out, "%s%s", i == 0 ? " of " : ", ",
			json_string_value(json_array_get(languages, i)));
}

static void
put_findings(FILE *out, const struct ide_request *r, const json_t *report,
	     const json_t *findings)
{
	const json_t *worst = json_array_get(findings, 0);
	size_t len = json_array_size(findings);

	if (len == 0) {
		fprintf(out, "Nothing found of severity %s or above",
			r->threshold);
		put_looked_at(out, r, report);
		fputc('.', out);
		return;
	}
	fprintf(out, "%zu finding%s (", len, len == 1 ? "" : "s");
	put_counts(out, findings);
	fputc(')', out);
	put_looked_at(out, r, report);
	fprintf(out, "; the worst: %s in line %lld.", json_text(worst, "title"),
		(long long)json_number(worst, "line_start"));
}

static bool
is_nothing_done(const json_t *report)
{
	const json_t *tools = part(report, "tools");

	for (size_t i = 0; i < json_array_size(tools); i++)
		if (ide_tool_is_done(json_array_get(tools, i)))
			return false;
	return true;
}

static void
put_not_analysed(FILE *out, const json_t *report)
{
	const json_t *gaps = part(report, "not_analysed");
	const json_t *first = json_array_get(gaps, 0);
	const char *tool = json_text(first, "tool");
	size_t len = json_array_size(gaps);

	if (len == 0)
		return;
	fprintf(out, " %s: ",
		is_nothing_done(report) ? "Not analysed"
					: "Not everything was analysed");
	if (tool[0] != '\0')
		fprintf(out, "%s: ", tool);
	fprintf(out, "%.*s", REASON_MAX, json_text(first, "reason"));
	if (len > 1)
		fprintf(out, " (and %zu more)", len - 1);
	fputc('.', out);
}

/* What the client can do that it be analysed; "" if nothing. */
static const char *
hint_of(const struct ide_request *r)
{
	for (size_t i = 0; i < r->sources_len; i++) {
		const struct analysis_source *s = &r->sources[i];

		if (s->language[0] == '\0' &&
		    analysis_detect_language(s->path, s->text, s->len)[0] ==
			    '\0')
			return "nothing tells the language of the text: set "
			       "context.language (python, javascript, c, "
			       "shell), or context.file_path with its suffix";
	}
	return "";
}

static json_t *
summary_new(const struct ide_request *r, const json_t *report,
	    const json_t *findings, const char *hint)
{
	owned_mem char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const char *at;

	if (out == NULL)
		return NULL;
	if (!is_nothing_done(report))
		put_findings(out, r, report, findings);
	put_not_analysed(out, report);
	if (hint[0] != '\0')
		fprintf(out, " To do: %s.", hint);
	if (fclose(out) != 0)
		return NULL;
	at = text + (text[0] == ' ');
	return text_to_json(at, strlen(at));
}

/* ---- parts of data --------------------------------------------------- */

/* At most max of them, and without examples if none are wanted. */
static json_t *
shown(const json_t *findings, size_t max, bool has_examples)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(findings) && i < max; i++) {
		json_t *finding = json_copy(json_array_get(findings, i));

		if (!has_examples ||
		    json_is_null(json_object_get(finding, "example_fix")))
			json_object_del(finding, "example_fix");
		json_array_append_new(list, finding);
	}
	return list;
}

static json_t *
security_new(const struct ide_request *r, const json_t *report)
{
	const json_t *all = part(report, "vulnerabilities");

	return json_pack("{s:O?, s:o, s:O?}", "overall_score",
			 part(report, "overall_score"), "vulnerabilities",
			 shown(all, json_array_size(all), r->has_examples),
			 "compliance_status",
			 part(report, "compliance_status"));
}

static json_t *
data_new(const struct ide_request *r, const json_t *report,
	 const json_t *findings, const char *agent)
{
	size_t max = r->has_suggestions ? r->suggestions_max : 0;
	const char *hint = hint_of(r);
	json_t *data = json_pack(
		"{s:o, s:s, s:f, s:o, s:o, s:o, s:O?, s:O?, s:b, s:O?}",
		"analysis_summary", summary_new(r, report, findings, hint),
		"primary_agent", agent, "confidence_score",
		ide_confidence(report, findings), "suggestions",
		shown(findings, max, r->has_examples), "security_analysis",
		security_new(r, report), "executable_actions",
		ide_actions(r, findings), "analysed", part(report, "analysed"),
		"not_analysed", part(report, "not_analysed"), "truncated",
		json_is_true(part(report, "truncated")), "languages",
		part(report, "languages"));

	if (data != NULL && hint[0] != '\0')
		json_object_set_new(data, "hint", json_string(hint));
	return data;
}

/* ---- metadata -------------------------------------------------------- */

static bool
has_string(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) ==
		    0)
			return true;
	return false;
}

/* Only what really ran to its end. */
static json_t *
tools_used(const json_t *report)
{
	const json_t *tools = part(report, "tools");
	json_t *names = json_array();

	if (!is_nothing_done(report))
		json_array_append_new(names, json_string(ANALYSIS_NAME));
	for (size_t i = 0; i < json_array_size(tools); i++) {
		const json_t *tool = json_array_get(tools, i);

		if (ide_tool_is_done(tool) &&
		    !has_string(names, json_text(tool, "name")))
			json_array_append(names, json_object_get(tool, "name"));
	}
	return names;
}

static json_t *
metadata_new(const struct ide_request *r, const json_t *report,
	     const json_t *findings, const char *agent)
{
	return json_pack("{s:I, s:[s], s:o, s:i, s:I, s:O?}",
			 "processing_time_ms", (json_int_t)r->duration_ms,
			 "agents_consulted", agent, "tools_used",
			 tools_used(report), "cost", 0, "findings_total",
			 (json_int_t)json_array_size(findings), "tools",
			 part(report, "tools"));
}

json_t *
ide_answer_new(const struct ide_request *r, const json_t *report)
{
	json_t *findings = ide_findings(r, report), *answer;
	const char *agent;
	char query[64];

	/* By the specification's rules for a query of this kind. */
	(void)str_printf(query, sizeof(query), "Perform %s analysis of code",
			 r->type);
	agent = classify_agent(query);
	answer = json_pack("{s:s, s:o, s:o}", "status", "success", "data",
			   data_new(r, report, findings, agent), "metadata",
			   metadata_new(r, report, findings, agent));
	json_decref(findings);
	return answer;
}
