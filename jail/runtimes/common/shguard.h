/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shguard.h - did the tests of a shell program come to their end, and are they
 * what they were?
 *
 * Tests in the shell are read from disk while they run, often in one process
 * with the code under test (". ./solution.sh").  So before they run their file
 * is changed in its place, without moving a line:
 *
 *  - a script's own calls of exit, and its end, leave a note with the status;
 *    with status 0 they check first that [, test, echo and printf still say
 *    what they should, and that the output goes where it went;
 *  - a bats file gets a canary at its end, a test that must fail, by the means
 *    that the file uses; its lines are taken out of the output.
 *
 * Afterwards the file must be as we left it; bats' own copy of it is looked at
 * whenever a test has ended.  Code that shares the shell can
 * forge all of that if it knows how; results say "separate-process" only if the
 * tests are a script that reads no other file into its shell and has no chmod.
 */
#ifndef PC_RUNTIMES_SHGUARD_H
#define PC_RUNTIMES_SHGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "jail/bundle.h"
#include "jail/runtimes/common/result.h"
#include "jail/runtimes/common/testrun.h"
#include "supervisor/base/err.h"

struct shguard {
	char id[17];	/* random */
	char note[40];	/* path of the note */
	char *original; /* the file's text; owned */
	size_t original_len;
	char *text; /* what it is while it runs (bats); owned */
	size_t text_len;
	const char *path; /* not owned */
	struct stat armed;
	bool is_armed, is_separate;

	/* bats */
	struct testrun *run; /* gets what is not a canary's; not owned */
	bool has_canary_failed;
	bool is_reported; /* that bats' copy was changed */
	bool is_hiding;	  /* lines about the canary */
	char line[TESTRUN_LINE_MAX];
	size_t line_len;
};

int shguard_init(struct shguard *g, const char *path, struct err *e);
void shguard_done(struct shguard *g);

/* Is it a language that we can change: sh, bash, dash? */
bool shguard_knows(const char *interpreter, const char *argument);

int shguard_arm_script(struct shguard *g, struct err *e);

/* Names the tests and the canary in r's start record. */
int shguard_arm_bats(struct shguard *g, struct harness_result *r,
		     struct testrun *run, struct err *e);

/* A harness_output_fn; arg is the shguard: writes stdout itself. */
void shguard_bats_output(void *arg, int stream, const char *data, size_t len);

/*
 * After the end of the tests.  Reports what is wrong to run->result or sets
 * run->early; returns the status without what the canary did to it.
 */
int shguard_finish(struct shguard *g, struct testrun *run, int status);

#endif
