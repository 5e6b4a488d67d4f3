/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze.c - POST /api/v3/analyze: what is wrong with the source texts of the
 * request, as the specification's 5.2 has it or as a SARIF log; and its
 * predecessor, POST /api/v2/orchestrate.
 *
 * The texts are hostile and are only measured here; analyzers read them in
 * jails.  A client that hangs up ends the analysis.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/agents/language.h"
#include "api/analysis/analysis.h"
#include "api/http/handlers.h"
#include "api/ide/ide.h"
#include "api/jobs/host.h"
#include "api/jobs/text.h"
#include "api/routes/routes.h"
#include "api/workflow/engine.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define PATH_MAX_BYTES 1024
#define SUGGESTIONS_MAX 1000
#define SUGGESTIONS_DEFAULT 5
#define STOP_RETRY_S 2

/* ---- what may be asked ----------------------------------------------- */

static const char *const analysis_types[] = {"security", "performance",
					     "architecture", "general", NULL};
static const char *const thresholds[] = {"low", "medium", "high", NULL};

static const struct field dependency_item = {
	.name = "dependencies", .type = FIELD_STRING, .max = PATH_MAX_BYTES};

static const struct field project_fields[] = {
	{"repo_url", FIELD_STRING, FIELD_NULLABLE, 0, 2048, NULL, NULL, 0},
	{"framework", FIELD_STRING, FIELD_NULLABLE, 0, 1024, NULL, NULL, 0},
	{"dependencies", FIELD_ARRAY, FIELD_NULLABLE, 0, 1024, NULL,
	 &dependency_item, 1},
};

static const struct field file_fields[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, 1, PATH_MAX_BYTES, NULL, NULL,
	 0},
	{"content", FIELD_STRING, FIELD_REQUIRED, 1, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"language", FIELD_STRING, FIELD_NULLABLE, 0, PROTO_NAME_MAX - 1, NULL,
	 NULL, 0},
};

static const struct field files_item = {.name = "files",
					.type = FIELD_OBJECT,
					.flags = FIELD_CLOSED,
					.sub = file_fields,
					.sub_len = ARRAY_LEN(file_fields)};

static const struct field context_fields[] = {
	{"file_content", FIELD_STRING, FIELD_NULLABLE, 1, ROUTE_TEXT_MAX, NULL,
	 NULL, 0},
	{"file_path", FIELD_STRING, FIELD_NULLABLE, 0, PATH_MAX_BYTES, NULL,
	 NULL, 0},
	{"language", FIELD_STRING, FIELD_NULLABLE, 0, PROTO_NAME_MAX - 1, NULL,
	 NULL, 0},
	{"files", FIELD_ARRAY, FIELD_NULLABLE, 1, ANALYSIS_SOURCES_MAX, NULL,
	 &files_item, 1},
	{"project_context", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL,
	 project_fields, ARRAY_LEN(project_fields)},
};

static const struct field option_fields[] = {
	{"include_suggestions", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL,
	 0},
	{"include_examples", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
	{"max_suggestions", FIELD_INTEGER, FIELD_NULLABLE, 0, SUGGESTIONS_MAX,
	 NULL, NULL, 0},
	{"severity_threshold", FIELD_ENUM, FIELD_NULLABLE, 0, 0, thresholds,
	 NULL, 0},
};

static const struct field analyze_fields[] = {
	{"analysis_type", FIELD_ENUM, FIELD_NULLABLE, 0, 0, analysis_types,
	 NULL, 0},
	{"context", FIELD_OBJECT, FIELD_REQUIRED, 0, 0, NULL, context_fields,
	 ARRAY_LEN(context_fields)},
	{"options", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, option_fields,
	 ARRAY_LEN(option_fields)},
};

const struct field_table analyze_body = {analyze_fields,
					 ARRAY_LEN(analyze_fields), 0};

/* ---- what is asked --------------------------------------------------- */

struct asked {
	/* Borrowed of the body: as they came, and as the analyzers get them. */
	struct analysis_source sources[ANALYSIS_SOURCES_MAX];
	struct analysis_source plain[ANALYSIS_SOURCES_MAX];
	char *dedented[ANALYSIS_SOURCES_MAX];
	size_t margins[ANALYSIS_SOURCES_MAX]; /* columns that were cut off */
	size_t len;
	struct ide_request view;
	bool wants_sarif;
};

static void
asked_free(struct asked *a)
{
	for (size_t i = 0; i < a->len; i++)
		free(a->dedented[i]);
	free(a);
}

/* "js" is javascript; a word that nobody knows is the analysis' to refuse. */
static const char *
language_name(const char *word)
{
	const struct language *language = language_by_word(word, strlen(word));

	return language != NULL ? language->name : word;
}

static size_t
blanks_at(const char *line)
{
	return strspn(line, " \t");
}

/* By how much the first line with something in it was moved to the left. */
static size_t
margin_between(const char *before, const char *after)
{
	while (before[blanks_at(before)] == '\n') {
		before += blanks_at(before) + 1;
		after += blanks_at(after) + (after[blanks_at(after)] == '\n');
	}
	return blanks_at(before) - blanks_at(after);
}

static int
add_source(struct asked *a, const json_t *content, const char *path,
	   const char *language, struct err *e)
{
	size_t i = a->len, len = 0;
	bool was_indented = false;

	a->dedented[i] =
		text_dedent(json_string_value(content),
			    json_string_length(content), &len, &was_indented);
	if (a->dedented[i] == NULL)
		return err_set(e, ERR_IO, 0, "no memory to read a file");
	a->sources[i] = (struct analysis_source){
		.path = path,
		.language = language_name(language),
		.text = json_string_value(content),
		.len = json_string_length(content),
	};
	a->plain[i] = a->sources[i];
	a->plain[i].text = a->dedented[i];
	a->plain[i].len = len;
	if (was_indented)
		a->margins[i] =
			margin_between(a->sources[i].text, a->plain[i].text);
	a->len++;
	return 0;
}

static int
add_files(struct asked *a, const json_t *files, struct err *e)
{
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);

		if (add_source(a, json_object_get(file, "content"),
			       json_text(file, "path"),
			       json_text(file, "language"), e) < 0)
			return -1;
	}
	return 0;
}

/* ---- validate -------------------------------------------------------- */

static int
check_content(const json_t *context, struct http_response *res)
{
	bool has_content =
		json_is_string(json_object_get(context, "file_content"));
	bool has_files = json_is_array(json_object_get(context, "files"));

	if (has_content != has_files)
		return 0;
	if (has_content)
		http_problem(res, 422, "context.files",
			     "context.files: give either context.file_content "
			     "or context.files, not both");
	else
		http_problem(res, 422, "context.file_content",
			     "context.file_content is required: the text to "
			     "analyse (or context.files, an array of path and "
			     "content)");
	return -1;
}

/* Findings are told apart by them. */
static int
check_paths(const json_t *files, struct http_response *res)
{
	char field[64];

	for (size_t i = 0; i < json_array_size(files); i++) {
		const char *path = json_text(json_array_get(files, i), "path");

		for (size_t k = 0; k < i; k++) {
			if (strcmp(json_text(json_array_get(files, k), "path"),
				   path) != 0)
				continue;
			(void)str_printf(field, sizeof(field),
					 "context.files[%zu].path", i);
			http_problem(res, 422, field,
				     "%s is the path of another file already; "
				     "each file needs its own",
				     field);
			return -1;
		}
	}
	return 0;
}

static int
check_size(const json_t *context, struct http_response *res)
{
	const json_t *files = json_object_get(context, "files");
	const char *field = files != NULL && !json_is_null(files)
				    ? "context.files"
				    : "context.file_content";
	size_t sum =
		json_string_length(json_object_get(context, "file_content"));

	for (size_t i = 0; i < json_array_size(files); i++)
		sum += json_string_length(
			json_object_get(json_array_get(files, i), "content"));
	if (sum <= ANALYSIS_TEXT_MAX)
		return 0;
	http_problem(res, 413, field,
		     "%s has %zu bytes; at most %u are analysed at once: send "
		     "fewer or smaller files",
		     field, sum, ANALYSIS_TEXT_MAX);
	return -1;
}

static bool
is_not_false(const json_t *options, const char *name)
{
	return !json_is_false(json_object_get(options, name));
}

static const char *
text_or(const json_t *object, const char *name, const char *fallback)
{
	const char *text = json_text(object, name);

	return text[0] != '\0' ? text : fallback;
}

static const char *
why_no_model(const struct api *api)
{
	return api->writer != NULL
		       ? NULL
		       : "no model is configured (AZURE_OPENAI_ENDPOINT or "
			 "PROMPTCRAFT_MODEL_URL)";
}

static void
read_view(const struct api *api, const json_t *body, struct asked *a)
{
	const json_t *options = json_object_get(body, "options");
	const json_t *max = json_object_get(options, "max_suggestions");

	a->view = (struct ide_request){
		.type = text_or(body, "analysis_type", "general"),
		.threshold = text_or(options, "severity_threshold", "medium"),
		.has_suggestions = is_not_false(options, "include_suggestions"),
		.has_examples = is_not_false(options, "include_examples"),
		.suggestions_max = json_is_integer(max)
					   ? (size_t)json_integer_value(max)
					   : SUGGESTIONS_DEFAULT,
		.is_max_given = json_is_integer(max),
		.sources = a->sources,
		.sources_len = a->len,
		.no_model = why_no_model(api),
	};
}

static int
parse(const struct api *api, const struct http_request *req, struct asked *a,
      struct http_response *res)
{
	const json_t *context = json_object_get(req->body, "context");
	const json_t *content = json_object_get(context, "file_content");
	const json_t *files = json_object_get(context, "files");
	struct err e = ERR_INIT;
	int rc;

	if (fields_check(req->body, analyze_fields, ARRAY_LEN(analyze_fields),
			 res) < 0 ||
	    check_content(context, res) < 0 || check_paths(files, res) < 0 ||
	    check_size(context, res) < 0)
		return -1;
	rc = json_is_string(content)
		     ? add_source(a, content, json_text(context, "file_path"),
				  json_text(context, "language"), &e)
		     : add_files(a, files, &e);
	if (rc < 0)
		http_problem_from_err(res, &e);
	else
		read_view(api, req->body, a);
	return rc;
}

/* ---- Accept ---------------------------------------------------------- */

/*
 * The weight of a media type that is named in an Accept header; 0: it is not.
 */
static double
weight_of(const char *accept, const char *type)
{
	size_t type_len = strlen(type);

	while (accept != NULL && *accept != '\0') {
		size_t len = strcspn(accept, ",");
		size_t start = strspn(accept, " \t");
		const char *at = accept + start, *q;

		if (start + type_len <= len &&
		    strncasecmp(at, type, type_len) == 0 &&
		    strchr("; \t,", at[type_len]) != NULL) {
			q = memmem(at, len - start, "q=", 2);
			return q != NULL ? strtod(q + 2, NULL) : 1;
		}
		accept += len + (accept[len] == ',');
	}
	return 0;
}

static bool
wants_sarif(const struct http_request *req)
{
	const char *accept =
		req->connection != NULL ? http_header(req, "Accept") : NULL;
	double weight = weight_of(accept, HTTP_MEDIA_SARIF);

	return weight > 0 && weight >= weight_of(accept, "application/json");
}

/* ---- act and render -------------------------------------------------- */

static bool
contains(const json_t *list, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_array_get(list, i) == value)
			return true;
	return false;
}

static void
shift_column(const struct asked *a, json_t *finding)
{
	const char *path = json_text(finding, "path");
	json_int_t column = json_number(finding, "column");

	for (size_t i = 0; i < a->len && column > 0; i++) {
		if (strcmp(a->sources[i].path, path) != 0)
			continue;
		json_object_set_new(
			finding, "column",
			json_integer(column + (json_int_t)a->margins[i]));
		return;
	}
}

/* Columns are those of the text that the client has before it. */
static void
restore_columns(const struct asked *a, const json_t *report)
{
	const json_t *all = json_object_get(report, "suggestions");
	const json_t *weak = json_object_get(report, "vulnerabilities");

	for (size_t i = 0; i < json_array_size(all); i++)
		shift_column(a, json_array_get(all, i));
	for (size_t i = 0; i < json_array_size(weak); i++)
		if (!contains(all, json_array_get(weak, i)))
			shift_column(a, json_array_get(weak, i));
}

static void
answer_failure(struct api *api, struct http_response *res, const struct err *e)
{
	struct err why = ERR_INIT;

	if (e->kind == ERR_PEER &&
	    job_host_check_ready(workflow_engine_host(api->engine), &why) ==
		    0) {
		/* It is there; what it was to run has failed. */
		http_problem(res, 503, NULL, "An analyzer was not run: %s",
			     e->text);
		res->retry_after_s = STOP_RETRY_S;
	} else if (e->kind == ERR_PEER || e->kind == ERR_UNSUPPORTED) {
		route_unavailable(res, e);
	} else if (e->kind == ERR_CONFLICT) {
		http_problem(res, 503, NULL,
			     "The analysis was cut off: the service is "
			     "stopping, or the client has gone");
		res->retry_after_s = STOP_RETRY_S;
	} else {
		http_problem_from_err(res, e);
	}
}

static void
render(struct asked *a, const json_t *report, struct http_response *res)
{
	restore_columns(a, report);
	if (a->wants_sarif) {
		http_json(res, 200, ide_sarif_new(&a->view, report));
		res->media_type = HTTP_MEDIA_SARIF;
	} else {
		http_json(res, 200, ide_answer_new(&a->view, report));
	}
}

static void
run(struct api *api, const struct http_request *req, struct asked *a,
    struct http_response *res)
{
	uint64_t begin_ms = clock_mono_ms();
	const struct analysis_task task = {
		.sources = a->plain,
		.sources_len = a->len,
		.actor = req->user.username,
		.workflow_id = "",
		.wall_ms_max = (uint64_t)api->config.analyze_timeout_s * 1000,
		.cancel_fd = req->gone_fd,
	};
	json_t *report = NULL;
	struct err e = ERR_INIT;

	if (analysis_run(api->analysis, &task, &report, &e) < 0) {
		answer_failure(api, res, &e);
		return;
	}
	a->view.duration_ms = clock_mono_ms() - begin_ms;
	render(a, report, res);
	json_decref(report);
}

void
analyze_post(struct api *api, const struct http_request *req,
	     struct http_response *res)
{
	struct asked *a = calloc(1, sizeof(*a));
	struct err e = ERR_INIT;

	if (a == NULL) {
		err_set(&e, ERR_IO, 0, "no memory for an analysis");
		http_problem_from_err(res, &e);
		return;
	}
	a->wants_sarif = wants_sarif(req);
	if (parse(api, req, a, res) == 0) {
		/* For the usage log: the default is what was done. */
		json_object_set_new(req->body, "analysis_type",
				    json_string(a->view.type));
		a->view.type = json_text(req->body, "analysis_type");
		run(api, req, a, res);
	}
	asked_free(a);
}

/* The specification's 6.2: whatever it was asked for, a general analysis. */
void
orchestrate_post(struct api *api, const struct http_request *req,
		 struct http_response *res)
{
	log_warning("event=legacy_api path=%s user=%s successor=%s", req->path,
		    req->user.user_id, "/api/v3/analyze");
	json_object_set_new(req->body, "analysis_type", json_string("general"));
	analyze_post(api, req, res);
}
