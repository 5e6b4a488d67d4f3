/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promptcraft-policyc - compiles policies and runtimes.
 *
 * Theory of operation.  Policy text is parsed here and nowhere else, so that
 * the supervisor, which is root, parses none.  It starts this program as
 * nobody, once for each file, and reads one fixed-size struct from its stdout.
 * What is wrong goes to stderr as file:line: message lines, all of a file's
 * errors at once; then the exit status is 1 and stdout stays empty.  The
 * program reads the files named, writes no file and needs no privilege.
 *
 *   text.c        ini lines, nothing overlooked (libinih)
 *   parse.c       a file and the chain of files that it extends
 *   directives.c  the table of directives; mounts.c, rules.c, families.c,
 *                 sets.c the lists
 *   filter.c      rules to BPF (libseccomp)
 *   verify.c      BPF against rules, invariants, [Examples]
 *   check.c       structure checks, also part of the readers
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "supervisor/base/fd.h"

static int
usage(void)
{
	fputs("usage: promptcraft-policyc policy --sets DIR FILE\n"
	      "       promptcraft-policyc show FILE --sets DIR\n"
	      "       promptcraft-policyc runtime DIR\n",
	      stderr);
	return 2;
}

static int
emit(const void *bytes, size_t len)
{
	if (fd_write_all(1, bytes, len) < 0) {
		perror("promptcraft-policyc: write to stdout");
		return 1;
	}
	return 0;
}

/* FILE and --sets DIR, in either order. */
static int
policy_args(char **argv, int argc, const char **ret_file, const char **ret_sets)
{
	*ret_file = *ret_sets = NULL;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--sets") == 0 && i + 1 < argc)
			*ret_sets = argv[++i];
		else if (argv[i][0] != '-' && *ret_file == NULL)
			*ret_file = argv[i];
		else
			return -1;
	}
	return *ret_file != NULL && *ret_sets != NULL ? 0 : -1;
}

static int
do_policy(const char *file, const char *sets, bool is_show)
{
	struct diag diag = {.out = stderr};
	struct draft *d = NULL;
	int rc = 0;

	if (policy_compile(file, sets, &d, &diag) < 0)
		return 1;
	if (is_show) {
		policy_show(d, stdout);
		rc = fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
		if (rc != 0)
			perror("promptcraft-policyc: write to stdout");
	} else {
		rc = emit(&d->out, sizeof(d->out));
	}
	free(d);
	return rc;
}

static int
do_runtime(const char *dir)
{
	static struct runtime r;
	struct diag diag = {.out = stderr};

	if (runtime_compile(dir, &r, &diag) < 0)
		return 1;
	return emit(&r, sizeof(r));
}

int
main(int argc, char **argv)
{
	const char *file, *sets;
	bool is_show;

	if (argc < 3)
		return usage();
	if (sodium_init() < 0) {
		fputs("promptcraft-policyc: libsodium does not start\n",
		      stderr);
		return 1;
	}
	if (strcmp(argv[1], "runtime") == 0 && argc == 3)
		return do_runtime(argv[2]);
	is_show = strcmp(argv[1], "show") == 0;
	if ((!is_show && strcmp(argv[1], "policy") != 0) ||
	    policy_args(argv + 2, argc - 2, &file, &sets) < 0)
		return usage();
	return do_policy(file, sets, is_show);
}
