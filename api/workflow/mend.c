/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend.c - see mend.h.  Only here does a plan go backwards.  Everything that
 * belongs to one version (code, tests, results, report) is replaced together,
 * so that no version is ever shown with another one's results.
 */
#include "api/workflow/mend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/jobs/text.h"
#include "api/workflow/iteration.h"
#include "api/workflow/program.h"

int64_t
mend_serious_findings(const struct workflow_state *state)
{
	return iteration_findings(state, true);
}

bool
mend_is_under_way(const struct workflow_state *state)
{
	return workflow_state_part(state, "mending") != NULL;
}

bool
mend_is_settled(const struct workflow_state *state)
{
	return workflow_state_part(state, "settled") != NULL;
}

/* ---- records --------------------------------------------------------- */

static json_t *
records_of(const struct workflow_state *state)
{
	return workflow_state_part(state, "iterations");
}

static json_t *
last_record(const struct workflow_state *state)
{
	const json_t *records = records_of(state);
	size_t len = json_array_size(records);

	return len > 0 ? json_array_get(records, len - 1) : NULL;
}

static json_t *
record_of(const struct workflow_state *state, int64_t iteration)
{
	const json_t *records = records_of(state);

	for (size_t i = 0; i < json_array_size(records); i++) {
		json_t *record = json_array_get(records, i);

		if (json_number(record, "iteration") == iteration)
			return record;
	}
	return NULL;
}

/* Weaknesses found: the most in one version; resolved: gone since then. */
static void
count_findings(struct workflow_state *state)
{
	json_t *metrics = workflow_state_part(state, "metrics");
	int64_t now = iteration_findings(state, false);
	int64_t found = json_number(metrics, "security_issues_found");

	found = now > found ? now : found;
	json_object_set_new(metrics, "security_issues_found",
			    json_integer(found));
	json_object_set_new(metrics, "security_issues_resolved",
			    json_integer(found - now));
}

void
mend_record(struct step_context *c)
{
	json_t *records = records_of(c->state);

	if (mend_is_settled(c->state))
		return;
	if (records == NULL) {
		records = json_array();
		json_object_set_new(c->state->doc, "iterations", records);
	}
	json_array_append_new(records, iteration_record_new(c->state));
	/* Without a report nothing is known of weaknesses. */
	if (json_object_get(workflow_state_part(c->state, "artifacts"),
			    "security_report") != NULL)
		count_findings(c->state);
}

void
mend_accept(struct step_context *c)
{
	mend_record(c);
	json_object_del(c->state->doc, "best");
}

/* ---- the best version so far ----------------------------------------- */

static const char *const version_artifacts[] = {
	"generated_code", "test_results", "security_report"};
static const char *const version_members[] = {"program", "sources"};

static void
move_member(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (value != NULL)
		json_object_set(to, name, value);
	else
		json_object_del(to, name);
}

/* Copies the present version into doc.best, or doc.best over the present. */
static void
copy_version(const struct workflow_state *state, json_t *best, bool is_restore)
{
	json_t *artifacts = workflow_state_part(state, "artifacts");

	for (size_t i = 0; i < 3; i++)
		move_member(is_restore ? artifacts : best,
			    is_restore ? best : artifacts,
			    version_artifacts[i]);
	for (size_t i = 0; i < 2; i++)
		move_member(is_restore ? state->doc : best,
			    is_restore ? best : state->doc, version_members[i]);
}

/* Is the present version, whose record is the last, better than the kept? */
static bool
present_is_best(const struct workflow_state *state)
{
	const json_t *best = workflow_state_part(state, "best");

	return best == NULL ||
	       iteration_is_better(
		       last_record(state),
		       record_of(state, json_number(best, "iteration")));
}

static void
keep_best(struct workflow_state *state)
{
	json_t *best;

	if (!present_is_best(state))
		return;
	best = json_pack("{s:I}", "iteration", iteration_number(state));
	copy_version(state, best, false);
	json_object_set_new(state->doc, "best", best);
}

static void
set_success_rate(struct workflow_state *state)
{
	json_t *results = json_object_get(
		workflow_state_part(state, "artifacts"), "test_results");
	json_t *rate = json_object_get(results, "success_rate");

	if (rate != NULL)
		json_object_set(workflow_state_part(state, "metrics"),
				"test_success_rate", rate);
}

/* The best of doc.best and the present one becomes the present one. */
static void
settle(struct workflow_state *state, const char *reason)
{
	json_t *best = workflow_state_part(state, "best");
	int64_t taken = iteration_number(state);
	char message[ERR_TEXT_MAX + 64];

	if (best != NULL) {
		taken = json_number(best, "iteration");
		copy_version(state, best, true);
		json_object_set_new(state->doc, "iteration",
				    json_integer(taken));
		set_success_rate(state);
		count_findings(state);
	}
	json_object_del(state->doc, "best");
	json_object_del(state->doc, "mending");
	json_object_set_new(state->doc, "settled",
			    json_pack("{s:I, s:o}", "iteration",
				      (json_int_t)taken, "reason",
				      text_to_json(reason, strlen(reason))));
	snprintf(message, sizeof(message), "iteration %lld is taken: %s",
		 (long long)taken, reason);
	workflow_state_event(state, "settled", NULL, message);
}

void
mend_give_up(struct step_context *c, const char *reason)
{
	/* The best one is in doc.best: a mending was under way. */
	settle(c->state, reason);
}

/* ---- is there a point in mending? ------------------------------------ */

static int64_t
iterations_max(const struct workflow_state *state)
{
	const json_t *preferences = json_object_get(
		workflow_state_part(state, "context"), "execution_preferences");
	const json_t *max = json_object_get(preferences, "max_iterations");

	return json_is_integer(max) ? json_integer_value(max)
				    : MEND_ITERATIONS_DEFAULT;
}

bool
mend_has_author(const struct step_context *c)
{
	return c->author != NULL && !c->author->never_mends;
}

/* NULL if it may be mended; else why not, "" if there is nothing to tell. */
static const char *
why_not(const struct step_context *c)
{
	const struct workflow_state *state = c->state;
	int64_t max = iterations_max(state);

	if (max == 0 || program_is_trial(workflow_state_part(state, "context")))
		return "";
	if (!mend_has_author(c))
		return strcmp(json_text(workflow_state_part(state, "sources"),
					"code"),
			      "cookbook") == 0
			       ? "a recipe of the cookbook cannot be mended; "
				 "a model would (AZURE_OPENAI_ENDPOINT or "
				 "PROMPTCRAFT_MODEL_URL)"
			       : "";
	if (iteration_number(state) >= max)
		return "the last iteration that is allowed";
	if (iteration_is_repeated(state, "faults_sha256"))
		return "no progress: the same faults again";
	return NULL;
}

/* ---- mending --------------------------------------------------------- */

/* From the first step to this one, all are to be done again. */
static int
reopen_steps(struct step_context *c, const char *why)
{
	static const char *const of_one_round[] = {
		"deadline_us", "waits",		"retries",
		"waiting_for", "wait_until_us", "error",
	};

	for (size_t i = 0; i <= c->index; i++) {
		json_t *step = workflow_state_step(c->state, i);

		if (step_type_find(json_text(step, "type"))->is_once)
			continue;
		for (size_t k = 0; k < 6; k++)
			json_object_del(step, of_one_round[k]);
		if (workflow_state_set_step(c->state, step, "pending", why) < 0)
			return -1;
	}
	return 0;
}

static enum step_result
begin_mending(struct step_context *c, struct err *e)
{
	struct workflow_state *state = c->state;
	int64_t iteration = iteration_number(state) + 1;
	char message[ERR_TEXT_MAX + 64];
	json_t *mending;

	keep_best(state);
	mending = json_pack("{s:I, s:o}", "iteration", (json_int_t)iteration,
			    "feedback", iteration_feedback_new(state));
	if (mending == NULL ||
	    json_object_set_new(state->doc, "mending", mending) < 0) {
		err_set(e, ERR_IO, ENOMEM, "begin a mending");
		return STEP_FAILED;
	}
	if (reopen_steps(c, e->text) < 0)
		return STEP_FAILED;
	snprintf(message, sizeof(message), "iteration %lld of at most %lld: %s",
		 (long long)iteration, (long long)iterations_max(state),
		 e->text);
	workflow_state_event(state, "iteration", NULL, message);
	return step_save(c) == STEP_DONE ? STEP_MEND : STEP_STOP;
}

/* It stays as it is: may the step pass all the same? */
static enum step_result
take_as_it_is(const struct step_context *c, struct err *e)
{
	if (strcmp(json_text(c->step, "type"), "security") != 0)
		return STEP_FAILED;
	if (program_is_trial(workflow_state_part(c->state, "context")))
		return STEP_DONE; /* nothing of it is released */
	for (size_t i = c->index + 1; i < workflow_state_steps(c->state); i++) {
		const json_t *step = workflow_state_step(c->state, i);

		if (strcmp(json_text(step, "type"), "approval") == 0)
			return STEP_DONE; /* people will see the report */
	}
	err_wrap(e, "nobody may be asked (options.enable_human_loop)");
	return STEP_FAILED;
}

enum step_result
mend_run(struct step_context *c, struct err *e)
{
	enum step_result result;
	const char *why;

	if (mend_is_settled(c->state))
		return take_as_it_is(c, e);
	mend_record(c);
	why = why_not(c);
	if (why == NULL)
		return begin_mending(c, e);
	if (why[0] == '\0')
		return take_as_it_is(c, e);
	if (present_is_best(c->state))
		json_object_del(c->state->doc, "best");
	settle(c->state, why);
	/* An earlier version may have been better: judge what is there now. */
	result = step_type_find(json_text(c->step, "type"))->run(c, e);
	return result == STEP_MEND ? take_as_it_is(c, e) : result;
}
