/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c - the table of step types, plans made from it, and the two simple
 * steps: generate (take the code that was given) and finalize (release the
 * artifacts with their evidence).
 */
#include "api/workflow/step.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/workflow/approval.h"
#include "api/workflow/digest.h"
#include "api/workflow/program.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

static const char *
describe_generate(const struct plan_facts *facts)
{
	(void)facts;
	return "Obtain the code for the goal";
}

static const char *
describe_test(const struct plan_facts *facts)
{
	return facts->has_tests ? "Run the tests in a jail"
				: "Run the program in a jail";
}

static const char *
describe_approval(const struct plan_facts *facts)
{
	(void)facts;
	return "Approve the release of code and results";
}

static const char *
describe_finalize(const struct plan_facts *facts)
{
	(void)facts;
	return "Release the artifacts with their evidence";
}

static bool
needs_approval(const struct plan_facts *facts)
{
	return facts->needs_approval;
}

/* In the order of a plan. */
static const struct step_type step_types[] = {
	{
		.type = "generate",
		.agent = "create_agent",
		.estimate_s = 1,
		.describe = describe_generate,
		.run = step_generate_run,
	},
	{
		.type = "test",
		.agent = "web_dev_agent",
		.tool = "code_interpreter",
		.estimate_s = 5,
		.describe = describe_test,
		.run = step_test_run,
	},
	{
		.type = "approval",
		.agent = "human_in_loop",
		.tool = "human_in_loop",
		.estimate_s = 300,
		.waits_for_people = true,
		.describe = describe_approval,
		.is_planned = needs_approval,
		.run = step_approval_run,
	},
	{
		.type = "finalize",
		.agent = "create_agent",
		.estimate_s = 1,
		.describe = describe_finalize,
		.run = step_finalize_run,
	},
};

const struct step_type *
step_type_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(step_types); i++) {
		if (strcmp(step_types[i].type, type) == 0)
			return &step_types[i];
	}
	return NULL;
}

/* ---- plans ----------------------------------------------------------- */

static json_t *
planned_step(const struct step_type *type, const struct plan_facts *facts,
	     size_t number)
{
	char estimate[32];

	if (type->estimate_s < 60)
		snprintf(estimate, sizeof(estimate), "%u second%s",
			 type->estimate_s, type->estimate_s == 1 ? "" : "s");
	else
		snprintf(estimate, sizeof(estimate), "%u minute%s",
			 type->estimate_s / 60,
			 type->estimate_s < 120 ? "" : "s");
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:i, s:s}", "step",
			 (json_int_t)number, "step_id", (json_int_t)number,
			 "type", type->type, "description",
			 type->describe(facts), "agent", type->agent,
			 "estimated_duration", estimate, "estimate_s",
			 (int)type->estimate_s, "status", "pending");
}

json_t *
workflow_plan_new(const struct plan_facts *facts)
{
	json_t *plan = json_array();

	for (size_t i = 0; plan != NULL && i < ARRAY_LEN(step_types); i++) {
		const struct step_type *type = &step_types[i];

		if (type->is_planned != NULL && !type->is_planned(facts))
			continue;
		if (json_array_append_new(
			    plan, planned_step(type, facts,
					       json_array_size(plan) + 1)) <
		    0) {
			json_decref(plan);
			return NULL;
		}
	}
	return plan;
}

double
workflow_plan_minutes(const json_t *plan)
{
	int64_t seconds = 0;

	for (size_t i = 0; i < json_array_size(plan); i++)
		seconds += json_number(json_array_get(plan, i), "estimate_s");
	return (double)seconds / 60;
}

/* ---- what steps share ------------------------------------------------ */

enum step_result
step_store_failed(struct step_context *context, const struct err *e)
{
	log_error("event=workflow_store workflow=%s error=\"%s\"",
		  context->state->meta.workflow_id, e->text);
	context->is_store_broken = true;
	return STEP_STOP;
}

enum step_result
step_save(struct step_context *context)
{
	struct err e;

	if (workflow_state_save(context->api->store, context->state,
				context->lease_token, &e) == 0)
		return STEP_DONE;
	return e.kind == ERR_CONFLICT ? STEP_STOP
				      : step_store_failed(context, &e);
}

uint64_t
step_backoff_us(uint64_t now_us, uint32_t round)
{
	uint64_t base_us = 1000000ull << (round < 6 ? round : 6);
	uint32_t random = 0;

	if (base_us > 60000000u)
		base_us = 60000000u;
	/* Without it all that failed together would come back together. */
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = 0;
	return now_us + base_us * 3 / 4 + base_us / 2 * (random >> 16) / 65536;
}

/* ---- generate -------------------------------------------------------- */

static enum step_result
no_code(struct err *e)
{
	err_set(e, ERR_INVALID, 0,
		"no code in the request (context.code) and no model is "
		"configured: send the code, or set AZURE_OPENAI_ENDPOINT and "
		"AZURE_OPENAI_API_KEY");
	return STEP_FAILED;
}

/* The code goes to the artifacts, all else to "program". */
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
	json_object_del(program, "code");
	json_object_del(program, "sources");
	json_object_set_new(doc, "program", program);
	return STEP_DONE;
}

enum step_result
step_generate_run(struct step_context *c, struct err *e)
{
	const json_t *context = workflow_state_part(c->state, "context");
	uint64_t now_us = clock_wall_us();
	struct program_given given;
	json_t *program;

	if (program_given(context, &given, e) < 0)
		return STEP_FAILED;
	if (given.code == NULL)
		return no_code(e);
	/* Languages and default paths are the supervisor's to say. */
	if (c->runner->check_ready(c->runner->arg, e) < 0) {
		int64_t waits = json_number(c->step, "waits");

		json_object_set_new(c->step, "waits", json_integer(waits + 1));
		json_object_set_new(c->step, "waiting_for",
				    json_string(e->text));
		c->due_us = step_backoff_us(now_us, (uint32_t)waits);
		return STEP_WAIT;
	}
	program = program_new(context, &given, c->host);
	if (program == NULL) {
		err_set(e, ERR_IO, ENOMEM, "read code");
		return STEP_FAILED;
	}
	return keep_program(c, program, e);
}

/* ---- finalize -------------------------------------------------------- */

static json_t *
job_ids(const struct workflow_state *state)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *attempts = json_object_get(
			workflow_state_step(state, i), "attempts");

		for (size_t k = 0; k < json_array_size(attempts); k++)
			json_array_append(
				ids,
				json_object_get(json_array_get(attempts, k),
						"job_id"));
	}
	return ids;
}

static void
set_sha256(json_t *evidence, const char *name, const json_t *text)
{
	char hex[DIGEST_HEX_SIZE];

	if (!json_is_string(text))
		return;
	digest_bytes(json_string_value(text), json_string_length(text), hex);
	json_object_set_new(evidence, name, json_string(hex));
}

static json_t *
evidence_new(const struct workflow_state *state)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	const json_t *program = workflow_state_part(state, "program");
	const json_t *results = json_object_get(artifacts, "test_results");
	json_t *evidence =
		json_pack("{s:o, s:O*, s:O*, s:O*}", "job_ids", job_ids(state),
			  "policy", json_object_get(results, "policy"),
			  "outcome", json_object_get(results, "outcome"),
			  "approvals", workflow_state_part(state, "approvals"));
	char digest[DIGEST_HEX_SIZE];

	if (evidence == NULL)
		return NULL;
	set_sha256(evidence, "code_sha256",
		   json_object_get(artifacts, "generated_code"));
	set_sha256(evidence, "tests_sha256", json_object_get(program, "tests"));
	digest_workflow(state, digest);
	json_object_set_new(evidence, "digest", json_string(digest));
	json_set_time(evidence, "released_at", clock_wall_us());
	return evidence;
}

enum step_result
step_finalize_run(struct step_context *c, struct err *e)
{
	json_t *artifacts = workflow_state_part(c->state, "artifacts");
	json_t *evidence;

	if (approval_check_all(c->state, e) < 0)
		return STEP_FAILED;
	evidence = evidence_new(c->state);
	if (evidence == NULL ||
	    json_object_set_new(artifacts, "evidence", evidence) < 0) {
		err_set(e, ERR_IO, ENOMEM, "collect evidence");
		return STEP_FAILED;
	}
	return STEP_DONE;
}
