/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.c - see writer.h.
 *
 * Money: the most that a call can cost is set aside before it is made (a token
 * is at least one byte of the prompt) and settled after it, whatever came of
 * it.  A call of which nobody knows what it took (no answer came, or none with
 * its usage) counts with all that was set aside.
 *
 * An answer is on the disk (keep) before it is settled or read: after a crash
 * it is taken from there, and the model is not asked again.
 */
#include "api/agents/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/agent.h"
#include "api/agents/answer.h"
#include "api/agents/model.h"
#include "api/agents/plan.h"
#include "api/agents/prompt.h"
#include "api/cost/cost.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

/* What a chat's own marks may add to the tokens of its texts. */
#define TOKENS_EXTRA 64

struct writer {
	struct api *api;
	struct model model;
	struct agents *agents;
};

/* ---- one call -------------------------------------------------------- */

struct bill {
	struct cost_call call;
	struct price price;
	uint64_t micros_max, micros;
};

static int
begin_bill(const struct writer *w, const struct author_task *task,
	   struct bill *ret, struct err *e)
{
	*ret = (struct bill){.call = {.workflow_id = task->workflow_id,
				      .user_id = task->user_id,
				      .step = task->step,
				      .attempt = task->attempt}};
	return cost_price(w->api, w->model.name, &ret->price, e);
}

static int
open_bill(const struct writer *w, const struct author_task *task, size_t bytes,
	  struct bill *ret, struct err *e)
{
	if (begin_bill(w, task, ret, e) < 0)
		return -1;
	ret->micros_max = price_of_tokens(&ret->price, bytes + TOKENS_EXTRA,
					  w->model.max_tokens);
	return cost_reserve(w->api, &ret->call, ret->micros_max, e);
}

/* What fails here stays counted as it was set aside. */
static void
close_bill(const struct writer *w, struct bill *bill,
	   const struct model_reply *reply)
{
	struct err e = ERR_INIT;

	bill->micros = 0;
	if (reply->charge == MODEL_CHARGE_UNKNOWN)
		bill->micros = bill->micros_max;
	else if (reply->charge == MODEL_CHARGE_TOKENS)
		bill->micros = price_of_tokens(&bill->price, reply->tokens_in,
					       reply->tokens_out);
	if (cost_settle(w->api, &bill->call, bill->micros, &e) < 0)
		log_error("event=model_settle workflow=%s error=\"%s\"",
			  bill->call.workflow_id, e.text);
}

/* The same for a call that was cut off and is made again. */
static void
make_id(const struct author_task *task, char ret[40])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[128];

	(void)str_printf(text, sizeof(text), "model %.40s %u %u",
			 task->workflow_id, task->step, task->call);
	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	str_hex(ret, hash, 16);
}

static void
log_call(const struct writer *w, const struct author_task *task,
	 const struct agent *agent, const struct model_reply *reply,
	 const struct bill *bill, uint64_t begin_ms, int rc,
	 const struct err *e)
{
	log_info("event=model_call workflow=%s step=%u attempt=%u agent=%s "
		 "model=%s result=%s tokens_in=%" PRIu64 " tokens_out=%" PRIu64
		 " micros=%" PRIu64 " ms=%" PRIu64,
		 task->workflow_id, task->step, task->attempt, agent->name,
		 w->model.name, rc == 0 ? "answered" : err_kind_name(e->kind),
		 reply->tokens_in, reply->tokens_out, bill->micros,
		 clock_mono_ms() - begin_ms);
}

/* What was heard goes to the disk first, whether it is of use or not. */
static int
keep(const struct author_task *task, const struct bill *bill,
     const struct model_reply *reply, int rc, struct err *e)
{
	json_t *kept;
	int kept_rc;

	if (!reply->is_answered || task->keep == NULL)
		return rc;
	kept = model_reply_to_json(reply, rc < 0 ? e : NULL);
	if (kept == NULL ||
	    json_object_set_new(kept, "micros_max",
				json_integer((json_int_t)bill->micros_max)) <
		    0) {
		json_decref(kept);
		return err_set(e, ERR_IO, ENOMEM, "keep the model's answer");
	}
	kept_rc = task->keep(task->keep_arg, kept, e);
	json_decref(kept);
	return kept_rc < 0 ? -1 : rc;
}

/* Messages are ready, money is set aside. */
static int
ask(const struct writer *w, const struct author_task *task,
    const struct agent *agent, const json_t *messages, struct bill *bill,
    struct model_reply *reply, struct err *e)
{
	uint64_t begin_ms = clock_mono_ms();
	char id[40];
	struct model_call call = {.messages = messages,
				  .temperature = agent->temperature,
				  .id = id,
				  .wall_ms_max = task->wall_ms_max,
				  .cancel_fd = task->cancel_fd};
	int rc;

	make_id(task, id);
	rc = model_ask(&w->model, w->api->net, &call, reply, e);
	rc = keep(task, bill, reply, rc, e);
	close_bill(w, bill, reply);
	log_call(w, task, agent, reply, bill, begin_ms, rc, e);
	return rc;
}

/* What kind of question it is. */
typedef int messages_fn(const struct agent *agent,
			const struct author_task *task, const char *marker,
			json_t **ret_messages, size_t *ret_bytes,
			struct err *e);

static int
call_model(const struct writer *w, const struct author_task *task,
	   const struct agent *agent, messages_fn *messages_new,
	   struct bill *bill, struct model_reply *reply, struct err *e)
{
	const struct api_config *config = &w->api->config;
	char marker[PROMPT_MARKER_SIZE];
	json_t *messages = NULL;
	size_t bytes = 0;
	int rc;

	prompt_marker(task, config->jwt_secret, config->jwt_secret_len, marker);
	if (messages_new(agent, task, marker, &messages, &bytes, e) < 0)
		return -1;
	rc = open_bill(w, task, bytes, bill, e);
	if (rc == 0)
		rc = ask(w, task, agent, messages, bill, reply, e);
	json_decref(messages);
	return rc;
}

/* Heard before a crash: it is settled, perhaps once more, and not asked. */
static int
take_kept(const struct writer *w, const struct author_task *task,
	  struct bill *bill, struct model_reply *reply, struct err *e)
{
	int rc;

	if (begin_bill(w, task, bill, e) < 0)
		return -1;
	bill->micros_max = (uint64_t)json_integer_value(
		json_object_get(task->kept, "micros_max"));
	rc = model_reply_from_json(task->kept, reply, e);
	close_bill(w, bill, reply);
	log_info("event=model_kept workflow=%s step=%u attempt=%u "
		 "micros=%" PRIu64,
		 task->workflow_id, task->step, task->attempt, bill->micros);
	return rc;
}

/* ---- the author ------------------------------------------------------ */

static int
check_ready(void *arg, const struct author_task *task, struct err *e)
{
	const struct writer *w = arg;
	struct price price;

	(void)task;
	return cost_price(w->api, w->model.name, &price, e);
}

static int
take_reply(const struct writer *w, const struct author_task *task,
	   const struct agent *agent, const struct model_reply *reply,
	   struct author_work *ret, struct err *e)
{
	json_t *program = NULL;

	if (answer_read(reply->text, reply->len, task->language, reply->is_cut,
			&program, e) < 0)
		return -1;
	ret->program = program;
	ret->tokens_in = reply->tokens_in;
	ret->tokens_out = reply->tokens_out;
	(void)str_copy(ret->source, sizeof(ret->source), "model");
	(void)str_copy(ret->agent, sizeof(ret->agent), agent->name);
	(void)str_copy(ret->model, sizeof(ret->model), w->model.name);
	return 0;
}

static int
write_program(void *arg, const struct author_task *task,
	      struct author_work *ret, struct err *e)
{
	const struct writer *w = arg;
	const struct agent *agent = agents_route(w->agents, task->goal);
	struct model_reply reply = {0};
	struct bill bill = {0};
	int rc = task->kept != NULL ? take_kept(w, task, &bill, &reply, e)
				    : call_model(w, task, agent, prompt_new,
						 &bill, &reply, e);

	*ret = (struct author_work){.retry_after_s = reply.retry_after_s,
				    .cost_micros = bill.micros,
				    .is_unanswered = reply.is_unanswered};
	if (rc == 0)
		rc = take_reply(w, task, agent, &reply, ret, e);
	model_reply_done(&reply);
	return rc;
}

static int
plan_goal(void *arg, const struct author_task *task, struct author_work *ret,
	  struct err *e)
{
	static const struct agent planner = {.name = "planner",
					     .temperature = 0.2};
	const struct writer *w = arg;
	struct model_reply reply = {0};
	struct bill bill = {0};
	int rc = task->kept != NULL
			 ? take_kept(w, task, &bill, &reply, e)
			 : call_model(w, task, &planner, plan_prompt_new, &bill,
				      &reply, e);

	*ret = (struct author_work){.retry_after_s = reply.retry_after_s,
				    .cost_micros = bill.micros,
				    .is_unanswered = reply.is_unanswered};
	if (rc == 0)
		rc = plan_read(reply.text, reply.len, &ret->program, e);
	model_reply_done(&reply);
	return rc;
}

struct workflow_author
writer_author(struct writer *writer)
{
	return (struct workflow_author){
		.arg = writer,
		.check_ready = check_ready,
		.write = write_program,
		.plan = writer->api->config.model_planning ? plan_goal : NULL,
	};
}

/* ---- start and end --------------------------------------------------- */

/* Refused at each call: say it before the first. */
static void
warn_of_price(const struct writer *w)
{
	struct price price;
	struct err e;

	if (cost_price(w->api, w->model.name, &price, &e) < 0)
		log_warning("event=model_price error=\"%s\"", e.text);
}

int
writer_new(struct api *api, struct writer **ret, struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));

	*ret = NULL;
	if (w == NULL)
		return err_sys(e, "prepare the model");
	w->api = api;
	if (model_init(&api->config, &w->model, e) < 0) {
		writer_free(w);
		return -1;
	}
	if (w->model.setting == NULL) {
		writer_free(w);
		return 0;
	}
	if (agents_load(api->config.agents_dir, &w->agents, e) < 0) {
		writer_free(w);
		return err_wrap(e, "PROMPTCRAFT_AGENTS_DIR");
	}
	warn_of_price(w);
	*ret = w;
	return 0;
}

void
writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	agents_free(writer->agents);
	free(writer);
}
