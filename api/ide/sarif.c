/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sarif.c - a report as a SARIF 2.1.0 log (OASIS), for code scanning of CI
 * systems and editors.
 *
 * What was not analysed is a toolExecutionNotification of level error with
 * executionSuccessful false: a reader that counts results only would take the
 * file for clean.  Fingerprints are the findings' ids, which follow from rule,
 * path and the text of the line, and so survive a shift of lines.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/ide/ide.h"
#include "api/jobs/text.h"
#include "api/json.h"
#include "supervisor/base/str.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define DRIVER "heimdall"
#define FINGERPRINT "promptcraftFinding/v1"

/*
 * What our levels are in SARIF, and in the score that code scanning sorts by.
 */
static const struct {
	const char *severity, *level, *score;
} levels[] = {
	{"low", "note", "3.0"},
	{"medium", "warning", "5.5"},
	{"high", "error", "8.0"},
	{"critical", "error", "9.5"},
};

static const char *const precisions[][2] = {
	{"low", "low"},
	{"medium", "medium"},
	{"high", "high"},
};

static size_t
level_of(const json_t *finding)
{
	const char *severity = json_text(finding, "severity");

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (strcmp(levels[i].severity, severity) == 0)
			return i;
	return 1;
}

/* Of a rule. */
static json_t *
text_new(const char *text)
{
	return json_pack("{s:s}", "text", text[0] != '\0' ? text : "-");
}

/*
 * A message may have links, "[text](target)"; ours have none, whatever the code
 * says that they quote: brackets and backslashes are escaped (3.11.6).
 */
static json_t *
message_new(const char *text)
{
	char *escaped = malloc(2 * strlen(text) + 1), *at = escaped;
	json_t *json;

	if (escaped == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if (strchr("[]\\", *text) != NULL)
			*at++ = '\\';
		*at++ = *text;
	}
	json = at > escaped ? text_to_json(escaped, (size_t)(at - escaped))
			    : json_string("-");
	free(escaped);
	return json_pack("{s:o}", "text", json);
}

/* ---- URIs ------------------------------------------------------------ */

/* A relative reference (RFC 3986), or file:///...; malloc'd. */
static char *
uri_of(const char *path)
{
	static const char plain[] = "-._~/", file[] = "file:///";
	const char *name = ide_path_name(path);
	char *uri = malloc(sizeof(file) + 3 * strlen(name)), *at = uri;

	if (uri == NULL)
		return NULL;
	if (name[0] == '/') {
		at = stpcpy(uri, file);
		name += strspn(name, "/");
	}
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 0x80 && (isalnum(c) || strchr(plain, c) != NULL)) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			str_hex(at, &c, 1);
			at += 2;
		}
	}
	*at = '\0';
	return uri;
}

static json_t *
artifact_location(const char *path)
{
	char *uri = uri_of(path);
	json_t *location = NULL;

	if (uri != NULL)
		location = json_pack("{s:s}", "uri", uri);
	free(uri);
	return location;
}

/* ---- rules ----------------------------------------------------------- */

static json_t *
tags_of(const json_t *finding)
{
	json_t *tags = json_array();
	const char *cwe = json_text(finding, "cwe");
	char tag[48];

	json_array_append(tags, json_object_get(finding, "type"));
	/* "CWE-89", where code scanning looks for it */
	if (strncmp(cwe, "CWE-", 4) == 0 &&
	    str_printf(tag, sizeof(tag), "external/cwe/cwe-%s", cwe + 4) == 0)
		json_array_append_new(tags, json_string(tag));
	if (json_text(finding, "owasp")[0] != '\0')
		json_array_append(tags, json_object_get(finding, "owasp"));
	return tags;
}

static const char *
precision_of(const json_t *finding)
{
	const char *confidence = json_text(finding, "confidence");

	for (size_t i = 0; i < ARRAY_LEN(precisions); i++)
		if (strcmp(precisions[i][0], confidence) == 0)
			return precisions[i][1];
	return "medium";
}

/* The first finding of a rule says what the rule is. */
static json_t *
rule_new(const json_t *finding)
{
	size_t level = level_of(finding);
	json_t *references = json_object_get(finding, "references");
	json_t *properties = json_pack("{s:o, s:s}", "tags", tags_of(finding),
				       "precision", precision_of(finding));
	json_t *rule =
		json_pack("{s:O, s:o, s:o, s:{s:s}, s:o}", "id",
			  json_object_get(finding, "rule"), "shortDescription",
			  text_new(json_text(finding, "title")), "help",
			  text_new(json_text(finding, "recommendation")),
			  "defaultConfiguration", "level", levels[level].level,
			  "properties", properties);

	if (strcmp(json_text(finding, "type"), "security") == 0)
		json_object_set_new(properties, "security-severity",
				    json_string(levels[level].score));
	if (json_array_size(references) > 0)
		json_object_set(rule, "helpUri", json_array_get(references, 0));
	return rule;
}

/* Its place among the rules; it is added if it is not there. */
static size_t
rule_index(json_t *rules, const json_t *finding)
{
	const char *id = json_text(finding, "rule");
	size_t len = json_array_size(rules);

	for (size_t i = 0; i < len; i++)
		if (strcmp(json_text(json_array_get(rules, i), "id"), id) == 0)
			return i;
	json_array_append_new(rules, rule_new(finding));
	return len;
}

/* ---- results --------------------------------------------------------- */

static json_t *
region_of(const json_t *finding)
{
	json_int_t start = json_number(finding, "line_start");
	json_int_t end = json_number(finding, "line_end");
	json_int_t column = json_number(finding, "column");
	json_t *region = json_pack("{s:I}", "startLine", start > 0 ? start : 1);

	if (end >= start && end > 0)
		json_object_set_new(region, "endLine", json_integer(end));
	if (column > 0)
		json_object_set_new(region, "startColumn",
				    json_integer(column));
	return region;
}

static json_t *
location_of(const json_t *finding)
{
	return json_pack("{s:{s:o, s:o}}", "physicalLocation",
			 "artifactLocation",
			 artifact_location(json_text(finding, "path")),
			 "region", region_of(finding));
}

static json_t *
result_new(const json_t *finding, size_t index)
{
	static const char *const kept[] = {"severity", "confidence", "cwe",
					   "owasp",    "tools",	     "title"};
	json_t *properties = json_object();

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		json_t *value = json_object_get(finding, kept[i]);

		if (value != NULL && !json_is_null(value))
			json_object_set(properties, kept[i], value);
	}
	return json_pack(
		"{s:O, s:I, s:s, s:s, s:o, s:[o], s:{s:O}, s:o}", "ruleId",
		json_object_get(finding, "rule"), "ruleIndex",
		(json_int_t)index, "kind", "fail", "level",
		levels[level_of(finding)].level, "message",
		message_new(json_text(finding, "description")), "locations",
		location_of(finding), "partialFingerprints", FINGERPRINT,
		json_object_get(finding, "id"), "properties", properties);
}

/* ---- the run --------------------------------------------------------- */

static json_t *
notification_new(const json_t *gap)
{
	const char *tool = json_text(gap, "tool");
	const char *reason = json_text(gap, "reason");
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%snot analysed: %.300s", tool,
		       tool[0] != '\0' ? ": " : "", reason);
	return json_pack("{s:s, s:o, s:[{s:{s:o}}]}", "level", "error",
			 "message", message_new(text), "locations",
			 "physicalLocation", "artifactLocation",
			 artifact_location(json_text(gap, "path")));
}

static json_t *
invocation_new(const json_t *report)
{
	const json_t *gaps = json_object_get(report, "not_analysed");
	json_t *notes = json_array();

	for (size_t i = 0; i < json_array_size(gaps); i++)
		json_array_append_new(
			notes, notification_new(json_array_get(gaps, i)));
	return json_pack("{s:b, s:o}", "executionSuccessful",
			 json_is_true(json_object_get(report, "analysed")),
			 "toolExecutionNotifications", notes);
}

/* The tools that ran, each once, as extensions of the driver. */
static json_t *
extensions_new(const json_t *report)
{
	const json_t *tools = json_object_get(report, "tools");
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(tools); i++) {
		const json_t *tool = json_array_get(tools, i);
		const char *version = json_text(tool, "version");
		bool is_new = true;
		json_t *one;

		for (size_t k = 0; k < json_array_size(list); k++)
			if (strcmp(json_text(json_array_get(list, k), "name"),
				   json_text(tool, "name")) == 0)
				is_new = false;
		if (!is_new || !ide_tool_is_done(tool))
			continue;
		one = json_pack("{s:O}", "name", json_object_get(tool, "name"));
		if (version[0] != '\0')
			json_object_set_new(one, "version",
					    json_string(version));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
artifacts_new(const struct ide_request *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->sources_len; i++) {
		const struct analysis_source *source = &r->sources[i];
		json_t *one = json_pack("{s:o, s:I}", "location",
					artifact_location(source->path),
					"length", (json_int_t)source->len);

		if (source->language[0] != '\0')
			json_object_set_new(one, "sourceLanguage",
					    json_string(source->language));
		json_array_append_new(list, one);
	}
	return list;
}

json_t *
ide_sarif_new(const struct ide_request *r, const json_t *report)
{
	json_t *findings = ide_findings(r, report);
	json_t *rules = json_array(), *results = json_array();
	size_t len = json_array_size(findings);

	if (!r->has_suggestions)
		len = 0;
	else if (r->is_max_given && len > r->suggestions_max)
		len = r->suggestions_max;
	for (size_t i = 0; i < len; i++) {
		const json_t *finding = json_array_get(findings, i);

		json_array_append_new(
			results,
			result_new(finding, rule_index(rules, finding)));
	}
	json_decref(findings);
	return json_pack(
		"{s:s, s:s, s:[{s:{s:{s:s, s:s, s:s, s:o}, s:o}, s:[o], s:o, "
		"s:o, s:s}]}",
		"$schema", SARIF_SCHEMA, "version", "2.1.0", "runs", "tool",
		"driver", "name", DRIVER, "fullName",
		"PromptCraft security analysis", "semanticVersion", API_VERSION,
		"rules", rules, "extensions", extensions_new(report),
		"invocations", invocation_new(report), "artifacts",
		artifacts_new(r), "results", results, "columnKind",
		"unicodeCodePoints");
}
