/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_verify.c - is every record there, as it was written, in its order?
 *
 * Each line is parsed as JSON, hashed and checked against its signature; the
 * end is compared with the anchor in the state directory, and with one that was
 * kept elsewhere.  What a crash may leave (supervisor/audit.h) is a note; all
 * else is a problem, told with file and line.  It works beside a running
 * supervisor: the head is read before and after the walk.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/audit.h"

#define PROBLEMS_SHOWN 100

struct check {
	const struct audit_options *options;
	struct audit_report *report;
	struct audit_files files;
	uint8_t key[AUDIT_KEY_SIZE];
	uint8_t log_id[AUDIT_LOG_ID_SIZE];
	bool has_head, is_same_boot;
	struct audit_head head; /* as it was before the walk */
	struct audit_file at;
	/* Of the record before: */
	uint64_t seq;
	uint8_t hash[AUDIT_HASH_SIZE];
	bool has_seq;
	json_t *open; /* ids of jobs that have not ended */
};

/* ---- what was found -------------------------------------------------- */

static void __attribute__((format(printf, 2, 0)))
add(json_t *list, const char *fmt, va_list ap)
{
	char text[512];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	json_array_append_new(list, json_string(text));
}

static void __attribute__((format(printf, 2, 3)))
problem(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->report->problems_total++ >= PROBLEMS_SHOWN)
		return;
	va_start(ap, fmt);
	add(c->report->problems, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
note(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c->report->notes, fmt, ap);
	va_end(ap);
}

/* At the line that was read last. */
static void __attribute__((format(printf, 2, 3)))
problem_here(struct check *c, const char *fmt, ...)
{
	char text[384], name[AUDIT_NAME_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	audit_file_name(c->at.number, name);
	problem(c, "%s:%" PRIu64 ": %s", name, c->at.line, text);
}

/* ---- one record ------------------------------------------------------ */

struct record {
	json_t *json; /* owned */
	uint64_t seq;
	const char *type;
	uint8_t prev[AUDIT_HASH_SIZE], hash[AUDIT_HASH_SIZE];
	uint8_t sig[AUDIT_SIG_SIZE];
	size_t body_len; /* bytes before ,"hash":" */
};

static const char *
get_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text != NULL ? text : "";
}

/* The line must end in exactly these two fields, as the format says. */
static bool
find_body(const char *text, size_t len, struct record *r)
{
	char end[32 + 2 * AUDIT_HASH_SIZE + 2 * AUDIT_SIG_SIZE];
	int n = snprintf(end, sizeof(end), ",\"hash\":\"%s\",\"sig\":\"%s\"}",
			 get_text(r->json, "hash"), get_text(r->json, "sig"));

	if (n < 0 || (size_t)n >= sizeof(end) || (size_t)n > len ||
	    memcmp(text + len - (size_t)n, end, (size_t)n) != 0)
		return false;
	r->body_len = len - (size_t)n;
	return true;
}

static bool
parse_record(struct check *c, struct record *r)
{
	const json_t *seq;
	json_error_t error;

	*r = (struct record){.json = json_loadb(c->at.text, c->at.text_len,
						JSON_REJECT_DUPLICATES,
						&error)};
	seq = json_object_get(r->json, "seq");
	if (r->json == NULL) {
		problem_here(c, "not a record: %s", error.text);
	} else if (!json_is_integer(seq) || json_integer_value(seq) < 1 ||
		   get_text(r->json, "type")[0] == '\0' ||
		   audit_hex(get_text(r->json, "prev"), sizeof(r->prev),
			     r->prev) < 0 ||
		   audit_hex(get_text(r->json, "hash"), sizeof(r->hash),
			     r->hash) < 0 ||
		   audit_hex(get_text(r->json, "sig"), sizeof(r->sig), r->sig) <
			   0 ||
		   !find_body(c->at.text, c->at.text_len, r)) {
		problem_here(c, "not a record: seq, type, prev, hash or sig is "
				"malformed");
	} else {
		r->seq = (uint64_t)json_integer_value(seq);
		r->type = get_text(r->json, "type");
		return true;
	}
	json_decref(r->json);
	return false;
}

static bool
fits_hash(const struct check *c, const struct record *r)
{
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, r->prev, sizeof(r->prev));
	crypto_hash_sha256_update(&state, (const unsigned char *)c->at.text,
				  r->body_len);
	crypto_hash_sha256_final(&state, hash);
	return memcmp(hash, r->hash, sizeof(hash)) == 0;
}

/* Is it the one that comes next?  Only then later ones are measured by it. */
static bool
check_order(struct check *c, const struct record *r)
{
	uint64_t expected = c->seq + 1;

	if (!c->has_seq) /* the first of those that are here */
		return true;
	if (r->seq < expected) {
		problem_here(c,
			     "record %" PRIu64 " stands after record %" PRIu64
			     ": duplicated, inserted or moved",
			     r->seq, c->seq);
		return false;
	}
	if (r->seq == expected + 1)
		problem_here(c, "record %" PRIu64 " is missing before this one",
			     expected);
	else if (r->seq > expected)
		problem_here(c,
			     "records %" PRIu64 " to %" PRIu64
			     " are missing before this one",
			     expected, r->seq - 1);
	else if (memcmp(r->prev, c->hash, sizeof(c->hash)) != 0)
		problem_here(c,
			     "record %" PRIu64 " does not continue record "
			     "%" PRIu64 ": that one was replaced or changed",
			     r->seq, c->seq);
	return true;
}

static void
check_bytes(struct check *c, const struct record *r)
{
	if (!fits_hash(c, r))
		problem_here(c,
			     "record %" PRIu64 " was changed after it was "
			     "written: it does not fit its hash",
			     r->seq);
	else if (!audit_is_signed(c->key, c->at.number, r->seq, r->hash,
				  r->sig))
		problem_here(c,
			     "record %" PRIu64 " is not signed by this log's "
			     "key for this file: forged, or of another log",
			     r->seq);
}

static void
check_log_open(struct check *c, const struct record *r)
{
	const char *log = get_text(r->json, "log");
	uint8_t id[AUDIT_LOG_ID_SIZE], key[AUDIT_KEY_SIZE];
	bool is_first = c->at.line == 1;

	if (is_first != (strcmp(r->type, "log_open") == 0)) {
		problem_here(c, is_first ? "the file does not begin with a "
					   "log_open record"
					 : "a log_open record inside a file");
		return;
	}
	if (!is_first)
		return;
	if (audit_hex(log, sizeof(id), id) < 0 ||
	    audit_hex(get_text(r->json, "key"), sizeof(key), key) < 0 ||
	    memcmp(id, c->log_id, sizeof(id)) != 0 ||
	    memcmp(key, c->key, sizeof(key)) != 0)
		problem_here(c,
			     "the file is of another log (%s), or the key "
			     "was replaced",
			     log);
	else if (json_integer_value(json_object_get(r->json, "file")) !=
		 (json_int_t)c->at.number)
		problem_here(c,
			     "the file was another one before: it says it "
			     "is number %lld",
			     (long long)json_integer_value(
				     json_object_get(r->json, "file")));
}

/* Where anchors point at. */
static void
check_anchors(struct check *c, const struct record *r)
{
	const struct audit_anchor *anchor = &c->options->anchor;

	if (c->has_head && r->seq == c->head.count &&
	    memcmp(r->hash, c->head.hash, sizeof(r->hash)) != 0)
		problem_here(c,
			     "record %" PRIu64
			     " is not the one that " AUDIT_HEAD_FILE " names",
			     r->seq);
	if (anchor->is_given && r->seq == anchor->count &&
	    memcmp(r->hash, anchor->hash, sizeof(r->hash)) != 0)
		problem_here(c,
			     "record %" PRIu64 " is not the one of the anchor: "
			     "the log was rewritten since",
			     r->seq);
}

/* ---- jobs ------------------------------------------------------------ */

static void
count_record(struct check *c, const struct record *r)
{
	struct audit_report *report = c->report;
	const char *id = get_text(r->json, "job_id");
	const char *now = get_text(r->json, "time");

	report->records++;
	if (report->first_time[0] == '\0')
		(void)str_copy(report->first_time, sizeof(report->first_time),
			       now);
	(void)str_copy(report->last_time, sizeof(report->last_time), now);
	if (strcmp(r->type, "job_begin") == 0) {
		json_object_set_new(c->open, id, json_true());
	} else if (strcmp(r->type, "job") == 0) {
		report->jobs++;
		json_object_del(c->open, id);
	} else if (strcmp(r->type, "release") == 0) {
		report->releases++;
	} else if (strcmp(r->type, "refusal") == 0 ||
		   strcmp(r->type, "release_refused") == 0) {
		report->refusals++;
	} else if (strcmp(r->type, "refusals") == 0) {
		report->refusals += (uint64_t)json_integer_value(
			json_object_get(r->json, "count"));
	} else if (strcmp(r->type, "supervisor_start") == 0) {
		report->lost += (uint64_t)json_integer_value(
			json_object_get(r->json, "jobs_lost"));
		json_object_clear(c->open);
	}
}

/* ---- the walk -------------------------------------------------------- */

static void
check_line(struct check *c)
{
	struct record r;

	if (!parse_record(c, &r))
		return;
	check_log_open(c, &r);
	check_bytes(c, &r);
	if (check_order(c, &r)) {
		check_anchors(c, &r);
		count_record(c, &r);
		c->has_seq = true;
		c->seq = r.seq;
		memcpy(c->hash, r.hash, sizeof(c->hash));
	}
	json_decref(r.json);
}

/* A supervisor may be in the middle of a line. */
static enum audit_line_status
next_line(struct check *c, bool is_last)
{
	enum audit_line_status status = audit_file_next(&c->at);

	for (int i = 0;
	     status == AUDIT_LINE_TORN && is_last && i < AUDIT_PATIENCE; i++) {
		audit_pause();
		status = audit_file_next(&c->at);
	}
	return status;
}

static int
check_file(struct check *c, uint64_t number, bool is_last, struct err *e)
{
	enum audit_line_status status;
	char name[AUDIT_NAME_SIZE];

	if (audit_file_open(&c->files, number, &c->at, e) < 0)
		return -1;
	audit_file_name(number, name);
	while ((status = next_line(c, is_last)) == AUDIT_LINE_OK)
		check_line(c);
	if (status == AUDIT_LINE_LONG)
		problem(c, "%s:%" PRIu64 ": not a record: too long", name,
			c->at.line + 1);
	else if (status == AUDIT_LINE_FAILED)
		err_sys(e, "read %s", name);
	else if (status == AUDIT_LINE_TORN && !is_last)
		problem(c, "%s:%" PRIu64 ": the last record is cut", name,
			c->at.line + 1);
	else if (status == AUDIT_LINE_TORN)
		note(c,
		     "%s:%" PRIu64 ": %zu bytes of a record that was not "
		     "finished; the next start sets them aside",
		     name, c->at.line + 1, c->at.text_len);
	c->report->files++;
	audit_file_close(&c->at);
	return status == AUDIT_LINE_FAILED ? -1 : 0;
}

static int
check_files(struct check *c, struct err *e)
{
	uint64_t expected = c->options->first_file;
	char name[AUDIT_NAME_SIZE];

	for (size_t i = 0; i < c->files.len; i++) {
		uint64_t number = c->files.numbers[i];

		if (number < c->options->first_file)
			continue;
		for (; expected < number; expected++) {
			audit_file_name(expected, name);
			problem(c, "%s: the file is missing", name);
			if (number - expected > PROBLEMS_SHOWN)
				expected = number - 1;
		}
		expected = number + 1;
		if (check_file(c, number, i + 1 == c->files.len, e) < 0)
			return -1;
	}
	if (expected == c->options->first_file) {
		audit_file_name(expected, name);
		problem(c, "%s: the file is missing, and no later one is here",
			name);
	}
	return 0;
}

/* ---- the end --------------------------------------------------------- */

static void
where_it_ends(const struct check *c, char *ret, size_t size)
{
	char name[AUDIT_NAME_SIZE];

	audit_file_name(c->at.number, name);
	(void)snprintf(ret, size, "%s:%" PRIu64, name, c->at.line);
}

/* Nothing may be missing of what the head knew before the walk. */
static void
check_tail(struct check *c)
{
	uint64_t least = c->is_same_boot ? c->head.count : c->head.synced;
	char where[80];

	where_it_ends(c, where, sizeof(where));
	if (c->seq < least)
		problem(c,
			"%s: the log ends here with record %" PRIu64
			", but %" PRIu64 " were written (" AUDIT_HEAD_FILE
			"): the tail was cut off",
			where, c->seq, c->head.count);
	else if (c->seq < c->head.count)
		note(c,
		     "%s: %" PRIu64 " records at the end were not on the disk "
		     "yet when the machine went down",
		     where, c->head.count - c->seq);
}

/* And the head, read again, may be behind by what a crash explains. */
static void
check_lag(struct check *c)
{
	struct audit_head now = c->head;
	struct err e = ERR_INIT;
	char where[80];

	for (int i = 0; i < AUDIT_PATIENCE && now.count < c->seq; i++) {
		if (i > 0)
			audit_pause();
		if (audit_head_read(&c->files, c->key, &now, &e) < 0)
			break; /* changed by somebody else since the start */
	}
	if (now.count >= c->seq)
		return;
	where_it_ends(c, where, sizeof(where));
	if (c->is_same_boot && c->seq > now.count + 1)
		problem(c,
			AUDIT_HEAD_FILE ": it knows %" PRIu64
					" records, but %s has record %" PRIu64
					": an older head was put in its place",
			now.count, where, c->seq);
	else
		note(c,
		     "%s: %" PRIu64 " signed records after " AUDIT_HEAD_FILE
		     "; a crash may leave this, the next start says so",
		     where, c->seq - now.count);
}

static void
check_head(struct check *c, const struct err *e)
{
	if (!c->has_head) {
		/* Killed between making the log and its head. */
		if (e->kind == ERR_NOT_FOUND && c->report->files == 1 &&
		    c->seq == 1)
			note(c, "no " AUDIT_HEAD_FILE " yet");
		else
			problem(c, "%s", e->text);
		return;
	}
	check_tail(c);
	check_lag(c);
}

static void
check_given_anchor(struct check *c)
{
	const struct audit_anchor *anchor = &c->options->anchor;
	char where[80];

	where_it_ends(c, where, sizeof(where));
	if (anchor->is_given && c->seq < anchor->count)
		problem(c,
			"%s: the log ends here with record %" PRIu64
			", but the anchor has seen %" PRIu64
			": it was cut or put back",
			where, c->seq, anchor->count);
}

/* ---- all of it ------------------------------------------------------- */

static bool
is_this_boot(const char *boot_id)
{
	owned_fd int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[40] = "";

	if (fd < 0 || fd_read_full(fd, text, 36) != 36)
		return false;
	return strcmp(text, boot_id) == 0;
}

static bool
find_key(struct check *c)
{
	const struct audit_options *o = c->options;
	struct err e = ERR_INIT;
	bool differs = false, is_there;

	is_there = audit_public_key(&c->files, c->key, &differs, &e) == 0;
	if (!is_there)
		problem(c, AUDIT_DIR "/%s", e.text);
	else if (differs)
		problem(c, AUDIT_DIR "/" AUDIT_PUBLIC_FILE
				     ": not the public half of " AUDIT_KEY_FILE
				     ": one of them was replaced");
	if (o->has_key && is_there &&
	    memcmp(c->key, o->key, sizeof(o->key)) != 0)
		problem(c, AUDIT_DIR "/" AUDIT_PUBLIC_FILE
				     ": not the key that was given: the log's "
				     "key was replaced");
	if (o->has_key)
		memcpy(c->key, o->key, sizeof(c->key));
	audit_log_id(c->key, c->log_id);
	return is_there || o->has_key;
}

static int
check_all(struct check *c, struct err *e)
{
	struct err head_error = ERR_INIT;

	if (!find_key(c))
		return 0;
	c->has_head =
		audit_head_read(&c->files, c->key, &c->head, &head_error) == 0;
	c->is_same_boot = c->has_head && is_this_boot(c->head.boot_id);
	/* After the head: or a file made since would be missed. */
	if (audit_files_list(&c->files, e) < 0 || check_files(c, e) < 0)
		return -1;
	check_head(c, &head_error);
	check_given_anchor(c);
	return 0;
}

static void
fill_summary(struct check *c)
{
	struct audit_report *report = c->report;
	char hash[2 * AUDIT_HASH_SIZE + 1];

	str_hex(hash, c->hash, sizeof(c->hash));
	(void)snprintf(report->anchor, sizeof(report->anchor), "%" PRIu64 ":%s",
		       c->seq, hash);
	str_hex(report->key, c->key, sizeof(c->key));
	report->open = json_object_size(c->open);
}

int
audit_verify(const char *state_dir, const struct audit_options *options,
	     struct audit_report *ret, struct err *e)
{
	struct check c = {.options = options,
			  .report = ret,
			  .at = AUDIT_FILE_INIT,
			  .has_seq = options->first_file == 1,
			  .open = json_object()};
	int rc;

	c.at.number = options->first_file;
	*ret = (struct audit_report){.problems = json_array(),
				     .notes = json_array()};
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "start libsodium");
	if (audit_files_open(state_dir, &c.files, e) < 0) {
		json_decref(c.open);
		return -1;
	}
	if (c.files.dir < 0) {
		problem(&c, AUDIT_DIR ": there is no audit log: none was ever "
				      "made here, or all of it was removed");
		rc = 0;
	} else {
		rc = check_all(&c, e);
	}
	fill_summary(&c);
	audit_files_close(&c.files);
	json_decref(c.open);
	return rc;
}

void
audit_report_done(struct audit_report *report)
{
	json_decref(report->problems);
	json_decref(report->notes);
}
