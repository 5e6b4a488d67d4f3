/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.c - how an answer is filled: JSON bodies and RFC 9457 problem
 * details.
 *
 * Responsible for what a failing request tells its sender.  An inner failure
 * (500, an unreachable supervisor) is logged in full under the request id and
 * told in general words: paths, SQL and addresses stay inside.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/http/http.h"
#include "api/http/problem.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define DETAIL_MAX 512
#define RETRY_BUSY_S 2
#define RETRY_FULL_S 30

static _Thread_local char current_id[HTTP_REQUEST_ID_SIZE];

static const struct {
	int status;
	const char *title;
} titles[] = {
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
};

/* What an error of our own code means to a client. */
struct err_answer {
	int status;
	uint32_t retry_after_s;
	const char *public_text; /* NULL: e->text is meant for the client */
};

static const struct err_answer err_answers[ERR_KIND_COUNT] = {
	[ERR_NONE] = {500, 0, "Internal error"},
	[ERR_INVALID] = {422, 0, NULL},
	[ERR_DENIED] = {403, 0, NULL},
	[ERR_NOT_FOUND] = {404, 0, NULL},
	[ERR_CONFLICT] = {409, 0, NULL},
	[ERR_BUSY] = {503, RETRY_BUSY_S, NULL},
	[ERR_LIMIT] = {413, 0, NULL},
	[ERR_UNSUPPORTED] = {500, 0, "Internal error"},
	[ERR_IO] = {500, 0, "Internal error"},
	[ERR_PEER] = {503, RETRY_BUSY_S,
		      "The execution service is not reachable; try again "
		      "later"},
	[ERR_UNAVAILABLE] = {503, RETRY_BUSY_S,
			     "The service's state store is not reachable; try "
			     "again later"},
};

/* Nobody's fault in the code, and over when there is room again. */
static const struct err_answer disk_full = {
	503, RETRY_FULL_S,
	"The service's disk is full: nothing can be stored until an operator "
	"makes room"};

void
http_request_id_set(const char *id)
{
	if (id == NULL || str_copy(current_id, sizeof(current_id), id) < 0)
		current_id[0] = '\0';
}

const char *
http_request_id(void)
{
	return current_id[0] != '\0' ? current_id : "-";
}

const char *
http_status_title(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

/*
 * A JSON string of any bytes: where they are not UTF-8 (cut in the middle of a
 * character, or never were), every byte above ASCII becomes '?'.
 */
static json_t *
lossy_string(char *text)
{
	json_t *string = json_string(text);

	if (string != NULL)
		return string;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(text);
}

static void
fill_problem(struct http_response *res, int status, const char *field,
	     char *detail)
{
	char name[DETAIL_MAX];
	json_t *body = json_pack(
		"{s:s, s:s, s:i, s:o, s:s}", "type", "about:blank", "title",
		http_status_title(status), "status", status, "detail",
		lossy_string(detail), "request_id", http_request_id());

	if (body != NULL && field != NULL) {
		snprintf(name, sizeof(name), "%s", field);
		json_object_set_new(body, "field", lossy_string(name));
	}
	json_decref(res->body);
	res->status = status;
	res->is_problem = true;
	res->body = body; /* NULL without memory: an empty answer is sent */
}

void
http_problem(struct http_response *res, int status, const char *field,
	     const char *detail_fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, detail_fmt);
	vsnprintf(detail, sizeof(detail), detail_fmt, ap);
	va_end(ap);
	fill_problem(res, status, field, detail);
}

void
http_problem_from_err(struct http_response *res, const struct err *e)
{
	uint32_t kind = e->kind < ERR_KIND_COUNT ? e->kind : ERR_NONE;
	const struct err_answer *answer = kind == ERR_IO && e->errnum == ENOSPC
						  ? &disk_full
						  : &err_answers[kind];
	const char *text = answer->public_text;
	char detail[DETAIL_MAX];

	if (text != NULL || answer->status >= 500)
		log_error("request_failed request_id=%s kind=%s error=\"%s\"",
			  http_request_id(), err_kind_name(kind), e->text);
	snprintf(detail, sizeof(detail), "%s", text != NULL ? text : e->text);
	fill_problem(res, answer->status, NULL, detail);
	res->retry_after_s = answer->retry_after_s;
}

void
http_json(struct http_response *res, int status, json_t *body)
{
	json_decref(res->body);
	res->status = status;
	res->is_problem = false;
	res->body = body;
	if (body == NULL) {
		struct err e = ERR_INIT;

		err_set(&e, ERR_IO, 0, "no memory for the answer");
		http_problem_from_err(res, &e);
	}
}
