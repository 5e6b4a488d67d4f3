/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - `promptcraft audit verify|show|tail|head`: the commands.  They read
 * the supervisor's state directory and change nothing in it.
 */
#include "tools/promptcraft/audit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

#define TAIL_MAX 100000

#define STATE_DIR_OPTION(value)                                                \
	{                                                                      \
		"state-dir", "DIR", "of the supervisor (" AUDIT_STATE_DIR ")", \
			CLI_STRING, (value), 0                                 \
	}

/* ---- verify ---------------------------------------------------------- */

static int
parse_anchor(const char *text, struct audit_anchor *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	char count[24];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(count))
		return err_set(e, ERR_INVALID, 0, "--anchor: not COUNT:HASH");
	memcpy(count, text, (size_t)(colon - text));
	count[colon - text] = '\0';
	if (str_to_u64(count, INT64_MAX, &ret->count) < 0 ||
	    audit_hex(colon + 1, sizeof(ret->hash), ret->hash) < 0)
		return err_set(e, ERR_INVALID, 0, "--anchor: not COUNT:HASH");
	ret->is_given = true;
	return 0;
}

static void
print_list(const struct cli *cli, const json_t *list, enum cli_style style,
	   const char *word)
{
	const json_t *text;
	size_t i;

	json_array_foreach(list, i, text)
	{
		cli_styled(cli, style, "%s", word);
		cli_print_untrusted(stdout, json_string_value(text),
				    json_string_length(text));
		putchar('\n');
	}
}

static void
print_report(const struct cli *cli, const struct audit_report *r)
{
	bool is_intact = r->problems_total == 0;
	size_t shown = json_array_size(r->problems);

	print_list(cli, r->problems, CLI_BAD, "");
	if (r->problems_total > shown)
		printf("... and %zu more\n", r->problems_total - shown);
	print_list(cli, r->notes, CLI_WARN, "note: ");
	cli_styled(cli, is_intact ? CLI_GOOD : CLI_BAD,
		   is_intact ? "intact" : "NOT INTACT");
	if (!is_intact)
		printf(": %zu problems", r->problems_total);
	printf("; %llu records in %llu files", (unsigned long long)r->records,
	       (unsigned long long)r->files);
	if (r->records > 0) {
		printf(", ");
		cli_print_untrusted(stdout, r->first_time,
				    strlen(r->first_time));
		printf(" to ");
		cli_print_untrusted(stdout, r->last_time, strlen(r->last_time));
	}
	printf("\n%llu jobs ended, %llu refused, %llu lost in crashes, %llu "
	       "open\n",
	       (unsigned long long)r->jobs, (unsigned long long)r->refusals,
	       (unsigned long long)r->lost, (unsigned long long)r->open);
	if (r->releases > 0)
		printf("%llu releases\n", (unsigned long long)r->releases);
	if (is_intact)
		printf("anchor %s\n", r->anchor);
}

static json_t *
report_to_json(const struct audit_report *r)
{
	return json_pack(
		"{s:b, s:O, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, "
		"s:s}",
		"intact", r->problems_total == 0, "problems", r->problems,
		"notes", r->notes, "records", (json_int_t)r->records, "files",
		(json_int_t)r->files, "jobs", (json_int_t)r->jobs, "refusals",
		(json_int_t)r->refusals, "lost", (json_int_t)r->lost, "open",
		(json_int_t)r->open, "releases", (json_int_t)r->releases,
		"anchor", r->anchor, "key", r->key);
}

int
cli_audit_verify(struct cli *cli, const struct cli_command *self, int argc,
		 char **argv)
{
	const char *dir = AUDIT_STATE_DIR, *anchor = NULL, *key = NULL;
	struct audit_options o = {.first_file = 1};
	const struct cli_option options[] = {
		STATE_DIR_OPTION(&dir),
		{"anchor", "COUNT:HASH", "an anchor that was kept elsewhere",
		 CLI_STRING, &anchor, 0},
		{"key", "KEY",
		 "the public key that was kept elsewhere, or its "
		 "file",
		 CLI_STRING, &key, 0},
		{"first-file", "N", "files before this one were moved away",
		 CLI_UINT, &o.first_file, INT64_MAX},
	};
	struct audit_report report;
	struct err e = ERR_INIT;
	int first, status = cli_parse(cli, self, options, ARRAY_LEN(options),
				      argc, argv, 0, 0, &first);

	if (status >= 0)
		return status;
	if (o.first_file == 0)
		o.first_file = 1;
	if ((anchor != NULL && parse_anchor(anchor, &o.anchor, &e) < 0) ||
	    (key != NULL && audit_parse_key(key, o.key, &e) < 0))
		return cli_fail(&e);
	o.has_key = key != NULL;
	if (audit_verify(dir, &o, &report, &e) < 0) {
		audit_report_done(&report);
		return cli_fail(&e);
	}
	status = report.problems_total == 0 ? CLI_OK : CLI_FAILED;
	if (cli->is_json)
		cli_print_json(report_to_json(&report));
	else
		print_report(cli, &report);
	audit_report_done(&report);
	return status;
}

/* ---- walking records ------------------------------------------------- */

static int
open_log(const char *dir, struct audit_files *files, struct err *e)
{
	if (audit_files_open(dir, files, e) < 0)
		return -1;
	if (files->len > 0)
		return 0;
	audit_files_close(files);
	return err_set(e, ERR_NOT_FOUND, 0, "%s has no audit log", dir);
}

static json_t *
parse_line(const struct audit_file *f)
{
	json_t *record = json_loadb(f->text, f->text_len, 0, NULL);

	if (record == NULL)
		fprintf(stderr,
			"promptcraft: " AUDIT_FILE_FORMAT
			":%llu: not a record (see audit verify)\n",
			(unsigned long long)f->number,
			(unsigned long long)f->line);
	return record;
}

/* ---- show ------------------------------------------------------------ */

static bool
is_about(const json_t *record, const char *job_id)
{
	const json_t *lost = json_object_get(record, "lost"), *id;
	size_t i;

	if (strcmp(cli_json_string(record, "job_id", ""), job_id) == 0 ||
	    strcmp(cli_json_string(record, "workflow", ""), job_id) == 0)
		return true;
	json_array_foreach(lost, i, id) if (json_is_string(id) &&
					    strcmp(json_string_value(id),
						   job_id) == 0) return true;
	return false;
}

static size_t
show_file(const struct cli *cli, const struct audit_files *files,
	  uint64_t number, const char *job_id, struct err *e)
{
	struct audit_file f = AUDIT_FILE_INIT;
	size_t found = 0;

	if (audit_file_open(files, number, &f, e) < 0)
		return 0;
	while (audit_file_next(&f) == AUDIT_LINE_OK) {
		json_t *record;

		/* Cheap first: most lines are of other jobs. */
		if (memmem(f.text, f.text_len, job_id, strlen(job_id)) == NULL)
			continue;
		record = parse_line(&f);
		if (record != NULL && is_about(record, job_id)) {
			found++;
			if (cli->is_json)
				printf("%.*s\n", (int)f.text_len, f.text);
			else
				audit_print_record(cli, record);
		}
		json_decref(record);
	}
	audit_file_close(&f);
	return found;
}

int
cli_audit_show(struct cli *cli, const struct cli_command *self, int argc,
	       char **argv)
{
	const char *dir = AUDIT_STATE_DIR;
	const struct cli_option options[] = {STATE_DIR_OPTION(&dir)};
	struct audit_files files;
	struct err e = ERR_INIT;
	size_t found = 0;
	int first, status = cli_parse(cli, self, options, ARRAY_LEN(options),
				      argc, argv, 1, 1, &first);

	if (status >= 0)
		return status;
	if (open_log(dir, &files, &e) < 0)
		return cli_fail(&e);
	for (size_t i = 0; i < files.len && e.kind == ERR_NONE; i++)
		found += show_file(cli, &files, files.numbers[i], argv[first],
				   &e);
	audit_files_close(&files);
	if (e.kind != ERR_NONE)
		return cli_fail(&e);
	if (found > 0)
		return CLI_OK;
	fputs("promptcraft: no record of this job or workflow\n", stderr);
	return CLI_FAILED;
}

/* ---- tail ------------------------------------------------------------ */

static void
print_one(const struct cli *cli, const struct audit_file *f)
{
	json_t *record;

	if (cli->is_json) {
		printf("%.*s\n", (int)f->text_len, f->text);
		return;
	}
	record = parse_line(f);
	if (record != NULL)
		audit_print_line(cli, record);
	json_decref(record);
}

static int
count_lines(const struct audit_files *files, uint64_t number, uint64_t *ret,
	    struct err *e)
{
	struct audit_file f = AUDIT_FILE_INIT;

	if (audit_file_open(files, number, &f, e) < 0)
		return -1;
	while (audit_file_next(&f) == AUDIT_LINE_OK)
		;
	*ret = f.line;
	audit_file_close(&f);
	return 0;
}

/* From which file, and how many of its lines to skip? */
static int
find_start(const struct audit_files *files, uint64_t lines,
	   uint64_t *ret_number, uint64_t *ret_skip, struct err *e)
{
	uint64_t count = 0, seen = 0;
	size_t i = files->len;

	while (i > 0 && seen < lines) {
		if (count_lines(files, files->numbers[--i], &count, e) < 0)
			return -1;
		seen += count;
	}
	*ret_number = files->numbers[i < files->len ? i : files->len - 1];
	*ret_skip = seen > lines ? seen - lines : 0;
	return 0;
}

/* 0: there is none.  By number, since older ones may be moved away. */
static uint64_t
file_after(const struct audit_files *files, uint64_t number)
{
	for (size_t i = 0; i < files->len; i++)
		if (files->numbers[i] > number)
			return files->numbers[i];
	return 0;
}

/* Wait for more lines, or for the next file; true if there is one. */
static bool
wait_for_more(struct audit_files *files, uint64_t number, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 200000000};

	(void)fflush(stdout);
	(void)nanosleep(&pause, NULL);
	return audit_files_list(files, e) == 0 && file_after(files, number) > 0;
}

static int
print_from(const struct cli *cli, struct audit_files *files, uint64_t number,
	   uint64_t skip, bool is_following, struct err *e)
{
	struct audit_file f = AUDIT_FILE_INIT;

	for (; number > 0; number = file_after(files, number)) {
		bool is_done = false;

		if (audit_file_open(files, number, &f, e) < 0)
			return -1;
		for (;;) {
			while (audit_file_next(&f) == AUDIT_LINE_OK) {
				if (skip > 0)
					skip--;
				else
					print_one(cli, &f);
			}
			if (is_done || file_after(files, number) > 0 ||
			    !is_following || ferror(stdout))
				break;
			/* Read what came before the next file was made. */
			is_done = wait_for_more(files, number, e);
			if (e->kind != ERR_NONE)
				break;
		}
		audit_file_close(&f);
		if (e->kind != ERR_NONE)
			return -1;
	}
	return 0;
}

int
cli_audit_tail(struct cli *cli, const struct cli_command *self, int argc,
	       char **argv)
{
	const char *dir = AUDIT_STATE_DIR;
	uint64_t lines = 10, from = 0, skip = 0;
	bool is_following = false;
	const struct cli_option options[] = {
		STATE_DIR_OPTION(&dir),
		{"number", "N", "how many (10)", CLI_UINT, &lines, TAIL_MAX},
		{"follow", NULL, "wait for more", CLI_FLAG, &is_following, 0},
	};
	struct audit_files files;
	struct err e = ERR_INIT;
	int rc, first,
		status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
				   argv, 0, 0, &first);

	if (status >= 0)
		return status;
	if (open_log(dir, &files, &e) < 0)
		return cli_fail(&e);
	rc = find_start(&files, lines, &from, &skip, &e);
	if (rc == 0)
		rc = print_from(cli, &files, from, skip, is_following, &e);
	audit_files_close(&files);
	return rc < 0 ? cli_fail(&e) : CLI_OK;
}

/* ---- head ------------------------------------------------------------ */

int
cli_audit_head(struct cli *cli, const struct cli_command *self, int argc,
	       char **argv)
{
	const char *dir = AUDIT_STATE_DIR;
	const struct cli_option options[] = {STATE_DIR_OPTION(&dir)};
	struct audit_files files;
	struct audit_head head;
	uint8_t key[AUDIT_KEY_SIZE];
	char hash_hex[2 * AUDIT_HASH_SIZE + 1], key_hex[2 * AUDIT_KEY_SIZE + 1];
	struct err e = ERR_INIT;
	bool differs;
	int rc, first,
		status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
				   argv, 0, 0, &first);

	if (status >= 0)
		return status;
	if (open_log(dir, &files, &e) < 0)
		return cli_fail(&e);
	rc = audit_public_key(&files, key, &differs, &e) < 0 ||
			     audit_head_read(&files, key, &head, &e) < 0
		     ? -1
		     : 0;
	audit_files_close(&files);
	if (rc < 0)
		return cli_fail(&e);
	str_hex(hash_hex, head.hash, sizeof(head.hash));
	str_hex(key_hex, key, sizeof(key));
	if (cli->is_json)
		cli_print_json(json_pack("{s:I, s:s, s:s}", "count",
					 (json_int_t)head.count, "hash",
					 hash_hex, "key", key_hex));
	else
		printf("--anchor %llu:%s --key %s\n",
		       (unsigned long long)head.count, hash_hex, key_hex);
	return CLI_OK;
}
