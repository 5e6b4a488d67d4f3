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
 *   words.c, prove.c, answers.c   all that a filter can answer, from the BPF
 *   claims.c, table.c             what must hold of it, and how it is shown
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/prove.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static int
usage(void)
{
	fputs("usage: promptcraft-policyc policy --sets DIR FILE\n"
	      "       promptcraft-policyc show FILE --sets DIR\n"
	      "       promptcraft-policyc prove FILE --sets DIR\n"
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
flush_stdout(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	perror("promptcraft-policyc: write to stdout");
	return 1;
}

static int
do_policy(const struct draft *d, const char *file)
{
	(void)file;
	return emit(&d->out, sizeof(d->out));
}

static int
do_show(const struct draft *d, const char *file)
{
	(void)file;
	policy_show(d, stdout);
	return flush_stdout();
}

static int
do_prove(const struct draft *d, const char *file)
{
	struct err e = ERR_INIT;
	struct proof proof;
	struct answer_list list = {0};
	unsigned failed = 1;

	if (proof_init(&proof, d->out.bpf, d->out.bpf_len, &e) == 0 &&
	    answer_list_init(&list, &proof, &e) == 0)
		failed = prove_show(&d->out, &proof, &list, stdout);
	else
		fprintf(stderr, "%s: %s\n", file, e.text);
	answer_list_done(&list);
	proof_done(&proof);
	return flush_stdout() != 0 || failed > 0 ? 1 : 0;
}

/* Commands on one policy. */
static const struct {
	const char *name;
	int (*run)(const struct draft *d, const char *file);
} commands[] = {
	{"policy", do_policy},
	{"show", do_show},
	{"prove", do_prove},
};

static int
run_command(size_t i, const char *file, const char *sets)
{
	struct diag diag = {.out = stderr};
	struct draft *d = NULL;
	int rc;

	if (policy_compile(file, sets, &d, &diag) < 0)
		return 1;
	rc = commands[i].run(d, file);
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

	if (argc < 3)
		return usage();
	if (sodium_init() < 0) {
		fputs("promptcraft-policyc: libsodium does not start\n",
		      stderr);
		return 1;
	}
	if (strcmp(argv[1], "runtime") == 0 && argc == 3)
		return do_runtime(argv[2]);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0 &&
		    policy_args(argv + 2, argc - 2, &file, &sets) == 0)
			return run_command(i, file, sets);
	return usage();
}
