/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workflow_fixture.h - the workflow engine on a real SQLite store with a
 * runner, an author and an analyst that follow a script.
 *
 * A program's code says what becomes of it: "fail=a,b" are the failing ones of
 * its four tests a to d, "high=2" is how many serious findings it has; "v=3" or
 * anything else only makes it another program.  The author answers with
 * fx.answers one after the other.  Every call is a line of fx.dir/effects, also
 * for the eyes of other processes.
 */
#ifndef PC_TESTS_WORKFLOW_FIXTURE_H
#define PC_TESTS_WORKFLOW_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/workflow/approval.h"
#include "api/workflow/engine.h"
#include "api/workflow/job_row.h"
#include "api/workflow/step.h"
#include "api/workflow/transition.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define FX __attribute__((unused)) static
#define ANSWERS_MAX 8
/* Contexts of requests. */
#define GIVEN(code) "{\"code\":\"" code "\",\"tests\":\"t\"}"
#define NO_CODE "{}"

/* One answer of the author: a program, or an error of this kind. */
struct answer {
	const char *code;
	const char *tests;
	enum err_kind kind;
};

enum hang { HANG_NOWHERE, HANG_IN_JOB, HANG_IN_AUTHOR, HANG_IN_ANALYST };

static struct {
	char dir[64];
	struct api api;
	struct answer answers[ANSWERS_MAX];
	atomic_int asked;	     /* so many times */
	atomic_int analyses_refused; /* so often the analyst is busy */
	atomic_int is_unheard;	     /* so often an answer gets lost */
	bool has_author, has_analyst, shares_store;
	/* answers[iteration]: the same to the same question, whoever asks. */
	bool answers_by_iteration;
	/* The next call there blocks until cancelled or released. */
	_Atomic enum hang hang;
	atomic_bool publisher_is_away;
	atomic_bool is_hanging, is_released, is_ready;
	char feedback[8192]; /* of the author's last task */
	char previous[1024];
} fx;

/* ---- effects --------------------------------------------------------- */

FX void
fx_effect(const char *fmt, ...)
{
	char line[256], path[96];
	va_list args;
	int fd, n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/effects", fx.dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, line, (size_t)n), n);
	close(fd);
}

/* How many lines begin so; *ret_distinct of them differ. */
FX size_t
fx_count(const char *prefix, size_t *ret_distinct)
{
	static char seen[256][256];
	size_t count = 0, distinct = 0;
	char path[96], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/effects", fx.dir);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		bool is_new = true;

		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		for (size_t i = 0; i < distinct; i++)
			is_new &= strcmp(seen[i], line) != 0;
		if (is_new && distinct < 256)
			snprintf(seen[distinct++], 256, "%s", line);
		count++;
	}
	if (f != NULL)
		(void)fclose(f);
	if (ret_distinct != NULL)
		*ret_distinct = distinct;
	return count;
}

/* Was an answer asked for that had been heard, and so paid for, before? */
FX bool
fx_has_paid_twice(void)
{
	static char heard[256][256];
	size_t heard_len = 0;
	bool is_twice = false;
	char path[96], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/effects", fx.dir);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "heard ", 6) == 0 && heard_len < 256)
			snprintf(heard[heard_len++], 256, "%s", line + 6);
		for (size_t i = 0; i < heard_len; i++)
			is_twice |= strncmp(line, "write ", 6) == 0 &&
				    strcmp(heard[i], line + 6) == 0;
	}
	if (f != NULL)
		(void)fclose(f);
	return is_twice;
}

/* ---- the parts ------------------------------------------------------- */

/* True: cut off. */
FX bool
fx_hang(enum hang where, int cancel_fd)
{
	struct pollfd p = {.fd = cancel_fd, .events = POLLIN};
	enum hang expected = where;
	bool is_cut = false;

	if (!atomic_compare_exchange_strong(&fx.hang, &expected, HANG_NOWHERE))
		return false;
	fx.is_hanging = true;
	while (!fx.is_released && !is_cut)
		is_cut = poll(&p, 1, 5) > 0;
	fx.is_hanging = false;
	return is_cut;
}

FX int
fx_ready(void *arg, struct err *e)
{
	(void)arg;
	return fx.is_ready ? 0 : err_set(e, ERR_PEER, 0, "nobody there");
}

FX int
fx_take_place(void *arg, int cancel_fd, struct err *e)
{
	(void)arg;
	(void)cancel_fd;
	(void)e;
	return 0;
}

FX void
fx_give_place(void *arg)
{
	(void)arg;
}

FX bool
fx_fails(const char *code, char test)
{
	const char *list = strstr(code, "fail=");

	if (list == NULL)
		return false;
	return memchr(list + 5, test, strcspn(list + 5, " ")) != NULL;
}

FX json_t *
fx_results(const char *code, const char *job_id)
{
	json_t *cases = json_array();
	int failed = 0;

	for (char test = 'a'; test <= 'd'; test++) {
		char name[2] = {test, '\0'};
		bool fails = fx_fails(code, test);

		failed += fails;
		json_array_append_new(
			cases,
			json_pack("{s:s, s:s, s:s}", "test", name, "outcome",
				  fails ? "failed" : "passed", "message",
				  fails ? "it is wrong" : ""));
	}
	return json_pack("{s:s, s:s, s:n, s:s, s:{s:i, s:i, s:i, s:f, s:o}, "
			 "s:{s:s, s:s}}",
			 "job_id", job_id, "outcome",
			 failed > 0 ? "failed" : "passed", "reason", "stdout",
			 "said", "tests", "passed", 4 - failed, "failed",
			 failed, "errors", 0, "success_rate",
			 (4 - failed) / 4.0, "cases", cases, "policy", "name",
			 "standard", "sha256", "00");
}

FX int
fx_run(void *arg, const struct workflow_job *job, json_t **ret_data,
       struct job_verdict *v, struct err *e)
{
	(void)arg;
	memset(v, 0, sizeof(*v));
	if (strstr(json_text(job->source, "code"), "improper") != NULL)
		return err_set(e, ERR_INVALID, 0, "code_path: is no path");
	fx_effect("run %s at %llu\n", job->job_id,
		  (unsigned long long)clock_mono_ms());
	if (fx_hang(HANG_IN_JOB, job->cancel_fd)) {
		*ret_data =
			json_pack("{s:s, s:s, s:s}", "job_id", job->job_id,
				  "outcome", "killed", "reason", "cancelled");
		v->outcome = JOB_KILLED;
		v->reason = "cancelled";
	} else {
		*ret_data =
			fx_results(json_text(job->source, "code"), job->job_id);
	}
	fx_effect("ran %s at %llu\n", job->job_id,
		  (unsigned long long)clock_mono_ms());
	return 0;
}

FX int
fx_author_ready(void *arg, const struct author_task *task, struct err *e)
{
	(void)arg;
	(void)task;
	(void)e;
	return 0;
}

/* What the answer of this number says. */
FX int
fx_use_answer(int n, struct author_work *ret, struct err *e)
{
	const struct answer *answer =
		&fx.answers[n < ANSWERS_MAX ? n : ANSWERS_MAX - 1];

	if (answer->kind != ERR_NONE)
		return err_set(e, answer->kind, 0, "the model says no");
	ret->program = json_pack("{s:s, s:s}", "code", answer->code, "language",
				 "python");
	if (answer->tests != NULL)
		json_object_set_new(ret->program, "tests",
				    json_string(answer->tests));
	str_copy(ret->source, sizeof(ret->source), "model");
	str_copy(ret->agent, sizeof(ret->agent), "web_dev_agent");
	str_copy(ret->model, sizeof(ret->model), "script-1");
	ret->cost_micros = 250000;
	return 0;
}

/* On the disk before it is used, as an answer that was paid for. */
FX int
fx_keep(const struct author_task *task, int n, struct err *e)
{
	json_t *reply = json_pack("{s:i}", "answer", n);
	int rc = task->keep(task->keep_arg, reply, e);

	json_decref(reply);
	if (rc == 0)
		fx_effect("heard %s/%u/%u/%u\n", task->workflow_id, task->step,
			  task->call, task->iteration);
	return rc;
}

FX int
fx_take_kept(const struct author_task *task, struct author_work *ret,
	     struct err *e)
{
	fx_effect("heard %s/%u/%u/%u\n", task->workflow_id, task->step,
		  task->call, task->iteration);
	return fx_use_answer(
		(int)json_integer_value(json_object_get(task->kept, "answer")),
		ret, e);
}

FX int
fx_write(void *arg, const struct author_task *task, struct author_work *ret,
	 struct err *e)
{
	int n;

	(void)arg;
	if (task->kept != NULL)
		return fx_take_kept(task, ret, e);
	fx_effect("write %s/%u/%u/%u\n", task->workflow_id, task->step,
		  task->call, task->iteration);
	if (fx_hang(HANG_IN_AUTHOR, task->cancel_fd))
		return err_set(e, ERR_BUSY, 0, "cut off");
	if (task->feedback != NULL) {
		char *text = json_dumps(task->feedback, JSON_SORT_KEYS);

		snprintf(fx.feedback, sizeof(fx.feedback), "%s", text);
		free(text);
		snprintf(fx.previous, sizeof(fx.previous), "%s",
			 json_text(task->previous, "code"));
	}
	n = fx.answers_by_iteration ? (int)task->iteration : fx.asked;
	fx.asked++;
	if (fx.is_unheard > 0) {
		fx.is_unheard--;
		ret->is_unanswered = true;
		return err_set(e, ERR_PEER, 0, "nothing was heard");
	}
	if (fx_keep(task, n, e) < 0)
		return -1;
	return fx_use_answer(n, ret, e);
}

FX int
fx_analyse(void *arg, const struct analyst_task *task, json_t **ret_report,
	   struct err *e)
{
	const char *high = strstr(json_text(task->program, "code"), "high=");
	json_t *found = json_array();

	(void)arg;
	fx_effect("analyse %s/%u/%u\n", task->workflow_id, task->step,
		  task->attempt);
	if (fx_hang(HANG_IN_ANALYST, task->cancel_fd)) {
		json_decref(found);
		return err_set(e, ERR_BUSY, 0, "cut off");
	}
	if (strstr(json_text(task->program, "code"), "unknown") != NULL) {
		json_decref(found);
		return err_set(e, ERR_UNSUPPORTED, 0, "no analyzer for it");
	}
	if (fx.analyses_refused > 0) {
		fx.analyses_refused--;
		json_decref(found);
		return err_set(e, ERR_BUSY, 0, "too much to do");
	}
	for (int i = 0; high != NULL && i < high[5] - '0'; i++)
		json_array_append_new(found,
				      json_pack("{s:s, s:s+}", "severity",
						"high", "title", "weakness ",
						i == 0 ? "0" : "1"));
	*ret_report = json_pack("{s:b, s:o, s:[s]}", "analysed", 1,
				"vulnerabilities", found, "tools", "script");
	return 0;
}

FX int
fx_check_room(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return 0;
}

FX int
fx_publish(void *arg, const struct workflow_state *state,
	   const json_t *evidence, uint32_t attempt,
	   struct release_outcome *ret, struct err *e)
{
	(void)arg;
	(void)evidence;
	if (fx.publisher_is_away)
		return err_set(e, ERR_PEER, 0, "nobody there");
	fx_effect("publish %s/%u\n", state->meta.workflow_id, attempt);
	*ret = (struct release_outcome){.record = 7};
	return 0;
}

static const struct workflow_publisher fx_publisher = {
	.check_room = fx_check_room, .publish = fx_publish};
static const struct workflow_runner fx_runner = {
	.check_ready = fx_ready,
	.take_place = fx_take_place,
	.give_place = fx_give_place,
	.run = fx_run,
};
static const struct workflow_author fx_author = {
	.check_ready = fx_author_ready,
	.write = fx_write,
};
static const struct workflow_analyst fx_analyst = {.analyse = fx_analyse};

/* ---- engine and store ------------------------------------------------ */

FX void
fx_open(void)
{
	struct err e = ERR_INIT;

	if (store_open_sqlite(fx.dir, &fx.api.store, &e) < 0)
		fail_msg("%s", e.text);
}

FX void
fx_add_approver(void)
{
	const struct store_user boss = {.user_id = "user-2",
					.username = "boss",
					.password_hash = "x",
					.role = USER_ROLE_APPROVER};
	struct err e = ERR_INIT;

	if (store_user_add(fx.api.store, &boss, &e) < 0 &&
	    e.kind != ERR_CONFLICT)
		fail_msg("%s", e.text);
}

FX struct workflow_engine *
fx_start_one(struct api *api)
{
	const struct workflow_parts parts = {
		.runner = &fx_runner,
		.publisher = &fx_publisher,
		.author = fx.has_author ? &fx_author : NULL,
		.analyst = fx.has_analyst ? &fx_analyst : NULL,
		.shares_store = fx.shares_store,
	};
	struct workflow_engine *engine = NULL;
	struct err e = ERR_INIT;

	if (workflow_engine_start_with(api, &parts, &engine, &e) < 0)
		fail_msg("%s", e.text);
	return engine;
}

FX void
fx_start(void)
{
	fx.api.engine = fx_start_one(&fx.api);
}

FX void
fx_stop(void)
{
	workflow_engine_stop(fx.api.engine);
	fx.api.engine = NULL;
}

FX void
fx_init(void)
{
	memset(&fx, 0, sizeof(fx));
	str_copy(fx.dir, sizeof(fx.dir), "/tmp/pc-test-engine.XXXXXX");
	assert_non_null(mkdtemp(fx.dir));
	str_copy(fx.api.config.supervisor_socket,
		 sizeof(fx.api.config.supervisor_socket),
		 "/nonexistent/socket");
	fx.api.config.max_workflows = 2;
	fx.api.config.max_execution_retries = 2;
	fx.api.config.state_ttl_hours = 24;
	fx.api.config.approval_timeout_minutes = 60;
	fx.api.config.execution_timeout_minutes = 30;
	fx.api.config.retry_base_ms = 10;
	fx.api.stop_fd = -1;
	fx.is_ready = true;
	transition_set_fatal(true);
}

FX int
fx_setup(void **state)
{
	(void)state;
	fx_init();
	fx_open();
	fx_add_approver();
	return 0;
}

FX int
fx_teardown(void **state)
{
	struct dirent *entry;
	DIR *dir;

	(void)state;
	fx_stop();
	store_close(fx.api.store);
	dir = opendir(fx.dir);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	return rmdir(fx.dir);
}

/* ---- workflows ------------------------------------------------------- */

/* 0, or -1 if it is there already. */
FX int
fx_create_as(const char *given_id, const char *context, struct plan_facts facts,
	     char ret_id[40])
{
	struct workflow_request r = {
		.workflow_id = given_id,
		.user_id = "user-1",
		.username = "tester",
		.goal = "a goal of some length",
		.context = json_loads(context, 0, NULL),
		.timeout_us = 1800000000u,
	};
	struct workflow_state state;
	struct err e = ERR_INIT;
	int rc;

	facts.has_analyst = fx.has_analyst;
	r.plan = workflow_plan_new(&facts);
	assert_non_null(r.context);
	assert_int_equal(workflow_state_init(&state, &r, &e), 0);
	rc = workflow_state_create(fx.api.store, &state, &e);
	if (rc < 0 && e.kind != ERR_CONFLICT)
		fail_msg("%s", e.text);
	memcpy(ret_id, state.meta.workflow_id, 40);
	workflow_state_done(&state);
	json_decref(r.context);
	json_decref(r.plan);
	if (fx.api.engine != NULL)
		workflow_engine_kick(fx.api.engine);
	return rc;
}

FX void
fx_create(const char *context, char ret_id[40])
{
	const struct plan_facts facts = {.has_tests = true, .may_ask = true};

	fx_create_as(NULL, context, facts, ret_id);
}

FX void
fx_load(const char *id, struct workflow_state *ret)
{
	struct err e = ERR_INIT;

	if (workflow_state_load(fx.api.store, id, ret, &e) < 0)
		fail_msg("%s", e.text);
}

/* Wait up to a minute until the workflow has this status; load it. */
FX void
fx_wait(const char *id, const char *status, struct workflow_state *ret)
{
	for (int i = 0; i < 12000; i++) {
		fx_load(id, ret);
		if (strcmp(ret->meta.status, status) == 0)
			return;
		if (workflow_status_is_terminal(workflow_state_status(ret)))
			break;
		workflow_state_done(ret);
		usleep(5000);
	}
	fail_msg("workflow is %s (%s), not %s",
		 ret->doc != NULL ? ret->meta.status : "late",
		 ret->doc != NULL ? json_text(ret->doc, "error") : "", status);
}

/* Until some part of ours hangs, as fx.hang says. */
FX void
fx_wait_hanging(void)
{
	for (int i = 0; i < 12000 && !fx.is_hanging; i++)
		usleep(5000);
	assert_true(fx.is_hanging);
}

FX void
fx_decide(struct workflow_state *s, bool is_approved)
{
	const json_t *approval =
		json_array_get(workflow_state_part(s, "approvals"), 0);
	const struct approval_decision d = {
		.approval_id = json_text(approval, "approval_id"),
		.is_approved = is_approved,
		.user_id = "user-2",
		.username = "boss",
	};
	struct approval_answer answer;
	struct err e = ERR_INIT;

	if (approval_decide(&fx.api, NULL, s, &d, &answer, &e) < 0)
		fail_msg("%s", e.text);
	if (answer.is_changed)
		(void)workflow_state_save(fx.api.store, s, 0, &e);
	if (fx.api.engine != NULL)
		workflow_engine_kick(fx.api.engine);
}

FX bool
fx_has_event(const struct workflow_state *s, const char *event,
	     const char *message)
{
	const json_t *history = workflow_state_part(s, "history");

	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *entry = json_array_get(history, i);

		if (strcmp(json_text(entry, "event"), event) == 0 &&
		    strstr(json_text(entry, "message"), message) != NULL)
			return true;
	}
	return false;
}

FX const char *
fx_code(const struct workflow_state *s)
{
	return json_text(workflow_state_part(s, "artifacts"), "generated_code");
}

FX const json_t *
fx_record(const struct workflow_state *s, size_t i)
{
	return json_array_get(workflow_state_part(s, "iterations"), i);
}

FX size_t
fx_records(const struct workflow_state *s)
{
	return json_array_size(workflow_state_part(s, "iterations"));
}

FX double
fx_metric(const struct workflow_state *s, const char *name)
{
	return json_number_value(
		json_object_get(workflow_state_part(s, "metrics"), name));
}

FX const char *
fx_source(const struct workflow_state *s, const char *name)
{
	return json_text(workflow_state_part(s, "sources"), name);
}

FX void
fx_answer(int i, const char *code)
{
	fx.answers[i].code = code;
	fx.answers[i].tests = "t2";
}

#endif
