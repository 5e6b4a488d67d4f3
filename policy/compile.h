/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h - text to compiled struct, for policies and runtimes.  Output is
 * the same for the same input: no time, no path, no padding that varies.
 */
#ifndef PC_POLICY_COMPILE_H
#define PC_POLICY_COMPILE_H

#include "policy/diag.h"
#include "policy/draft.h"
#include "policy/policy.h"

/*
 * Compile the policy file at path.  *ret_draft, which the caller frees with
 * free(), holds the policy (out) and its rules, for `show`.
 */
int policy_compile(const char *path, const char *sets_dir,
		   struct draft **ret_draft, struct diag *diag);

/* Compile dir/runtime.ini. */
int runtime_compile(const char *dir, struct runtime *ret, struct diag *diag);

/* lint.c: what is legal in the file and yet should not stay; -1 if any is. */
int policy_lint(const struct draft *d, const char *path, struct diag *diag);

/* A compiled policy with the reason of each rule, for people; as JSON. */
void policy_show(const struct draft *d, FILE *out);
void policy_show_json(const struct draft *d, FILE *out);
/* The next word of a paragraph; *column is 0 before the first. */
void policy_show_word(FILE *out, const char *word, size_t *column);

#endif
