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
#include "policy/jsonout.h"
#include "policy/prove.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static int
usage(void)
{
	fputs("usage: promptcraft-policyc policy --sets DIR FILE\n"
	      "       promptcraft-policyc show|prove|check [--json] FILE "
	      "--sets DIR\n"
	      "       promptcraft-policyc diff [--json] FILE FILE --sets DIR\n"
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

struct options {
	const char *files[2], *sets;
	bool is_json;
};

/* --sets DIR, --json and exactly `count` files, in any order. */
static int
policy_args(char **argv, int argc, int count, struct options *ret)
{
	int n = 0;

	*ret = (struct options){0};
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--sets") == 0 && i + 1 < argc)
			ret->sets = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
			ret->is_json = true;
		else if (argv[i][0] != '-' && n < count)
			ret->files[n++] = argv[i];
		else
			return -1;
	}
	return n == count && ret->sets != NULL ? 0 : -1;
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
do_show(const struct draft *d, const struct options *o)
{
	(o->is_json ? policy_show_json : policy_show)(d, stdout);
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

/* user: struct options. */
static void
tell_broken(void *user, const char *claim, const char *examples)
{
	const struct options *o = user;

	if (examples != NULL)
		fprintf(stderr, "%s: does not hold: %s; but it allows:\n%s\n",
			o->files[0], claim, examples);
}

/* What the supervisor loads: a policy of which every claim holds. */
static int
do_policy(const struct draft *d, const struct options *o)
{
	struct options own = *o;
	unsigned failed = 1;
	struct proven p;

	if (o->is_json)
		return usage();
	if (proven_init(&p, &d->out, o->files[0]) == 0)
		failed = claims_check(&d->out, &p.proof, &p.list, tell_broken,
				      &own);
	proven_done(&p);
	return failed > 0 ? 1 : emit(&d->out, sizeof(d->out));
}

static int
do_prove(const struct draft *d, const struct options *o)
{
	struct proven p;
	unsigned failed = 1;

	if (proven_init(&p, &d->out, o->files[0]) == 0)
		failed = (o->is_json ? prove_json : prove_show)(
			&d->out, &p.proof, &p.list, stdout);
	proven_done(&p);
	return flush_stdout() != 0 || failed > 0 ? 1 : 0;
}

/* What the compiler has no objection to. */
static void
check_more(const struct draft *d, const char *file, struct diag *diag)
{
	unsigned failed = 1;
	struct proven p;

	if (proven_init(&p, &d->out, file) == 0)
		failed = claims_check(&d->out, &p.proof, &p.list, NULL, NULL);
	if (failed > 0)
		diag_error(diag, file, 0,
			   "%u claims about every policy do not hold: see "
			   "promptcraft-policyc prove",
			   failed);
	proven_done(&p);
	(void)policy_lint(d, file, diag);
}

/* With JSON the compiler's errors are part of the answer. */
static int
run_check(const struct options *o)
{
	struct jsonout j = {.out = stdout};
	struct diag diag = {.out = stderr, .json = o->is_json ? &j : NULL};
	struct draft *d = NULL;

	if (o->is_json) {
		jsonout_open(&j, NULL, '{');
		jsonout_text(&j, "file", o->files[0]);
		jsonout_open(&j, "problems", '[');
	}
	if (policy_compile(o->files[0], o->sets, &d, &diag) == 0)
		check_more(d, o->files[0], &diag);
	free(d);
	if (o->is_json) {
		jsonout_close(&j, '[');
		jsonout_bool(&j, "ok", diag.errors == 0);
		jsonout_close(&j, '{');
		putchar('\n');
	} else if (diag.errors == 0) {
		printf("%s: ok\n", o->files[0]);
	}
	return flush_stdout() != 0 || diag.errors > 0 ? 1 : 0;
}

/* Commands on one policy. */
static const struct {
	const char *name;
	int (*run)(const struct draft *d, const struct options *o);
} commands[] = {
	{"policy", do_policy},
	{"show", do_show},
	{"prove", do_prove},
};

static int
run_command(size_t i, const struct options *o)
{
	struct diag diag = {.out = stderr};
	struct draft *d = NULL;
	int rc;

	if (policy_compile(o->files[0], o->sets, &d, &diag) < 0)
		return 1;
	rc = commands[i].run(d, o);
	free(d);
	return rc;
}

/* 0: they mean the same.  1: not.  2: one of them does not compile. */
static int
do_diff(const struct options *o)
{
	struct diag diag = {.out = stderr};
	struct draft *d[2] = {NULL, NULL};
	struct proven p[2] = {0};
	const char *const *f = o->files;
	int rc = 2;

	if (policy_compile(f[0], o->sets, &d[0], &diag) == 0 &&
	    policy_compile(f[1], o->sets, &d[1], &diag) == 0 &&
	    proven_init(&p[0], &d[0]->out, f[0]) == 0 &&
	    proven_init(&p[1], &d[1]->out, f[1]) == 0)
		rc = (o->is_json ? policy_diff_json : policy_diff)(
			     &d[0]->out, &p[0].list, &d[1]->out, &p[1].list,
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
	struct options o;

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
		    policy_args(argv + 2, argc - 2, 1, &o) == 0)
			return run_command(i, &o);
	if (strcmp(argv[1], "check") == 0 &&
	    policy_args(argv + 2, argc - 2, 1, &o) == 0)
		return run_check(&o);
	if (strcmp(argv[1], "diff") == 0 &&
	    policy_args(argv + 2, argc - 2, 2, &o) == 0)
		return do_diff(&o);
	return usage();
}
