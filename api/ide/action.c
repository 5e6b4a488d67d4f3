/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action.c - from findings to requests that a client can send as they are.
 *
 * An action's request holds the file and exactly what was found in it: the
 * workflow gives both to the author before anything else (context.findings).
 * It is shown also where it cannot be done here, with available: false and the
 * reason, so that nobody finds out only by trying; a file that is too large for
 * a model is not repeated, and so the answer stays bounded.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/agents/prompt.h"
#include "api/ide/ide.h"
#include "api/jobs/text.h"
#include "api/json.h"
#include "supervisor/base/str.h"

#define ACTIONS_MAX 10
#define FINDINGS_MAX 20 /* as POST /api/v3/execute takes them */
#define TEXT_MAX 2000
#define TITLES_MAX 3
#define NAME_MAX_BYTES 60
/* Beside the code a prompt has its rules and the findings. */
#define CODE_MAX (PROMPT_MAX / 2)

/* In the specification's words, as far as it has any. */
static const struct kind {
	const char *types[2];
	const char *verb, *noun; /* of the title */
	const char *goal;
	const char *description;
	bool requires_approval;
} kinds[] = {
	{
		.types = {"security"},
		.verb = "Fix",
		.noun = "Security Issue",
		.goal = "Mend the security weaknesses",
		.description =
			"Has a model mend the weaknesses found, runs the "
			"tests in a jail, analyses the result again and asks "
			"for approval before it is released",
		.requires_approval = true,
	},
	{
		.types = {"performance"},
		.verb = "Fix",
		.noun = "Performance Issue",
		.goal = "Improve the performance",
		.description =
			"Has a model mend what makes the code slow, runs the "
			"tests in a jail and analyses the result again",
	},
	{
		.types = {"architecture", "style"},
		.verb = "Fix",
		.noun = "Design Issue",
		.goal = "Improve the structure",
		.description =
			"Has a model mend what makes the code hard to keep, "
			"runs the tests in a jail and analyses the result "
			"again",
	},
};

static bool
is_of_kind(const struct kind *kind, const json_t *finding)
{
	const char *type = json_text(finding, "type");

	for (size_t i = 0; i < 2 && kind->types[i] != NULL; i++)
		if (strcmp(kind->types[i], type) == 0)
			return true;
	return false;
}

/* The findings of a file that an action is about; new reference. */
static json_t *
findings_of(const json_t *all, const struct kind *kind, const char *path)
{
	json_t *found = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *finding = json_array_get(all, i);

		if (is_of_kind(kind, finding) &&
		    strcmp(json_text(finding, "path"), path) == 0)
			json_array_append(found, finding);
	}
	return found;
}

/* The last component of what a client calls it, fit for a sentence. */
static void
file_name(const char *path, char dst[NAME_MAX_BYTES])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = 0;

	for (; len < NAME_MAX_BYTES - 1 && name[len] != '\0'; len++) {
		bool is_plain = name[len] > ' ' && name[len] <= '~';

		dst[len] = '_';
		if (is_plain)
			dst[len] = name[len];
	}
	dst[len] = '\0';
	if (len == 0)
		(void)str_copy(dst, NAME_MAX_BYTES, "the file");
}

/* ---- the request ----------------------------------------------------- */

/* What the author needs of a finding, and no more. */
static json_t *
briefs_new(const json_t *findings)
{
	static const char *const names[] = {
		"title", "severity", "line_start",  "line_end",
		"rule",	 "cwe",	     "description", "recommendation",
	};
	json_t *briefs = json_array();

	for (size_t i = 0; i < json_array_size(findings) && i < FINDINGS_MAX;
	     i++) {
		const json_t *finding = json_array_get(findings, i);
		json_t *brief = json_object();

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			json_t *value = json_object_get(finding, names[k]);

			if (json_is_string(value))
				json_object_set_new(
					brief, names[k],
					text_to_json_max(
						json_string_value(value),
						json_string_length(value),
						TEXT_MAX));
			else if (json_is_integer(value))
				json_object_set(brief, names[k], value);
		}
		json_array_append_new(briefs, brief);
	}
	return briefs;
}

static json_t *
goal_new(const struct kind *kind, const json_t *findings, const char *path)
{
	char name[NAME_MAX_BYTES], goal[800];
	size_t used, len = json_array_size(findings);

	file_name(path, name);
	used = (size_t)snprintf(goal, sizeof(goal), "%s of the code in %s",
				kind->goal, name);
	for (size_t i = 0; i < len && i < TITLES_MAX; i++) {
		const json_t *finding = json_array_get(findings, i);

		used += (size_t)snprintf(
			goal + used, sizeof(goal) - used,
			"%s %.100s (line %lld)", i == 0 ? ":" : ",",
			json_text(finding, "title"),
			(long long)json_number(finding, "line_start"));
	}
	if (len > TITLES_MAX)
		used += (size_t)snprintf(goal + used, sizeof(goal) - used,
					 " and %zu more", len - TITLES_MAX);
	(void)snprintf(goal + used, sizeof(goal) - used,
		       ". Keep what the code does otherwise.");
	return text_to_json(goal, strlen(goal));
}

/* One of ours, or what the client calls it. */
static const char *
language_of(const struct analysis_source *source)
{
	return source->language[0] != '\0'
		       ? source->language
		       : analysis_detect_language(source->path, source->text,
						  source->len);
}

static json_t *
request_new(const struct kind *kind, const json_t *findings,
	    const struct analysis_source *source)
{
	json_t *context = json_pack(
		"{s:s%, s:o, s:{s:b, s:s}}", "code", source->text, source->len,
		"findings", briefs_new(findings), "execution_preferences",
		"require_approval", kind->requires_approval, "security_level",
		"standard");
	const char *language = language_of(source);

	if (language[0] != '\0')
		json_object_set_new(context, "language", json_string(language));
	if (source->path[0] != '\0')
		json_object_set_new(
			context, "project_context",
			json_pack("{s:s}", "current_file", source->path));
	return json_pack("{s:s, s:s, s:{s:o, s:o}}", "method", "POST", "path",
			 "/api/v3/execute", "body", "goal",
			 goal_new(kind, findings, source->path), "context",
			 context);
}

/* ---- the action ------------------------------------------------------ */

/* The same findings in the same file are the same action. */
static void
make_id(const struct kind *kind, const json_t *findings, const char *path,
	char ret_id[IDE_ID_SIZE])
{
	char text[IDE_ID_SIZE * 2 + 128];

	(void)snprintf(text, sizeof(text), "action %s %.60s", kind->types[0],
		       path);
	ide_id(text, ret_id);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		(void)snprintf(text, sizeof(text), "%s %.39s", ret_id,
			       json_text(json_array_get(findings, i), "id"));
		ide_id(text, ret_id);
	}
}

static const char *
why_not(const struct ide_request *r, const struct analysis_source *source)
{
	if (source->len > CODE_MAX)
		return "the file is too large for a model";
	return r->no_model;
}

/* A model's answer takes a minute or so, and it may be asked again. */
static const char *
duration_of(size_t findings)
{
	return findings <= 3 ? "1-3 minutes" : "2-5 minutes";
}

static json_t *
action_new(const struct ide_request *r, const struct kind *kind,
	   const json_t *findings, const struct analysis_source *source)
{
	size_t len = json_array_size(findings);
	const char *reason = why_not(r, source);
	char id[IDE_ID_SIZE], title[80];
	json_t *action;

	make_id(kind, findings, source->path, id);
	(void)snprintf(title, sizeof(title), "%s %zu %s%s", kind->verb, len,
		       kind->noun, len == 1 ? "" : "s");
	action = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:s, s:b, s:o*}", "id", id, "title",
		title, "description", kind->description, "estimated_duration",
		duration_of(len), "requires_approval", kind->requires_approval,
		"file", ide_path_name(source->path), "available",
		reason == NULL, "request",
		source->len > CODE_MAX ? NULL
				       : request_new(kind, findings, source));
	if (action != NULL && reason != NULL)
		json_object_set_new(action, "unavailable_reason",
				    json_string(reason));
	return action;
}

json_t *
ide_actions(const struct ide_request *r, const json_t *findings)
{
	json_t *actions = json_array();

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t i = 0; i < r->sources_len; i++) {
			const struct analysis_source *source = &r->sources[i];
			json_t *found =
				findings_of(findings, &kinds[k], source->path);

			if (json_array_size(found) > 0 &&
			    json_array_size(actions) < ACTIONS_MAX)
				json_array_append_new(
					actions, action_new(r, &kinds[k], found,
							    source));
			json_decref(found);
		}
	}
	return actions;
}
