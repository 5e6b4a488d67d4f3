/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cguard.h - did the tests of a C program come to their end?
 *
 * The tests share one process with the code under test, which may leave with
 * success, take main() over or have its own assert().  So a guard is linked to
 * them (c/guard.c.in): the tests' main() and calls of exit() get other names,
 * random ones, and the guard's take their place and note, on a page that the
 * harness shares with the process, that the tests ended by themselves and how.
 * Before it says so it runs canaries in a child: assertions that fail, compiled
 * at the end of the tests' own source, after all that headers may have
 * redefined.
 *
 * Code that searches its own memory and binary can forge the note; the trust of
 * such results is "in-process".
 */
#ifndef PC_RUNTIMES_CGUARD_H
#define PC_RUNTIMES_CGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/bundle.h"
#include "supervisor/base/err.h"

/* Where the process finds the page; the guard closes it before main(). */
#define CGUARD_FD 199
#define CGUARD_OPTIONS_MAX 8

struct cguard {
	char id[17];			      /* random, part of all names */
	char copy[BUNDLE_PATH_MAX + 24];      /* the tests with canaries, "" */
	char options[CGUARD_OPTIONS_MAX][64]; /* for gcc and objcopy */
	struct cguard_page *page;
	uint64_t token[2];
};

enum cguard_end {
	CGUARD_PROVEN,	 /* the tests came to their end with this status */
	CGUARD_UNPROVEN, /* somebody ended the process before */
	CGUARD_FORGED,	 /* ret_why */
};

int cguard_init(struct cguard *g, struct err *e);

/*
 * Write g->copy: the source with canaries, to be compiled instead of it.  The
 * copy lies beside it, so that #include "..." finds the same files.
 */
int cguard_write_copy(struct cguard *g, const char *path, const char *text,
		      size_t len, struct err *e);

/*
 * argv for objcopy on the tests' object (NULL-terminated): main(), and the
 * functions of the exit() family that `text` calls itself, get our names.
 */
void cguard_rename_command(struct cguard *g, const char *object,
			   const char *text, size_t len, const char *argv[16]);

/* Options for gcc to compile the guard; NULL-terminated. */
void cguard_options(struct cguard *g, bool has_canary, const char *ret[4]);

/* Make the page, open at CGUARD_FD for the next process. */
int cguard_open(struct cguard *g, struct err *e);

/* After the process' end; status as from waitpid(2). */
enum cguard_end cguard_finish(struct cguard *g, int status,
			      const char **ret_why);

#endif
