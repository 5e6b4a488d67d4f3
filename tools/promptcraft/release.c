/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.c - `promptcraft release verify DIR`: is a release what was approved,
 * and does the supervisor's audit log say so?
 *
 * By its files alone: nothing of the code that wrote them is used.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/audit.h"
#include "tools/promptcraft/cli.h"

#define FILE_MAX (256u << 20)
#define HEX_SIZE (2 * crypto_hash_sha256_BYTES + 1)
#define DEPTH_MAX 160
#define FILES "files/"

struct check {
	int dir; /* the release's */
	json_t *manifest;
	char manifest_sha256[HEX_SIZE];
	json_t *problems;
	uint64_t records;
};

static void __attribute__((format(printf, 2, 3)))
problem(struct check *c, const char *fmt, ...)
{
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(c->problems, json_string(text));
}

/* ---- files ----------------------------------------------------------- */

static int
read_hashed(int dir, const char *path, char **ret_text, size_t *ret_len,
	    char ret_hex[HEX_SIZE], struct err *e)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	if (fd_read_file(dir, path, FILE_MAX, ret_text, ret_len, e) < 0)
		return -1;
	crypto_hash_sha256(hash, (const unsigned char *)*ret_text, *ret_len);
	str_hex(ret_hex, hash, sizeof(hash));
	return 0;
}

static void
check_file(struct check *c, const json_t *entry)
{
	const char *path = cli_json_string(entry, "path", "");
	const char *sha256 = cli_json_string(entry, "sha256", "");
	owned_mem char *text = NULL;
	char hex[HEX_SIZE];
	struct err e = ERR_INIT;
	size_t len = 0;

	if (path[0] == '/' || strstr(path, "..") != NULL) {
		problem(c, "manifest.json: %s: no path of a release", path);
		return;
	}
	if (read_hashed(c->dir, path, &text, &len, hex, &e) < 0)
		problem(c, "%s", e.text);
	else if (strcmp(hex, sha256) != 0)
		problem(c, "%s: its SHA-256 is %s, not %s", path, hex, sha256);
	else if ((json_int_t)len !=
		 json_integer_value(json_object_get(entry, "bytes")))
		problem(c, "%s: it has %zu bytes, the manifest says otherwise",
			path, len);
}

/* Regular files below, links and others being problems. */
static size_t
count_files(struct check *c, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	size_t count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct stat st;
		int sub;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			count++;
		else if (!S_ISDIR(st.st_mode))
			problem(c, "%s: neither file nor directory",
				entry->d_name);
		sub = !S_ISDIR(st.st_mode) || depth > DEPTH_MAX
			      ? -1
			      : openat(dirfd(dir), entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					       O_CLOEXEC);
		if (sub >= 0)
			count += count_files(c, sub, depth + 1);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return count;
}

static void
check_files(struct check *c)
{
	const json_t *files = json_object_get(c->manifest, "files"), *entry;
	int again = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i, count = again < 0 ? 0 : count_files(c, again, 0);

	json_array_foreach(files, i, entry)
	{
		check_file(c, entry);
	}
	if (count != json_array_size(files) + 1)
		problem(c, "%zu files are here, the manifest names %zu", count,
			json_array_size(files));
}

/* ---- what was shown -------------------------------------------------- */

static void
hash_text(const json_t *text, char ret_hex[HEX_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)json_string_value(text),
			   json_string_length(text));
	str_hex(ret_hex, hash, sizeof(hash));
}

/* Strike the file that has this content, and this path (NULL: any), off. */
static void
strike(struct check *c, json_t *left, const char *path, const json_t *text)
{
	char hex[HEX_SIZE];

	if (!json_is_string(text))
		return;
	hash_text(text, hex);
	for (size_t i = 0; i < json_array_size(left); i++) {
		const json_t *entry = json_array_get(left, i);

		if (strcmp(cli_json_string(entry, "sha256", ""), hex) == 0 &&
		    (path == NULL ||
		     strcmp(cli_json_string(entry, "path", "") + strlen(FILES),
			    path) == 0)) {
			json_array_remove(left, i);
			return;
		}
	}
	problem(c, "shown.json: %s was shown and is not released as such",
		path != NULL ? path : "a program");
}

/* The entries of what a program is made of. */
static json_t *
program_entries(const struct check *c)
{
	json_t *entries = json_array(), *entry;
	size_t i;

	json_array_foreach(json_object_get(c->manifest, "files"), i, entry)
	{
		if (strncmp(cli_json_string(entry, "path", ""), FILES,
			    strlen(FILES)) == 0)
			json_array_append(entries, entry);
	}
	return entries;
}

/* Code, tests and files are those that were shown, and there are no others. */
static void
compare_shown(struct check *c, const json_t *shown)
{
	const json_t *program = json_object_get(shown, "program"), *file;
	json_t *left = program_entries(c);
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(program, "files"), i, file)
	{
		strike(c, left, cli_json_string(file, "path", "?"),
		       json_object_get(file, "content"));
	}
	strike(c, left,
	       json_string_value(json_object_get(program, "code_path")),
	       json_object_get(shown, "code"));
	strike(c, left,
	       json_string_value(json_object_get(program, "tests_path")),
	       json_object_get(program, "tests"));
	json_array_foreach(left, i, entry)
	{
		problem(c, "%s: it was not shown to who approved",
			cli_json_string(entry, "path", "?"));
	}
	json_decref(left);
}

static void
check_shown(struct check *c)
{
	owned_mem char *text = NULL;
	char hex[HEX_SIZE];
	struct err e = ERR_INIT;
	size_t len = 0;
	json_t *shown;

	if (read_hashed(c->dir, "shown.json", &text, &len, hex, &e) < 0) {
		problem(c, "%s", e.text);
		return;
	}
	if (strcmp(hex, cli_json_string(c->manifest, "digest", "?")) != 0)
		problem(c, "shown.json: not what the digest covers");
	shown = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	if (shown == NULL)
		problem(c, "shown.json is no JSON");
	else
		compare_shown(c, shown);
	json_decref(shown);
}

static int
load_manifest(struct check *c, struct err *e)
{
	owned_mem char *text = NULL;
	size_t len = 0;

	if (read_hashed(c->dir, "manifest.json", &text, &len,
			c->manifest_sha256, e) < 0)
		return -1;
	c->manifest = json_loadb(text, len, 0, NULL);
	if (c->manifest == NULL)
		return err_set(e, ERR_INVALID, 0, "manifest.json is no JSON");
	if (strcmp(cli_json_string(c->manifest, "format", ""),
		   "promptcraft release 1") != 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "manifest.json is of no release, or of a newer "
			       "one");
	return 0;
}

/* ---- the audit log --------------------------------------------------- */

static void
check_record(struct check *c, const json_t *record)
{
	c->records++;
	if (strcmp(cli_json_string(record, "manifest_sha256", ""),
		   c->manifest_sha256) != 0)
		problem(c, "the audit log has another manifest on record");
	if (strcmp(cli_json_string(record, "shown_sha256", ""),
		   cli_json_string(c->manifest, "digest", "?")) != 0)
		problem(c, "the audit log has another digest on record");
	if (c->records > 1 &&
	    json_integer_value(json_object_get(record, "attempt_claimed")) < 2)
		problem(c, "it was recorded twice as a first attempt");
}

static void
look_in_file(struct check *c, struct audit_file *f)
{
	const char *id = cli_json_string(c->manifest, "workflow_id", "?");

	while (audit_file_next(f) == AUDIT_LINE_OK) {
		json_t *record;

		if (memmem(f->text, f->text_len, id, strlen(id)) == NULL)
			continue;
		record = json_loadb(f->text, f->text_len, 0, NULL);
		if (strcmp(cli_json_string(record, "type", ""), "release") ==
			    0 &&
		    strcmp(cli_json_string(record, "workflow", ""), id) == 0)
			check_record(c, record);
		json_decref(record);
	}
}

static int
look_in_log(struct check *c, const char *state_dir, struct err *e)
{
	struct audit_files files;
	int rc = audit_files_open(state_dir, &files, e);

	if (rc < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < files.len; i++) {
		struct audit_file f = AUDIT_FILE_INIT;

		rc = audit_file_open(&files, files.numbers[i], &f, e);
		if (rc == 0)
			look_in_file(c, &f);
		audit_file_close(&f);
	}
	audit_files_close(&files);
	return rc;
}

static int
check_audit(struct check *c, const char *state_dir, struct err *e)
{
	const struct audit_options options = {.first_file = 1};
	struct audit_report report;
	int rc = audit_verify(state_dir, &options, &report, e);

	if (rc == 0 && report.problems_total > 0)
		problem(c, "the audit log is not intact: see promptcraft "
			   "audit verify");
	audit_report_done(&report);
	if (rc < 0 || look_in_log(c, state_dir, e) < 0)
		return -1;
	if (c->records == 0)
		problem(c, "the audit log has no record of this release");
	return 0;
}

/* ---- the command ----------------------------------------------------- */

static void
print_text(const struct cli *cli, const struct check *c, const char *dir)
{
	const char *digest = cli_json_string(c->manifest, "digest", "?");
	const json_t *text;
	size_t i;

	json_array_foreach(c->problems, i, text)
	{
		cli_print_untrusted(stdout, json_string_value(text),
				    json_string_length(text));
		putchar('\n');
	}
	if (json_array_size(c->problems) > 0)
		cli_styled(cli, CLI_BAD, "NOT AS RELEASED");
	else
		cli_styled(cli, CLI_GOOD, "as released");
	printf(": %s, digest ", dir);
	cli_print_untrusted(stdout, digest, strlen(digest));
	printf(", %llu audit records\n", (unsigned long long)c->records);
}

static int
verify(const char *dir, const char *state_dir, bool is_alone, struct check *c,
       struct err *e)
{
	c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0)
		return err_sys(e, "open %s", dir);
	if (load_manifest(c, e) < 0)
		return -1;
	check_files(c);
	check_shown(c);
	return is_alone ? 0 : check_audit(c, state_dir, e);
}

int
cli_release_verify(struct cli *cli, const struct cli_command *self, int argc,
		   char **argv)
{
	const char *state_dir = AUDIT_STATE_DIR;
	bool is_alone = false;
	const struct cli_option options[] = {
		{"state-dir", "DIR", "of the supervisor (" AUDIT_STATE_DIR ")",
		 CLI_STRING, &state_dir, 0},
		{"without-audit", NULL, "look at the files alone", CLI_FLAG,
		 &is_alone, 0},
	};
	struct check c = {.dir = -1, .problems = json_array()};
	struct err e = ERR_INIT;
	int rc, first,
		status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
				   argv, 1, 1, &first);

	if (status >= 0) {
		json_decref(c.problems);
		return status;
	}
	rc = sodium_init() < 0
		     ? err_set(&e, ERR_IO, 0, "start libsodium")
		     : verify(argv[first], state_dir, is_alone, &c, &e);
	status = json_array_size(c.problems) > 0 ? CLI_FAILED : CLI_OK;
	if (rc == 0 && cli->is_json)
		cli_print_json(json_pack("{s:b, s:O, s:s, s:I}", "as_released",
					 status == CLI_OK, "problems",
					 c.problems, "manifest_sha256",
					 c.manifest_sha256, "audit_records",
					 (json_int_t)c.records));
	else if (rc == 0)
		print_text(cli, &c, argv[first]);
	json_decref(c.manifest);
	json_decref(c.problems);
	fd_close(&c.dir);
	return rc < 0 ? cli_fail(&e) : status;
}
