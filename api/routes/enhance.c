/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enhance.c - POST /api/v1/enhance: a short request made into a full prompt by
 * the C.R.E.A.T.E. framework.
 *
 * By the model if one is configured, else by template; data.source says which.
 * A model that fails is an error and never silently a template: the client may
 * ask for that one by options.source.
 */
#include <stdlib.h>
#include <string.h>

#include "api/cost/cost.h"
#include "api/enhance/enhance.h"
#include "api/http/handlers.h"
#include "api/jobs/request.h"
#include "api/jobs/text.h"
#include "api/routes/routes.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define QUERY_MIN 3
#define RETRY_S 5
#define QUERY_MAX_BYTES INT64_C(16000) /* 4 each, of UTF-8 */

static const char *const sources[] = {"auto", "model", "template", NULL};

static const struct field option_fields[] = {
	{"source", FIELD_ENUM, FIELD_NULLABLE, 0, 0, sources, NULL, 0},
};

static const struct field enhance_fields[] = {
	{"query", FIELD_STRING, FIELD_REQUIRED, 1, QUERY_MAX_BYTES, NULL, NULL,
	 0},
	{"tier", FIELD_INTEGER, FIELD_NULLABLE, 1, ENHANCE_TIER_MAX, NULL, NULL,
	 0},
	{"options", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, option_fields,
	 ARRAY_LEN(option_fields)},
};

const struct field_table enhance_body = {enhance_fields,
					 ARRAY_LEN(enhance_fields), 0};

/* ---- validate -------------------------------------------------------- */

static int
check_query(const json_t *body, struct http_response *res)
{
	size_t length = text_length(json_text(body, "query"));

	if (length >= QUERY_MIN && length <= ENHANCE_QUERY_MAX)
		return 0;
	http_problem(res, 422, "query",
		     "query has %zu characters; %d to %d are allowed", length,
		     QUERY_MIN, ENHANCE_QUERY_MAX);
	return -1;
}

/* By the model?  -1: *res says why not. */
static int
choose_source(const struct api *api, const json_t *body, bool *ret_by_model,
	      struct http_response *res)
{
	const char *asked =
		json_text(json_object_get(body, "options"), "source");
	bool has_model = false;
	struct err e = ERR_INIT;

	*ret_by_model = false;
	if (strcmp(asked, "template") == 0)
		return 0;
	if (enhance_has_model(api, &has_model, &e) < 0) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (!has_model && strcmp(asked, "model") == 0) {
		http_problem(
			res, 422, "options.source",
			"options.source: no model is configured "
			"(AZURE_OPENAI_ENDPOINT or PROMPTCRAFT_MODEL_URL); "
			"\"template\" needs none");
		return -1;
	}
	*ret_by_model = has_model;
	return 0;
}

/* ---- render ---------------------------------------------------------- */

static json_t *
sections_new(const struct create_prompt *prompt)
{
	json_t *sections = json_object();

	for (size_t i = 0; i < CREATE_LETTERS; i++)
		json_object_set_new(sections, create_letters[i].key,
				    text_to_json(prompt->section[i],
						 strlen(prompt->section[i])));
	return sections;
}

static void
answer(struct http_response *res, const struct enhance_task *task,
       const struct create_prompt *prompt, const struct enhance_bill *bill,
       uint64_t duration_ms)
{
	owned_mem char *text = create_prompt_text(prompt);
	bool by_model = bill->model[0] != '\0';
	json_t *metadata =
		json_pack("{s:I, s:[], s:[], s:f}", "processing_time_ms",
			  (json_int_t)duration_ms, "agents_consulted",
			  "tools_used", "cost", (double)bill->micros / 1e6);

	if (by_model) {
		json_object_set_new(metadata, "model",
				    json_string(bill->model));
		json_object_set_new(metadata, "tokens_in",
				    json_integer((json_int_t)bill->tokens_in));
		json_object_set_new(metadata, "tokens_out",
				    json_integer((json_int_t)bill->tokens_out));
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:s, s:o, s:o, s:i}, s:o}", "status",
			    "success", "data", "source",
			    by_model ? "model" : "template", "enhanced_prompt",
			    text == NULL ? NULL
					 : text_to_json(text, strlen(text)),
			    "sections", sections_new(prompt), "tier",
			    (int)task->tier, "metadata", metadata));
}

/* What the model's failure means to who waits for the answer. */
static void
answer_failure(struct http_response *res, const struct err *e,
	       const struct enhance_bill *bill)
{
	static const char way_out[] =
		"options.source \"template\" does without a model";
	int status = 503;

	if (e->kind == ERR_IO || e->kind == ERR_UNAVAILABLE) {
		http_problem_from_err(res, e);
		return;
	}
	if (e->kind == ERR_DENIED)
		status = 422;
	else if (e->kind == ERR_LIMIT)
		status = 429;
	log_warning("event=enhance_failed kind=%s error=\"%s\"",
		    err_kind_name(e->kind), e->text);
	http_problem(res, status, status == 422 ? "query" : NULL, "%s; %s",
		     e->text, way_out);
	if (status == 503)
		res->retry_after_s =
			bill->retry_after_s > 0 ? bill->retry_after_s : RETRY_S;
	else if (status == 429)
		res->retry_after_s =
			(uint32_t)((cost_day_end_us(clock_wall_us()) -
				    clock_wall_us()) /
				   1000000u) +
			1;
}

/* ---- POST ------------------------------------------------------------ */

static void
enhance(struct api *api, const struct enhance_task *task, bool by_model,
	struct http_response *res)
{
	uint64_t begin_ms = clock_mono_ms();
	struct enhance_bill bill = {0};
	struct create_prompt prompt = {0};
	struct err e = ERR_INIT;
	int rc = by_model ? enhance_by_model(api, task, &prompt, &bill, &e)
			  : enhance_by_template(task, &prompt, &e);

	if (rc == 0)
		answer(res, task, &prompt, &bill, clock_mono_ms() - begin_ms);
	else
		answer_failure(res, &e, &bill);
	create_prompt_done(&prompt);
}

void
enhance_post(struct api *api, const struct http_request *req,
	     struct http_response *res)
{
	const json_t *tier = json_object_get(req->body, "tier");
	char call_id[PROTO_ID_MAX];
	struct enhance_task task = {
		.query = json_text(req->body, "query"),
		.tier = ENHANCE_TIER_DEFAULT,
		.user_id = req->user.user_id,
		.call_id = req->once_id != NULL ? req->once_id : call_id,
		.wall_ms_max = (uint64_t)api->config.model_timeout_s * 1000,
		.cancel_fd = req->gone_fd,
	};
	bool by_model;

	if (fields_check(req->body, enhance_fields, ARRAY_LEN(enhance_fields),
			 res) < 0 ||
	    check_query(req->body, res) < 0 ||
	    choose_source(api, req->body, &by_model, res) < 0)
		return;
	if (json_is_integer(tier))
		task.tier = (unsigned)json_integer_value(tier);
	job_id_new(call_id);
	enhance(api, &task, by_model, res);
}
