/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze.c - `promptcraft analyze FILE...`: what is wrong with source files,
 * as a compiler would say it: file:line:column, with the line.
 *
 * Files go to the API in requests of bounded size.  What was not analysed is
 * told on stderr and is never a success.  Texts that come back may repeat what
 * the files say, so they are printed as untrusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

#define FILE_MAX_BYTES ((size_t)4 << 20)
#define BATCH_FILES_MAX 64
#define BATCH_BYTES ((size_t)1 << 20)
#define FINDINGS_MAX 1000
#define LINE_SHOWN 160

struct file {
	const char *path; /* as it was given */
	char *text;
	size_t len;
};

struct report {
	struct cli *cli;
	const char *type, *threshold, *language;
	bool is_sarif, is_brief;
	const struct file *files;
	size_t files_len;
	size_t findings, by_severity[4], not_analysed;
	json_t *whole; /* --json, --sarif: all answers as one */
};

static const char *const severities[] = {"critical", "high", "medium", "low"};
static const enum cli_style styles[] = {CLI_BAD, CLI_BAD, CLI_WARN, CLI_PLAIN};

/* ---- files ----------------------------------------------------------- */

static int
read_all(int fd, const char *path, struct file *ret, struct err *e)
{
	size_t size = 0;
	char *text = NULL;

	for (;;) {
		ssize_t len;
		char *grown = realloc(text, size + 65537);
		if (grown == NULL) {
			free(text);
			return err_set(e, ERR_IO, ENOMEM, "read %s", path);
		}
		text = grown;
		len = fd_read_full(fd, text + size, 65536);
		if (len > 0)
			size += (size_t)len;
		if (len >= 0 && len < 65536 && size <= FILE_MAX_BYTES)
			break;
		int cause = errno;
		if (len == -1 || size > FILE_MAX_BYTES) {
			free(text);
			return len == -1 ? err_set(e, ERR_IO, cause, "read %s",
						   path)
					 : err_set(e, ERR_LIMIT, 0,
						   "%s is larger than %zu "
						   "bytes",
						   path, FILE_MAX_BYTES);
		}
	}
	text[size] = '\0';
	*ret = (struct file){.path = path, .text = text, .len = size};
	return 0;
}

static int
read_file(const char *path, struct file *ret, struct err *e)
{
	struct stat st;
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, path, ret, e);
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, 0, "%s is no regular file",
			       path);
	return read_all(fd, path, ret, e);
}

static void
free_files(struct file *files, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(files[i].text);
	free(files);
}

/* ---- printing -------------------------------------------------------- */

static size_t
severity_of(const json_t *finding)
{
	const char *word = cli_json_string(finding, "severity", "");
	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		if (strcmp(severities[i], word) == 0)
			return i;
	return ARRAY_LEN(severities) - 1;
}

static void
print_text(const char *text)
{
	cli_print_untrusted(stdout, text, strlen(text));
}

static json_int_t
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const struct file *
file_of(const struct report *r, const char *path)
{
	for (size_t i = 0; i < r->files_len; i++)
		if (strcmp(r->files[i].path, path) == 0)
			return &r->files[i];
	return NULL;
}

/* The line itself with a mark below the column, tabs as one blank. */
static void
print_line(const struct report *r, const json_t *finding)
{
	const struct file *file =
		file_of(r, cli_json_string(finding, "path", ""));
	json_int_t number = number_of(finding, "line_start");
	json_int_t column = number_of(finding, "column");
	const char *at = file != NULL ? file->text : NULL, *end;
	for (json_int_t i = 1; at != NULL && i < number; i++) {
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL || *at == '\0')
		return;
	end = at + strcspn(at, "\r\n");
	char line[LINE_SHOWN + 1];
	size_t len = (size_t)(end - at);
	if (len > LINE_SHOWN) {
		len = LINE_SHOWN;
		while (len > 0 && ((unsigned char)at[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(line, at, len);
	for (size_t i = 0; i < len; i++)
		if (line[i] == '\t')
			line[i] = ' ';
	cli_styled(r->cli, CLI_DIM, "%6lld | ", (long long)number);
	cli_print_untrusted(stdout, line, len);
	putchar('\n');
	if (column > 0 && column <= (json_int_t)len) {
		cli_styled(r->cli, CLI_DIM, "       | ");
		printf("%*s", (int)column - 1, "");
		cli_styled(r->cli, CLI_BAD, "^");
		putchar('\n');
	}
}

/* The first sentence or line. */
static void
print_labelled(const struct report *r, const char *label, const char *text)
{
	size_t len = strcspn(text, "\n");
	if (len == 0)
		return;
	cli_styled(r->cli, CLI_DIM, "       = ");
	printf("%s", label);
	cli_print_untrusted(stdout, text, len);
	putchar('\n');
}

static void
print_finding(struct report *r, const json_t *finding)
{
	size_t severity = severity_of(finding);
	json_int_t column = number_of(finding, "column");
	const char *cwe = cli_json_string(finding, "cwe", "");
	print_text(cli_json_string(finding, "path", ""));
	printf(":%lld", (long long)number_of(finding, "line_start"));
	if (column > 0)
		printf(":%lld", (long long)column);
	printf(": ");
	cli_styled(r->cli, styles[severity], "%s", severities[severity]);
	printf(": ");
	print_text(cli_json_string(finding, "title", ""));
	printf(" [");
	print_text(cli_json_string(finding, "rule", ""));
	printf("]%s", cwe[0] != '\0' ? " " : "");
	print_text(cwe);
	putchar('\n');
	r->findings++;
	r->by_severity[severity]++;
	if (r->is_brief)
		return;
	print_line(r, finding);
	print_labelled(r, "", cli_json_string(finding, "description", ""));
	print_labelled(
		r, "help: ", cli_json_string(finding, "recommendation", ""));
	putchar('\n');
}

static void
print_not_analysed(struct report *r, const json_t *gaps)
{
	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *gap = json_array_get(gaps, i);
		const char *path = cli_json_string(gap, "path", "");
		const char *tool = cli_json_string(gap, "tool", "");
		const char *reason = cli_json_string(gap, "reason", "");
		cli_print_untrusted(stderr, path, strlen(path));
		fputs(": not analysed: ", stderr);
		if (tool[0] != '\0')
			fprintf(stderr, "%.40s: ", tool);
		cli_print_untrusted(stderr, reason, strlen(reason));
		fputc('\n', stderr);
		r->not_analysed++;
	}
}

static void
print_summary(const struct report *r)
{
	const char *between = " (";
	size_t files = r->files_len;
	if (r->findings == 0)
		printf("%s", r->not_analysed > 0 ? "Nothing found so far"
						 : "Nothing found");
	else
		printf("%zu finding%s", r->findings,
		       r->findings == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
		if (r->by_severity[i] == 0)
			continue;
		printf("%s%zu %s", between, r->by_severity[i], severities[i]);
		between = ", ";
	}
	printf("%s in %zu file%s", r->findings > 0 ? ")" : "", files,
	       files == 1 ? "" : "s");
	if (r->not_analysed > 0)
		printf("; not all of it was analysed");
	printf(".\n");
}

/* ---- asking ---------------------------------------------------------- */

static json_t *
body_new(const struct report *r, const struct file *files, size_t len)
{
	json_t *list = json_array();
	for (size_t i = 0; i < len; i++) {
		json_t *file =
			json_pack("{s:s, s:s%}", "path", files[i].path,
				  "content", files[i].text, files[i].len);
		if (file == NULL) {
			json_decref(list);
			return NULL;
		}
		if (r->language != NULL)
			json_object_set_new(file, "language",
					    json_string(r->language));
		json_array_append_new(list, file);
	}
	return json_pack("{s:s, s:{s:o}, s:{s:s, s:i}}", "analysis_type",
			 r->type, "context", "files", list, "options",
			 "severity_threshold", r->threshold, "max_suggestions",
			 FINDINGS_MAX);
}

/* Programs get one document: the answers' lists, or the logs' runs. */
static void
merge(struct report *r, json_t *answer)
{
	const char *list = r->is_sarif ? "runs" : "answers";
	if (r->whole == NULL && r->is_sarif) {
		r->whole = json_incref(answer);
		return;
	}
	if (r->whole == NULL)
		r->whole = json_pack("{s:[]}", "answers");
	if (r->is_sarif)
		json_array_extend(json_object_get(r->whole, list),
				  json_object_get(answer, list));
	else
		json_array_append(json_object_get(r->whole, list), answer);
}

static void
count_sarif(struct report *r, const json_t *answer)
{
	const json_t *runs = json_object_get(answer, "runs");
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *run = json_array_get(runs, i);
		const json_t *invocation =
			json_array_get(json_object_get(run, "invocations"), 0);
		r->findings += json_array_size(json_object_get(run, "results"));
		r->not_analysed += json_array_size(json_object_get(
			invocation, "toolExecutionNotifications"));
		if (!json_is_true(
			    json_object_get(invocation, "executionSuccessful")))
			r->not_analysed++;
	}
}

static void
take(struct report *r, json_t *answer)
{
	const json_t *data = json_object_get(answer, "data");
	const json_t *found = json_object_get(data, "suggestions");
	const json_t *gaps = json_object_get(data, "not_analysed");
	if (r->is_sarif) {
		merge(r, answer);
		count_sarif(r, answer);
		return;
	}
	if (r->cli->is_json) {
		merge(r, answer);
		r->findings += json_array_size(found);
		r->not_analysed += json_array_size(gaps);
	} else {
		for (size_t i = 0; i < json_array_size(found); i++)
			print_finding(r, json_array_get(found, i));
		print_not_analysed(r, gaps);
	}
	if (!json_is_true(json_object_get(data, "analysed")))
		r->not_analysed += r->not_analysed == 0;
}

static int
analyse(struct report *r, const struct file *files, size_t len, struct err *e)
{
	json_t *body = body_new(r, files, len), *answer = NULL;
	if (body == NULL)
		return err_set(e, ERR_INVALID, 0, "%s%s is not text in UTF-8",
			       files[0].path,
			       len > 1 ? ", or one after it," : "");
	int rc = cli_call(r->cli, "POST", "/api/v3/analyze", body, &answer, e);
	json_decref(body);
	if (rc == -1)
		return -1;
	take(r, answer);
	json_decref(answer);
	return 0;
}

static int
analyse_all(struct report *r, struct err *e)
{
	for (size_t i = 0; i < r->files_len;) {
		size_t n = 0, bytes = 0;
		while (i + n < r->files_len && n < BATCH_FILES_MAX &&
		       (n == 0 || bytes + r->files[i + n].len <= BATCH_BYTES))
			bytes += r->files[i + n++].len;
		cli_progress(r->cli, "%zu of %zu files", i, r->files_len);
		if (analyse(r, r->files + i, n, e) == -1) {
			cli_progress_end(r->cli);
			return -1;
		}
		i += n;
	}
	cli_progress_end(r->cli);
	return 0;
}

/* ---- the command ----------------------------------------------------- */

static int
load_files(char **paths, size_t len, struct file **ret, size_t *ret_len,
	   struct err *e)
{
	struct file *files = calloc(len, sizeof(*files));
	if (files == NULL)
		return err_set(e, ERR_IO, ENOMEM, "read files");
	*ret_len = 0;
	for (size_t i = 0; i < len; i++) {
		struct file *file = &files[*ret_len];
		if (read_file(paths[i], file, e) == -1) {
			free_files(files, *ret_len);
			return -1;
		}
		/* An empty file has nothing wrong, and twice is once. */
		bool is_known = file->len == 0;
		for (size_t k = 0; k < *ret_len; k++)
			is_known |= strcmp(files[k].path, paths[i]) == 0;
		if (is_known)
			free(file->text);
		else
			(*ret_len)++;
	}
	*ret = files;
	return 0;
}

static int
finish(struct report *r)
{
	if (r->whole != NULL)
		cli_print_json(r->whole);
	else if (r->is_sarif)
		cli_print_json(
			json_pack("{s:s, s:[]}", "version", "2.1.0", "runs"));
	else if (r->cli->is_json)
		cli_print_json(json_pack("{s:[]}", "answers"));
	else
		print_summary(r);
	if (r->findings > 0)
		return CLI_FAILED;
	return r->not_analysed > 0 ? CLI_ERROR : CLI_OK;
}

int
cli_analyze(struct cli *cli, const struct cli_command *self, int argc,
	    char **argv)
{
	struct report r = {.cli = cli, .type = "general", .threshold = "low"};
	const struct cli_option options[] = {
		{"type", "TYPE", "security, performance, architecture, general",
		 CLI_STRING, &r.type, 0},
		{"threshold", "LEVEL", "low (default), medium, high",
		 CLI_STRING, &r.threshold, 0},
		{"language", "NAME", "of all files; else by name and text",
		 CLI_STRING, &r.language, 0},
		{"brief", NULL, "one line for each finding", CLI_FLAG,
		 &r.is_brief, 0},
		{"sarif", NULL, "print a SARIF 2.1.0 log", CLI_FLAG,
		 &r.is_sarif, 0},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 1, argc, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	struct file *files = NULL;
	if (load_files(argv + first, (size_t)(argc - first), &files,
		       &r.files_len, &e) == -1)
		return cli_fail(&e);
	r.files = files;
	cli->accept = r.is_sarif ? "application/sarif+json" : NULL;
	status = analyse_all(&r, &e) == -1 ? cli_fail(&e) : finish(&r);
	free_files(files, r.files_len);
	return status;
}
