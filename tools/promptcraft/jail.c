/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - `promptcraft jail run`: one job straight through the supervisor's
 * socket, for whoever may connect to it (root and the API's user).
 *
 * The options become the same JSON object that POST /api/v3/jobs takes, and
 * the API's own code checks it, runs it and judges the outcome, so that both
 * doors give the same answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/jobs/run.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

#define INPUT_MAX ((size_t)PROTO_BUNDLE_MAX)

struct run_options {
	const char *policy, *runtime, *tests, *stdin_file, *output_dir;
	struct cli_list collect, files;
	uint64_t timeout_s, memory_mb;
};

/* ---- from the command line to the request ---------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* Set object.key to the text of a file; "-" is stdin. */
static int
set_file(json_t *object, const char *key, const char *path, struct err *e)
{
	owned_mem char *text = NULL;
	size_t len;
	if (strcmp(path, "-") == 0) {
		text = malloc(INPUT_MAX + 1);
		ssize_t got = text == NULL ? -1
					   : fd_read_full(STDIN_FILENO, text,
							  INPUT_MAX + 1);
		if (got == -1)
			return err_sys(e, "read stdin");
		if ((size_t)got > INPUT_MAX)
			return err_set(e, ERR_LIMIT, 0, "stdin is too long");
		len = (size_t)got;
	} else if (fd_read_file(AT_FDCWD, path, INPUT_MAX, &text, &len, e) ==
		   -1) {
		return -1;
	}
	json_t *value = json_stringn(text, len);
	if (value == NULL)
		return err_set(e, ERR_INVALID, 0, "%s is not UTF-8 text", path);
	return json_object_set_new(object, key, value) == 0
		       ? 0
		       : err_set(e, ERR_IO, ENOMEM, "read %s", path);
}

/* A file keeps its relative path if a jail may have it; else its name. */
static int
add_file(json_t *files, const char *path, struct err *e)
{
	struct err ignored = ERR_INIT;
	bool is_fit = bundle_path_check(path, strlen(path), &ignored) == 0;
	json_t *file =
		json_pack("{s:s}", "path", is_fit ? path : base_name(path));
	if (file == NULL)
		return err_set(e, ERR_INVALID, 0, "%s: not a UTF-8 name", path);
	json_array_append_new(files, file);
	return set_file(file, "content", path, e);
}

static json_t *
list_to_json(const struct cli_list *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(array, json_string(list->item[i]));
	return array;
}

static int
fill_request(json_t *r, const struct run_options *o, const char *file,
	     char **args, int args_len, struct err *e)
{
	json_t *files = json_array(), *list = json_array();
	json_object_set_new(r, "files", files);
	json_object_set_new(r, "args", list);
	json_object_set_new(r, "collect", list_to_json(&o->collect));
	json_object_set_new(r, "policy", json_string(o->policy));
	json_object_set_new(r, "code_path", json_string(base_name(file)));
	for (int i = 0; i < args_len; i++)
		json_array_append_new(list, json_string(args[i]));
	for (size_t i = 0; i < o->files.len; i++)
		if (add_file(files, o->files.item[i], e) == -1)
			return -1;
	if (set_file(r, "code", file, e) == -1)
		return -1;
	if (o->tests != NULL) {
		json_object_set_new(r, "tests_path",
				    json_string(base_name(o->tests)));
		if (set_file(r, "tests", o->tests, e) == -1)
			return -1;
	}
	if (o->stdin_file != NULL &&
	    set_file(r, "stdin", o->stdin_file, e) == -1)
		return -1;
	json_t *limits = json_object();
	if (o->timeout_s > 0)
		json_object_set_new(limits, "timeout_seconds",
				    json_integer((json_int_t)o->timeout_s));
	if (o->memory_mb > 0)
		json_object_set_new(limits, "memory_mb",
				    json_integer((json_int_t)o->memory_mb));
	json_object_set_new(r, "limits", limits);
	return 0;
}

static int
choose_runtime(struct job_host *host, const struct run_options *o,
	       const char *file, json_t *request, struct err *e)
{
	struct proto_runtime_info info;
	const char *name = o->runtime;
	if (job_host_refresh(host, NULL, e) == -1)
		return -1;
	if (name == NULL) {
		if (!job_host_runtime_by_path(host, base_name(file), &info))
			return err_set(e, ERR_INVALID, 0,
				       "no runtime is known for %s: use "
				       "--runtime",
				       file);
		name = info.name;
	}
	json_object_set_new(request, "language", json_string(name));
	return 0;
}

/* ---- while it runs --------------------------------------------------- */

static void
on_output(void *arg, int stream, const char *data, size_t len)
{
	const struct cli *cli = arg;
	if (cli->is_json)
		return;
	FILE *out = stream == STDOUT_FILENO ? stdout : stderr;
	/* A file gets the program's bytes; a terminal only harmless ones. */
	if (isatty(fileno(out)))
		cli_print_untrusted(out, data, len);
	else
		fwrite(data, 1, len, out);
	fflush(out);
}

static void
on_result(void *arg, const char *line, size_t len)
{
	const struct cli *cli = arg;
	if (cli->is_json)
		return;
	json_t *record = json_loadb(line, len, 0, NULL);
	if (strcmp(cli_json_string(record, "type", ""), "test") == 0) {
		const char *name = cli_json_string(record, "test", "?");
		fprintf(stderr, "%-8s ",
			cli_json_string(record, "outcome", "?"));
		cli_print_untrusted(stderr, name, strlen(name));
		fputc('\n', stderr);
	}
	json_decref(record);
}

/* ---- after it -------------------------------------------------------- */

static int
write_collected(const json_t *file, const char *dir, struct err *e)
{
	const char *path = cli_json_string(file, "path", "");
	const char *status = cli_json_string(file, "status", "?");
	const json_t *text = json_object_get(file, "content");
	char target[1024];
	if (strcmp(status, "ok") != 0) {
		fprintf(stderr, "not collected: %s (%s)\n", path, status);
		return 0;
	}
	/* The name alone: a path from a jail makes no directories here. */
	if (str_printf(target, sizeof(target), "%s/%s", dir, base_name(path)) ==
	    -1)
		return err_set(e, ERR_LIMIT, 0, "the path is too long");
	if (!json_is_string(text)) {
		fprintf(stderr, "not written: %s is not text; use --json\n",
			path);
		return 0;
	}
	owned_fd int fd = open(
		target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0644);
	if (fd == -1 || fd_write_all(fd, json_string_value(text),
				     json_string_length(text)) == -1)
		return err_sys(e, "write %s", target);
	fprintf(stderr, "collected %s\n", target);
	return 0;
}

static int
exit_status(const json_t *data, const struct job_verdict *verdict)
{
	const json_t *code = json_object_get(data, "exit_code");
	const json_t *signal = json_object_get(data, "signal");
	switch (verdict->outcome) {
	case JOB_PASSED:
		return CLI_OK;
	case JOB_FAILED:
		return CLI_FAILED;
	case JOB_TIMEOUT:
		return CLI_TIMEOUT;
	case JOB_KILLED:
		return CLI_KILLED;
	case JOB_COMPLETED:
		if (json_is_integer(signal))
			return 128 + (int)json_integer_value(signal);
		return (int)json_integer_value(code);
	default:
		return CLI_ERROR;
	}
}

/* The summary is for people and goes to stderr, after the program's output. */
static void
print_summary(const struct cli *cli, const json_t *data)
{
	struct cli plain = *cli;
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	if (saved == -1 || dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		return;
	plain.has_color = cli->has_color && isatty(STDERR_FILENO);
	printf("job %s\n", cli_json_string(data, "job_id", "?"));
	show_job_summary(&plain, data);
	fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
}

static int
finish(const struct cli *cli, const struct run_options *o, json_t *data,
       const struct job_verdict *verdict)
{
	struct err e = ERR_INIT;
	int status = exit_status(data, verdict);
	if (cli->is_json) {
		cli_print_json(data);
		return status;
	}
	print_summary(cli, data);
	size_t i;
	const json_t *file;
	json_array_foreach(json_object_get(data, "files"), i, file)
	{
		if (write_collected(file, o->output_dir, &e) == -1)
			status = cli_fail(&e);
	}
	json_decref(data);
	return status;
}

static int
run_request(struct cli *cli, const struct run_options *o, struct job_host *host,
	    json_t *source)
{
	struct err e = ERR_INIT;
	struct job_request request = {0};
	struct job_defaults defaults = {0};
	struct job_verdict verdict;
	char field[JOB_FIELD_MAX] = "", job_id[PROTO_ID_MAX];
	json_t *data = NULL;
	if (job_request_init(&request, source, host, &defaults, field, &e) ==
	    -1) {
		if (field[0] != '\0')
			err_wrap(&e, "%s", field);
		return cli_fail(&e);
	}
	job_id_new(job_id);
	struct job_run_options run = {
		.job_id = job_id,
		.actor = "cli",
		.workflow = "",
		.cancel_fd = -1,
		.on_output = on_output,
		.on_result = on_result,
		.arg = cli,
	};
	int rc = job_run(host, &request, &run, &data, &verdict, &e);
	job_request_done(&request);
	return rc == -1 ? cli_fail(&e) : finish(cli, o, data, &verdict);
}

int
cli_jail_run(struct cli *cli, const struct cli_command *self, int argc,
	     char **argv)
{
	struct run_options o = {.policy = "standard", .output_dir = "."};
	const struct cli_option options[] = {
		{"policy", "NAME", "default: standard", CLI_STRING, &o.policy,
		 0},
		{"runtime", "NAME", "default: by the name of FILE", CLI_STRING,
		 &o.runtime, 0},
		{"tests", "FILE", "run these tests of FILE", CLI_STRING,
		 &o.tests, 0},
		{"file", "FILE", "one more file; may be repeated", CLI_LIST,
		 &o.files, 0},
		{"stdin", "FILE", "the program's stdin; - for our own",
		 CLI_STRING, &o.stdin_file, 0},
		{"timeout", "SECONDS", "less than the policy allows", CLI_UINT,
		 &o.timeout_s, 86400},
		{"memory", "MIB", "less than the policy allows", CLI_UINT,
		 &o.memory_mb, 1u << 20},
		{"collect", "PATH", "bring this file back; may be repeated",
		 CLI_LIST, &o.collect, 0},
		{"output-dir", "DIR", "where --collect writes (default: .)",
		 CLI_STRING, &o.output_dir, 0},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 1, 1 + JOB_ARGS_MAX, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	struct job_host *host = NULL;
	json_t *source = json_object();
	const char *file = argv[first];
	if (job_host_new(cli->socket, &host, &e) == -1 ||
	    choose_runtime(host, &o, file, source, &e) == -1 ||
	    fill_request(source, &o, file, argv + first + 1, argc - first - 1,
			 &e) == -1)
		status = cli_fail(&e);
	else
		status = run_request(cli, &o, host, source);
	json_decref(source);
	if (host != NULL)
		job_host_free(host);
	return status;
}
