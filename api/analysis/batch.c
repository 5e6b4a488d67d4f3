/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.c - see batch.h.  The caller's thread waits for a jail and works off
 * the list; up to three more help, each with a jail that is free right now.
 * After each job a jail goes to who waits for one, if somebody does: helpers
 * end, the last worker waits in line for another.  Nobody waits for a jail
 * while holding one, so that analyses and workflows cannot block each other.
 */
#include "api/analysis/batch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/analysis/layout.h"
#include "api/jobs/host.h"
#include "api/jobs/run.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define HELPERS_MAX 3
#define BUSY_PAUSE_MS 50

/* ---- which tools on which sources ------------------------------------ */

/*
 * Every job's array has the same objects: with copies those of an analysis
 * would have a gigabyte.  Nobody changes them, and jansson counts references
 * atomically.
 */
static void
add_headers(const struct batch *batch, size_t source, json_t *request)
{
	char code_path[BUNDLE_PATH_MAX + 1];

	layout_code_path(&batch->task->sources[source], code_path);
	json_object_set_new(request, "code_path", json_string(code_path));
	json_object_set_new(request, "files",
			    layout_files(batch->headers,
					 batch->task->sources_len, code_path));
}

static json_t *
request_of(const struct batch *batch, const struct analysis_tool *tool,
	   size_t source)
{
	const struct analysis_source *s = &batch->task->sources[source];
	char runtime[PROTO_NAME_MAX];
	json_t *request;

	(void)snprintf(runtime, sizeof(runtime), "analyze-%s", tool->name);
	request =
		json_pack("{s:s, s:s, s:s%}", "language", runtime, "policy",
			  ANALYSIS_POLICY, "code", s->len > 0 ? s->text : "\n",
			  s->len > 0 ? s->len : (size_t)1);
	if (request != NULL && tool->is_following)
		add_headers(batch, source, request);
	return request;
}

static void
find_runtime(const struct batch *batch, struct tool_run *r)
{
	struct proto_runtime_info info;
	char runtime[PROTO_NAME_MAX];

	(void)snprintf(runtime, sizeof(runtime), "analyze-%s", r->tool->name);
	if (job_host_runtime_of_policy(batch->host, ANALYSIS_POLICY, runtime,
				       &info) &&
	    info.is_unusable == 0)
		return;
	r->status = TOOL_UNAVAILABLE;
	(void)snprintf(r->reason, sizeof(r->reason),
		       "%s is not installed on this machine", r->tool->name);
}

static void
add_runs(struct batch *batch, size_t source)
{
	size_t len;
	const struct analysis_tool *tools = analysis_tools(&len);

	for (size_t i = 0; i < len; i++) {
		struct tool_run *r = &batch->runs[batch->len];

		if (strcmp(tools[i].language, batch->languages[source]) != 0)
			continue;
		*r = (struct tool_run){.tool = &tools[i],
				       .source = source,
				       .status = TOOL_TIMEOUT,
				       .reason = "no time was left for it"};
		find_runtime(batch, r);
		batch->len++;
	}
}

int
batch_init(struct batch *ret, const struct analysis_task *task,
	   struct job_host *host, const char *const *languages, struct err *e)
{
	size_t tools_len;

	(void)analysis_tools(&tools_len);
	*ret = (struct batch){
		.task = task, .host = host, .languages = languages};
	ret->runs = calloc(task->sources_len * tools_len, sizeof(*ret->runs));
	if (ret->runs == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare analysis");
	for (size_t i = 0; i < task->sources_len; i++)
		ret->headers[i] = layout_header(&task->sources[i]);
	for (size_t i = 0; i < task->sources_len; i++)
		if (languages[i][0] != '\0')
			add_runs(ret, i);
	return 0;
}

void
batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->len; i++)
		json_decref(batch->runs[i].found);
	for (size_t i = 0; i < ANALYSIS_SOURCES_MAX; i++)
		json_decref(batch->headers[i]);
	free(batch->runs);
	*batch = (struct batch){0};
}

/* ---- one job --------------------------------------------------------- */

struct crew {
	struct batch *batch;
	uint64_t end_ms;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t ended; /* a worker has */
	size_t workers;	      /* each with a place for a job, or in line */
	size_t next;	      /* run to be taken next */
	struct err cause;     /* of giving up; ERR_NONE: go on */
};

static void __attribute__((format(printf, 3, 4)))
end_run(struct tool_run *r, enum tool_status status, const char *fmt, ...)
{
	va_list args;

	r->status = status;
	va_start(args, fmt);
	(void)vsnprintf(r->reason, sizeof(r->reason), fmt, args);
	va_end(args);
}

static void
give_up(struct crew *crew, const struct err *cause)
{
	pthread_mutex_lock(&crew->lock);
	if (crew->cause.kind == ERR_NONE)
		crew->cause = *cause;
	pthread_mutex_unlock(&crew->lock);
}

static void
read_findings(struct tool_run *r, const json_t *data)
{
	const json_t *output = json_object_get(
		data, r->tool->is_on_stderr ? "stderr" : "stdout");
	const char *text = json_string_value(output);
	size_t len = json_string_length(output);
	json_t *found = json_array();
	struct err e = ERR_INIT;
	int rc;

	if (text == NULL)
		text = "";
	if (r->tool->read != NULL)
		rc = r->tool->read(text, len, found, &e);
	else
		rc = read_own(text, len, found, &r->own, &e);
	if (rc < 0) {
		json_decref(found);
		end_run(r, TOOL_FAILED, "%s", e.text);
		return;
	}
	r->own.is_truncated |= r->tool->read != NULL &&
			       json_array_size(found) >= READ_FINDINGS_MAX;
	r->found = found;
	end_run(r, TOOL_COMPLETED, "%s", "");
}

/* The job came to its end: as it should? */
static void
take_end(struct tool_run *r, const json_t *data, const struct job_verdict *v)
{
	const json_t *code = json_object_get(data, "exit_code");
	const char *reason = v->reason != NULL ? v->reason : "";

	if (!json_is_integer(code))
		end_run(r, TOOL_FAILED, "it died of signal %lld",
			(long long)json_integer_value(
				json_object_get(data, "signal")));
	else if (json_integer_value(json_object_get(data, "denials_total")) > 0)
		end_run(r, TOOL_FAILED, "%s",
			"it tried a call that its policy denies");
	else if (reason[0] != '\0')
		end_run(r, TOOL_FAILED, "it met a limit of its jail: %s",
			reason);
	else if (json_integer_value(code) > r->tool->exit_max)
		end_run(r, TOOL_FAILED, "it ended with exit code %lld",
			(long long)json_integer_value(code));
	else
		read_findings(r, data);
}

static void
take_story(struct tool_run *r, const json_t *data, const struct job_verdict *v)
{
	switch (v->outcome) {
	case JOB_COMPLETED:
		take_end(r, data, v);
		break;
	case JOB_TIMEOUT:
		end_run(r, TOOL_TIMEOUT, "it was not done in time");
		break;
	case JOB_KILLED:
		end_run(r, TOOL_FAILED, "it met a limit of its jail: %s",
			v->reason != NULL ? v->reason : "killed");
		break;
	default:
		end_run(r, v->is_refused ? TOOL_UNAVAILABLE : TOOL_FAILED, "%s",
			v->err.kind != ERR_NONE ? v->err.text
			: v->reason != NULL	? v->reason
						: "it could not be run");
	}
}

static bool
is_cancelled(const struct crew *crew, int wait_ms)
{
	struct pollfd p = {.fd = crew->batch->task->cancel_fd,
			   .events = POLLIN};

	return poll(&p, 1, wait_ms) > 0; /* a negative fd only waits */
}

static uint64_t
left_ms(const struct crew *crew)
{
	uint64_t now = clock_mono_ms();

	return now < crew->end_ms ? crew->end_ms - now : 0;
}

static uint32_t
wait_of(uint64_t ms)
{
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static int
make_request(const struct crew *crew, const struct tool_run *r, json_t *asked,
	     struct job_request *ret, struct err *e)
{
	const struct job_defaults defaults = {0};
	uint64_t wall_ms = left_ms(crew);
	char field[JOB_FIELD_MAX];

	if (job_request_init(ret, asked, crew->batch->host, &defaults, field,
			     e) < 0)
		return -1;
	ret->limits.wall_ms =
		wall_ms < r->tool->wall_ms ? wall_ms : r->tool->wall_ms;
	return 0;
}

/* 1: all jails of the supervisor are taken, by others than this process. */
static int
try_request(struct crew *crew, struct tool_run *r, json_t *asked, struct err *e)
{
	const struct analysis_task *task = crew->batch->task;
	struct job_run_options options = {
		.job_id = r->job_id,
		.actor = task->actor,
		.workflow = task->workflow_id,
		.step = task->step,
		.attempt = task->attempt,
		.cancel_fd = task->cancel_fd,
		.lost_wait_ms = 0,
	};
	struct job_request request;
	struct job_verdict verdict;
	const char *reason;
	json_t *data = NULL;
	int rc;

	job_id_new(r->job_id);
	if (make_request(crew, r, asked, &request, e) < 0)
		return -1;
	rc = job_run(crew->batch->host, &request, &options, &data, &verdict, e);
	job_request_done(&request);
	if (rc < 0)
		return -1;
	reason = verdict.reason != NULL ? verdict.reason : "";
	if (strcmp(reason, "cancelled") == 0)
		rc = err_set(e, ERR_BUSY, 0, "the analysis was cancelled");
	else if (verdict.is_retryable && strcmp(reason, JOB_REASON_BUSY) == 0)
		rc = 1;
	else if (verdict.is_retryable)
		rc = err_set(e, ERR_PEER, 0, "%s",
			     verdict.is_refused ? verdict.err.text : reason);
	else
		take_story(r, data, &verdict);
	json_decref(data);
	return rc;
}

/* What is asked, a copy of the source, lives no longer than its job. */
static int
try_job(struct crew *crew, struct tool_run *r, struct err *e)
{
	json_t *asked = request_of(crew->batch, r->tool, r->source);
	int rc;

	if (asked == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare analysis");
	rc = try_request(crew, r, asked, e);
	json_decref(asked);
	return rc;
}

static int
run_one(struct crew *crew, struct tool_run *r, struct err *e)
{
	uint64_t begin_ms = clock_mono_ms();
	int rc = 1;

	while (rc == 1) {
		if (left_ms(crew) == 0) {
			r->job_id[0] = '\0';
			return 0; /* "no time was left" */
		}
		rc = try_job(crew, r, e);
		if (rc == 1 && is_cancelled(crew, BUSY_PAUSE_MS))
			rc = err_set(e, ERR_BUSY, 0,
				     "the analysis was cancelled");
	}
	r->duration_ms = clock_mono_ms() - begin_ms;
	return rc;
}

/* ---- all of them ----------------------------------------------------- */

static struct tool_run *
take_next(struct crew *crew)
{
	struct batch *batch = crew->batch;
	struct tool_run *r = NULL;

	pthread_mutex_lock(&crew->lock);
	while (crew->cause.kind == ERR_NONE && r == NULL &&
	       crew->next < batch->len) {
		r = &batch->runs[crew->next++];
		if (r->status == TOOL_UNAVAILABLE)
			r = NULL;
	}
	pthread_mutex_unlock(&crew->lock);
	return r;
}

/* With the lock held. */
static bool
has_more(const struct crew *crew)
{
	const struct batch *batch = crew->batch;

	for (size_t i = crew->next; i < batch->len; i++)
		if (batch->runs[i].status != TOOL_UNAVAILABLE)
			return crew->cause.kind == ERR_NONE;
	return false;
}

/* The last that a worker does with the crew, which may be gone after that. */
static void
leave(struct crew *crew, bool has_place)
{
	pthread_mutex_lock(&crew->lock);
	if (has_place)
		job_host_slot_release(crew->batch->host);
	crew->workers--;
	pthread_cond_signal(&crew->ended);
	pthread_mutex_unlock(&crew->lock);
}

/* True: this one has left, others go on. */
static bool
leave_to_others(struct crew *crew)
{
	bool has_others;

	pthread_mutex_lock(&crew->lock);
	has_others = crew->workers > 1;
	if (has_others) {
		job_host_slot_release(crew->batch->host);
		crew->workers--;
	}
	pthread_mutex_unlock(&crew->lock);
	return has_others;
}

static void *help(void *arg);

/* As many as there is work and a free jail for, that nobody else wants. */
static void
call_helpers(struct crew *crew)
{
	struct err ignored;
	pthread_t thread;

	pthread_mutex_lock(&crew->lock);
	while (crew->workers <= HELPERS_MAX && has_more(crew) &&
	       job_host_slot_acquire(crew->batch->host, 0, -1, &ignored) == 0) {
		if (pthread_create(&thread, NULL, help, crew) != 0) {
			job_host_slot_release(crew->batch->host);
			break;
		}
		pthread_detach(thread);
		crew->workers++;
	}
	pthread_mutex_unlock(&crew->lock);
}

/*
 * False: time is up, or nobody wants the analysis any more; no place is left.
 */
static bool
wait_for_turn(struct crew *crew)
{
	const struct analysis_task *task = crew->batch->task;
	struct err e = ERR_INIT;

	if (job_host_slot_yield(crew->batch->host, wait_of(left_ms(crew)),
				task->cancel_fd, &e) == 0)
		return true;
	if (is_cancelled(crew, 0)) {
		err_set(&e, ERR_BUSY, 0, "the analysis was cancelled");
		give_up(crew, &e);
	}
	return false;
}

/* A worker, who has a place for a job. */
static void
work(struct crew *crew)
{
	struct tool_run *r;
	struct err e = ERR_INIT;

	while ((r = take_next(crew)) != NULL) {
		call_helpers(crew);
		if (run_one(crew, r, &e) < 0)
			give_up(crew, &e);
		if (!job_host_slot_is_wanted(crew->batch->host))
			continue;
		if (leave_to_others(crew))
			return;
		if (!wait_for_turn(crew)) {
			leave(crew, false);
			return;
		}
	}
	leave(crew, true);
}

static void *
help(void *arg)
{
	work(arg);
	return NULL;
}

static void
wait_for_all(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	while (crew->workers > 0)
		pthread_cond_wait(&crew->ended, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}

int
batch_run(struct batch *batch, struct err *e)
{
	struct crew crew = {
		.batch = batch,
		.end_ms = clock_mono_ms() + batch->task->wall_ms_max,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
		.workers = 1,
	};

	if (!has_more(&crew))
		return 0;
	if (job_host_slot_acquire(batch->host,
				  wait_of(batch->task->wall_ms_max),
				  batch->task->cancel_fd, e) < 0)
		return -1;
	work(&crew);
	wait_for_all(&crew);
	pthread_cond_destroy(&crew.ended);
	pthread_mutex_destroy(&crew.lock);
	if (crew.cause.kind == ERR_NONE)
		return 0;
	*e = crew.cause;
	return -1;
}
