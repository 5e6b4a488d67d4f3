/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove.h - everything that a compiled filter can answer, by walking it.
 *
 * A filter cannot loop and decides on 16 words of 32 bits: number,
 * architecture, instruction pointer, low and high half of six arguments.  Each
 * way through it is a path: the tests that the words passed, and the answer.
 * The paths of a filter are disjoint and together are all calls there are, so
 * what holds for every path holds for every call.
 *
 * The prover reads instructions only.  It knows nothing of the rules that they
 * were made from and shares no code with libseccomp or filter.c.
 */
#ifndef PC_POLICY_PROVE_H
#define PC_POLICY_PROVE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/calls.h"
#include "policy/policy.h"

/* ---- words.c: conditions on the words of a call ---------------------- */

enum word {
	WORD_NR,
	WORD_ARCH,
	WORD_POINTER, /* two: low, high */
	WORD_ARGS = 4,
	WORD_COUNT = 16,
};
#define WORD_LOW(arg) (WORD_ARGS + 2 * (arg))
#define WORD_HIGH(arg) (WORD_ARGS + 2 * (arg) + 1)

/* lo <= (word & mask) <= hi; or, with is_not, the opposite. */
struct word_test {
	uint32_t mask, lo, hi;
	uint8_t word;
	bool is_not;
};

#define WORD_TESTS_MAX 2048
struct word_tests {
	size_t len;
	struct word_test test[WORD_TESTS_MAX];
};

bool word_test_holds(const struct word_test *test, uint32_t value);
/* Asserts that there is room: PROOF_TESTS_MAX keeps two paths well below. */
void word_tests_add(struct word_tests *tests, struct word_test test);
/*
 * Is there a value of `word` that passes all its tests?  *ret is the smallest,
 * or 0.  In doubt (a search of more than 2^16 steps) the answer is true, which
 * can make a proof fail but not succeed.
 */
bool word_solve(const struct word_tests *tests, unsigned word, uint32_t *ret);
/* All words at once. */
bool word_solve_all(const struct word_tests *tests, uint32_t ret[WORD_COUNT]);

/* ---- prove.c: the paths of a filter ---------------------------------- */

#define PROOF_PATHS_MAX (1u << 16)
#define PROOF_TESTS_MAX 512 /* of one path */

struct path {
	uint32_t action; /* SECCOMP_RET_* with its data */
	uint32_t len;
	struct word_test *tests;
};

struct proof {
	struct path *paths;
	size_t len, size;
};

/*
 * Walk a filter.  -1: it runs off its end, loads from outside of a call's
 * data, computes what the prover does not follow, or has too many paths.
 * proof_done() in both cases.
 */
int proof_init(struct proof *ret, const struct sock_filter *bpf, size_t len,
	       struct err *e);
void proof_done(struct proof *proof);

/* How many paths take this call (always 1); the last one's answer. */
unsigned proof_decide(const struct proof *proof,
		      const uint32_t words[WORD_COUNT], uint32_t *ret_action);
/* Add the tests of path to `tests`, but for those of word `skip` (or -1). */
void path_add_tests(const struct path *path, int skip,
		    struct word_tests *tests);

/* ---- answers.c: the paths by system call ----------------------------- */

enum answer { /* in the order in which they are listed */
	      ANSWER_ALLOW,
	      ANSWER_ERRNO, /* other than ENOSYS */
	      ANSWER_AUDIT,
	      ANSWER_ENOSYS,
	      ANSWER_KILL,
	      ANSWER_OTHER, /* no filter of ours gives it */
	      ANSWER_COUNT,
};
enum answer answer_of(uint32_t action);
/* "allowed", "refused and recorded", "ENOSYS", ... */
const char *answer_text(uint32_t action);
/* "allow", "audit", "kill", "other" or the errno's name, for programs. */
const char *answer_word(uint32_t action);

/* The paths of one native number, or of a range with the same paths. */
struct answers {
	uint32_t first, last; /* numbers */
	const struct path **paths;
	size_t len;
	size_t count[ANSWER_COUNT]; /* of paths with this answer */
};
struct answer_list {
	struct answers *ranges;
	size_t len;
};

/* Ranges of numbers, together all 2^32, in order. */
int answer_list_init(struct answer_list *ret, const struct proof *proof,
		     struct err *e);
void answer_list_done(struct answer_list *list);
const struct answers *answer_list_find(const struct answer_list *list,
				       uint32_t nr);
bool answers_is_only(const struct answers *answers, enum answer answer);
/*
 * One line each for the conditions under which the answer is given to nr, as
 * rules are written where they can be.
 */
void answers_print(const struct answers *answers, uint32_t nr,
		   enum answer answer, const char *indent, FILE *out);
/* "socket(AF_VSOCK, 0x1, ...)": a call that passes the tests. */
void call_print(const struct word_tests *tests, FILE *out);

/* ---- claims.c: what must hold for every policy ----------------------- */

/*
 * A claim; examples: NULL if it holds, else calls that break it, a line each.
 */
typedef void claim_fn(void *user, const char *claim, const char *examples);
/* Check all claims, tell of each (NULL: no) and return how many do not hold. */
unsigned claims_check(const struct policy *policy, const struct proof *proof,
		      const struct answer_list *list, claim_fn *tell,
		      void *user);

/* ---- table.c: what the filter answers, for people and programs ------- */

/* The table and the claims; returns how many of these do not hold. */
unsigned prove_show(const struct policy *policy, const struct proof *proof,
		    const struct answer_list *list, FILE *out);
/* The same as JSON (docs/POLICIES.md). */
unsigned prove_json(const struct policy *policy, const struct proof *proof,
		    const struct answer_list *list, FILE *out);

/* ---- diff.c ---------------------------------------------------------- */

/* What b means that a does not, and the reverse; how much it is. */
unsigned policy_diff(const struct policy *a, const struct answer_list *a_list,
		     const struct policy *b, const struct answer_list *b_list,
		     FILE *out);
unsigned policy_diff_json(const struct policy *a,
			  const struct answer_list *a_list,
			  const struct policy *b,
			  const struct answer_list *b_list, FILE *out);

#endif
