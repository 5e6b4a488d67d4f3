/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_audit.c - the audit log after somebody was at its files: the verifier of
 * the CLI, and the supervisor that finds it so at its start.
 *
 * Input: 'T' and edits {file, kind, offset, length, bytes} of a genuine log; or
 * 'S' and lines that are signed here with the log's own key, one record each,
 * for the fields behind the signature.  With the key and the anchor kept
 * elsewhere, the verifier may be content only if all records are there as they
 * were, in their order, and nothing but the torn end of a crash behind them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/audit.h"
#include "supervisor/audit_line.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"
#include "tools/promptcraft/audit.h"

#define FILE_MAX 65536u
#define LOG AUDIT_DIR "/audit.000001.log"
#define BYTES_MAX (1ull << 20)

enum which { THE_LOG, THE_HEAD, THE_PUBLIC_KEY, FILES };
static const char *const names[FILES] = {LOG, AUDIT_HEAD_FILE,
					 AUDIT_DIR "/" AUDIT_PUBLIC_FILE};

struct content {
	unsigned char bytes[FILE_MAX];
	size_t len;
};

static char top[48];
static int top_fd;
static struct content good[FILES], now[FILES];
static struct audit_options options = {.first_file = 1};
static unsigned char secret[crypto_sign_SECRETKEYBYTES];

/* Neither waits for a writer that is not there, nor for a disk. */
int
nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t;
	(void)left;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

static void
read_content(enum which i)
{
	owned_fd int fd = openat(top_fd, names[i], O_RDONLY | O_CLOEXEC);
	ssize_t n = fd_read_full(fd, good[i].bytes, FILE_MAX);

	FUZZ_CHECK(n > 0 && n < (ssize_t)FILE_MAX);
	good[i].len = (size_t)n;
}

static void
write_content(enum which i)
{
	owned_fd int fd =
		openat(top_fd, names[i],
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && fd_write_all(fd, now[i].bytes, now[i].len) == 0);
}

/* Two jobs and a refusal. */
static void
write_log(void)
{
	struct proto_job_submit submit = {.policy = "strict",
					  .runtime = "python"};
	struct proto_job_done done = {.outcome = PROTO_OUTCOME_EXITED};
	struct audit_job job = {
		.submit = &submit, .done = &done, .posture = "passed"};
	struct audit a = AUDIT_INIT;
	struct err e = ERR_INIT;

	FUZZ_CHECK(audit_open(top_fd, BYTES_MAX, &a, &e) == 0);
	for (int i = 0; i < 2; i++) {
		(void)str_printf(submit.job_id, sizeof(submit.job_id),
				 "00000000-0000-4000-8000-00000000000%d", i);
		FUZZ_CHECK(audit_job_begin(&a, &job, &e) == 0);
		FUZZ_CHECK(audit_job(&a, &job, &e) == 0);
	}
	done.outcome = PROTO_OUTCOME_REFUSED;
	FUZZ_CHECK(audit_refusal(&a, &job, 0, &e) == 0);
	FUZZ_CHECK(audit_stop(&a, &e) == 0);
	audit_close(&a);
}

static void
read_secret(void)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], seed[AUDIT_KEY_SIZE];
	owned_fd int fd = openat(top_fd, AUDIT_DIR "/" AUDIT_KEY_FILE,
				 O_RDONLY | O_CLOEXEC);
	char hex[2 * AUDIT_KEY_SIZE + 1] = "";

	FUZZ_CHECK(fd_read_full(fd, hex, sizeof(hex) - 1) ==
		   (ssize_t)sizeof(hex) - 1);
	FUZZ_CHECK(audit_hex(hex, sizeof(seed), seed) == 0);
	FUZZ_CHECK(crypto_sign_seed_keypair(public, secret, seed) == 0);
	memcpy(options.key, public, sizeof(public));
	options.has_key = true;
}

/* Later files and torn ends that a start has made. */
static void
remove_others(void)
{
	int fd = openat(top_fd, AUDIT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *d;

	FUZZ_CHECK(dir != NULL);
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, "audit.000001.log") != 0 &&
		    strncmp(d->d_name, AUDIT_KEY_FILE,
			    strlen(AUDIT_KEY_FILE)) != 0)
			(void)unlinkat(fd, d->d_name, 0);
	(void)closedir(dir);
}

static void
empty_folder(const char *name)
{
	int fd = openat(top_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *d;

	FUZZ_CHECK(dir != NULL);
	while ((d = readdir(dir)) != NULL)
		if (d->d_type != DT_DIR)
			(void)unlinkat(fd, d->d_name, 0);
	(void)closedir(dir);
}

static void
remove_all(void)
{
	empty_folder(AUDIT_DIR);
	empty_folder(".");
	(void)unlinkat(top_fd, AUDIT_DIR, AT_REMOVEDIR);
	(void)rmdir(top);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct audit_report report;
	struct err e = ERR_INIT;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(sodium_init() >= 0);
	log_set_level(LOG_LEVEL_ERROR);
	(void)str_copy(top, sizeof(top), "/dev/shm/fuzz-audit.XXXXXX");
	FUZZ_CHECK(mkdtemp(top) != NULL);
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(top_fd >= 0);
	write_log();
	atexit(remove_all);
	for (int i = 0; i < FILES; i++)
		read_content((enum which)i);
	read_secret();
	FUZZ_CHECK(audit_verify(top, &options, &report, &e) == 0 &&
		   report.problems_total == 0);
	FUZZ_CHECK(sscanf(report.anchor, "%lu:", &options.anchor.count) == 1);
	FUZZ_CHECK(audit_hex(strchr(report.anchor, ':') + 1, AUDIT_HASH_SIZE,
			     options.anchor.hash) == 0);
	options.anchor.is_given = true;
	audit_report_done(&report);
	return 0;
}

/* ---- edits ----------------------------------------------------------- */

static void
replace(struct content *c, size_t at, size_t old, const void *bytes, size_t len)
{
	if (at > c->len)
		at = c->len;
	if (old > c->len - at)
		old = c->len - at;
	if (c->len - old + len > FILE_MAX)
		return;
	memmove(c->bytes + at + len, c->bytes + at + old, c->len - at - old);
	if (len > 0)
		memcpy(c->bytes + at, bytes, len);
	c->len += len - old;
}

/* Start and length of a line, with its newline. */
static size_t
find_line(const struct content *c, unsigned number, size_t *ret_len)
{
	size_t at = 0;

	for (;;) {
		const unsigned char *end =
			c->len > at ? memchr(c->bytes + at, '\n', c->len - at)
				    : NULL;
		size_t next =
			end != NULL ? (size_t)(end + 1 - c->bytes) : c->len;

		if (number-- == 0 || next >= c->len) {
			*ret_len = next - at;
			return at;
		}
		at = next;
	}
}

static void
edit(struct fuzz_input *in)
{
	unsigned head = fuzz_u8(in);
	struct content *c = &now[head / 8 % 4 % FILES];
	unsigned char bytes[256];
	size_t at = fuzz_u8(in), len, old;

	at |= (size_t)fuzz_u8(in) << 8;
	len = fuzz_u8(in);
	switch (head % 8) {
	case 0: /* overwrite */
	case 1: /* insert */
		len = len < in->left ? len : in->left;
		fuzz_fill(in, bytes, len);
		replace(c, at, head % 8 == 0 ? len : 0, bytes, len);
		break;
	case 2: /* cut out */
		replace(c, at, len, NULL, 0);
		break;
	case 3: /* cut off */
		replace(c, at, FILE_MAX, NULL, 0);
		break;
	case 4: /* remove a line */
		at = find_line(c, (unsigned)at % 16, &old);
		replace(c, at, old, NULL, 0);
		break;
	case 5: /* a line of the genuine log, somewhere */
		old = find_line(&good[THE_LOG], (unsigned)len % 16, &len);
		at = find_line(c, (unsigned)at % 16, &(size_t){0});
		replace(c, at, 0, good[THE_LOG].bytes + old, len);
		break;
	case 6: /* at the end */
		len = len < in->left ? len : in->left;
		fuzz_fill(in, bytes, len);
		replace(c, c->len, 0, bytes, len);
		break;
	default: /* one bit */
		if (c->len > 0)
			c->bytes[at % c->len] ^= (unsigned char)(1u << len % 8);
	}
}

/* ---- records that the key signs -------------------------------------- */

static void
put_signed(struct content *c, uint64_t seq, uint8_t prev[AUDIT_HASH_SIZE],
	   const char *fields)
{
	uint8_t hash[AUDIT_HASH_SIZE], sig[AUDIT_SIG_SIZE],
		covered[AUDIT_SIGNED_SIZE], log_id[AUDIT_LOG_ID_SIZE];
	char hex[2 * AUDIT_SIG_SIZE + 1], line[8192];
	int n;

	str_hex(hex, prev, AUDIT_HASH_SIZE);
	n = snprintf(line, 4096, "{\"seq\":%llu,%s,\"prev\":\"%s\"",
		     (unsigned long long)seq, fields, hex);
	if (n >= 4096)
		return;
	audit_chain_hash(prev, line, (size_t)n, hash);
	audit_log_id(options.key, log_id);
	audit_signed_bytes(log_id, 1, seq, hash, covered);
	(void)crypto_sign_detached(sig, NULL, covered, sizeof(covered), secret);
	str_hex(hex, hash, sizeof(hash));
	n += snprintf(line + n, 128, ",\"hash\":\"%s\"", hex);
	str_hex(hex, sig, sizeof(sig));
	n += snprintf(line + n, 256, ",\"sig\":\"%s\"}\n", hex);
	replace(c, c->len, 0, line, (size_t)n);
	memcpy(prev, hash, sizeof(hash));
}

/* Behind the first line of the genuine log. */
static void
make_signed(struct fuzz_input *in)
{
	struct audit_found first;
	struct err e = ERR_INIT;
	size_t len;

	(void)find_line(&good[THE_LOG], 0, &len);
	FUZZ_CHECK(audit_line_parse((const char *)good[THE_LOG].bytes, len,
				    &first, &e) == 0);
	now[THE_LOG].len = len;
	now[THE_HEAD].len = 0;
	for (uint64_t seq = 2; in->left > 0 && seq < 20; seq++) {
		char *fields = fuzz_text_until(in, '\n', NULL);

		put_signed(&now[THE_LOG], seq, first.hash, fields);
		free(fields);
	}
}

/* ---- what must hold -------------------------------------------------- */

static void
check_verified(bool is_edited)
{
	struct audit_report r;
	struct err e = ERR_INIT;
	const struct content *was = &good[THE_LOG], *is = &now[THE_LOG];
	int rc = audit_verify(top, &options, &r, &e);

	FUZZ_CHECK(rc == 0 || e.text[0] != '\0');
	FUZZ_CHECK(json_array_size(r.problems) ==
		   (r.problems_total < 100 ? r.problems_total : 100));
	if (rc == 0 && r.problems_total == 0 && is_edited) {
		FUZZ_CHECK(is->len >= was->len &&
			   memcmp(is->bytes, was->bytes, was->len) == 0);
		FUZZ_CHECK(memchr(is->bytes + was->len, '\n',
				  is->len - was->len) == NULL);
		FUZZ_CHECK(r.records == options.anchor.count);
	}
	audit_report_done(&r);
}

/* A supervisor's start: it refuses, or goes on behind what is there. */
static void
check_opened(void)
{
	struct audit a = AUDIT_INIT;
	struct err e = ERR_INIT;
	struct audit_report r;

	if (audit_open(top_fd, BYTES_MAX, &a, &e) < 0) {
		FUZZ_CHECK(e.text[0] != '\0');
		audit_close(&a);
		return;
	}
	audit_close(&a);
	FUZZ_CHECK(audit_verify(top, &options, &r, &e) == 0);
	audit_report_done(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	bool is_edited = fuzz_u8(&in) != 'S', opens = len % 4 == 0;

	if (in.left == 0 || in.left > 16384)
		return -1;
	memcpy(now, good, sizeof(now));
	if (is_edited)
		while (in.left > 0)
			edit(&in);
	else
		make_signed(&in);
	for (int i = 0; i < FILES; i++)
		write_content((enum which)i);
	check_verified(is_edited);
	if (opens) {
		check_opened();
		remove_others();
	}
	return 0;
}
