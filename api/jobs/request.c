/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - see request.h.  The source object is untrusted.  Paths are held
 * to the bundle's own rules here so that the client learns which field is
 * wrong; the jail checks them again.
 */
#include "api/jobs/request.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/jobs/host.h"
#include "supervisor/base/str.h"

/* What a check needs to say which field is wrong. */
struct checker {
	struct job_request *request;
	char *field;
	struct err *e;
};

static int bad(struct checker *c, const char *field, const char *text)
	__attribute__((nonnull));

static int
bad(struct checker *c, const char *field, const char *text)
{
	snprintf(c->field, JOB_FIELD_MAX, "%s", field);
	return err_set(c->e, ERR_INVALID, 0, "%s", text);
}

static int
bad_at(struct checker *c, const char *array, size_t i, const char *member,
       const char *text)
{
	snprintf(c->field, JOB_FIELD_MAX, "%s[%zu]%s", array, i, member);
	return err_set(c->e, ERR_INVALID, 0, "%s", text);
}

/* ---- single values --------------------------------------------------- */

static bool
is_text(const json_t *value)
{
	return json_is_string(value) &&
	       strlen(json_string_value(value)) == json_string_length(value);
}

/* Absent or null leaves *ret as it is. */
static int
take_text(struct checker *c, const char *name, struct job_text *ret)
{
	const json_t *value = json_object_get(c->request->source, name);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!is_text(value))
		return bad(c, name, "must be a string without NUL");
	ret->data = json_string_value(value);
	ret->len = json_string_length(value);
	return 0;
}

static int
take_path(struct checker *c, const char *name, const char *fallback,
	  char dst[BUNDLE_PATH_MAX + 1])
{
	struct job_text text = {fallback, strlen(fallback)};

	if (take_text(c, name, &text) < 0)
		return -1;
	if (bundle_path_check(text.data, text.len, c->e) < 0) {
		snprintf(c->field, JOB_FIELD_MAX, "%s", name);
		c->e->kind = ERR_INVALID;
		return -1;
	}
	memcpy(dst, text.data, text.len + 1);
	return 0;
}

static int
take_array(struct checker *c, const char *name, size_t max, json_t **ret)
{
	json_t *value = json_object_get(c->request->source, name);

	*ret = NULL;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return bad(c, name, "must be an array");
	if (json_array_size(value) > max)
		return bad(c, name, "has too many elements");
	*ret = value;
	return 0;
}

static int
take_number(struct checker *c, const json_t *object, const char *name,
	    double min, double max, double *ret)
{
	const json_t *value = json_object_get(object, name);
	double number;

	if (value == NULL || json_is_null(value))
		return 0;
	number = json_number_value(value); /* 0 if it is no number */
	if (!isfinite(number) || number < min || number > max) {
		snprintf(c->field, JOB_FIELD_MAX, "limits.%s", name);
		return err_set(c->e, ERR_INVALID, 0,
			       "must be a number from %g to %g", min, max);
	}
	*ret = number;
	return 0;
}

/* ---- the parts of a request ------------------------------------------ */

static int
take_runtime(struct checker *c, struct job_host *host)
{
	struct job_text language = {NULL, 0};

	if (take_text(c, "language", &language) < 0)
		return -1;
	if (language.data == NULL)
		return bad(c, "language", "is required");
	if (!job_host_has_runtimes(host) &&
	    job_host_refresh(host, NULL, c->e) < 0)
		return -1;
	if (!job_host_runtime_of_policy(host, c->request->policy, language.data,
					&c->request->runtime) &&
	    job_host_runtime(host, language.data, &c->request->runtime, c->e) <
		    0) {
		snprintf(c->field, JOB_FIELD_MAX, "language");
		c->e->kind = ERR_INVALID;
		return -1;
	}
	return 0;
}

static int
take_policy(struct checker *c)
{
	struct job_text policy = {"standard", strlen("standard")};

	if (take_text(c, "security_level", &policy) < 0 ||
	    take_text(c, "policy", &policy) < 0)
		return -1;
	if (!str_is_name(policy.data, PROTO_NAME_MAX - 1))
		return bad(c, "security_level", "is not a policy's name");
	return str_copy(c->request->policy, sizeof(c->request->policy),
			policy.data);
}

static int
take_limits(struct checker *c, const struct job_defaults *defaults)
{
	const json_t *limits = json_object_get(c->request->source, "limits");
	struct proto_limits *dst = &c->request->limits;
	double seconds = 0, megabytes = 0;

	if (limits != NULL && !json_is_null(limits) && !json_is_object(limits))
		return bad(c, "limits", "must be an object");
	if (take_number(c, limits, "timeout_seconds", 1, 86400, &seconds) < 0 ||
	    take_number(c, limits, "memory_mb", JOB_MEMORY_MIN_MB, 1048576,
			&megabytes) < 0)
		return -1;
	dst->wall_ms = seconds > 0 ? (uint64_t)ceil(seconds * 1000)
				   : defaults->wall_ms;
	dst->memory_bytes = megabytes > 0 ? (uint64_t)ceil(megabytes * 1048576)
					  : defaults->memory_bytes;
	return 0;
}

static int
check_args(struct checker *c)
{
	size_t count = json_array_size(c->request->args), total = 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *arg = json_array_get(c->request->args, i);

		if (!is_text(arg))
			return bad_at(c, "args", i, "",
				      "must be a string without NUL");
		total += json_string_length(arg);
		if (total > BUNDLE_MANIFEST_MAX / 2)
			return bad(c, "args", "are too long together");
	}
	return 0;
}

static int
check_array_path(struct checker *c, const char *array, size_t i,
		 const char *member, const json_t *path)
{
	if (!is_text(path))
		return bad_at(c, array, i, member,
			      "must be a string without NUL");
	if (bundle_path_check(json_string_value(path), json_string_length(path),
			      c->e) < 0) {
		snprintf(c->field, JOB_FIELD_MAX, "%s[%zu]%s", array, i,
			 member);
		c->e->kind = ERR_INVALID;
		return -1;
	}
	return 0;
}

static int
check_collect(struct checker *c)
{
	size_t count = json_array_size(c->request->collect);

	for (size_t i = 0; i < count; i++) {
		if (check_array_path(c, "collect", i, "",
				     json_array_get(c->request->collect, i)) <
		    0)
			return -1;
	}
	return 0;
}

/* Is `path` the same as, or a directory above, `other`? */
static bool
collides(const char *path, const char *other)
{
	size_t len = strlen(path);

	return strncmp(path, other, len) == 0 &&
	       (other[len] == '\0' || other[len] == '/');
}

static const char *
file_path(const struct job_request *request, size_t i)
{
	return json_string_value(
		json_object_get(json_array_get(request->files, i), "path"));
}

/* Does `path` clash with the code, the tests or files[0..i)? */
static bool
is_taken(const struct job_request *r, const char *path, size_t i)
{
	if (collides(path, r->code_path) || collides(r->code_path, path))
		return true;
	if (r->has_tests &&
	    (collides(path, r->tests_path) || collides(r->tests_path, path)))
		return true;
	for (size_t k = 0; k < i; k++) {
		if (collides(path, file_path(r, k)) ||
		    collides(file_path(r, k), path))
			return true;
	}
	return false;
}

/* The directories above both. */
static size_t
shared_dirs(const char *path, const char *other)
{
	size_t count = 0;

	for (size_t k = 0; path[k] != '\0' && path[k] == other[k]; k++)
		count += path[k] == '/';
	return count;
}

/* How many directories `path` needs that files[0..i) do not. */
static size_t
new_dirs(const struct job_request *r, const char *path, size_t i)
{
	size_t all = shared_dirs(path, path), most = 0;

	for (size_t k = 0; k < i; k++) {
		size_t shared = shared_dirs(path, file_path(r, k));

		most = shared > most ? shared : most;
	}
	return all - most;
}

/* A short path makes many directories, in the jail and in a release. */
static int
check_dirs(struct checker *c, const char *path, size_t i, size_t *dirs)
{
	*dirs += new_dirs(c->request, path, i);
	if (*dirs <= JOB_DIRS_MAX)
		return 0;
	return bad_at(c, "files", i, ".path",
		      "is one too many: the files need more than 1024 "
		      "directories");
}

static int
check_files(struct checker *c)
{
	struct job_request *r = c->request;
	size_t count = json_array_size(r->files), dirs = 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *file = json_array_get(r->files, i);
		const json_t *path = json_object_get(file, "path");

		if (!json_is_object(file))
			return bad_at(c, "files", i, "", "must be an object");
		if (check_array_path(c, "files", i, ".path", path) < 0)
			return -1;
		if (!is_text(json_object_get(file, "content")))
			return bad_at(c, "files", i, ".content",
				      "must be a string without NUL");
		if (is_taken(r, json_string_value(path), i))
			return bad_at(c, "files", i, ".path",
				      "names a path that is taken");
		if (check_dirs(c, json_string_value(path), i, &dirs) < 0)
			return -1;
	}
	return 0;
}

static int
take_paths(struct checker *c)
{
	struct job_request *r = c->request;

	if (take_path(c, "code_path", r->runtime.code_path, r->code_path) < 0 ||
	    take_path(c, "tests_path", r->runtime.tests_path, r->tests_path) <
		    0)
		return -1;
	if (r->has_tests && (collides(r->code_path, r->tests_path) ||
			     collides(r->tests_path, r->code_path)))
		return bad(c, "tests_path", "is the same path as code_path");
	return 0;
}

static int
take_all(struct checker *c, struct job_host *host,
	 const struct job_defaults *defaults)
{
	struct job_request *r = c->request;

	if (take_text(c, "code", &r->code) < 0 ||
	    take_text(c, "tests", &r->tests) < 0 ||
	    take_text(c, "stdin", &r->stdin_text) < 0)
		return -1;
	if (r->code.data == NULL)
		return bad(c, "code", "is required");
	if (r->code.len == 0)
		return bad(c, "code", "must not be empty");
	r->has_tests = r->tests.data != NULL;
	if (take_array(c, "files", JOB_FILES_MAX, &r->files) < 0 ||
	    take_array(c, "args", JOB_ARGS_MAX, &r->args) < 0 ||
	    take_array(c, "collect", JOB_COLLECT_MAX, &r->collect) < 0 ||
	    take_policy(c) < 0 || take_limits(c, defaults) < 0 ||
	    check_args(c) < 0 || check_collect(c) < 0)
		return -1;
	/* Last, because it may ask the supervisor. */
	if (take_runtime(c, host) < 0 || take_paths(c) < 0)
		return -1;
	return check_files(c);
}

int
job_request_init(struct job_request *ret, json_t *source, struct job_host *host,
		 const struct job_defaults *defaults,
		 char ret_field[JOB_FIELD_MAX], struct err *e)
{
	struct checker c = {.request = ret, .field = ret_field, .e = e};

	memset(ret, 0, sizeof(*ret));
	ret_field[0] = '\0';
	ret->source = source;
	if (take_all(&c, host, defaults) < 0) {
		ret->source = NULL;
		return -1;
	}
	json_incref(source);
	return 0;
}

void
job_request_done(struct job_request *request)
{
	json_decref(request->source);
	memset(request, 0, sizeof(*request));
}

/* ---- the bundle ------------------------------------------------------ */

struct manifest {
	char data[BUNDLE_MANIFEST_MAX];
	size_t len;
};

static int
manifest_put(struct manifest *m, const char *key, const char *value,
	     struct err *e)
{
	size_t left = sizeof(m->data) - m->len;
	int n = snprintf(m->data + m->len, left, "%s=%s", key, value);

	if (n < 0 || (size_t)n >= left)
		return err_set(e, ERR_LIMIT, 0, "args are too long together");
	m->len += (size_t)n + 1; /* its NUL is part of the format */
	return 0;
}

static int
manifest_fill(struct manifest *m, const struct job_request *r, struct err *e)
{
	size_t count = json_array_size(r->args);

	m->len = 0;
	if (manifest_put(m, "mode", r->has_tests ? "test" : "run", e) < 0 ||
	    manifest_put(m, "code", r->code_path, e) < 0 ||
	    (r->has_tests && manifest_put(m, "tests", r->tests_path, e) < 0))
		return -1;
	for (size_t i = 0; i < count; i++) {
		const json_t *arg = json_array_get(r->args, i);

		if (manifest_put(m, "arg", json_string_value(arg), e) < 0)
			return -1;
	}
	return 0;
}

static int
add_files(const struct job_request *r, struct bundle_writer *out, struct err *e)
{
	size_t count = json_array_size(r->files);

	if (bundle_writer_add(out, BUNDLE_FILE, BUNDLE_OK, r->code_path,
			      r->code.data, r->code.len, e) < 0)
		return -1;
	if (r->has_tests &&
	    bundle_writer_add(out, BUNDLE_FILE, BUNDLE_OK, r->tests_path,
			      r->tests.data, r->tests.len, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const json_t *content =
			json_object_get(json_array_get(r->files, i), "content");

		if (bundle_writer_add(out, BUNDLE_FILE, BUNDLE_OK,
				      file_path(r, i),
				      json_string_value(content),
				      json_string_length(content), e) < 0)
			return -1;
	}
	return 0;
}

static int
add_collect(const struct job_request *r, struct bundle_writer *out,
	    struct err *e)
{
	size_t count = json_array_size(r->collect);

	for (size_t i = 0; i < count; i++) {
		const char *path =
			json_string_value(json_array_get(r->collect, i));

		if (bundle_writer_add(out, BUNDLE_COLLECT, BUNDLE_OK, path,
				      NULL, 0, e) < 0)
			return -1;
	}
	return 0;
}

int
job_request_bundle(const struct job_request *request, struct bundle_writer *out,
		   struct err *e)
{
	struct manifest *m = malloc(sizeof(*m));
	int rc = -1;

	if (m == NULL)
		return err_set(e, ERR_IO, ENOMEM, "manifest");
	bundle_writer_init(out, PROTO_BUNDLE_MAX);
	if (manifest_fill(m, request, e) == 0 &&
	    bundle_writer_add(out, BUNDLE_MANIFEST, BUNDLE_OK, "", m->data,
			      m->len, e) == 0 &&
	    add_files(request, out, e) == 0 &&
	    add_collect(request, out, e) == 0)
		rc = 0;
	if (rc < 0)
		bundle_writer_done(out);
	free(m);
	return rc;
}

/* ---- ids ------------------------------------------------------------- */

void
job_id_new(char ret_id[PROTO_ID_MAX])
{
	unsigned char b[16];
	char hex[33];

	/* Up to 256 bytes it cannot fail once the kernel's pool is ready. */
	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort();
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	snprintf(ret_id, PROTO_ID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
		 hex + 8, hex + 12, hex + 16, hex + 20);
}

bool
job_id_is_valid(const char *id)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(shape); i++) {
		bool is_hex = (id[i] >= '0' && id[i] <= '9') ||
			      (id[i] >= 'a' && id[i] <= 'f');

		if (shape[i] == 'x' ? !is_hex : id[i] != shape[i])
			return false;
	}
	return true;
}
