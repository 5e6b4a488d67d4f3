/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands of the promptcraft program share: the command and
 * option tables, the settings that every command takes, output, and calls of
 * the API.
 *
 * A command never calls exit(): it returns its exit status, and main() is the
 * only one that ends the process.
 */
#ifndef PC_CLI_H
#define PC_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "supervisor/base/err.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,	   /* the answer is no: tests failed, layer missing */
	CLI_USAGE = 2,	   /* the command line is wrong */
	CLI_TIMEOUT = 124, /* `jail run`: the wall-clock limit ended the job */
	CLI_ERROR = 125,   /* we could not do it; stderr says why */
	CLI_KILLED = 137,  /* `jail run`: a limit or a signal ended the job */
};

struct cli {
	const char *url;       /* --url, PROMPTCRAFT_URL */
	const char *token;     /* --token, PROMPTCRAFT_TOKEN; may be NULL */
	const char *accept;    /* media type of answers; NULL: any */
	const char *socket;    /* --socket, PROMPTCRAFT_SUPERVISOR_SOCKET */
	const char *state_dir; /* --state-dir, PROMPTCRAFT_STATE_DIR */
	bool is_socket_named;  /* it is not just the default */
	bool is_json;	       /* --json */
	bool has_color;	       /* stdout is a terminal and NO_COLOR is unset */
	bool has_progress;     /* stderr is a terminal, or --progress */
};

struct cli_command {
	const char *name; /* "doctor", "jail run" */
	const char *operands;
	const char *summary;
	const char *details; /* what --help says below the options */
	const char *letters; /* "nf": -n is its first option n..., or NULL */
	int (*run)(struct cli *cli, const struct cli_command *self, int argc,
		   char **argv);
};

/* All commands; ends with a NULL name. */
extern const struct cli_command cli_commands[];

int cli_doctor(struct cli *, const struct cli_command *, int, char **);
int cli_demo(struct cli *, const struct cli_command *, int, char **);
int cli_jail_run(struct cli *, const struct cli_command *, int, char **);
int cli_user_add(struct cli *, const struct cli_command *, int, char **);
int cli_user_passwd(struct cli *, const struct cli_command *, int, char **);
int cli_user_list(struct cli *, const struct cli_command *, int, char **);
int cli_token(struct cli *, const struct cli_command *, int, char **);
int cli_workflow_list(struct cli *, const struct cli_command *, int, char **);
int cli_workflow_show(struct cli *, const struct cli_command *, int, char **);
int cli_workflow_watch(struct cli *, const struct cli_command *, int, char **);
int cli_workflow_approvals(struct cli *, const struct cli_command *, int,
			   char **);
int cli_workflow_approve(struct cli *, const struct cli_command *, int,
			 char **);
int cli_workflow_reject(struct cli *, const struct cli_command *, int, char **);
int cli_release_verify(struct cli *, const struct cli_command *, int, char **);
int cli_notify_list(struct cli *, const struct cli_command *, int, char **);
int cli_notify_retry(struct cli *, const struct cli_command *, int, char **);
int cli_notify_secret(struct cli *, const struct cli_command *, int, char **);
int cli_policy(struct cli *, const struct cli_command *, int, char **);
int cli_audit_verify(struct cli *, const struct cli_command *, int, char **);
int cli_audit_show(struct cli *, const struct cli_command *, int, char **);
int cli_audit_tail(struct cli *, const struct cli_command *, int, char **);
int cli_audit_head(struct cli *, const struct cli_command *, int, char **);
int cli_analyze(struct cli *, const struct cli_command *, int, char **);
int cli_job(struct cli *, const struct cli_command *, int, char **);

/* ---- options.c ------------------------------------------------------- */

enum cli_option_type {
	CLI_FLAG,   /* value: bool * */
	CLI_STRING, /* value: const char ** */
	CLI_UINT,   /* value: uint64_t *; max: its bound */
	CLI_LIST,   /* value: struct cli_list *; may be repeated */
};

#define CLI_LIST_MAX 64
struct cli_list {
	const char *item[CLI_LIST_MAX];
	size_t len;
};

struct cli_option {
	const char *name;    /* without the dashes */
	const char *metavar; /* NULL for a flag */
	const char *help;
	enum cli_option_type type;
	void *value;
	uint64_t max;
};

/*
 * Parse argv[1..] by the table plus the options every command has.  Operands
 * are moved to the end; *ret_first is the index of the first, and after it
 * must come min to max of them.  Returns -1 to go on, or the exit status with
 * which the command must end (--help, or a wrong command line).
 */
int cli_parse(struct cli *cli, const struct cli_command *self,
	      const struct cli_option *options, size_t options_len, int argc,
	      char **argv, int min, int max, int *ret_first);

/* ---- output.c -------------------------------------------------------- */

enum cli_style {
	CLI_PLAIN,
	CLI_BOLD,
	CLI_DIM,
	CLI_GOOD,
	CLI_BAD,
	CLI_WARN,
	CLI_STYLE_COUNT
};

/* printf to stdout in a style; the style only shows on a terminal. */
void cli_styled(const struct cli *cli, enum cli_style style, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

/* "promptcraft: <text>" on stderr; returns CLI_ERROR. */
int cli_fail(const struct err *e);

/* One object as indented JSON and a newline on stdout; takes the reference. */
void cli_print_json(json_t *object);

/*
 * A line of progress on stderr: on a terminal it overwrites the one before;
 * cli_progress_end() clears it.  Silent without has_progress.
 */
void cli_progress(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cli_progress_end(const struct cli *cli);

/*
 * Print text of unknown origin so that it cannot drive a terminal: what is
 * not well-formed UTF-8, a control character (but newline and tab) or a
 * bidirectional override becomes \xNN.
 */
void cli_print_untrusted(FILE *out, const char *text, size_t len);

/* The string at object.key, or fallback. */
const char *cli_json_string(const json_t *object, const char *key,
			    const char *fallback);

/* ---- remote.c: the HTTP API ------------------------------------------ */

/*
 * One request with the bearer token, if there is one.  *ret_status is the
 * HTTP status, *ret_body its JSON (owned by the caller; NULL if the answer is
 * not JSON).  -1 only if no answer came.
 */
int cli_request(const struct cli *cli, const char *method, const char *path,
		const json_t *body, long *ret_status, json_t **ret_body,
		struct err *e);

/* As above; a status of 400 or more is an error with the problem's detail. */
int cli_call(const struct cli *cli, const char *method, const char *path,
	     const json_t *body, json_t **ret_body, struct err *e);

/*
 * GET a stream: take() gets its bytes as they come, -1 ends it with *e.  No
 * more than a minute of silence.  0: it has ended or broken off; -1: *e, and
 * *ret_status is the HTTP status, 0 if no answer came.
 */
int cli_stream(const struct cli *cli, const char *path, const char *last_id,
	       int (*take)(void *arg, const char *bytes, size_t len,
			   struct err *e),
	       void *arg, long *ret_status, struct err *e);

/* POST /auth/token; *ret_token is malloc'd. */
int cli_fetch_token(const struct cli *cli, const char *username,
		    const char *password, char **ret_token, struct err *e);

/* ---- ask.c ----------------------------------------------------------- */

#define CLI_PASSWORD_MAX 256

/*
 * Read a password into dst: the first line of the file `path`, of stdin if it
 * is "-"; from the terminal without echo if path is NULL and may_ask.
 */
int cli_read_password(const char *path, bool may_ask,
		      char dst[CLI_PASSWORD_MAX], struct err *e);

#endif
