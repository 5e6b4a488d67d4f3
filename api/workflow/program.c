/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c - see program.h.  The context is untrusted but has passed the
 * route's field table; the program made here is checked as any other job.
 */
#include "api/workflow/program.h"

#include <stdlib.h>
#include <string.h>

#include "api/jobs/host.h"
#include "api/jobs/text.h"
#include "api/workflow/state.h"
#include "jail/bundle.h"

/* A string that is not empty, or NULL. */
static json_t *
given_text(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_string_length(value) > 0 ? value : NULL;
}

int
program_given(const json_t *context, struct program_given *ret, struct err *e)
{
	const json_t *project = json_object_get(context, "project_context");
	json_t *test_code = given_text(context, "test_code");
	struct program_given g = {
		.code = given_text(context, "code"),
		.tests = given_text(context, "tests"),
		.code_source = "context.code",
		.tests_source = "context.tests",
	};

	if (g.code == NULL) {
		g.code = given_text(project, "file_content");
		g.code_source = "context.project_context.file_content";
	}
	if (g.code == NULL && test_code != NULL) {
		g.code = test_code;
		g.code_source = "context.test_code";
		g.is_trial = g.tests == NULL;
	} else if (test_code != NULL) {
		if (g.tests != NULL)
			return err_set(e, ERR_INVALID, 0,
				       "give the tests either in tests or in "
				       "test_code, not in both");
		g.tests = test_code;
		g.tests_source = "context.test_code";
	}
	if (g.code == NULL)
		g.code_source = NULL;
	if (g.tests == NULL)
		g.tests_source = NULL;
	*ret = g;
	return 0;
}

bool
program_is_trial(const json_t *context)
{
	struct program_given given;
	struct err e;

	return program_given(context, &given, &e) == 0 && given.is_trial;
}

/* ---- language -------------------------------------------------------- */

/* "#!/usr/bin/env node" -> "node"; the name has room for `size` bytes. */
static bool
shebang_name(const char *code, char *name, size_t size)
{
	const char *at, *end;
	size_t len;

	if (strncmp(code, "#!", 2) != 0)
		return false;
	at = code + 2;
	end = at + strcspn(at, "\r\n");
	for (const char *p = at; p < end; p++) {
		/* The last path component or word that is no option. */
		if ((*p == '/' || *p == ' ') && p + 1 < end && p[1] != '-')
			at = p + 1;
	}
	len = strcspn(at, " \r\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(name, at, len);
	name[len] = '\0';
	return true;
}

static const char *
detect_language(const json_t *context, const char *code, struct job_host *host,
		struct proto_runtime_info *runtime, const char **ret_source)
{
	const char *file = json_text(
		json_object_get(context, "project_context"), "current_file");
	const char *path = json_text(context, "code_path");
	char name[32];
	struct err e;

	*ret_source = "file name";
	if (job_host_runtime_by_path(host, path, runtime) ||
	    job_host_runtime_by_path(host, file, runtime))
		return runtime->name;
	*ret_source = "first line";
	if (shebang_name(code, name, sizeof(name)) &&
	    job_host_runtime(host, name, runtime, &e) == 0)
		return runtime->name;
	*ret_source = "#include";
	if (strncmp(code, "#include", 8) == 0 ||
	    strstr(code, "\n#include") != NULL)
		return "c";
	*ret_source = "default";
	return "python";
}

/* ---- the job --------------------------------------------------------- */

static bool
set_dedented(json_t *program, const char *name, const json_t *text)
{
	bool was_indented = false;
	size_t len;
	char *code;

	if (text == NULL)
		return false;
	code = text_dedent(json_string_value(text), json_string_length(text),
			   &len, &was_indented);
	if (code == NULL)
		return false;
	json_object_set_new(program, name, json_stringn(code, len));
	free(code);
	return was_indented;
}

/*
 * The editor's own name for the file, so that tests can import it: as it is if
 * it is a path that a job may have, else its last component.
 */
static void
set_code_path(json_t *program, const json_t *context,
	      const struct program_given *given, struct job_host *host)
{
	const char *file = json_text(
		json_object_get(context, "project_context"), "current_file");
	struct proto_runtime_info by_path, by_name;
	struct err e;

	if (json_object_get(program, "code_path") != NULL || given->is_trial ||
	    !job_host_runtime_by_path(host, file, &by_path) ||
	    job_host_runtime(host, json_text(program, "language"), &by_name,
			     &e) < 0 ||
	    strcmp(by_path.name, by_name.name) != 0)
		return;
	if (bundle_path_check(file, strlen(file), &e) < 0) {
		const char *slash = strrchr(file, '/');

		file = slash != NULL ? slash + 1 : file;
		if (bundle_path_check(file, strlen(file), &e) < 0)
			return;
	}
	json_object_set_new(program, "code_path", json_string(file));
}

static void
copy_members(json_t *program, const json_t *context)
{
	static const char *const names[] = {
		"code_path", "tests_path", "files",   "args",
		"stdin",     "limits",	   "collect",
	};
	const json_t *preferences =
		json_object_get(context, "execution_preferences");
	json_t *level = given_text(preferences, "security_level");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(context, names[i]);

		if (value != NULL && !json_is_null(value))
			json_object_set(program, names[i], value);
	}
	if (level != NULL)
		json_object_set(program, "security_level", level);
}

json_t *
program_new(const json_t *context, const struct program_given *given,
	    struct job_host *host)
{
	const char *language = json_text(context, "language");
	const char *source = "context.language";
	struct proto_runtime_info runtime;
	json_t *program = json_object();
	bool is_dedented;

	if (program == NULL)
		return NULL;
	is_dedented = set_dedented(program, "code", given->code);
	is_dedented |= set_dedented(program, "tests", given->tests);
	if (language[0] == '\0')
		language = detect_language(context, json_text(program, "code"),
					   host, &runtime, &source);
	json_object_set_new(program, "language", json_string(language));
	copy_members(program, context);
	set_code_path(program, context, given, host);
	json_object_set_new(program, "sources",
			    json_pack("{s:s, s:s?, s:s, s:b}", "code",
				      given->code_source, "tests",
				      given->tests_source, "language", source,
				      "is_dedented", is_dedented));
	return program;
}
