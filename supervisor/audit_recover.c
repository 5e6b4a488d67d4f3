/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_recover.c - at start: where does the chain end, and can a crash have
 * left it so?
 *
 * The current file is walked whole, its chain checked, signatures from the last
 * synced record on.  A crash may leave an unfinished last line, one record that
 * the head does not know, and, if the machine went down since (another boot
 * id), the loss of records that were not synced.  Those are set aside or told;
 * anything else is an error.  Older files are `promptcraft audit verify`'s.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define READ_SIZE ((size_t)4 * AUDIT_LINE_MAX)

/* ---- the head -------------------------------------------------------- */

struct head {
	bool is_there;
	uint8_t log_id[AUDIT_LOG_ID_SIZE];
	char boot_id[40];
	uint64_t synced, file, count;
	uint8_t hash[AUDIT_HASH_SIZE];
	uint8_t sig[AUDIT_SIG_SIZE];
};

static bool
take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool
take_u64(const char **at, uint64_t *ret)
{
	size_t len = strspn(*at, "0123456789");
	char digits[24];

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, *at, len);
	digits[len] = '\0';
	*at += len;
	return str_to_u64(digits, UINT64_MAX, ret) == 0;
}

static bool
take_hex(const char **at, size_t size, uint8_t *ret)
{
	if (audit_parse_hex(*at, size, ret) < 0)
		return false;
	*at += 2 * size;
	return true;
}

static bool
take_boot_id(const char **at, char ret[40])
{
	size_t len = strspn(*at, "0123456789abcdef-");

	if (len != 36)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at += len;
	return true;
}

static bool
parse_head(const char *at, struct head *h)
{
	return take_text(&at, "{\"log\":\"") &&
	       take_hex(&at, sizeof(h->log_id), h->log_id) &&
	       take_text(&at, "\",\"boot\":\"") &&
	       take_boot_id(&at, h->boot_id) &&
	       take_text(&at, "\",\"synced\":") && take_u64(&at, &h->synced) &&
	       take_text(&at, ",\"file\":") && take_u64(&at, &h->file) &&
	       take_text(&at, ",\"count\":") && take_u64(&at, &h->count) &&
	       take_text(&at, ",\"hash\":\"") &&
	       take_hex(&at, sizeof(h->hash), h->hash) &&
	       take_text(&at, "\",\"sig\":\"") &&
	       take_hex(&at, sizeof(h->sig), h->sig) && take_text(&at, "\"}");
}

static bool
is_signed(const struct audit *audit, uint64_t file, uint64_t seq,
	  const uint8_t *hash, const uint8_t *sig)
{
	uint8_t bytes[AUDIT_SIGNED_SIZE];

	audit_signed_bytes(audit->log_id, file, seq, hash, bytes);
	return crypto_sign_verify_detached(sig, bytes, sizeof(bytes),
					   audit->public_key) == 0;
}

static int
read_head(const struct audit *audit, struct head *ret, struct err *e)
{
	char text[AUDIT_HEAD_SIZE + 1] = "";
	struct head h = {.is_there = true};
	ssize_t n;

	if (audit->head_fd < 0)
		return 0;
	n = pread(audit->head_fd, text, AUDIT_HEAD_SIZE, 0);
	if (n < 0)
		return err_sys(e, "read " AUDIT_HEAD_FILE);
	if (n == 0) /* killed when it was just made: as if it were not */
		return 0;
	if (!parse_head(text, &h))
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " is damaged");
	if (memcmp(h.log_id, audit->log_id, sizeof(h.log_id)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " is of another log, or the key "
					       "was replaced");
	if (!is_signed(audit, h.file, h.count, h.hash, h.sig))
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE ": the signature is wrong");
	*ret = h;
	return 0;
}

/* ---- files ----------------------------------------------------------- */

static bool
file_number(const char *name, uint64_t *ret)
{
	unsigned long long number;
	char again[48];

	if (sscanf(name, AUDIT_FILE_FORMAT, &number) != 1)
		return false;
	(void)snprintf(again, sizeof(again), AUDIT_FILE_FORMAT, number);
	*ret = number;
	return strcmp(name, again) == 0;
}

static int
find_last_file(int dir_fd, uint64_t *ret, struct err *e)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t last = 0, number;

	if (dir == NULL) {
		fd_close(&fd);
		return err_sys(e, "list files");
	}
	while ((entry = readdir(dir)) != NULL)
		if (file_number(entry->d_name, &number) && number > last)
			last = number;
	(void)closedir(dir);
	if (last == 0)
		return err_set(e, ERR_INVALID, 0,
			       "its files are gone (no audit.*.log)");
	*ret = last;
	return 0;
}

/* ---- lines ----------------------------------------------------------- */

enum line_status { LINE_OK, LINE_END, LINE_TORN, LINE_LONG, LINE_ERROR };

struct reader {
	int fd;
	off_t at; /* of text[used] in the file */
	size_t used, len;
	char text[READ_SIZE];
};

static enum line_status
next_line(struct reader *r, const char **ret, size_t *ret_len)
{
	for (bool is_eof = false;; is_eof = true) {
		char *start = r->text + r->used;
		size_t left = r->len - r->used;
		const char *end = memchr(start, '\n', left);
		ssize_t n;

		if (end != NULL) {
			*ret = start;
			*ret_len = (size_t)(end - start) + 1;
			r->used += *ret_len;
			r->at += (off_t)*ret_len;
			return *ret_len > AUDIT_LINE_MAX ? LINE_LONG : LINE_OK;
		}
		*ret_len = left;
		if (left > AUDIT_LINE_MAX)
			return LINE_LONG;
		if (is_eof)
			return left == 0 ? LINE_END : LINE_TORN;
		memmove(r->text, start, left);
		r->used = 0;
		r->len = left;
		n = pread(r->fd, r->text + left, READ_SIZE - left,
			  r->at + (off_t)left);
		if (n < 0)
			return LINE_ERROR;
		r->len += (size_t)n;
	}
}

/* ---- the walk -------------------------------------------------------- */

struct walk {
	struct audit *audit; /* seq, head, sig: of the last good record */
	const struct head *head;
	uint64_t file;
	uint64_t lines;
	bool has_begun;
	bool is_same_boot;
};

static bool
is_type(const struct audit_found *f, const char *type)
{
	return f->type_len == strlen(type) &&
	       memcmp(f->type, type, f->type_len) == 0;
}

/* `"type":"x","job_id":"..."`: keep the list of jobs that did not end. */
static void
follow_jobs(struct audit *audit, const struct audit_found *f)
{
	static const char key[] = "\",\"job_id\":\"", list[] = "\"open\":[";
	const char *at = f->type + f->type_len;

	if (is_type(f, "supervisor_start")) {
		memset(audit->open, 0, sizeof(audit->open));
	} else if (is_type(f, "log_open")) {
		memset(audit->open, 0, sizeof(audit->open));
		at = strstr(at, list);
		at = at == NULL ? "" : at + strlen(list);
		for (; *at == '"' || *at == ','; at += *at == ',') {
			size_t len = strcspn(++at, "\"");

			audit_open_set(audit, at, len);
			at += len + 1;
		}
	} else if (is_type(f, "job_begin") &&
		   strncmp(at, key, strlen(key)) == 0) {
		at += strlen(key);
		audit_open_set(audit, at, strcspn(at, "\""));
	} else if (is_type(f, "job") && strncmp(at, key, strlen(key)) == 0) {
		at += strlen(key);
		audit_open_unset(audit, at, strcspn(at, "\""));
	}
}

static int
begin_file(struct walk *w, const struct audit_found *f, struct err *e)
{
	static const uint8_t zeros[AUDIT_HASH_SIZE];

	if (!is_type(f, "log_open"))
		return err_set(e, ERR_INVALID, 0,
			       "the file does not begin with its log_open");
	if (w->file == 1 &&
	    (f->seq != 1 || memcmp(f->prev, zeros, sizeof(zeros)) != 0))
		return err_set(e, ERR_INVALID, 0, "it is not the first record");
	if (w->head->is_there && f->seq == w->head->count + 1 &&
	    memcmp(f->prev, w->head->hash, AUDIT_HASH_SIZE) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "it does not continue what the head names");
	w->audit->seq = f->seq - 1;
	memcpy(w->audit->head, f->prev, AUDIT_HASH_SIZE);
	return 0;
}

static int
take_record(struct walk *w, const char *text, size_t len, struct err *e)
{
	struct audit *audit = w->audit;
	const struct head *head = w->head;
	struct audit_found f;

	if (audit_line_parse(text, len, &f, e) < 0 ||
	    (!w->has_begun && begin_file(w, &f, e) < 0))
		return -1;
	if (f.seq != audit->seq + 1 ||
	    memcmp(f.prev, audit->head, AUDIT_HASH_SIZE) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "the record does not continue number %llu",
			       (unsigned long long)audit->seq);
	if (head->is_there && f.seq == head->count &&
	    memcmp(f.hash, head->hash, AUDIT_HASH_SIZE) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "the record is not the one the head names");
	/* Old ones took seconds to check; the chain binds them to these. */
	if ((!head->is_there || f.seq >= head->synced || !w->has_begun) &&
	    !is_signed(audit, w->file, f.seq, f.hash, f.sig))
		return err_set(e, ERR_INVALID, 0,
			       "the record's signature is wrong");
	w->has_begun = true;
	audit->seq = f.seq;
	memcpy(audit->head, f.hash, AUDIT_HASH_SIZE);
	memcpy(audit->sig, f.sig, AUDIT_SIG_SIZE);
	follow_jobs(audit, &f);
	if (is_type(&f, "release"))
		audit_release_remember(audit, f.type + f.type_len, f.seq);
	return 0;
}

/*
 * Walk the file at fd; *ret_end is where its good lines end.  A bad line that
 * only a power cut explains ends the walk there; others are errors.
 */
static int
walk_file(struct walk *w, int fd, off_t *ret_end, struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));
	owned_mem void *owner = r;
	int rc = -1;

	if (r == NULL)
		return err_sys(e, "read");
	r->fd = fd;
	for (;;) {
		const char *text = NULL;
		size_t len = 0;
		off_t start = r->at;
		enum line_status status = next_line(r, &text, &len);

		*ret_end = start;
		if (status == LINE_END || status == LINE_TORN)
			return 0;
		if (status == LINE_ERROR)
			return err_sys(e, "read");
		w->lines++;
		if (status == LINE_OK)
			rc = take_record(w, text, len, e);
		else
			rc = err_set(e, ERR_INVALID, 0,
				     "the record is too long");
		if (rc == 0)
			continue;
		if (!w->is_same_boot && w->head->is_there &&
		    w->audit->seq >= w->head->synced && w->has_begun) {
			*e = ERR_INIT;
			return 0;
		}
		return err_wrap(e, AUDIT_FILE_FORMAT ":%llu",
				(unsigned long long)w->file,
				(unsigned long long)w->lines);
	}
}

/* ---- what a crash left ----------------------------------------------- */

static int
copy_rest(int from, off_t at, int to, struct err *e)
{
	char buf[16384];

	for (;;) {
		ssize_t n = pread(from, buf, sizeof(buf), at);

		if (n < 0)
			return err_sys(e, "read torn line");
		if (n == 0)
			break;
		if (fd_write_all(to, buf, (size_t)n) < 0)
			return err_sys(e, "keep torn line");
		at += n;
	}
	return fdatasync(to) < 0 ? err_sys(e, "keep torn line") : 0;
}

/* Bytes behind the last good line go to a file of their own. */
static int
set_aside(struct audit *audit, struct audit_left *left, struct err *e)
{
	struct stat st;
	owned_fd int fd = -1;

	if (fstat(audit->fd, &st) < 0)
		return err_sys(e, "stat");
	if (st.st_size == audit->length)
		return 0;
	(void)snprintf(left->torn_file, sizeof(left->torn_file), "torn.%llu",
		       (unsigned long long)clock_wall_us());
	fd = openat(audit->dir_fd, left->torn_file,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "make %s", left->torn_file);
	if (copy_rest(audit->fd, audit->length, fd, e) < 0)
		return -1;
	if (fsync(audit->dir_fd) < 0)
		return err_sys(e, "sync directory");
	if (ftruncate(audit->fd, audit->length) < 0)
		return err_sys(e, "cut torn line");
	left->torn_bytes = (uint64_t)(st.st_size - audit->length);
	log_warning("audit_torn bytes=%llu kept_in=%s",
		    (unsigned long long)left->torn_bytes, left->torn_file);
	return 0;
}

/* Is this how a crash leaves log and head? */
static int
compare(const struct audit *audit, const struct head *head, bool is_same_boot,
	struct audit_left *left, struct err *e)
{
	if (!head->is_there) {
		if (audit->file == 1 && audit->seq == 1)
			return 0; /* killed before the head was made */
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " is gone, the log has %llu "
					       "records",
			       (unsigned long long)audit->seq);
	}
	if (audit->seq < (is_same_boot ? head->count : head->synced))
		return err_set(e, ERR_INVALID, 0,
			       "the log ends at record %llu, " AUDIT_HEAD_FILE
			       " knows %llu: records were removed",
			       (unsigned long long)audit->seq,
			       (unsigned long long)head->count);
	if (is_same_boot && audit->seq > head->count + 1)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " was put back: it knows %llu "
					       "records, the log has %llu",
			       (unsigned long long)head->count,
			       (unsigned long long)audit->seq);
	if (audit->seq < head->count)
		left->missing = head->count - audit->seq;
	else
		left->unheaded = audit->seq - head->count;
	return 0;
}

/* Killed between making a file and its first record: begin it anew. */
static int
walk_previous(struct walk *w, struct err *e)
{
	owned_fd int fd = -1;
	struct stat st;
	off_t end = 0;

	if (w->file == 1)
		return err_set(e, ERR_INVALID, 0, "it has no record at all");
	w->file--;
	w->lines = 0;
	if (audit_open_file(w->audit->dir_fd, w->file, 0, &fd, e) < 0 ||
	    walk_file(w, fd, &end, e) < 0)
		return -1;
	if (!w->has_begun || fstat(fd, &st) < 0 || st.st_size != end)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_FILE_FORMAT " does not end with a record",
			       (unsigned long long)w->file);
	return 0;
}

static int
check_file(int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, ERR_INVALID, 0,
			       "the current file is not a regular file of its "
			       "own");
	return 0;
}

int
audit_recover(struct audit *audit, struct audit_left *ret, struct err *e)
{
	struct head head = {0};
	struct audit_left left = {0};
	struct walk w = {.audit = audit, .head = &head};

	if (read_head(audit, &head, e) < 0 ||
	    find_last_file(audit->dir_fd, &audit->file, e) < 0)
		return -1;
	if (head.is_there && head.file > audit->file)
		return err_set(e, ERR_INVALID, 0, AUDIT_FILE_FORMAT " is gone",
			       (unsigned long long)head.file);
	w.is_same_boot =
		head.is_there && strcmp(head.boot_id, audit->boot_id) == 0;
	w.file = audit->file;
	if (audit_open_file(audit->dir_fd, audit->file, 0, &audit->fd, e) < 0 ||
	    check_file(audit->fd, e) < 0 ||
	    walk_file(&w, audit->fd, &audit->length, e) < 0 ||
	    (!w.has_begun && walk_previous(&w, e) < 0) ||
	    compare(audit, &head, w.is_same_boot, &left, e) < 0 ||
	    set_aside(audit, &left, e) < 0)
		return -1;
	*ret = left;
	return 0;
}
