/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_chain.c - append, sign, sync; the head; room; the next file.
 *
 * The order is what matters here: record, head, sync, head, answer (audit.h
 * says why); between head and sync there may be more records.  The head is
 * overwritten in place, in one write of 512 bytes of an allocated block: that
 * needs no room on a full disk and no directory sync.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

/* Ask the file system for room seldom. */
#define RESERVE_MORE (256 << 10)
/* Beside the records of jobs: log_open, stop, refusals, their counts. */
#define RESERVE_OTHER 8
#define MINUTE_US 60000000

static int
broken(struct audit *audit, struct err *e)
{
	audit->is_broken = true;
	return err_wrap(e, "audit log (no job runs until it can be written; "
			   "make room or fix the disk, then restart)");
}

/* ---- head ------------------------------------------------------------ */

int
audit_write_head(struct audit *audit, struct err *e)
{
	char log[2 * AUDIT_LOG_ID_SIZE + 1], hash[2 * AUDIT_HASH_SIZE + 1],
		sig[2 * AUDIT_SIG_SIZE + 1], text[AUDIT_HEAD_SIZE + 1];
	ssize_t n;

	if (audit->head_fd < 0)
		return 0; /* the log is being made: its name comes last */
	str_hex(log, audit->log_id, sizeof(audit->log_id));
	str_hex(hash, audit->head, sizeof(audit->head));
	str_hex(sig, audit->sig, sizeof(audit->sig));
	memset(text, ' ', sizeof(text));
	if (str_printf(text, sizeof(text),
		       "{\"log\":\"%s\",\"boot\":\"%s\",\"synced\":%llu,"
		       "\"file\":%llu,\"count\":%llu,\"hash\":\"%s\","
		       "\"sig\":\"%s\"}",
		       log, audit->boot_id, (unsigned long long)audit->synced,
		       (unsigned long long)audit->file,
		       (unsigned long long)audit->seq, hash, sig) < 0)
		return err_set(e, ERR_LIMIT, 0, AUDIT_HEAD_FILE " too long");
	memset(text + strlen(text), ' ', sizeof(text) - strlen(text));
	text[AUDIT_HEAD_SIZE - 1] = '\n';
	n = pwrite(audit->head_fd, text, AUDIT_HEAD_SIZE, 0);
	if (n != AUDIT_HEAD_SIZE)
		return err_set(e, ERR_IO, n < 0 ? errno : 0,
			       "write " AUDIT_HEAD_FILE);
	return 0;
}

/* ---- records --------------------------------------------------------- */

static void
sign(const struct audit *audit, const uint8_t hash[AUDIT_HASH_SIZE],
     uint8_t ret[AUDIT_SIG_SIZE])
{
	uint8_t bytes[AUDIT_SIGNED_SIZE];

	audit_signed_bytes(audit->log_id, audit->file, audit->seq + 1, hash,
			   bytes);
	(void)crypto_sign_detached(ret, NULL, bytes, sizeof(bytes),
				   audit->key->secret);
}

/* In one call; half a line does not stay. */
static int
write_line(struct audit *audit, const struct audit_line *l, struct err *e)
{
	if (fd_write_all(audit->fd, l->text, l->len) == 0)
		return 0;
	err_sys(e, "write");
	if (ftruncate(audit->fd, audit->length) < 0)
		log_error("audit_truncate_failed error=\"%s\"",
			  strerrordesc_np(errno));
	audit->reserved = audit->length;
	return -1;
}

int
audit_append(struct audit *audit, struct audit_line *l, bool must_sync,
	     struct err *e)
{
	uint8_t hash[AUDIT_HASH_SIZE], sig[AUDIT_SIG_SIZE];
	char hex[2 * AUDIT_SIG_SIZE + 1];

	if (audit->is_broken) {
		err_set(e, ERR_IO, 0, "an earlier record could not be written");
		return broken(audit, e);
	}
	audit_put_hash(l, "prev", audit->head);
	audit_chain_hash(audit->head, l->text, l->len, hash);
	sign(audit, hash, sig);
	audit_put_hash(l, "hash", hash);
	str_hex(hex, sig, sizeof(sig));
	audit_put(l, ",\"sig\":\"%s\"}\n", hex);
	if (l->is_full) {
		err_set(e, ERR_LIMIT, 0, "record longer than %d bytes",
			AUDIT_LINE_MAX);
		return broken(audit, e);
	}
	if (write_line(audit, l, e) < 0)
		return broken(audit, e);
	audit->length += (off_t)l->len;
	audit->seq++;
	memcpy(audit->head, hash, sizeof(hash));
	memcpy(audit->sig, sig, sizeof(sig));
	audit->wants_sync = audit->wants_sync || must_sync;
	audit->is_fresh = false;
	if (audit_write_head(audit, e) < 0)
		return broken(audit, e);
	return 0;
}

/* rc: of the sync.  After a failure the kernel may have dropped the pages: no
 * retry. */
static int
note_synced(struct audit *audit, uint64_t seq, int rc, struct err *e)
{
	if (rc < 0) {
		err_sys(e, "fdatasync");
		return broken(audit, e);
	}
	if (seq == audit->synced)
		return 0;
	audit->synced = seq;
	if (audit_write_head(audit, e) < 0)
		return broken(audit, e);
	return 0;
}

int
audit_sync(struct audit *audit, struct err *e)
{
	if (!audit->wants_sync && !audit->wants_flush)
		return 0;
	if (audit->is_broken)
		return err_set(e, ERR_IO, 0,
			       "an earlier record could not be written");
	/* One at a time: of two, one would not hear of the other's error. */
	if (audit->flush.is_running &&
	    note_synced(audit, audit->flush_seq,
			flush_wait(&audit->flush) == FLUSH_OVER ? 0 : -1,
			e) < 0)
		return -1;
	if (note_synced(audit, audit->seq, fdatasync(audit->fd), e) < 0)
		return -1;
	audit->wants_sync = audit->wants_flush = false;
	return 0;
}

void
audit_flush(struct audit *audit)
{
	struct err e = ERR_INIT; /* is_broken says it */

	if (audit->wants_sync) {
		(void)audit_sync(audit, &e);
		return;
	}
	if (!audit->wants_flush || audit->is_broken || audit->flush.is_running)
		return;
	if (flush_begin(&audit->flush, audit->fd) < 0) {
		(void)audit_sync(audit, &e);
		return;
	}
	audit->wants_flush = false;
	audit->flush_seq = audit->seq;
}

void
audit_flushed(struct audit *audit)
{
	struct err e = ERR_INIT;
	enum flush_state state = flush_end(&audit->flush);

	if (state != FLUSH_RUNS && !audit->is_broken)
		(void)note_synced(audit, audit->flush_seq,
				  state == FLUSH_OVER ? 0 : -1, &e);
}

/* ---- room ------------------------------------------------------------ */

int
audit_reserve(struct audit *audit, unsigned records, struct err *e)
{
	const off_t need = (off_t)records * AUDIT_LINE_MAX;
	off_t more = RESERVE_MORE;

	if (audit->length + need <= audit->reserved)
		return 0;
	if (fallocate(audit->fd, FALLOC_FL_KEEP_SIZE, audit->length,
		      need + more) < 0) {
		more = 0;
		if (fallocate(audit->fd, FALLOC_FL_KEEP_SIZE, audit->length,
			      need) < 0)
			return errno == EOPNOTSUPP
				       ? err_set(e, ERR_UNSUPPORTED, errno,
						 "reserve room (put the state "
						 "directory on ext4, xfs, "
						 "btrfs "
						 "or tmpfs)")
				       : err_sys(e, "reserve room");
	}
	audit->reserved = audit->length + need + more;
	return 0;
}

/* The live jobs' begins and ends, and so many more. */
static int
reserve_for_jobs(struct audit *audit, unsigned jobs_live, unsigned more,
		 struct err *e)
{
	return audit_reserve(audit, 2 * jobs_live + more + RESERVE_OTHER, e);
}

int
audit_may_begin(struct audit *audit, unsigned jobs_live, struct err *e)
{
	if (audit->is_broken)
		return err_set(e, ERR_IO, 0,
			       "an audit record could not be written: make "
			       "room or fix the disk, then restart");
	/* A begin and an end for the new one. */
	if (reserve_for_jobs(audit, jobs_live, 2, e) < 0) {
		if (!audit->is_full)
			log_error("audit_full cause=\"%s\"", e->text);
		audit->is_full = true;
		if (e->errnum == ENOSPC || e->errnum == EDQUOT)
			e->kind = ERR_BUSY; /* it may pass */
		return err_wrap(e, "no room for audit records (make room in "
				   "the supervisor's state directory; jobs "
				   "are taken again by themselves)");
	}
	if (audit->is_full)
		log_info("audit_has_room_again");
	audit->is_full = false;
	return 0;
}

/* ---- files ----------------------------------------------------------- */

int
audit_open_file(int dir_fd, uint64_t number, int flags, int *ret_fd,
		struct err *e)
{
	char name[48];

	(void)snprintf(name, sizeof(name), AUDIT_FILE_FORMAT,
		       (unsigned long long)number);
	*ret_fd = openat(dir_fd, name,
			 flags | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			 0600);
	if (*ret_fd < 0)
		return err_sys(e, "open %s", name);
	return 0;
}

int
audit_append_log_open(struct audit *audit, struct err *e)
{
	struct audit_line l;
	char hex[2 * AUDIT_LOG_ID_SIZE + 1], name[48];

	audit_line_begin(&l, audit, "log_open");
	str_hex(hex, audit->log_id, sizeof(audit->log_id));
	audit_put_string(&l, "log", hex);
	audit_put_hash(&l, "key", audit->public_key);
	audit_put_u64(&l, "file", audit->file);
	(void)snprintf(name, sizeof(name), AUDIT_FILE_FORMAT,
		       (unsigned long long)audit->file - 1);
	if (audit->file > 1)
		audit_put_string(&l, "previous_file", name);
	audit_put_u64(&l, "records_before", audit->seq);
	audit_put_open(&l, "open", audit);
	if (audit_append(audit, &l, true, e) < 0)
		return -1;
	audit->is_fresh = true;
	return 0;
}

static int
fill_next_file(struct audit *next, unsigned jobs_live, struct err *e)
{
	next->length = next->reserved = 0;
	next->file++;
	if (audit_open_file(next->dir_fd, next->file, O_CREAT | O_EXCL,
			    &next->fd, e) < 0)
		return -1;
	/* Before the head names it: a power cut could take the file only. */
	if (fsync(next->dir_fd) < 0)
		return err_sys(e, "sync directory");
	if (reserve_for_jobs(next, jobs_live, 2, e) < 0 ||
	    audit_append_log_open(next, e) < 0 || audit_sync(next, e) < 0)
		return -1;
	return 0;
}

/* Empty, or with nothing but our own log_open: no record is lost. */
static void
forget_next_file(struct audit *audit, struct audit *next)
{
	char name[48];
	struct err e = ERR_INIT;

	(void)snprintf(name, sizeof(name), AUDIT_FILE_FORMAT,
		       (unsigned long long)next->file);
	/* The head first: it must never name a file that is gone. */
	if (audit_write_head(audit, &e) < 0 ||
	    (next->fd >= 0 && unlinkat(audit->dir_fd, name, 0) < 0)) {
		log_error("audit_next_file_left error=\"%s\"",
			  strerrordesc_np(errno));
		audit->is_broken = true;
	}
	fd_close(&next->fd);
}

static int
rotate(struct audit *audit, unsigned jobs_live, struct err *e)
{
	static struct audit next; /* one thread; large */

	audit->wants_sync = true;
	if (audit_sync(audit, e) < 0)
		return -1;
	next = *audit;
	next.fd = -1;
	if (fill_next_file(&next, jobs_live, e) < 0) {
		forget_next_file(audit, &next);
		return -1;
	}
	/* Room that was reserved behind the end. */
	if (ftruncate(audit->fd, audit->length) < 0)
		log_warning("audit_release error=\"%s\"",
			    strerrordesc_np(errno));
	fd_close(&audit->fd);
	*audit = next;
	log_info("audit_file number=%llu records_before=%llu",
		 (unsigned long long)audit->file,
		 (unsigned long long)audit->seq - 1);
	return 0;
}

static void
rotate_if_due(struct audit *audit, unsigned jobs_live)
{
	struct err e = ERR_INIT;

	if (audit->is_broken || audit->is_fresh ||
	    (!audit->wants_rotation &&
	     (uint64_t)audit->length < audit->max_bytes) ||
	    clock_mono_us() < audit->rotate_not_before_us) {
		audit->wants_rotation &= !audit->is_fresh;
		return;
	}
	if (rotate(audit, jobs_live, &e) == 0) {
		audit->wants_rotation = false;
		return;
	}
	log_error("audit_rotate error=\"%s\"", e.text);
	audit->rotate_not_before_us = clock_mono_us() + MINUTE_US;
}

/* ---- refusals -------------------------------------------------------- */

static struct audit_refusals *
refusals_of(struct audit *audit, uid_t uid)
{
	struct audit_refusals *row = NULL;

	for (size_t i = 0; i < AUDIT_REFUSAL_UIDS; i++) {
		struct audit_refusals *r = &audit->refusals[i];

		if (r->is_used && r->uid == uid)
			return r;
		if (!r->is_used && row == NULL)
			row = r;
	}
	/* listen.h admits two uids. */
	assert(row != NULL);
	*row = (struct audit_refusals){
		.is_used = true,
		.uid = uid,
		.since_us = clock_mono_us(),
	};
	return row;
}

bool
audit_may_tell_refusal(struct audit *audit, uid_t uid, enum err_kind kind,
		       unsigned jobs_live)
{
	struct audit_refusals *row = refusals_of(audit, uid);
	struct err e = ERR_INIT;

	/* What is reserved for jobs is not for refusals. */
	if (row->told < AUDIT_REFUSALS_MAX &&
	    reserve_for_jobs(audit, jobs_live, 1, &e) == 0) {
		row->told++;
		return true;
	}
	row->counted[kind]++;
	return false;
}

static uint64_t
refusals_counted(const struct audit_refusals *row)
{
	uint64_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(row->counted); i++)
		total += row->counted[i];
	return total;
}

static int
append_counted(struct audit *audit, const struct audit_refusals *row,
	       struct err *e)
{
	struct audit_line l;
	const char *comma = "";

	audit_line_begin(&l, audit, "refusals");
	audit_put_u64(&l, "peer_uid", row->uid);
	audit_put_u64(&l, "count", refusals_counted(row));
	audit_put_u64(&l, "seconds",
		      (clock_mono_us() - row->since_us) / 1000000);
	audit_put(&l, ",\"kinds\":{");
	for (size_t i = 0; i < ARRAY_LEN(row->counted); i++) {
		if (row->counted[i] == 0)
			continue;
		audit_put(&l, "%s\"%s\":%llu", comma,
			  err_kind_name((enum err_kind)i),
			  (unsigned long long)row->counted[i]);
		comma = ",";
	}
	audit_put(&l, "}");
	return audit_append(audit, &l, true, e);
}

/* A minute is over: tell the count, begin anew. */
void
audit_tell_refusals(struct audit *audit, unsigned jobs_live, bool is_stopping)
{
	uint64_t now = clock_mono_us();

	for (size_t i = 0; i < AUDIT_REFUSAL_UIDS; i++) {
		struct audit_refusals *row = &audit->refusals[i];
		struct err e = ERR_INIT;

		if (!row->is_used ||
		    (!is_stopping && now - row->since_us < MINUTE_US))
			continue;
		if (refusals_counted(row) == 0) {
			row->is_used = false;
			continue;
		}
		if (reserve_for_jobs(audit, jobs_live, 1, &e) == 0 &&
		    append_counted(audit, row, &e) == 0)
			row->is_used = false;
		else
			row->since_us = now; /* kept, tried in a minute */
	}
}

void
audit_tick(struct audit *audit, unsigned jobs_live)
{
	struct err e = ERR_INIT;

	audit_tell_refusals(audit, jobs_live, false);
	if (audit->wants_sync)
		(void)audit_sync(audit, &e); /* is_broken says it */
	rotate_if_due(audit, jobs_live);
}

uint64_t
audit_deadline(const struct audit *audit)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < AUDIT_REFUSAL_UIDS; i++) {
		const struct audit_refusals *row = &audit->refusals[i];

		if (row->is_used && refusals_counted(row) > 0 &&
		    row->since_us + MINUTE_US < next)
			next = row->since_us + MINUTE_US;
	}
	return next;
}
