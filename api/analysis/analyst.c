/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyst.c - the workflows' analyst: a program's code and files are looked at,
 * not its tests.  The report becomes part of the workflow's document, so that
 * it has only what people and authors need, and no more than so much of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/language.h"
#include "api/analysis/analysis.h"
#include "api/json.h"

#define REPORTED_MAX 50
#define WALL_MS_MAX 120000u

struct program {
	struct analysis_source at[ANALYSIS_SOURCES_MAX];
	size_t len;
	json_t *left_out; /* as not_analysed of a report */
	bool is_cut;	  /* there are more sources than are looked at */
};

static void
leave_out(struct program *p, const char *path, const char *reason)
{
	json_array_append_new(p->left_out,
			      json_pack("{s:s, s:n, s:n, s:s}", "path", path,
					"language", "tool", "reason", reason));
}

static void
add(struct program *p, const char *path, const char *language,
    const json_t *text)
{
	if (p->len == ANALYSIS_SOURCES_MAX) {
		leave_out(p, path, "there are more files than are analysed");
		p->is_cut = true;
		return;
	}
	p->at[p->len++] = (struct analysis_source){
		.path = path,
		.language = language,
		.text = json_string_value(text),
		.len = json_string_length(text),
	};
}

static void
add_code(struct program *p, const json_t *program)
{
	const char *name = json_text(program, "language");
	const char *path = json_text(program, "code_path");
	const struct language *language = language_by_word(name, strlen(name));

	if (language != NULL) {
		name = language->name;
		path = path[0] != '\0' ? path : language->code_path;
	}
	add(p, path, name, json_object_get(program, "code"));
}

static void
add_file(struct program *p, const json_t *file)
{
	const char *path = json_text(file, "path");

	if (language_is_tests_path(path))
		leave_out(p, path, "it is named like tests");
	else if (analysis_is_data_path(path))
		leave_out(p, path, "it is data, by its name");
	else
		add(p, path, "", json_object_get(file, "content"));
}

/* What a document need not repeat. */
static void
shorten(json_t *report, struct program *p)
{
	json_t *found = json_object_get(report, "vulnerabilities");
	json_t *not_analysed = json_object_get(report, "not_analysed");
	size_t all = json_array_size(json_object_get(report, "suggestions"));

	json_object_set_new(report, "findings_total",
			    json_integer((json_int_t)all));
	json_object_del(report, "suggestions");
	while (json_array_size(found) > REPORTED_MAX) {
		json_array_remove(found, json_array_size(found) - 1);
		json_object_set_new(report, "truncated", json_true());
	}
	json_array_extend(not_analysed, p->left_out);
	if (p->is_cut) {
		json_object_set_new(report, "analysed", json_false());
		json_object_set_new(report, "overall_score", json_null());
	}
}

static int
analyse_program(struct analysis *analysis, struct program *p,
		const struct analyst_task *task, json_t **ret_report,
		struct err *e)
{
	const json_t *files = json_object_get(task->program, "files");
	struct analysis_task whole = {
		.sources = p->at,
		.host = task->host,
		.actor = task->actor,
		.workflow_id = task->workflow_id,
		.step = task->step,
		.attempt = task->attempt,
		.wall_ms_max = task->wall_ms_max < WALL_MS_MAX
				       ? task->wall_ms_max
				       : WALL_MS_MAX,
		.cancel_fd = task->cancel_fd,
	};

	add_code(p, task->program);
	for (size_t i = 0; i < json_array_size(files); i++)
		add_file(p, json_array_get(files, i));
	whole.sources_len = p->len;
	if (analysis_run(analysis, &whole, ret_report, e) < 0)
		return -1;
	shorten(*ret_report, p);
	return 0;
}

static int
analyse(void *arg, const struct analyst_task *task, json_t **ret_report,
	struct err *e)
{
	struct program *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return err_set(e, ERR_IO, ENOMEM, "analyse");
	p->left_out = json_array();
	rc = analyse_program(arg, p, task, ret_report, e);
	json_decref(p->left_out);
	free(p);
	return rc;
}

struct workflow_analyst
analysis_analyst(struct analysis *analysis)
{
	return (struct workflow_analyst){.arg = analysis, .analyse = analyse};
}
