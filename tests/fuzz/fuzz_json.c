/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json.c - request bodies through the JSON reader, the field tables and
 * the handlers, up to the store and the slot of a job.
 *
 * Input: a byte that names the handler, then the body.  Every answer must be
 * one that the API promises (never a 500) and be writable as JSON; a refusal
 * must say why; a job that is accepted must become a bundle that the jail
 * takes, with the bytes of the request in it.
 */
#include <sodium.h>

#include "api/auth/password.h"
#include "api/http/body.h"
#include "api/http/handlers.h"
#include "api/jobs/request.h"
#include "supervisor/base/log.h"
#include "tests/fuzz/fake_api.h"
#include "tests/fuzz/fuzz.h"

static struct api api;
static int engine; /* any address but NULL */

/* The real one takes a tenth of a second on purpose. */
int
password_verify(const char *hash, const char *password, bool *ret_matches,
		struct err *e)
{
	(void)e;
	*ret_matches = hash != NULL && strcmp(password, "right") == 0;
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	FUZZ_CHECK(sodium_init() >= 0);
	log_set_level(LOG_LEVEL_ERROR);
	fake_config(&api.config);
	api.engine = (struct workflow_engine *)&engine;
	api.stop_fd = -1;
	return 0;
}

static const struct {
	http_handler handler;
	const char *id;
} handlers[] = {
	{execute_post, NULL},
	{jobs_post, NULL},
	{execute_approve, FAKE_WORKFLOW_ID},
	{execute_cancel, FAKE_WORKFLOW_ID},
	{token_post, NULL},
};

static void
check_response(const struct http_response *res)
{
	static const int promised[] = {200, 202, 400, 401, 403, 404,
				       409, 413, 422, 429, 503};
	bool is_promised = false;
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(promised); i++)
		is_promised |= res->status == promised[i];
	if (!is_promised)
		fprintf(stderr, "status %d\n", res->status);
	FUZZ_CHECK(is_promised);
	FUZZ_CHECK(json_is_object(res->body));
	text = json_dumps(res->body, JSON_COMPACT);
	FUZZ_CHECK(text != NULL);
	free(text);
	if (res->status >= 400) {
		const json_t *detail = json_object_get(res->body, "detail");

		FUZZ_CHECK(json_string_length(detail) > 0);
	}
}

static bool
has_file(const struct bundle_entry *entry, const char *path,
	 const struct job_text *text)
{
	return strcmp(entry->path, path) == 0 && entry->len == text->len &&
	       memcmp(entry->data, text->data, text->len) == 0;
}

/* As the jail will read it: manifest first, every file of the request. */
static void
check_bundle(const struct job_request *r, const struct bundle_writer *w)
{
	struct bundle_reader reader;
	struct bundle_entry entry;
	struct err e = ERR_INIT;
	size_t files = 0, collect = 0;
	bool has_code = false, has_tests = !r->has_tests;
	int more;

	FUZZ_CHECK(bundle_reader_init(&reader, w->data, w->len, &e) == 0);
	FUZZ_CHECK(bundle_reader_next(&reader, &entry, &e) == 1);
	FUZZ_CHECK(entry.kind == BUNDLE_MANIFEST && entry.len > 0 &&
		   entry.data[entry.len - 1] == '\0');
	while ((more = bundle_reader_next(&reader, &entry, &e)) == 1) {
		files += entry.kind == BUNDLE_FILE;
		collect += entry.kind == BUNDLE_COLLECT;
		has_code |= has_file(&entry, r->code_path, &r->code);
		has_tests |= has_file(&entry, r->tests_path, &r->tests);
	}
	FUZZ_CHECK(more == 0 && has_code && has_tests);
	FUZZ_CHECK(files == 1u + r->has_tests + json_array_size(r->files));
	FUZZ_CHECK(collect == json_array_size(r->collect));
}

/* What a handler has accepted. */
static void
check_job(json_t *body)
{
	const struct job_defaults defaults = {1000, 1u << 20};
	struct job_request request;
	struct bundle_writer w;
	struct err e = ERR_INIT;
	char field[JOB_FIELD_MAX];

	FUZZ_CHECK(job_request_init(&request, body, (struct job_host *)&engine,
				    &defaults, field, &e) == 0);
	FUZZ_CHECK(request.limits.wall_ms > 0 &&
		   request.limits.memory_bytes > 0);
	if (job_request_bundle(&request, &w, &e) == 0) {
		check_bundle(&request, &w);
		bundle_writer_done(&w);
	} else {
		FUZZ_CHECK(e.kind == ERR_LIMIT);
	}
	job_request_done(&request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	unsigned which = fuzz_u8(&in) % ARRAY_LEN(handlers);
	struct http_request req = {.method = "POST",
				   .path = "/",
				   .id = handlers[which].id,
				   .address = "127.0.0.1",
				   .request_id = "fuzz",
				   .gone_fd = -1};
	struct http_response res = {0};

	if (in.left == 0 || in.left > api.config.max_body_bytes)
		return -1;
	(void)str_copy(req.user.user_id, sizeof(req.user.user_id),
		       FAKE_USER_ID);
	(void)str_copy(req.user.username, sizeof(req.user.username), "fuzz");
	req.user.role = USER_ROLE_ADMIN;
	fake_submitted = 0;
	fake_created = 0;
	if (body_parse((const char *)in.at, in.left, &req.body, &res) == 0) {
		handlers[which].handler(&api, &req, &res);
		if (fake_submitted > 0)
			check_job(req.body);
		FUZZ_CHECK(fake_created == (res.status == 202));
	}
	check_response(&res);
	json_decref(req.body);
	json_decref(res.body);
	return 0;
}
