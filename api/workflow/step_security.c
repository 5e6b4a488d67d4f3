/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_security.c - the step that has the program looked at for weaknesses.
 * An analysis changes nothing outside, so that one which was cut off is simply
 * done again as a new attempt.
 */
#include <errno.h>
#include <string.h>

#include "api/workflow/digest.h"
#include "api/workflow/iteration.h"
#include "api/workflow/mend.h"
#include "api/workflow/step.h"

static enum step_result
judge(struct step_context *c, struct err *e)
{
	int64_t serious = mend_serious_findings(c->state);
	char worst[ERR_TEXT_MAX];

	if (serious == 0) {
		mend_accept(c);
		return STEP_DONE;
	}
	iteration_worst_text(c->state, worst, sizeof(worst));
	err_set(e, ERR_DENIED, 0,
		"the analysis found %lld weakness%s of severity high or above: "
		"%s",
		(long long)serious, serious == 1 ? "" : "es", worst);
	return STEP_MEND;
}

/* With its code, as the analyst takes it; a new reference. */
static json_t *
program_of(const struct workflow_state *state)
{
	json_t *program = json_copy(workflow_state_part(state, "program"));

	json_object_set(program, "code",
			json_object_get(workflow_state_part(state, "artifacts"),
					"generated_code"));
	return program;
}

static enum step_result
take_report(struct step_context *c, json_t *report, struct err *e)
{
	json_t *artifacts = workflow_state_part(c->state, "artifacts");
	char hex[DIGEST_HEX_SIZE];

	digest_program(c->state, hex);
	json_object_set_new(report, "program_sha256", json_string(hex));
	if (json_object_set_new(artifacts, "security_report", report) < 0) {
		err_set(e, ERR_IO, ENOMEM, "keep the report");
		return STEP_FAILED;
	}
	step_attempt_end(c, "analysed", NULL);
	return judge(c, e);
}

static enum step_result
analyse(struct step_context *c, struct err *e)
{
	json_t *program = program_of(c->state), *report = NULL;
	const struct analyst_task task = {
		.program = program,
		.workflow_id = c->state->meta.workflow_id,
		.actor = json_text(c->state->doc, "username"),
		.step = (uint32_t)json_number(c->step, "step_id"),
		.attempt = (uint32_t)json_number(c->step, "attempt"),
		.wall_ms_max = step_ms_left(c),
		.cancel_fd = c->cancel_fd,
		.host = c->host,
	};
	int rc = c->analyst->analyse(c->analyst->arg, &task, &report, e);

	json_decref(program);
	if (rc == 0)
		return take_report(c, report, e);
	if (c->cut(c->arg) != STEP_CUT_NONE)
		return STEP_STOP;
	step_attempt_end(c, "error", e->text);
	return step_retry(c, e);
}

enum step_result
step_security_run(struct step_context *c, struct err *e)
{
	enum step_result result;

	if (mend_is_settled(c->state) &&
	    json_object_get(workflow_state_part(c->state, "artifacts"),
			    "security_report") != NULL)
		return judge(c, e);
	if (c->analyst == NULL) {
		err_set(e, ERR_UNSUPPORTED, 0,
			"the plan has an analysis, but no analyst is "
			"configured any more");
		return STEP_FAILED;
	}
	if (step_attempt_is_open(c))
		step_attempt_end(c, "error", "cut off");
	result = step_attempt_begin(c, false, NULL);
	return result == STEP_DONE ? analyse(c, e) : result;
}
