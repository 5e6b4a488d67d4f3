/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_line.h - one record on its way to the log, and one found there.  For
 * supervisor/audit*.c only.
 *
 * Every string that anybody else chose is escaped to printable ASCII.  A line
 * that would not fit is never cut: it is an error of the append.
 */
#ifndef PC_SUPERVISOR_AUDIT_LINE_H
#define PC_SUPERVISOR_AUDIT_LINE_H

#include "supervisor/audit.h"

struct audit_line {
	char text[AUDIT_LINE_MAX];
	size_t len;
	bool is_full;
};

void audit_line_begin(struct audit_line *l, const struct audit *audit,
		      const char *type);
void audit_put(struct audit_line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A string without quotes around it. */
void audit_put_escaped(struct audit_line *l, const char *value);
/* ,"key":value; the text is never empty */
void audit_put_string(struct audit_line *l, const char *key, const char *value);
void audit_put_u64(struct audit_line *l, const char *key, uint64_t value);
/* ,"key":"<hex>", or null. */
void audit_put_hash(struct audit_line *l, const char *key, const uint8_t *hash);
/* ,"key":["id",...] of audit->open */
void audit_put_open(struct audit_line *l, const char *key,
		    const struct audit *audit);

/* A record as it was found; pointers into the text. */
struct audit_found {
	uint64_t seq;
	const char *type;
	size_t type_len;
	uint8_t prev[AUDIT_HASH_SIZE];
	uint8_t hash[AUDIT_HASH_SIZE]; /* as the line says, and right */
	uint8_t sig[AUDIT_SIG_SIZE];
};

/* Take apart a line of ours (with its newline) and check its hash. */
int audit_line_parse(const char *text, size_t len, struct audit_found *ret,
		     struct err *e);

void audit_chain_hash(const uint8_t prev[AUDIT_HASH_SIZE], const char *body,
		      size_t len, uint8_t ret[AUDIT_HASH_SIZE]);
/* What a signature covers. */
void audit_signed_bytes(const uint8_t log_id[AUDIT_LOG_ID_SIZE], uint64_t file,
			uint64_t seq, const uint8_t hash[AUDIT_HASH_SIZE],
			uint8_t ret[AUDIT_SIGNED_SIZE]);
int audit_parse_hex(const char *hex, size_t size, uint8_t *ret);

/* ---- audit_chain.c --------------------------------------------------- */

/* Close the line with hash and signature, append it, move the head on. */
int audit_append(struct audit *audit, struct audit_line *l, bool must_sync,
		 struct err *e);
/* Make room for so many more records in the current file. */
int audit_reserve(struct audit *audit, unsigned records, struct err *e);
/* The first record of the current file. */
int audit_append_log_open(struct audit *audit, struct err *e);
int audit_write_head(struct audit *audit, struct err *e);
/* Is this refusal to be told, or only counted? */
bool audit_may_tell_refusal(struct audit *audit, uid_t uid, enum err_kind kind,
			    unsigned jobs_live);
/* Tell counts whose minute is over; all of them at the stop. */
void audit_tell_refusals(struct audit *audit, unsigned jobs_live,
			 bool is_stopping);
int audit_open_file(int dir_fd, uint64_t number, int flags, int *ret_fd,
		    struct err *e);

/* ---- audit_key.c ----------------------------------------------------- */

struct audit_key {
	uint8_t secret[64]; /* libsodium's form */
};

/* Make a key and its two files in dir_fd. */
int audit_key_make(int dir_fd, struct err *e);
/* *ret_key is unmapped by audit_key_free. */
int audit_key_load(int dir_fd, struct audit_key **ret_key,
		   uint8_t ret_public[AUDIT_KEY_SIZE], struct err *e);
void audit_key_free(struct audit_key *key);
void audit_log_id_of(const uint8_t public_key[AUDIT_KEY_SIZE],
		     uint8_t ret[AUDIT_LOG_ID_SIZE]);

/* ---- audit_recover.c ------------------------------------------------- */

/* What the last supervisor left. */
struct audit_left {
	uint64_t missing;    /* written, but lost with the machine's power */
	uint64_t unheaded;   /* records that the head did not know */
	uint64_t torn_bytes; /* set aside in torn_file */
	char torn_file[48];
};

/*
 * Find the end of the chain: current file, seq, head, open jobs.  *audit has
 * its directories and key.
 */
int audit_recover(struct audit *audit, struct audit_left *ret, struct err *e);

/* ---- audit_record.c -------------------------------------------------- */

void audit_open_set(struct audit *audit, const char *job_id, size_t len);
void audit_open_unset(struct audit *audit, const char *job_id, size_t len);
unsigned audit_open_count(const struct audit *audit);

/* ---- audit_release.c ------------------------------------------------- */

/* Of a release record: what follows its type. */
void audit_release_remember(struct audit *audit, const char *text,
			    uint64_t seq);

#endif
