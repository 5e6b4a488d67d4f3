/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_assess.c - see approval_assess.h.  What was not done (no tests, no
 * analysis) is a risk, not the absence of one.
 */
#include "api/workflow/approval_assess.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/workflow/iteration.h"
#include "supervisor/base/str.h"

#define TYPE_RELEASE "code_deployment"
#define TYPE_OVERRIDE "security_override"
#define TYPE_DATA "data_access"
#define TYPE_EXTERNAL "external_api"

static const char *const risk_names[APPROVAL_RISK_COUNT] = {
	[APPROVAL_RISK_LOW] = "low",
	[APPROVAL_RISK_MEDIUM] = "medium",
	[APPROVAL_RISK_HIGH] = "high",
	[APPROVAL_RISK_CRITICAL] = "critical",
};

const char *
approval_risk_name(enum approval_risk risk)
{
	return risk_names[risk];
}

enum approval_risk
approval_risk_by_name(const char *name)
{
	for (int i = 0; i < APPROVAL_RISK_COUNT; i++) {
		if (strcmp(risk_names[i], name) == 0)
			return (enum approval_risk)i;
	}
	return APPROVAL_RISK_CRITICAL;
}

/* ---- words of the goal ----------------------------------------------- */

/* Whole words, in any case. */
static const struct {
	const char *words;
	enum approval_risk risk;
} risky[] = {
	{"production", APPROVAL_RISK_HIGH},
	{"payment", APPROVAL_RISK_HIGH},
	{"payments", APPROVAL_RISK_HIGH},
	{"password", APPROVAL_RISK_HIGH},
	{"passwords", APPROVAL_RISK_HIGH},
	{"credentials", APPROVAL_RISK_HIGH},
	{"private key", APPROVAL_RISK_HIGH},
	{"delete", APPROVAL_RISK_HIGH},
	{"drop table", APPROVAL_RISK_HIGH},
	{"sudo", APPROVAL_RISK_HIGH},
	{"authentication", APPROVAL_RISK_MEDIUM},
	{"authorization", APPROVAL_RISK_MEDIUM},
	{"encryption", APPROVAL_RISK_MEDIUM},
	{"deploy", APPROVAL_RISK_MEDIUM},
	{"migration", APPROVAL_RISK_MEDIUM},
};

/* The first that is found counts. */
static const struct {
	const char *words, *type;
} typed[] = {
	{"external api", TYPE_EXTERNAL}, {"third-party", TYPE_EXTERNAL},
	{"third party", TYPE_EXTERNAL},	 {"webhook", TYPE_EXTERNAL},
	{"http request", TYPE_EXTERNAL}, {"http client", TYPE_EXTERNAL},
	{"send email", TYPE_EXTERNAL},	 {"download", TYPE_EXTERNAL},
	{"upload", TYPE_EXTERNAL},	 {"database", TYPE_DATA},
	{"customer data", TYPE_DATA},	 {"personal data", TYPE_DATA},
	{"user data", TYPE_DATA},	 {"customer records", TYPE_DATA},
};

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool
has_words(const char *text, const char *words)
{
	size_t len = strlen(words);

	for (const char *at = text; (at = strcasestr(at, words)) != NULL;
	     at++) {
		if ((at == text || !is_word_char(at[-1])) &&
		    !is_word_char(at[len]))
			return true;
	}
	return false;
}

const char *
approval_type_of_goal(const char *goal)
{
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		if (has_words(goal, typed[i].words))
			return typed[i].type;
	}
	return TYPE_RELEASE;
}

/* ---- reasons --------------------------------------------------------- */

static void
add(struct approval_assessment *a, enum approval_risk risk, const char *reason)
{
	if (risk > a->risk)
		a->risk = risk;
	json_array_append_new(a->reasons,
			      json_pack("{s:s, s:s}", "risk", risk_names[risk],
					"reason", reason));
}

static void
look_at_goal(const struct workflow_state *state, struct approval_assessment *a)
{
	const char *goal = json_text(state->doc, "goal");
	char reason[80];

	for (size_t i = 0; i < ARRAY_LEN(risky); i++) {
		if (!has_words(goal, risky[i].words))
			continue;
		snprintf(reason, sizeof(reason), "the goal says \"%s\"",
			 risky[i].words);
		add(a, risky[i].risk, reason);
	}
}

static void
look_at_policy(const struct workflow_state *state,
	       struct approval_assessment *a)
{
	static const struct {
		const char *level;
		enum approval_risk risk;
		const char *reason;
	} levels[] = {
		{"strict", APPROVAL_RISK_LOW, "it ran under policy strict"},
		{"standard", APPROVAL_RISK_MEDIUM,
		 "it ran under policy standard"},
		{"permissive", APPROVAL_RISK_HIGH,
		 "it ran under policy permissive"},
	};
	const char *level = json_text(workflow_state_part(state, "program"),
				      "security_level");

	if (level[0] == '\0')
		level = "standard"; /* what a job without a level gets */
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i].level, level) == 0) {
			add(a, levels[i].risk, levels[i].reason);
			return;
		}
	}
	add(a, APPROVAL_RISK_HIGH, "it ran under a policy of its own");
}

static void
look_at_source(const struct workflow_state *state,
	       struct approval_assessment *a)
{
	const char *source =
		json_text(workflow_state_part(state, "sources"), "code");

	if (strcmp(source, "model") == 0)
		add(a, APPROVAL_RISK_MEDIUM, "a model wrote the code");
}

static void
look_at_results(const json_t *results, struct approval_assessment *a)
{
	const json_t *tests = json_object_get(results, "tests");
	const char *outcome = json_text(results, "outcome");

	if (!json_is_object(tests)) {
		add(a, APPROVAL_RISK_MEDIUM, "no tests were run");
		return;
	}
	if (strcmp(outcome, "passed") != 0)
		add(a, APPROVAL_RISK_HIGH, "not every test passed");
	if (json_number(tests, "skipped") > 0)
		add(a, APPROVAL_RISK_MEDIUM, "tests were skipped");
	if (strcmp(json_text(tests, "trust"), "in-process") == 0)
		add(a, APPROVAL_RISK_LOW,
		    "the code shared a process with its tests");
	if (json_number(results, "denials_total") > 0)
		add(a, APPROVAL_RISK_HIGH,
		    "it tried calls that its policy denies");
}

static const char *
finding_reason(enum approval_risk risk)
{
	static const char *const reasons[APPROVAL_RISK_COUNT] = {
		[APPROVAL_RISK_LOW] = "the analysis found something of low "
				      "severity",
		[APPROVAL_RISK_MEDIUM] = "the analysis found something of "
					 "medium severity",
		[APPROVAL_RISK_HIGH] = "the analysis found something of high "
				       "severity",
		[APPROVAL_RISK_CRITICAL] = "the analysis found something of "
					   "critical severity",
	};

	return reasons[risk];
}

/* Who decides must not have to look for what it is about. */
static void
name_findings(const struct workflow_state *state, enum approval_risk worst,
	      struct approval_assessment *a)
{
	char names[256], reason[384];

	iteration_worst_text(state, names, sizeof(names));
	(void)snprintf(reason, sizeof(reason), "%s: %s", finding_reason(worst),
		       names);
	add(a, worst, reason);
}

static void
look_at_report(const struct workflow_state *state, const json_t *report,
	       struct approval_assessment *a)
{
	const json_t *found = json_object_get(report, "vulnerabilities");
	enum approval_risk worst = APPROVAL_RISK_LOW;

	if (!json_is_true(json_object_get(report, "analysed"))) {
		add(a, APPROVAL_RISK_MEDIUM,
		    "the code was not analysed for weaknesses");
		return;
	}
	for (size_t i = 0; i < json_array_size(found); i++) {
		enum approval_risk risk = approval_risk_by_name(
			json_text(json_array_get(found, i), "severity"));

		if (risk > worst)
			worst = risk;
	}
	if (worst >= APPROVAL_RISK_HIGH) {
		name_findings(state, worst, a);
		a->type = TYPE_OVERRIDE;
	} else if (json_array_size(found) > 0) {
		add(a, worst, finding_reason(worst));
	}
}

/* ---- the whole ------------------------------------------------------- */

static json_t *
impact_of(const struct workflow_state *state)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	const json_t *program = workflow_state_part(state, "program");
	const json_t *results = json_object_get(artifacts, "test_results");
	const json_t *report = json_object_get(artifacts, "security_report");
	const json_t *tests = json_object_get(results, "tests");
	const char *source =
		json_text(workflow_state_part(state, "sources"), "code");
	char ran[96] = "no tests were run", looked[64] = "not analysed";
	long long bad = json_number(tests, "failed");

	bad += json_number(tests, "errors");
	if (json_is_object(tests))
		snprintf(ran, sizeof(ran), "%lld tests passed, %lld did not",
			 (long long)json_number(tests, "passed"), bad);
	if (json_is_true(json_object_get(report, "analysed")))
		snprintf(looked, sizeof(looked), "analysed with %zu findings",
			 json_array_size(
				 json_object_get(report, "vulnerabilities")));
	return json_sprintf(
		"Releases %zu bytes of %s code and %zu more files; source: "
		"%s; %s; %s.",
		json_string_length(
			json_object_get(artifacts, "generated_code")),
		json_text(program, "language"),
		json_array_size(json_object_get(program, "files")) +
			(json_object_get(program, "tests") != NULL),
		source[0] != '\0' ? source : "unknown", ran, looked);
}

void
approval_assess(const struct workflow_state *state,
		struct approval_assessment *ret)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");

	*ret = (struct approval_assessment){
		.type = approval_type_of_goal(json_text(state->doc, "goal")),
		.reasons = json_array(),
		.impact = impact_of(state),
	};
	look_at_policy(state, ret);
	look_at_source(state, ret);
	look_at_results(json_object_get(artifacts, "test_results"), ret);
	look_at_report(state, json_object_get(artifacts, "security_report"),
		       ret);
	look_at_goal(state, ret);
}

void
approval_assessment_done(struct approval_assessment *assessment)
{
	json_decref(assessment->reasons);
	json_decref(assessment->impact);
	assessment->reasons = assessment->impact = NULL;
}

bool
approval_is_clean(const struct workflow_state *state, double min_score)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	const json_t *results = json_object_get(artifacts, "test_results");
	const json_t *report = json_object_get(artifacts, "security_report");
	const json_t *score = json_object_get(report, "overall_score");

	return strcmp(json_text(results, "outcome"), "passed") == 0 &&
	       json_is_true(json_object_get(report, "analysed")) &&
	       json_is_number(score) && json_number_value(score) >= min_score;
}
