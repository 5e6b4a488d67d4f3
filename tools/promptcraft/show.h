/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.h - jobs and workflows as people read them, from the JSON objects of
 * the API.  Every field may be missing or of another type: the object came
 * over a network.
 */
#ifndef PC_CLI_SHOW_H
#define PC_CLI_SHOW_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/promptcraft/cli.h"

/* "3 passed, 1 failed" into dst; "" if there were no tests. */
void show_counts(const json_t *tests, char *dst, size_t size);

/* Outcome, tests, usage, policy and denials of one job's data object. */
void show_job_summary(const struct cli *cli, const json_t *data);

/* One line per failed test, up to max of them. */
void show_failed_tests(const struct cli *cli, const json_t *tests, size_t max);

/* A workflow's status object: steps, results, artifacts. */
void show_workflow(const struct cli *cli, const json_t *data);

/*
 * The data of GET /api/v3/approvals/{id}: what the digest is of.  -1: it is of
 * something else, and nothing was shown.
 */
int show_approval(const struct cli *cli, const json_t *approval, struct err *e);

/* The outcome or status and a colour that fits it. */
enum cli_style show_style(const char *outcome);

#endif
