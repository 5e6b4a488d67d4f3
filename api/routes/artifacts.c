/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifacts.c - GET /api/v3/execute/artifacts/{id}: what a workflow released,
 * and with ?path= one of its files.
 *
 * Nothing is sent that is not what was released: the manifest must be the one
 * that the workflow's document names, and a file the one that the manifest
 * names.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/release/release.h"
#include "api/routes/routes.h"
#include "api/workflow/digest.h"
#include "supervisor/base/fd.h"

/* ---- reading --------------------------------------------------------- */

static int
changed(struct err *e, const char *path)
{
	return err_set(e, ERR_CONFLICT, 0,
		       "%s is not as it was released: it was changed on the "
		       "disk",
		       path);
}

/* A file whose SHA-256 is known. */
static int
read_checked(const struct api *api, const char *workflow_id, const char *path,
	     const char *sha256, char **ret_data, size_t *ret_len,
	     struct err *e)
{
	owned_fd int root = -1;
	owned_mem char *data = NULL;
	char hex[DIGEST_HEX_SIZE];
	size_t len;

	if (release_root_open(api->config.release_dir, &root, e) < 0 ||
	    release_read(root, workflow_id, path, RELEASE_FILE_MAX, &data, &len,
			 e) < 0)
		return -1;
	digest_bytes(data, len, hex);
	if (strcmp(hex, sha256) != 0)
		return changed(e, path);
	*ret_len = len;
	*ret_data = data;
	data = NULL;
	return 0;
}

static const json_t *
release_of(const struct workflow_state *state)
{
	return json_object_get(
		json_object_get(workflow_state_part(state, "artifacts"),
				"evidence"),
		"release");
}

static json_t *
load_manifest(const struct api *api, const struct workflow_state *state,
	      struct err *e)
{
	const json_t *release = release_of(state);
	owned_mem char *text = NULL;
	json_t *manifest;
	size_t len;

	if (!json_is_object(release)) {
		err_set(e, ERR_NOT_FOUND, 0,
			"The workflow has released nothing");
		return NULL;
	}
	if (read_checked(api, state->meta.workflow_id, RELEASE_MANIFEST,
			 json_text(release, "manifest_sha256"), &text, &len,
			 e) < 0)
		return NULL;
	manifest = json_loadb(text, len, 0, NULL);
	if (manifest == NULL)
		changed(e, RELEASE_MANIFEST);
	return manifest;
}

/* ---- one file -------------------------------------------------------- */

static const char *
sha256_of(const json_t *manifest, const json_t *release, const char *path)
{
	const json_t *files = json_object_get(manifest, "files");

	if (strcmp(path, RELEASE_MANIFEST) == 0)
		return json_text(release, "manifest_sha256");
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);

		if (strcmp(json_text(file, "path"), path) == 0)
			return json_text(file, "sha256");
	}
	return NULL;
}

static int
answer_file(const struct api *api, const struct workflow_state *state,
	    const json_t *manifest, const char *path, struct http_response *res,
	    struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *sha256 = sha256_of(manifest, release_of(state), path);

	if (sha256 == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "The release has no such file");
	if (read_checked(api, state->meta.workflow_id, path, sha256, &res->text,
			 &res->text_len, e) < 0)
		return -1;
	http_attachment(res, slash != NULL ? slash + 1 : path);
	return 0;
}

/* ---- the list -------------------------------------------------------- */

static void
answer_list(const struct workflow_state *state, json_t *manifest,
	    struct http_response *res)
{
	const json_t *release = release_of(state);
	json_t *data = json_pack(
		"{s:s, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*}", "workflow_id",
		state->meta.workflow_id, "digest",
		json_object_get(manifest, "digest"), "policy",
		json_object_get(manifest, "policy"), "released_at",
		json_object_get(manifest, "released_at"), "manifest_sha256",
		json_object_get(release, "manifest_sha256"), "audit_record",
		json_object_get(release, "audit_record"), "files",
		json_object_get(manifest, "files"));

	http_json(res, 200,
		  json_pack("{s:s, s:o}", "status", "success", "data", data));
}

void
artifacts_get(struct api *api, const struct http_request *req,
	      struct http_response *res)
{
	const char *path = http_query(req, "path");
	struct workflow_state state;
	json_t *manifest;
	struct err e = ERR_INIT;

	if (route_load_workflow(api, req, &state, res) < 0)
		return;
	manifest = load_manifest(api, &state, &e);
	if (manifest != NULL && path == NULL)
		answer_list(&state, manifest, res);
	else if (manifest == NULL ||
		 answer_file(api, &state, manifest, path, res, &e) < 0)
		http_problem_from_err(res, &e);
	json_decref(manifest);
	workflow_state_done(&state);
}
