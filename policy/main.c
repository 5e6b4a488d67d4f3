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
 *   diff.c, lint.c                two policies compared; bad habits
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
	      "       promptcraft-policyc check FILE --sets DIR\n"
	      "       promptcraft-policyc diff FILE FILE --sets DIR\n"
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

/* --sets DIR and exactly `count` files, in any order. */
static int
policy_args(char **argv, int argc, int count, const char *ret_files[2],
	    const char **ret_sets)
{
	int n = 0;

	*ret_sets = NULL;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--sets") == 0 && i + 1 < argc)
			*ret_sets = argv[++i];
		else if (argv[i][0] != '-' && n < count)
			ret_files[n++] = argv[i];
		else
			return -1;
	}
	return n == count && *ret_sets != NULL ? 0 : -1;
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

struct proven {
	struct proof proof;
	struct answer_list list;
};

static void
proven_done(struct proven *p)
{
	answer_list_done(&p->list);
	proof_done(&p->proof);
}

/* proven_done() in any case. */
static int
proven_init(struct proven *ret, const struct policy *policy, const char *file)
{
	struct err e = ERR_INIT;

	*ret = (struct proven){0};
	if (proof_init(&ret->proof, policy->bpf, policy->bpf_len, &e) == 0 &&
	    answer_list_init(&ret->list, &ret->proof, &e) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", file, e.text);
	return -1;
}

static int
do_prove(const struct draft *d, const char *file)
{
	struct proven p;
	unsigned failed = 1;

	if (proven_init(&p, &d->out, file) == 0)
		failed = prove_show(&d->out, &p.proof, &p.list, stdout);
	proven_done(&p);
	return flush_stdout() != 0 || failed > 0 ? 1 : 0;
}

/* Errors have been reported by the compiler; here is what else there is. */
static int
do_check(const struct draft *d, const char *file)
{
	struct diag diag = {.out = stderr};
	unsigned failed = 1;
	struct proven p;

	if (proven_init(&p, &d->out, file) == 0)
		failed = claims_check(&d->out, &p.proof, &p.list, NULL);
	if (failed > 0)
		diag_error(&diag, file, 0,
			   "%u claims about every policy do not hold: see "
			   "promptcraft-policyc prove",
			   failed);
	proven_done(&p);
	(void)policy_lint(d, file, &diag);
	if (diag.errors > 0)
		return 1;
	printf("%s: ok\n", file);
	return flush_stdout();
}

/* Commands on one policy. */
static const struct {
	const char *name;
	int (*run)(const struct draft *d, const char *file);
} commands[] = {
	{"policy", do_policy},
	{"show", do_show},
	{"prove", do_prove},
	{"check", do_check},
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

/* 0: they mean the same.  1: not.  2: one of them does not compile. */
static int
do_diff(const char *const files[2], const char *sets)
{
	struct diag diag = {.out = stderr};
	struct draft *d[2] = {NULL, NULL};
	struct proven p[2] = {0};
	int rc = 2;

	if (policy_compile(files[0], sets, &d[0], &diag) == 0 &&
	    policy_compile(files[1], sets, &d[1], &diag) == 0 &&
	    proven_init(&p[0], &d[0]->out, files[0]) == 0 &&
	    proven_init(&p[1], &d[1]->out, files[1]) == 0)
		rc = policy_diff(&d[0]->out, &p[0].list, &d[1]->out, &p[1].list,
				 stdout) > 0;
	for (size_t i = 0; i < 2; i++) {
		proven_done(&p[i]);
		free(d[i]);
	}
	return flush_stdout() != 0 ? 2 : rc;
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
	const char *files[2], *sets;

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
		    policy_args(argv + 2, argc - 2, 1, files, &sets) == 0)
			return run_command(i, files[0], sets);
	if (strcmp(argv[1], "diff") == 0 &&
	    policy_args(argv + 2, argc - 2, 2, files, &sets) == 0)
		return do_diff(files, sets);
	return usage();
}
