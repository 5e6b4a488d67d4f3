/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.c - the files of a release, from the workflow's document.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/release/release.h"
#include "api/workflow/digest.h"
#include "supervisor/base/str.h"

#define PREFIX "files/"
#define FIXED_FILES 8 /* code, tests, five reports, manifest */
#define PATH_SIZE (sizeof(PREFIX) + BUNDLE_PATH_MAX)
#define DUMP (JSON_INDENT(2) | JSON_SORT_KEYS)

/* ---- adding files ---------------------------------------------------- */

static void
add(struct release_set *s, const char *prefix, const char *path,
    const char *data, size_t len)
{
	char *full = s->paths + s->paths_len;

	/* Room for all of them was made; a longer one is refused later. */
	(void)snprintf(full, PATH_SIZE, "%s%s", prefix, path);
	s->paths_len += PATH_SIZE;
	s->files[s->len++] = (struct release_file){
		.path = full,
		.data = data,
		.len = len,
	};
	s->bytes += len;
}

/* Takes text over. */
static int
add_text(struct release_set *s, const char *path, char *text, struct err *e)
{
	if (text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "write %s", path);
	s->texts[s->texts_len++] = text;
	add(s, "", path, text, strlen(text));
	return 0;
}

static int
add_json(struct release_set *s, const char *path, const json_t *value,
	 struct err *e)
{
	return add_text(s, path, json_dumps(value, DUMP | JSON_ENCODE_ANY), e);
}

static void
add_given(struct release_set *s, const struct job_request *job)
{
	size_t i;
	const json_t *file;

	add(s, PREFIX, job->code_path, job->code.data, job->code.len);
	if (job->has_tests)
		add(s, PREFIX, job->tests_path, job->tests.data,
		    job->tests.len);
	json_array_foreach(job->files, i, file)
	{
		const json_t *content = json_object_get(file, "content");

		add(s, PREFIX, json_text(file, "path"),
		    json_string_value(content), json_string_length(content));
	}
}

/* ---- reports --------------------------------------------------------- */

/* Every version, also those that were not taken. */
static int
add_iterations(struct release_set *s, const struct workflow_state *state,
	       struct err *e)
{
	json_t *iterations = workflow_state_part(state, "iterations");
	json_t *records =
		iterations != NULL ? json_incref(iterations) : json_array();
	int rc = add_json(s, "iterations.json", records, e);

	json_decref(records);
	return rc;
}

static int
add_reports(struct release_set *s, const struct workflow_state *state,
	    struct err *e)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	json_t *report = json_object_get(artifacts, "security_report");
	json_t *analysis = report != NULL ? json_incref(report)
					  : json_pack("{s:b}", "analysed", 0);
	char *shown = digest_shown(state, &s->shown_len);
	int rc;

	s->shown = shown;
	rc = add_text(s, "shown.json", shown, e);
	if (rc == 0)
		rc = add_json(s, "analysis.json", analysis, e);
	json_decref(analysis);
	if (rc < 0 ||
	    add_json(s, "results.json",
		     json_object_get(artifacts, "test_results"), e) < 0 ||
	    add_iterations(s, state, e) < 0)
		return -1;
	return add_json(s, "approvals.json",
			workflow_state_part(state, "approvals"), e);
}

static json_t *
entry_new(const struct release_file *file)
{
	char hex[DIGEST_HEX_SIZE];

	digest_bytes(file->data, file->len, hex);
	return json_pack("{s:s, s:s, s:I}", "path", file->path, "sha256", hex,
			 "bytes", (json_int_t)file->len);
}

static int
add_manifest(struct release_set *s, const struct workflow_state *state,
	     const json_t *evidence, struct err *e)
{
	static const char *const names[] = {"workflow_id", "user_id",
					    "username",	   "goal",
					    "sources",	   "created_at"};
	json_t *manifest = json_deep_copy(evidence), *files = json_array();
	const struct release_file *last;
	int rc;

	for (size_t i = 0; i < s->len; i++)
		json_array_append_new(files, entry_new(&s->files[i]));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(state->doc, names[i]);

		if (value != NULL)
			json_object_set(manifest, names[i], value);
	}
	json_object_set_new(manifest, "format",
			    json_string("promptcraft release 1"));
	json_object_set_new(manifest, "runtime", json_string(s->runtime));
	/* In a file of their own. */
	json_object_del(manifest, "approvals");
	if (manifest == NULL ||
	    json_object_set_new(manifest, "files", files) < 0) {
		json_decref(manifest);
		return err_set(e, ERR_IO, ENOMEM, "write " RELEASE_MANIFEST);
	}
	rc = add_json(s, RELEASE_MANIFEST, manifest, e);
	json_decref(manifest);
	if (rc < 0)
		return -1;
	last = &s->files[s->len - 1];
	crypto_hash_sha256(s->manifest_sha256,
			   (const unsigned char *)last->data, last->len);
	return 0;
}

/* ---- the whole ------------------------------------------------------- */

static json_t *
source_new(const struct workflow_state *state)
{
	json_t *source = json_copy(workflow_state_part(state, "program"));

	if (source != NULL)
		json_object_set(
			source, "code",
			json_object_get(workflow_state_part(state, "artifacts"),
					"generated_code"));
	return source;
}

static int
fill(struct release_set *s, const struct workflow_state *state,
     const json_t *evidence, const struct job_request *job, struct err *e)
{
	size_t most = FIXED_FILES + json_array_size(job->files);

	(void)str_copy(s->runtime, sizeof(s->runtime), job->runtime.name);
	s->files = calloc(most, sizeof(s->files[0]));
	s->paths = calloc(most, PATH_SIZE);
	if (s->files == NULL || s->paths == NULL)
		return err_set(e, ERR_IO, ENOMEM, "collect files");
	add_given(s, job);
	if (add_reports(s, state, e) < 0)
		return -1;
	return add_manifest(s, state, evidence, e);
}

int
release_set_init(struct release_set *ret, const struct workflow_state *state,
		 const json_t *evidence, struct job_host *host, struct err *e)
{
	const struct job_defaults none = {0};
	char field[JOB_FIELD_MAX] = "";
	struct job_request job;
	int rc;

	*ret = (struct release_set){.source = source_new(state)};
	if (ret->source == NULL)
		return err_set(e, ERR_INVALID, 0, "there is no program");
	if ((!job_host_has_runtimes(host) &&
	     job_host_refresh(host, NULL, e) < 0) ||
	    job_request_init(&job, ret->source, host, &none, field, e) < 0) {
		release_set_done(ret);
		return field[0] != '\0' ? err_wrap(e, "%s", field) : -1;
	}
	rc = fill(ret, state, evidence, &job, e);
	job_request_done(&job);
	if (rc < 0)
		release_set_done(ret);
	return rc;
}

void
release_set_done(struct release_set *set)
{
	for (size_t i = 0; i < set->texts_len; i++)
		free(set->texts[i]);
	free(set->files);
	free(set->paths);
	json_decref(set->source);
	*set = (struct release_set){0};
}
