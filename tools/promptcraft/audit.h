/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - reading the supervisor's audit log, by its format alone: nothing of
 * the code that wrote it is used, so an error there does not hide here.
 */
#ifndef PC_CLI_AUDIT_H
#define PC_CLI_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/audit_format.h"
#include "supervisor/base/err.h"

#define AUDIT_STATE_DIR "/var/lib/promptcraft/supervisor"
#define AUDIT_NAME_SIZE 48
#define AUDIT_PATIENCE 150 /* pauses for what is just being written */

/* ---- audit_files.c --------------------------------------------------- */

struct audit_files {
	int state_dir, dir; /* owned; dir is -1 if it is gone */
	uint64_t *numbers;  /* owned, ascending */
	size_t len;
};

int audit_files_open(const char *state_dir, struct audit_files *ret,
		     struct err *e);
/* Look again which files there are. */
int audit_files_list(struct audit_files *files, struct err *e);
void audit_files_close(struct audit_files *files);
void audit_file_name(uint64_t number, char ret[AUDIT_NAME_SIZE]);

enum audit_line_status {
	AUDIT_LINE_OK,
	AUDIT_LINE_END,
	AUDIT_LINE_TORN, /* no newline at the end of the file */
	AUDIT_LINE_LONG,
	AUDIT_LINE_FAILED,
};

struct audit_file {
	int fd; /* owned */
	uint64_t number;
	uint64_t line; /* of the last one read, from 1 */
	char *buf;     /* owned */
	size_t used, len;
	const char *text; /* the last line, without its newline */
	size_t text_len;
};

#define AUDIT_FILE_INIT ((struct audit_file){.fd = -1})

int audit_file_open(const struct audit_files *files, uint64_t number,
		    struct audit_file *ret, struct err *e);
/*
 * What follows at the end of a file may follow later: it can be called again.
 */
enum audit_line_status audit_file_next(struct audit_file *f);
void audit_file_close(struct audit_file *f);

/* ---- audit_keys.c ---------------------------------------------------- */

struct audit_head {
	uint8_t log_id[AUDIT_LOG_ID_SIZE];
	char boot_id[40];
	uint64_t synced, file, count;
	uint8_t hash[AUDIT_HASH_SIZE];
	uint8_t sig[AUDIT_SIG_SIZE];
};

/*
 * The head as this key signed it: it is overwritten in place, so one that is
 * not as it should be is read again, for three seconds.  ERR_NOT_FOUND: gone;
 * ERR_INVALID: damaged, of another log, or its signature is wrong.
 */
int audit_head_read(const struct audit_files *files,
		    const uint8_t key[AUDIT_KEY_SIZE], struct audit_head *ret,
		    struct err *e);
/* The public key of the log; *ret_differs if the secret one is not its. */
int audit_public_key(const struct audit_files *files,
		     uint8_t ret[AUDIT_KEY_SIZE], bool *ret_differs,
		     struct err *e);
/* "HEX", or the name of a file with it. */
int audit_parse_key(const char *text, uint8_t ret[AUDIT_KEY_SIZE],
		    struct err *e);
bool audit_is_signed(const uint8_t public_key[AUDIT_KEY_SIZE], uint64_t file,
		     uint64_t seq, const uint8_t hash[AUDIT_HASH_SIZE],
		     const uint8_t sig[AUDIT_SIG_SIZE]);
void audit_log_id(const uint8_t public_key[AUDIT_KEY_SIZE],
		  uint8_t ret[AUDIT_LOG_ID_SIZE]);
/* Exactly 2 * size digits of hex. */
int audit_hex(const char *hex, size_t size, uint8_t *ret);
/* 20 ms */
void audit_pause(void);

/* ---- audit_verify.c -------------------------------------------------- */

struct audit_anchor {
	bool is_given;
	uint64_t count;
	uint8_t hash[AUDIT_HASH_SIZE];
};

struct audit_options {
	bool has_key;
	uint8_t key[AUDIT_KEY_SIZE]; /* kept elsewhere */
	struct audit_anchor anchor;  /* kept elsewhere */
	uint64_t first_file;	     /* older ones are kept elsewhere */
};

struct audit_report {
	json_t *problems, *notes; /* owned: arrays of strings */
	size_t problems_total;
	uint64_t records, files, jobs, refusals, lost, open, releases;
	char first_time[40], last_time[40];
	char anchor[24 + 2 * AUDIT_HASH_SIZE]; /* COUNT:HASH of the end */
	char key[2 * AUDIT_KEY_SIZE + 1];
};

/* -1 only if it could not be done; what is wrong is in the report. */
int audit_verify(const char *state_dir, const struct audit_options *options,
		 struct audit_report *ret, struct err *e);
void audit_report_done(struct audit_report *report);

/* ---- audit_show.c ---------------------------------------------------- */

struct cli;

/* One line for a person: time, type and what matters of it. */
void audit_print_line(const struct cli *cli, const json_t *record);
/* All of it, a line a field. */
void audit_print_record(const struct cli *cli, const json_t *record);

#endif
