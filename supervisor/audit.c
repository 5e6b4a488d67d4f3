/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - make or open the audit log, and say so in it.
 *
 * A log is made as audit.new, whole and signed, and gets its name in one step;
 * the head beside it comes after that.  So a start that was killed leaves
 * nothing that could be taken for a log that somebody cut.
 */
#include "supervisor/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define NEW_DIR AUDIT_DIR ".new"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int
read_boot_id(char ret[40], struct err *e)
{
	owned_fd int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	char text[40] = "";

	if (fd < 0 || fd_read_full(fd, text, sizeof(text) - 1) < 36)
		return err_sys(e, "read " BOOT_ID);
	text[36] = '\0';
	return str_copy(ret, 40, text);
}

static int
load_key(struct audit *audit, struct err *e)
{
	if (audit_key_load(audit->dir_fd, &audit->key, audit->public_key, e) <
	    0)
		return -1;
	audit_log_id_of(audit->public_key, audit->log_id);
	return 0;
}

/* ---- a new log ------------------------------------------------------- */

/* What a killed start left: never a record of anything. */
static int
remove_unfinished(int state_dir, struct err *e)
{
	static const char *const names[] = {
		NEW_DIR "/" AUDIT_KEY_FILE,
		NEW_DIR "/" AUDIT_PUBLIC_FILE,
		NEW_DIR "/audit.000001.log",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (unlinkat(state_dir, names[i], 0) < 0 && errno != ENOENT)
			return err_sys(e, "remove %s", names[i]);
	if (unlinkat(state_dir, NEW_DIR, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove " NEW_DIR);
	return 0;
}

static int
fill_new(struct audit *fresh, struct err *e)
{
	if (audit_key_make(fresh->dir_fd, e) < 0 || load_key(fresh, e) < 0 ||
	    audit_open_file(fresh->dir_fd, fresh->file, O_CREAT | O_EXCL,
			    &fresh->fd, e) < 0 ||
	    audit_append_log_open(fresh, e) < 0 || audit_sync(fresh, e) < 0)
		return -1;
	if (fsync(fresh->dir_fd) < 0)
		return err_sys(e, "sync " NEW_DIR);
	return 0;
}

static int
make_log(int state_dir, struct err *e)
{
	static struct audit fresh; /* large */
	struct stat st;
	int rc;

	if (fstatat(state_dir, AUDIT_HEAD_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " is here, but the log is gone");
	if (remove_unfinished(state_dir, e) < 0)
		return -1;
	if (mkdirat(state_dir, NEW_DIR, 0700) < 0)
		return err_sys(e, "make " NEW_DIR);
	fresh = AUDIT_INIT;
	fresh.file = 1;
	fresh.dir_fd = openat(state_dir, NEW_DIR,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	rc = fresh.dir_fd < 0 ? err_sys(e, "open " NEW_DIR)
			      : fill_new(&fresh, e);
	audit_close(&fresh);
	if (rc < 0)
		return -1;
	if (renameat(state_dir, NEW_DIR, state_dir, AUDIT_DIR) < 0 ||
	    fsync(state_dir) < 0)
		return err_sys(e, "name the new log");
	log_info("audit_log_made");
	return 0;
}

/* ---- start ----------------------------------------------------------- */

static int
open_dir(int state_dir, struct audit *audit, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

	audit->dir_fd = openat(state_dir, AUDIT_DIR, flags);
	if (audit->dir_fd < 0 && errno == ENOENT) {
		if (make_log(state_dir, e) < 0)
			return -1;
		audit->dir_fd = openat(state_dir, AUDIT_DIR, flags);
	}
	if (audit->dir_fd < 0)
		return err_sys(e, "open " AUDIT_DIR);
	audit->head_fd = openat(state_dir, AUDIT_HEAD_FILE,
				O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (audit->head_fd < 0 && errno != ENOENT)
		return err_sys(e, "open " AUDIT_HEAD_FILE);
	return 0;
}

static int
make_head(int state_dir, struct audit *audit, struct err *e)
{
	if (audit->head_fd >= 0)
		return 0;
	audit->head_fd = openat(
		state_dir, AUDIT_HEAD_FILE,
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (audit->head_fd < 0 || audit_write_head(audit, e) < 0 ||
	    fsync(audit->head_fd) < 0 || fsync(state_dir) < 0)
		return err_sys(e, "make " AUDIT_HEAD_FILE);
	return 0;
}

static int
record_repair(struct audit *audit, const struct audit_left *left, struct err *e)
{
	struct audit_line l;

	if (left->torn_bytes == 0)
		return 0;
	audit_line_begin(&l, audit, "repaired");
	audit_put_string(&l, "text",
			 "the end of the log was unfinished and was moved to "
			 "a file of its own");
	audit_put_u64(&l, "bytes", left->torn_bytes);
	audit_put_string(&l, "kept_in", left->torn_file);
	return audit_append(audit, &l, true, e);
}

static int
record_start(struct audit *audit, const struct audit_left *left, struct err *e)
{
	struct audit_line l;
	unsigned lost = audit_open_count(audit);

	audit_line_begin(&l, audit, "supervisor_start");
	audit_put_string(&l, "version", PROMPTCRAFT_VERSION);
	audit_put_u64(&l, "pid", (uint64_t)getpid());
	audit_put_string(&l, "boot_id", audit->boot_id);
	audit_put_u64(&l, "records_lost_with_power", left->missing);
	audit_put_u64(&l, "records_after_head", left->unheaded);
	audit_put_u64(&l, "jobs_lost", lost);
	audit_put_open(&l, "lost", audit);
	if (lost > 0)
		log_warning("jobs_lost count=%u", lost);
	memset(audit->open, 0, sizeof(audit->open));
	return audit_append(audit, &l, true, e);
}

static int
start(int state_dir, struct audit *audit, struct err *e)
{
	struct audit_left left;
	bool has_file;

	if (read_boot_id(audit->boot_id, e) < 0 ||
	    open_dir(state_dir, audit, e) < 0 || load_key(audit, e) < 0 ||
	    audit_recover(audit, &left, e) < 0)
		return -1;
	has_file = audit->length > 0;
	audit->synced = audit->seq;
	/* The head must not name what a power cut could still take. */
	if (fdatasync(audit->fd) < 0)
		return err_sys(e, "sync");
	if (make_head(state_dir, audit, e) < 0 ||
	    (!has_file && audit_append_log_open(audit, e) < 0) ||
	    record_repair(audit, &left, e) < 0 ||
	    record_start(audit, &left, e) < 0 || audit_sync(audit, e) < 0)
		return -1;
	if (fsync(audit->dir_fd) < 0 || fsync(audit->head_fd) < 0)
		return err_sys(e, "sync directory");
	return 0;
}

int
audit_open(int state_dir, uint64_t max_bytes, struct audit *ret, struct err *e)
{
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "start libsodium");
	*ret = AUDIT_INIT;
	ret->max_bytes = max_bytes;
	if (start(state_dir, ret, e) == 0)
		return 0;
	audit_close(ret);
	return err_wrap(e, "audit log (`promptcraft audit verify` says more; "
			   "to begin a new one, move audit and audit.head "
			   "away)");
}

/* ---- stop ------------------------------------------------------------ */

int
audit_stop(struct audit *audit, struct err *e)
{
	struct audit_line l;

	audit_tell_refusals(audit, 0, true);
	audit_line_begin(&l, audit, "supervisor_stop");
	audit_put_u64(&l, "pid", (uint64_t)getpid());
	audit_put_u64(&l, "jobs_left", audit_open_count(audit));
	if (audit_append(audit, &l, true, e) < 0 || audit_sync(audit, e) < 0)
		return -1;
	/* Give back the room that was reserved behind the end. */
	if (ftruncate(audit->fd, audit->length) < 0)
		return err_sys(e, "release room");
	return 0;
}

void
audit_close(struct audit *audit)
{
	fd_close(&audit->fd);
	fd_close(&audit->head_fd);
	fd_close(&audit->dir_fd);
	flush_done(&audit->flush);
	audit_key_free(audit->key);
	audit->key = NULL;
}
