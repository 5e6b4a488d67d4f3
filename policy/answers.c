/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers.c - the paths of a filter sorted by system call, and their
 * conditions as text.
 *
 * Two numbers between which no test of the filter draws a line take the same
 * paths, so a range needs looking at only once.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "policy/prove.h"
#include "supervisor/base/str.h"

enum answer
answer_of(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return ANSWER_ALLOW;
	case SECCOMP_RET_USER_NOTIF:
		return ANSWER_AUDIT;
	case SECCOMP_RET_ERRNO:
		/* 0 would be a call that seems to have worked. */
		if ((action & SECCOMP_RET_DATA) == 0)
			return ANSWER_OTHER;
		return (action & SECCOMP_RET_DATA) == ENOSYS ? ANSWER_ENOSYS
							     : ANSWER_ERRNO;
	case SECCOMP_RET_KILL_PROCESS:
		return ANSWER_KILL;
	default:
		return ANSWER_OTHER;
	}
}

const char *
answer_text(uint32_t action)
{
	const char *name;

	switch (answer_of(action)) {
	case ANSWER_ALLOW:
		return "allowed";
	case ANSWER_AUDIT:
		return "refused and recorded";
	case ANSWER_KILL:
		return "killed";
	case ANSWER_ERRNO:
	case ANSWER_ENOSYS:
		name = strerrorname_np((int)(action & SECCOMP_RET_DATA));
		return name != NULL ? name : "refused";
	default:
		return "an answer that no policy gives";
	}
}

const char *
answer_word(uint32_t action)
{
	static const char *const words[ANSWER_COUNT] = {
		[ANSWER_ALLOW] = "allow",
		[ANSWER_AUDIT] = "audit",
		[ANSWER_KILL] = "kill",
		[ANSWER_OTHER] = "other",
	};
	enum answer answer = answer_of(action);

	return words[answer] != NULL ? words[answer] : answer_text(action);
}

/* ---- ranges ---------------------------------------------------------- */

struct cuts {
	uint32_t *at;
	size_t len, size;
};

static void
cut(struct cuts *c, uint64_t at)
{
	if (at > UINT32_MAX)
		return;
	if (c->len == c->size) {
		c->size = c->size > 0 ? 2 * c->size : 1024;
		c->at = reallocarray(c->at, c->size, sizeof(*c->at));
		if (c->at == NULL)
			abort();
	}
	c->at[c->len++] = (uint32_t)at;
}

/* Where does the test begin or cease to hold?  -1: in too many places. */
static int
cut_test(struct cuts *c, const struct word_test *t)
{
	uint64_t step;

	if (t->mask == UINT32_MAX) {
		cut(c, t->lo);
		cut(c, (uint64_t)t->hi + 1);
		return 0;
	}
	if (t->mask == 0)
		return 0;
	step = UINT64_C(1) << __builtin_ctz(t->mask);
	if (step < UINT64_C(1) << 20)
		return -1;
	for (uint64_t at = 0; at <= UINT32_MAX; at += step)
		cut(c, at);
	return 0;
}

static int
compare_u32(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
is_same_test(const struct word_test *a, const struct word_test *b)
{
	return a->mask == b->mask && a->lo == b->lo && a->hi == b->hi;
}

static int
find_cuts(const struct proof *proof, struct cuts *c, struct err *e)
{
	size_t n = 0;

	cut(c, 0);
	for (size_t i = 0; i < proof->len; i++)
		for (uint32_t k = 0; k < proof->paths[i].len; k++) {
			const struct word_test *t = &proof->paths[i].tests[k];

			/* Neighbours share most of their tests. */
			if (t->word != WORD_NR ||
			    (i > 0 && k < proof->paths[i - 1].len &&
			     is_same_test(t, &proof->paths[i - 1].tests[k]) &&
			     proof->paths[i - 1].tests[k].word == WORD_NR))
				continue;
			if (cut_test(c, t) < 0)
				return err_set(e, ERR_INVALID, 0,
					       "filter: tests numbers under "
					       "mask %#x: too many ranges",
					       t->mask);
		}
	qsort(c->at, c->len, sizeof(*c->at), compare_u32);
	for (size_t i = 0; i < c->len; i++)
		if (n == 0 || c->at[n - 1] != c->at[i])
			c->at[n++] = c->at[i];
	c->len = n;
	return 0;
}

/* May the path be taken by a native call with this number? */
static bool
path_takes(const struct path *path, uint32_t nr)
{
	for (uint32_t i = 0; i < path->len; i++) {
		const struct word_test *t = &path->tests[i];

		if (t->word == WORD_NR && !word_test_holds(t, nr))
			return false;
		if (t->word == WORD_ARCH &&
		    !word_test_holds(t, AUDIT_ARCH_X86_64))
			return false;
	}
	return true;
}

static void
fill_range(struct answers *a, const struct proof *proof)
{
	size_t n = 0;

	for (size_t i = 0; i < proof->len; i++)
		n += path_takes(&proof->paths[i], a->first) ? 1 : 0;
	a->paths = calloc(n > 0 ? n : 1, sizeof(struct path *));
	if (a->paths == NULL)
		abort();
	for (size_t i = 0; i < proof->len; i++) {
		const struct path *p = &proof->paths[i];

		if (!path_takes(p, a->first))
			continue;
		a->paths[a->len++] = p;
		a->count[answer_of(p->action)]++;
	}
}

int
answer_list_init(struct answer_list *ret, const struct proof *proof,
		 struct err *e)
{
	struct cuts c = {0};
	int rc = find_cuts(proof, &c, e);

	*ret = (struct answer_list){0};
	if (rc == 0) {
		ret->ranges = calloc(c.len + 1, sizeof(*ret->ranges));
		if (ret->ranges == NULL)
			abort();
		for (; ret->len < c.len; ret->len++) {
			struct answers *a = &ret->ranges[ret->len];

			a->first = c.at[ret->len];
			a->last = ret->len + 1 < c.len ? c.at[ret->len + 1] - 1
						       : UINT32_MAX;
			fill_range(a, proof);
		}
	}
	free(c.at);
	return rc;
}

void
answer_list_done(struct answer_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->ranges[i].paths);
	free(list->ranges);
	*list = (struct answer_list){0};
}

const struct answers *
answer_list_find(const struct answer_list *list, uint32_t nr)
{
	size_t low = 0, high = list->len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (list->ranges[middle].first <= nr)
			low = middle;
		else
			high = middle;
	}
	return &list->ranges[low];
}

bool
answers_is_only(const struct answers *answers, enum answer answer)
{
	return answers->len > 0 && answers->count[answer] == answers->len;
}

/* ---- conditions as text ---------------------------------------------- */

/* The tests of a word that demand bits, as one. */
static struct word_test
merge_equal(const struct word_tests *tests, unsigned word)
{
	struct word_test all = {.word = (uint8_t)word};

	for (size_t i = 0; i < tests->len; i++) {
		const struct word_test *t = &tests->test[i];

		if (t->word != word || t->is_not || t->lo != t->hi)
			continue;
		all.mask |= t->mask;
		all.lo |= t->lo;
	}
	all.hi = all.lo;
	return all;
}

static bool
follows(const struct word_test *known, struct word_test t)
{
	static struct word_tests both;
	uint32_t value;

	both.len = 0;
	t.is_not = !t.is_not;
	word_tests_add(&both, *known);
	word_tests_add(&both, t);
	return !word_solve(&both, t.word, &value);
}

/* The path as a rule; false if a rule cannot say it. */
static bool
path_to_rule(const struct path *path, uint32_t nr, struct call_rule *ret)
{
	static struct word_tests tests;
	struct call_rule rule = {.nr = nr};
	struct word_test equal[WORD_COUNT];

	tests.len = 0;
	path_add_tests(path, WORD_NR, &tests);
	for (unsigned w = 0; w < WORD_COUNT; w++)
		equal[w] = merge_equal(&tests, w);
	for (size_t i = 0; i < tests.len; i++) {
		const struct word_test *t = &tests.test[i];

		if (t->word == WORD_ARCH)
			continue;
		if (!follows(&equal[t->word], *t) || t->word < WORD_ARGS ||
		    (t->word - WORD_ARGS) % 2 != 0)
			return false;
	}
	for (unsigned i = 0; i < CALL_ARGS; i++) {
		const struct word_test *t = &equal[WORD_LOW(i)];

		if (t->mask != 0)
			rule.tests[i] = (struct call_test){t->mask, 1, {t->lo}};
	}
	*ret = rule;
	return true;
}

static bool
is_same_set(const struct call_test *a, const struct call_test *b)
{
	return a->mask == b->mask && a->count == b->count &&
	       memcmp(a->values, b->values, a->count * sizeof(a->values[0])) ==
		       0;
}

/* If the two differ in the values of one argument only, add b's to a. */
static bool
merge_rules(struct call_rule *a, const struct call_rule *b)
{
	struct call_test *differs = NULL;
	const struct call_test *other = NULL;

	for (unsigned i = 0; i < CALL_ARGS; i++) {
		if (is_same_set(&a->tests[i], &b->tests[i]))
			continue;
		if (differs != NULL || a->tests[i].mask != b->tests[i].mask)
			return false;
		differs = &a->tests[i];
		other = &b->tests[i];
	}
	if (differs == NULL)
		return true;
	if (differs->count + other->count > CALL_VALUES_MAX)
		return false;
	for (uint32_t i = 0; i < other->count; i++)
		differs->values[differs->count++] = other->values[i];
	return true;
}

struct rule_list {
	struct call_rule *rules;
	size_t len;
};

static void
add_merged(struct rule_list *list, const struct call_rule *rule)
{
	for (size_t i = 0; i < list->len; i++)
		if (merge_rules(&list->rules[i], rule))
			return;
	list->rules[list->len++] = *rule;
}

/* Two that differed in two arguments may now differ in one. */
static void
merge_again(struct rule_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t k = i + 1; k < list->len;) {
			if (!merge_rules(&list->rules[i], &list->rules[k])) {
				k++;
				continue;
			}
			list->rules[k] = list->rules[--list->len];
			k = i + 1;
		}
}

static void
print_rule(const struct call_rule *rule, const char *indent, FILE *out)
{
	char text[4096];

	if (call_rule_format(rule, text, sizeof(text)) < 0)
		call_name(rule->nr, text);
	fprintf(out, "%s%s\n", indent, text);
}

/* Tests that do not make a rule: as they are. */
static void
print_tests(const struct path *path, uint32_t nr, const char *indent, FILE *out)
{
	char name[CALL_NAME_MAX];
	const char *before = " where ";

	call_name(nr, name);
	fprintf(out, "%s%s", indent, name);
	for (uint32_t i = 0; i < path->len; i++) {
		const struct word_test *t = &path->tests[i];

		if (t->word == WORD_NR || t->word == WORD_ARCH)
			continue;
		fputs(before, out);
		before = " and ";
		if (t->word < WORD_ARGS)
			fputs("its address", out);
		else
			fprintf(out, "%sargument %u",
				t->word % 2 != 0 ? "upper half of " : "",
				(t->word - WORD_ARGS) / 2u + 1);
		if (t->mask != UINT32_MAX)
			fprintf(out, " & %#x", t->mask);
		fprintf(out, "%s %#x", t->is_not ? " not" : "", t->lo);
		if (t->hi != t->lo)
			fprintf(out, "..%#x", t->hi);
	}
	fputc('\n', out);
}

void
answers_print(const struct answers *answers, uint32_t nr, enum answer answer,
	      const char *indent, FILE *out)
{
	struct rule_list list = {0};
	struct call_rule rule;

	list.rules = calloc(answers->len > 0 ? answers->len : 1, sizeof(rule));
	if (list.rules == NULL)
		abort();
	for (size_t i = 0; i < answers->len; i++) {
		const struct path *p = answers->paths[i];

		if (answer_of(p->action) != answer)
			continue;
		if (path_to_rule(p, nr, &rule))
			add_merged(&list, &rule);
		else
			print_tests(p, nr, indent, out);
	}
	merge_again(&list);
	for (size_t i = 0; i < list.len; i++)
		print_rule(&list.rules[i], indent, out);
	free(list.rules);
}

/* "socket(AF_VSOCK, 0x1, ...)" */
static void
print_native(const struct word_tests *tests, const uint32_t words[WORD_COUNT],
	     FILE *out)
{
	struct call_rule rule = {.nr = words[WORD_NR]};
	bool has_high = false;
	unsigned last = 0;
	char text[1024];

	for (size_t i = 0; i < tests->len; i++)
		if (tests->test[i].word >= WORD_ARGS &&
		    (tests->test[i].word - WORD_ARGS) / 2u + 1 > last)
			last = (tests->test[i].word - WORD_ARGS) / 2u + 1;
	for (unsigned i = 0; i < last; i++) {
		rule.tests[i] =
			(struct call_test){UINT32_MAX, 1, {words[WORD_LOW(i)]}};
		has_high |= words[WORD_HIGH(i)] != 0;
	}
	if (!has_high && last > 0 &&
	    call_rule_format(&rule, text, sizeof(text)) == 0) {
		text[strlen(text) - 1] = '\0';
		fputs(text, out);
	} else {
		call_name(rule.nr, text);
		if (rule.nr > CALL_NR_MAX)
			str_printf(text, sizeof(text), "%#x", rule.nr);
		fprintf(out, "%s(", text);
		for (unsigned i = 0; i < last; i++)
			fprintf(out, "%s%#llx", i > 0 ? ", " : "",
				(unsigned long long)words[WORD_HIGH(i)] << 32 |
					words[WORD_LOW(i)]);
	}
	if (last < CALL_ARGS)
		fprintf(out, "%s...", last > 0 ? ", " : "");
	fputc(')', out);
}

void
call_print(const struct word_tests *tests, FILE *out)
{
	static struct word_tests with_arch;
	static const uint32_t preferred[] = {AUDIT_ARCH_X86_64,
					     AUDIT_ARCH_I386};
	uint32_t words[WORD_COUNT];
	bool is_found = false;

	for (size_t i = 0; i < ARRAY_LEN(preferred) && !is_found; i++) {
		with_arch = *tests;
		word_tests_add(&with_arch,
			       (struct word_test){UINT32_MAX, preferred[i],
						  preferred[i], WORD_ARCH,
						  false});
		is_found = word_solve_all(&with_arch, words);
	}
	if (!is_found && !word_solve_all(tests, words)) {
		fputs("(no such call)", out);
		return;
	}
	if (words[WORD_ARCH] == AUDIT_ARCH_X86_64)
		print_native(tests, words, out);
	else
		fprintf(out, "call %u of architecture %#x%s", words[WORD_NR],
			words[WORD_ARCH],
			words[WORD_ARCH] == AUDIT_ARCH_I386 ? " (i386)" : "");
}
