/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - append, chain, sync.  Nothing is parsed here but our own last
 * line, and that only at start.
 */
#include "supervisor/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define HEX_SIZE (2 * AUDIT_HASH_SIZE + 1)
#define HASH_KEY ",\"hash\":\""
#define LINE_TAIL "\"}\n"

/* ---- one line of JSON, bounded ----------------------------------------- */

struct line {
	char text[AUDIT_LINE_MAX];
	size_t len;
	bool is_full;
};

static void __attribute__((format(printf, 2, 3)))
put(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		l->is_full = true;
	else
		l->len += (size_t)n;
}

static void
put_escaped(struct line *l, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '"' || byte == '\\')
			put(l, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			put(l, "\\u%04x", byte);
		else
			put(l, "%c", byte);
	}
}

static void
put_string(struct line *l, const char *key, const char *value)
{
	put(l, ",\"%s\":\"", key);
	put_escaped(l, value);
	put(l, "\"");
}

static void
put_u64(struct line *l, const char *key, uint64_t value)
{
	put(l, ",\"%s\":%llu", key, (unsigned long long)value);
}

static void
put_hash(struct line *l, const char *key, const uint8_t *hash)
{
	char hex[HEX_SIZE];

	if (hash == NULL) {
		put(l, ",\"%s\":null", key);
		return;
	}
	str_hex(hex, hash, AUDIT_HASH_SIZE);
	put(l, ",\"%s\":\"%s\"", key, hex);
}

static void
line_begin(struct line *l, const struct audit *audit, const char *type)
{
	char now[CLOCK_ISO_SIZE];

	l->len = 0;
	l->is_full = false;
	clock_iso8601(clock_wall_us(), now);
	put(l, "{\"seq\":%llu,\"time\":\"%s\",\"type\":\"%s\"",
	    (unsigned long long)audit->seq + 1, now, type);
}

static void
chain_hash(const uint8_t prev[AUDIT_HASH_SIZE], const char *body, size_t len,
	   uint8_t ret[AUDIT_HASH_SIZE])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, prev, AUDIT_HASH_SIZE);
	crypto_hash_sha256_update(&state, (const unsigned char *)body, len);
	crypto_hash_sha256_final(&state, ret);
}

/* ---- appending --------------------------------------------------------- */

static int
broken(struct audit *audit, struct err *e)
{
	audit->is_broken = true;
	return err_wrap(e, "audit log (no job runs until it can be written; "
			   "make room or fix the disk, then restart)");
}

/* Close the line with its hash and write it in one call. */
static int
line_commit(struct line *l, struct audit *audit, struct err *e)
{
	uint8_t hash[AUDIT_HASH_SIZE];
	char hex[HEX_SIZE];

	if (audit->is_broken) {
		err_set(e, ERR_IO, 0, "an earlier record could not be written");
		return broken(audit, e);
	}
	put_hash(l, "prev", audit->head);
	chain_hash(audit->head, l->text, l->len, hash);
	str_hex(hex, hash, sizeof(hash));
	put(l, HASH_KEY "%s" LINE_TAIL, hex);
	if (l->is_full) {
		err_set(e, ERR_LIMIT, 0, "record longer than %d bytes",
			AUDIT_LINE_MAX);
		return broken(audit, e);
	}
	if (fd_write_all(audit->fd, l->text, l->len) < 0) {
		err_sys(e, "write");
		/* Half a line must not stay: the next start would see it. */
		if (ftruncate(audit->fd, audit->length) < 0)
			log_error("audit_truncate_failed");
		return broken(audit, e);
	}
	audit->length += (off_t)l->len;
	audit->seq++;
	memcpy(audit->head, hash, sizeof(hash));
	audit->is_dirty = true;
	return 0;
}

int
audit_sync(struct audit *audit, struct err *e)
{
	if (!audit->is_dirty)
		return 0;
	if (fdatasync(audit->fd) < 0) {
		err_sys(e, "fdatasync");
		return broken(audit, e);
	}
	audit->is_dirty = false;
	return 0;
}

int
audit_event(struct audit *audit, const char *type, const char *text,
	    struct err *e)
{
	struct line l;

	line_begin(&l, audit, type);
	put_string(&l, "text", text);
	return line_commit(&l, audit, e);
}

static const char *
outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[PROTO_OUTCOME_EXITED] = "exited",
		[PROTO_OUTCOME_SIGNALED] = "signaled",
		[PROTO_OUTCOME_TIMEOUT] = "timeout",
		[PROTO_OUTCOME_KILLED] = "killed",
		[PROTO_OUTCOME_REFUSED] = "refused",
		[PROTO_OUTCOME_ERROR] = "error",
	};

	_Static_assert(ARRAY_LEN(names) == PROTO_OUTCOME_COUNT,
		       "every outcome has a name");
	return outcome < ARRAY_LEN(names) && names[outcome] != NULL
		       ? names[outcome]
		       : "unknown";
}

static void
put_limits(struct line *l, const struct proto_limits *limits)
{
	put(l, ",\"limits\":{\"wall_ms\":%llu",
	    (unsigned long long)limits->wall_ms);
	put_u64(l, "memory_bytes", limits->memory_bytes);
	put_u64(l, "output_bytes", limits->output_bytes);
	put_u64(l, "pids", limits->pids);
	put_u64(l, "cpu_percent", limits->cpu_percent);
	put(l, "}");
}

static void
put_usage(struct line *l, const struct proto_job_done *done)
{
	put(l, ",\"usage\":{\"wall_us\":%llu",
	    (unsigned long long)done->wall_us);
	put_u64(l, "cpu_us", done->cpu_us);
	put_u64(l, "memory_peak_bytes", done->memory_peak_bytes);
	put_u64(l, "pids_peak", done->pids_peak);
	put(l, "}");
}

static void
put_denials(struct line *l, const struct audit_job *job)
{
	const char *comma = "";

	put(l, ",\"denials\":{\"total\":%llu,\"calls\":{",
	    (unsigned long long)job->done->denials_total);
	if (job->policy != NULL && job->denials != NULL) {
		for (uint32_t i = 0; i < job->policy->audit_len; i++) {
			if (job->denials[i] == 0)
				continue;
			put(l, "%s\"", comma);
			put_escaped(l, job->policy->audit[i].name);
			put(l, "\":%u", job->denials[i]);
			comma = ",";
		}
	}
	put(l, "}}");
}

int
audit_job(struct audit *audit, const struct audit_job *job, struct err *e)
{
	const struct proto_job_submit *submit = job->submit;
	const struct proto_job_done *done = job->done;
	struct line l;

	line_begin(&l, audit, "job");
	put_string(&l, "job_id", submit->job_id);
	put_string(&l, "actor_claimed", submit->actor);
	put_u64(&l, "peer_uid", job->peer_uid);
	put_u64(&l, "peer_pid", (uint64_t)job->peer_pid);
	put_string(&l, "workflow", submit->workflow);
	put_u64(&l, "step", submit->step);
	put_u64(&l, "attempt", submit->attempt);
	put_string(&l, "policy", submit->policy);
	put_hash(&l, "policy_sha256",
		 job->policy != NULL ? job->policy->sha256 : NULL);
	put_hash(&l, "bpf_sha256",
		 job->policy != NULL ? job->policy->bpf_sha256 : NULL);
	put_string(&l, "runtime", submit->runtime);
	put_hash(&l, "runtime_sha256",
		 job->runtime != NULL ? job->runtime->sha256 : NULL);
	put_hash(&l, "bundle_sha256", job->bundle_sha256);
	put_hash(&l, "collected_sha256", job->collected_sha256);
	if (job->has_slot)
		put_u64(&l, "slot", job->slot);
	put_limits(&l, job->limits != NULL ? job->limits : &submit->limits);
	put_string(&l, "posture", job->posture);
	put_usage(&l, done);
	put_denials(&l, job);
	put_string(&l, "outcome", outcome_name(done->outcome));
	put_string(&l, "reason",
		   proto_reason_name((enum proto_reason)done->reason));
	put(&l, ",\"exit_code\":%d,\"signal\":%d", done->exit_code,
	    done->signal);
	put_string(&l, "error", done->err.text);
	return line_commit(&l, audit, e);
}

/* ---- start: find the end of the chain ---------------------------------- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
parse_hash(const char *hex, uint8_t ret[AUDIT_HASH_SIZE])
{
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
		int high = hex_value(hex[2 * i]);
		int low = high < 0 ? -1 : hex_value(hex[2 * i + 1]);

		if (low < 0)
			return -1;
		ret[i] = (uint8_t)(high * 16 + low);
	}
	return 0;
}

static const char *
find(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what));
}

/* Take seq and hash from our own last line (with its newline) and check it. */
static int
parse_line(const char *text, size_t len, struct audit *audit, struct err *e)
{
	static const char prev_key[] = ",\"prev\":\"";
	const size_t tail = strlen(HASH_KEY) + HEX_SIZE - 1 + strlen(LINE_TAIL);
	const char *prev = find(text, len, prev_key);
	uint8_t prev_hash[AUDIT_HASH_SIZE], hash[AUDIT_HASH_SIZE];
	const char *hash_at;
	char number[24] = "";
	size_t digits;

	if (len < tail + 8)
		return err_set(e, ERR_INVALID, 0, "last line is malformed");
	hash_at = text + len - tail;
	if (strncmp(text, "{\"seq\":", 7) != 0 ||
	    strncmp(hash_at, HASH_KEY, strlen(HASH_KEY)) != 0 ||
	    strncmp(text + len - strlen(LINE_TAIL), LINE_TAIL,
		    strlen(LINE_TAIL)) != 0 ||
	    prev == NULL || prev > hash_at ||
	    parse_hash(prev + strlen(prev_key), prev_hash) < 0)
		return err_set(e, ERR_INVALID, 0, "last line is malformed");
	digits = strspn(text + 7, "0123456789");
	if (digits >= sizeof(number))
		return err_set(e, ERR_INVALID, 0, "last line is malformed");
	memcpy(number, text + 7, digits);
	chain_hash(prev_hash, text, len - tail, hash);
	if (str_to_u64(number, UINT64_MAX - 1, &audit->seq) < 0 ||
	    parse_hash(hash_at + strlen(HASH_KEY), audit->head) < 0 ||
	    sodium_memcmp(hash, audit->head, sizeof(hash)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "last line does not fit its hash");
	return 0;
}

/* Keep the bytes after the last newline in a file of their own. */
static int
move_torn_tail(struct audit *audit, const char *tail, size_t len, off_t at,
	       struct err *e)
{
	char name[48], text[128];
	owned_fd int fd = -1;

	snprintf(name, sizeof(name), "audit.torn.%llu",
		 (unsigned long long)clock_wall_us());
	fd = openat(audit->dir_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fd_write_all(fd, tail, len) < 0 || fdatasync(fd) < 0)
		return err_sys(e, "keep torn line in %s", name);
	if (ftruncate(audit->fd, at) < 0)
		return err_sys(e, "cut torn line");
	audit->length = at;
	log_warning("audit_torn_line bytes=%zu kept_in=%s", len, name);
	snprintf(text, sizeof(text),
		 "a last line of %zu bytes without end was moved to %s", len,
		 name);
	return audit_event(audit, "warning", text, e);
}

static int
read_tail(struct audit *audit, struct err *e)
{
	const off_t most = (off_t)AUDIT_LINE_MAX * 2;
	size_t want = (size_t)(audit->length < most ? audit->length : most);
	off_t from = audit->length - (off_t)want;
	owned_mem char *text = NULL;
	const char *line;
	size_t whole;
	ssize_t n;

	if (want == 0)
		return 0;
	text = malloc(want);
	if (text == NULL)
		return err_sys(e, "read tail");
	n = pread(audit->fd, text, want, from);
	if (n != (ssize_t)want)
		return err_set(e, ERR_IO, n < 0 ? errno : 0, "read tail");
	for (whole = want; whole > 0 && text[whole - 1] != '\n'; whole--)
		;
	if (whole == 0 && from > 0)
		return err_set(e, ERR_INVALID, 0, "last line is too long");
	if (whole > 0) {
		line = memrchr(text, '\n', whole - 1);
		line = line == NULL ? text : line + 1;
		if (parse_line(line, whole - (size_t)(line - text), audit, e) <
		    0)
			return -1;
	}
	if (whole == want)
		return 0;
	return move_torn_tail(audit, text + whole, want - whole,
			      from + (off_t)whole, e);
}

int
audit_open(int dir_fd, struct audit *ret, struct err *e)
{
	struct audit audit = {.dir_fd = dir_fd, .fd = -1};
	owned_fd int fd = openat(
		dir_fd, AUDIT_FILE,
		O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open " AUDIT_FILE);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_FILE " is not a regular file of its own");
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "start libsodium");
	audit.fd = fd;
	audit.length = st.st_size;
	if (read_tail(&audit, e) < 0 || audit_sync(&audit, e) < 0)
		return err_wrap(e,
				AUDIT_FILE " (look with `promptcraft audit "
					   "verify`, move it away to start a "
					   "new one)");
	/* The name itself must survive a power cut, too. */
	if (fsync(dir_fd) < 0)
		return err_sys(e, "sync state directory");
	audit.fd = fd_take(&fd);
	*ret = audit;
	return 0;
}

void
audit_close(struct audit *audit)
{
	fd_close(&audit->fd);
	fd_close(&audit->dir_fd);
}
