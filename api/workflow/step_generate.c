/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_generate.c - the step that has a program at its end: the one that came
 * with the request, else one that the author writes; later, one that he mends.
 *
 * A call of the author may cost money.  It is on record as begun before it is
 * made, and what the author heard is in the document (reply) before anything is
 * done with it: a call that was heard to its end is never made twice.  One that
 * a crash or the network cut off is made again under the same identity
 * (workflow, step, call), so that whoever is asked can tell.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/text.h"
#include "api/workflow/clock.h"
#include "api/workflow/digest.h"
#include "api/workflow/iteration.h"
#include "api/workflow/mend.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

/* ---- the program ----------------------------------------------------- */

/*
 * The code goes to the artifacts, all else to "program"; what was known of an
 * earlier program goes.
 */
static enum step_result
keep_program(struct step_context *c, json_t *program, struct err *e)
{
	json_t *doc = c->state->doc;
	json_t *artifacts = workflow_state_part(c->state, "artifacts");
	json_t *sources = json_object_get(program, "sources");

	if (json_object_set(artifacts, "generated_code",
			    json_object_get(program, "code")) < 0 ||
	    json_object_set(doc, "sources", sources) < 0) {
		json_decref(program);
		err_set(e, ERR_IO, ENOMEM, "keep code");
		return STEP_FAILED;
	}
	json_object_del(artifacts, "test_results");
	json_object_del(artifacts, "security_report");
	json_object_del(artifacts, "documentation");
	json_object_del(program, "code");
	json_object_del(program, "sources");
	json_object_set_new(doc, "program", program);
	return STEP_DONE;
}

static enum step_result
take_given(struct step_context *c, const struct program_given *given,
	   struct err *e)
{
	json_t *program = program_new(workflow_state_part(c->state, "context"),
				      given, c->host);

	if (program == NULL) {
		err_set(e, ERR_IO, ENOMEM, "read code");
		return STEP_FAILED;
	}
	return keep_program(c, program, e);
}

/* ---- what the author gave -------------------------------------------- */

/* Untrusted: of what may stand in a request's context, what has its type. */
static json_t *
answer_program(const json_t *program)
{
	static const char *const texts[] = {"code", "tests", "language",
					    "code_path", "tests_path"};
	json_t *files = json_object_get(program, "files");
	json_t *kept = json_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *text = json_object_get(program, texts[i]);

		if (json_string_length(text) > 0)
			json_object_set(kept, texts[i], text);
	}
	if (json_array_size(files) > 0)
		json_object_set(kept, "files", files);
	return kept;
}

/* The first program: the request's context with what the author wrote. */
static json_t *
first_program(struct step_context *c, const json_t *answer,
	      const struct program_given *given)
{
	json_t *work = json_object_get(answer, "program");
	json_t *context = json_copy(workflow_state_part(c->state, "context"));
	struct program_given g = {
		.code = json_object_get(work, "code"),
		.code_source = json_text(answer, "source"),
		.tests = json_object_get(work, "tests"),
		.tests_source = json_text(answer, "source"),
	};
	json_t *program, *value;
	const char *name;

	if (given->tests != NULL) {
		g.tests = given->tests;
		g.tests_source = given->tests_source;
	} else if (g.tests == NULL) {
		g.tests_source = NULL;
	}
	json_object_foreach(work, name, value)
	{
		if (given->tests != NULL && strcmp(name, "tests_path") == 0)
			continue;
		/* What the client says is not the author's to change. */
		if (json_string_length(json_object_get(context, name)) == 0 &&
		    json_array_size(json_object_get(context, name)) == 0)
			json_object_set(context, name, value);
	}
	program = program_new(context, &g, c->host);
	json_decref(context);
	return program;
}

/* A client's tests say what is wanted; an author may correct only his own. */
static bool
may_change_tests(const struct workflow_state *state)
{
	const char *source =
		json_text(workflow_state_part(state, "sources"), "tests");

	return strncmp(source, "context.", 8) != 0;
}

static bool
has_own_files(const struct workflow_state *state)
{
	const json_t *context = workflow_state_part(state, "context");

	return json_array_size(json_object_get(context, "files")) > 0;
}

/*
 * Files that the author restates take the place of those before; new reference.
 */
static json_t *
merged_files(const json_t *before, const json_t *now)
{
	json_t *files = json_copy((json_t *)(uintptr_t)now);

	for (size_t i = 0; i < json_array_size(before); i++) {
		json_t *file = json_array_get(before, i);
		bool is_restated = false;

		for (size_t k = 0; k < json_array_size(now); k++)
			if (strcmp(json_text(file, "path"),
				   json_text(json_array_get(now, k), "path")) ==
			    0)
				is_restated = true;
		if (!is_restated)
			json_array_append(files, file);
	}
	return files;
}

static json_t *
mended_program(const struct step_context *c, const json_t *answer)
{
	const struct workflow_state *state = c->state;
	const json_t *work = json_object_get(answer, "program");
	json_t *program = json_copy(workflow_state_part(state, "program"));
	json_t *sources = json_deep_copy(workflow_state_part(state, "sources"));
	json_t *tests = json_object_get(work, "tests");
	const json_t *files = json_object_get(work, "files");

	json_object_set(program, "code", json_object_get(work, "code"));
	json_object_set(sources, "code", json_object_get(answer, "source"));
	if (tests != NULL && may_change_tests(state)) {
		json_object_set(program, "tests", tests);
		json_object_set(sources, "tests",
				json_object_get(answer, "source"));
	}
	/* A client's files, like his tests, are not the author's to change. */
	if (files != NULL && !has_own_files(state))
		json_object_set_new(
			program, "files",
			merged_files(json_object_get(program, "files"), files));
	json_object_set_new(program, "sources", sources);
	return program;
}

/* The author had been asked to mend; is it anything new? */
static enum step_result
end_mending(struct step_context *c)
{
	const json_t *records = workflow_state_part(c->state, "iterations");
	const json_t *mending = workflow_state_part(c->state, "mending");
	char hex[DIGEST_HEX_SIZE];

	json_object_set(c->state->doc, "iteration",
			json_object_get(mending, "iteration"));
	json_object_del(c->state->doc, "mending");
	digest_program(c->state, hex);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);

		if (strcmp(json_text(record, "program_sha256"), hex) != 0)
			continue;
		mend_give_up(c, "no progress: the author returned a program "
				"that was tried before");
		break;
	}
	return STEP_DONE;
}

/* "a, b", malloc'd */
static char *
joined(const json_t *words)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < json_array_size(words); i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(words, i)));
	return fclose(out) == 0 ? text : NULL;
}

/* What was not written for this goal says what it is, to whoever reads it. */
static void
tell_recipe(const struct workflow_state *state, const json_t *answer)
{
	json_t *recipe = json_object_get(answer, "recipe");
	owned_mem char *open = NULL;

	if (recipe == NULL)
		return;
	open = joined(json_object_get(recipe, "not_about"));
	json_object_set(workflow_state_part(state, "sources"), "recipe",
			recipe);
	json_object_set_new(
		workflow_state_part(state, "artifacts"), "documentation",
		json_sprintf("%s: recipe %s of the cookbook, not written for "
			     "this goal. %s%s%s",
			     json_text(recipe, "title"),
			     json_text(recipe, "name"),
			     json_text(recipe, "does"),
			     open == NULL || open[0] == '\0'
				     ? ""
				     : "\nWords of the goal that it is not "
				       "about: ",
			     open == NULL ? "" : open));
}

static enum step_result
use_answer(struct step_context *c, struct err *e)
{
	json_t *answer = json_incref(workflow_state_part(c->state, "authored"));
	bool is_mending = mend_is_under_way(c->state);
	struct program_given given;
	enum step_result result;
	json_t *program;

	if (program_given(workflow_state_part(c->state, "context"), &given, e) <
	    0) {
		json_decref(answer);
		return STEP_FAILED;
	}
	program = is_mending ? mended_program(c, answer)
			     : first_program(c, answer, &given);
	if (program != NULL && json_text(answer, "model")[0] != '\0')
		json_object_set(json_object_get(program, "sources"), "model",
				json_object_get(answer, "model"));
	json_object_del(c->state->doc, "authored");
	if (program == NULL) {
		json_decref(answer);
		err_set(e, ERR_IO, ENOMEM, "read the author's answer");
		return STEP_FAILED;
	}
	result = keep_program(c, program, e);
	if (result == STEP_DONE)
		tell_recipe(c->state, answer);
	json_decref(answer);
	return result == STEP_DONE && is_mending ? end_mending(c) : result;
}

/* ---- asking the author ----------------------------------------------- */

/* The program that is to be mended, as the author sees it; new reference. */
static json_t *
previous_program(const struct workflow_state *state)
{
	json_t *program = json_copy(workflow_state_part(state, "program"));

	json_object_set(program, "code",
			json_object_get(workflow_state_part(state, "artifacts"),
					"generated_code"));
	return program;
}

/*
 * What a request wants mended before anything else (an analysis' action): new
 * reference as a mending's feedback has it, or NULL.
 */
static json_t *
feedback_asked_for(const struct workflow_state *state)
{
	json_t *findings = json_object_get(
		workflow_state_part(state, "context"), "findings");

	if (json_array_size(findings) == 0 || mend_is_under_way(state))
		return NULL;
	return json_pack("{s:s, s:O}", "outcome", "analysed", "findings",
			 findings);
}

static void
fill_task(const struct step_context *c, const json_t *previous,
	  const json_t *feedback, struct author_task *ret)
{
	const struct workflow_state *state = c->state;
	const json_t *context = workflow_state_part(state, "context");
	const json_t *mending = workflow_state_part(state, "mending");

	*ret = (struct author_task){
		.goal = json_text(state->doc, "goal"),
		.language = json_text(previous != NULL ? previous : context,
				      "language"),
		.context = context,
		.previous = previous,
		.feedback = mending != NULL
				    ? json_object_get(mending, "feedback")
				    : feedback,
		.workflow_id = state->meta.workflow_id,
		.user_id = state->meta.user_id,
		.step = (uint32_t)json_number(c->step, "step_id"),
		.attempt = (uint32_t)json_number(c->step, "attempt"),
		.call = (uint32_t)json_number(c->step, "call"),
		.iteration = (uint32_t)json_number(mending, "iteration"),
		.plan = step_plan_of(state),
		.wall_ms_max = step_ms_left(c),
		.cancel_fd = c->cancel_fd,
	};
}

/* ---- what the author heard ------------------------------------------- */

/* Into the document, before anything is done with it. */
static enum step_result
keep_answer(struct step_context *c, const struct author_work *work,
	    struct err *e)
{
	json_t *answer = json_pack(
		"{s:O, s:s, s:s, s:s, s:I, s:I, s:I, s:O*, s:o}", "attempt",
		json_object_get(c->step, "attempt"), "source", work->source,
		"agent", work->agent, "model", work->model, "tokens_in",
		(json_int_t)work->tokens_in, "tokens_out",
		(json_int_t)work->tokens_out, "cost_micros",
		(json_int_t)work->cost_micros, "recipe", work->recipe,
		"program", answer_program(work->program));

	if (answer == NULL ||
	    json_object_set_new(c->state->doc, "authored", answer) < 0) {
		err_set(e, ERR_IO, ENOMEM, "keep the author's answer");
		return STEP_FAILED;
	}
	step_call_cost(c->state, work->cost_micros);
	if (work->agent[0] != '\0')
		json_object_set_new(c->step, "agent", json_string(work->agent));
	step_attempt_end(c, "answered", NULL);
	step_call_end(c, false);
	return step_save(c);
}

/* No answer came.  Mending is a chance, not a duty: else the best is taken. */
static enum step_result
take_failure(struct step_context *c, bool is_unanswered, struct err *e)
{
	enum step_result result;
	char reason[ERR_TEXT_MAX + 32];

	if (step_attempt_is_open(c))
		step_attempt_end(c, "error", e->text);
	step_call_end(c, is_unanswered);
	result = step_retry(c, e);
	if (result != STEP_FAILED || !mend_is_under_way(c->state))
		return result;
	snprintf(reason, sizeof(reason), "the author gave up: %s", e->text);
	mend_give_up(c, reason);
	return STEP_DONE;
}

static int
check_answer(const struct author_work *work, struct err *e)
{
	if (json_string_length(json_object_get(work->program, "code")) > 0)
		return 0;
	return err_set(e, ERR_INVALID, 0, "the author's answer has no code");
}

/* The attempt is on record: call. */
static enum step_result
call_author(struct step_context *c, struct author_task *task, struct err *e)
{
	struct step_keeper keeper = {.c = c};
	struct author_work work = {0};
	enum step_result result;
	int rc;

	step_call_keep(&keeper, task);
	rc = c->author->write(c->author->arg, task, &work, e);
	/* What came too late to be ours is paid, but must not be written. */
	if (keeper.is_lost || (rc < 0 && c->cut(c->arg) != STEP_CUT_NONE)) {
		json_decref(work.program);
		json_decref(work.recipe);
		return STEP_STOP;
	}
	if (rc == 0)
		rc = check_answer(&work, e);
	if (rc < 0)
		step_call_cost(c->state, work.cost_micros);
	result = rc == 0 ? keep_answer(c, &work, e)
			 : take_failure(c, work.is_unanswered, e);
	if (result == STEP_WAIT)
		step_wait_at_least(c, work.retry_after_s);
	json_decref(work.program);
	json_decref(work.recipe);
	if (rc < 0 || result != STEP_DONE)
		return result;
	return use_answer(c, e);
}

static enum step_result
begin_call(struct step_context *c, struct err *e)
{
	enum step_result result = step_call_begin(c, e);

	return result == STEP_FAILED ? take_failure(c, true, e) : result;
}

static enum step_result
ask_author(struct step_context *c, const struct program_given *given,
	   struct err *e)
{
	json_t *feedback = feedback_asked_for(c->state), *previous = NULL;
	struct author_task task;
	enum step_result result = STEP_DONE;

	if (mend_is_under_way(c->state))
		previous = previous_program(c->state);
	else if (feedback != NULL)
		previous = program_new(workflow_state_part(c->state, "context"),
				       given, c->host);
	fill_task(c, previous, feedback, &task);
	if (!step_attempt_is_open(c) &&
	    c->author->check_ready(c->author->arg, &task, e) < 0)
		result = take_failure(c, false, e);
	else
		result = begin_call(c, e);
	if (result == STEP_DONE && step_attempt_is_open(c)) {
		fill_task(c, previous, feedback, &task);
		result = call_author(c, &task, e);
	}
	json_decref(previous);
	json_decref(feedback);
	return result;
}

/* ---- the step -------------------------------------------------------- */

static enum step_result
no_code(struct err *e)
{
	err_set(e, ERR_INVALID, 0,
		"no code in the request (context.code), no model and no "
		"cookbook: send the code, or set AZURE_OPENAI_ENDPOINT, "
		"PROMPTCRAFT_MODEL_URL or PROMPTCRAFT_COOKBOOK_DIR");
	return STEP_FAILED;
}

static enum step_result
nobody_mends(struct err *e)
{
	err_set(e, ERR_INVALID, 0,
		"context.findings are to be mended and no model is "
		"configured: set AZURE_OPENAI_ENDPOINT or "
		"PROMPTCRAFT_MODEL_URL");
	return STEP_FAILED;
}

/* The program came with the request, and nobody is asked to mend it first. */
static bool
is_as_given(const struct step_context *c, const struct program_given *given)
{
	json_t *feedback = feedback_asked_for(c->state);
	bool is_to_mend = feedback != NULL;

	json_decref(feedback);
	return given->code != NULL && !is_to_mend &&
	       !mend_is_under_way(c->state);
}

enum step_result
step_generate_run(struct step_context *c, struct err *e)
{
	struct program_given given;

	if (program_given(workflow_state_part(c->state, "context"), &given, e) <
	    0)
		return STEP_FAILED;
	if (given.code == NULL && c->author == NULL &&
	    workflow_state_part(c->state, "authored") == NULL)
		return no_code(e);
	/* Languages and default paths are the supervisor's to say. */
	if (c->runner->check_ready(c->runner->arg, e) < 0)
		return step_wait(c, e->text);
	if (workflow_state_part(c->state, "authored") != NULL)
		return use_answer(c, e);
	if (is_as_given(c, &given))
		return take_given(c, &given, e);
	if (given.code != NULL && !mend_has_author(c) &&
	    !mend_is_under_way(c->state))
		return nobody_mends(e);
	if (c->author == NULL) {
		/* It was there when the mending began. */
		mend_give_up(c, "there is no author any more");
		return STEP_DONE;
	}
	return ask_author(c, &given, e);
}
