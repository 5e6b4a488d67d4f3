/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.h - what the parts of `promptcraft demo` share: a private stack
 * (demo_stack.c), the programs it shows (demo_programs.c) and the journey
 * itself (demo.c).
 */
#ifndef PC_CLI_DEMO_H
#define PC_CLI_DEMO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/promptcraft/cli.h"

#define DEMO_PATH_SIZE 512
#define DEMO_USER "demo"

/* What has been shown of each step, so that only changes are. */
#define DEMO_STEPS_MAX 16
struct demo_progress {
	char shown[DEMO_STEPS_MAX][16];
};

struct demo {
	struct cli *cli;
	char exe_dir[DEMO_PATH_SIZE]; /* where this program's binaries are */
	char stack_tool[DEMO_PATH_SIZE];
	char dir[DEMO_PATH_SIZE]; /* state of the stack; "" if none */
	json_t *stack;		  /* what tools/stack up printed */
	char *user_token;
	struct cli as_user, as_admin; /* the same API, two people */
	char workflow_id[64];
	struct demo_progress progress;
	json_t *result; /* the finished workflow */
};

/* Find tools/stack, make a directory, start, take the addresses. */
int demo_stack_up(struct demo *d, struct err *e);
/* Stop and remove; fails if anything was left. Nothing to do: 0. */
int demo_stack_down(struct demo *d, struct err *e);
/* An ordinary account through `promptcraft user add`, and its token. */
int demo_account(struct demo *d, struct err *e);

/* A program, its tests and what the request says of them. */
extern const char demo_goal[], demo_code[], demo_tests[];

/* A program that attacks, and how one sees that it got nowhere. */
struct demo_attack {
	const char *title;
	const char *code;
	const char *reason;	 /* the job's reason must be this */
	const char *denied_call; /* must be among the denials; or NULL */
	const char *said;	 /* must be in its stdout; or NULL */
};
extern const struct demo_attack demo_attacks[];
extern const size_t demo_attacks_len;

#endif
