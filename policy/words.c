/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - is there a call that passes these tests?  Each test looks at one
 * word, so the words are solved one by one, from the highest bit down.
 */
#include <assert.h>

#include "policy/prove.h"

#define STEPS_MAX (1u << 16)

bool
word_test_holds(const struct word_test *test, uint32_t value)
{
	uint32_t v = value & test->mask;

	return (v >= test->lo && v <= test->hi) != test->is_not;
}

void
word_tests_add(struct word_tests *tests, struct word_test test)
{
	assert(tests->len < WORD_TESTS_MAX);
	tests->test[tests->len++] = test;
}

struct search {
	const struct word_tests *tests;
	unsigned word;
	uint32_t bits; /* those that some test looks at */
	unsigned steps;
};

/* May a value whose bits in `known` are those of `value` still pass? */
static bool
may_hold(const struct word_test *t, uint32_t known, uint32_t value)
{
	uint32_t least = value & known & t->mask;
	uint32_t most = least | (t->mask & ~known);

	if (t->is_not)
		return least < t->lo || most > t->hi;
	if (t->lo == t->hi)
		return (t->lo & ~t->mask) == 0 &&
		       ((value ^ t->lo) & t->mask & known) == 0;
	return most >= t->lo && least <= t->hi;
}

static bool
may_all_hold(const struct search *s, uint32_t known, uint32_t value)
{
	for (size_t i = 0; i < s->tests->len; i++)
		if (s->tests->test[i].word == s->word &&
		    !may_hold(&s->tests->test[i], known, value))
			return false;
	return true;
}

static bool
search(struct search *s, uint32_t known, uint32_t value, uint32_t *ret)
{
	uint32_t open = s->bits & ~known, bit;

	if (s->steps++ > STEPS_MAX) {
		*ret = 0;
		return true;
	}
	if (!may_all_hold(s, known, value))
		return false;
	if (open == 0) {
		*ret = value;
		return true;
	}
	bit = 1u << (31 - __builtin_clz(open));
	return search(s, known | bit, value, ret) ||
	       search(s, known | bit, value | bit, ret);
}

bool
word_solve(const struct word_tests *tests, unsigned word, uint32_t *ret)
{
	struct search s = {.tests = tests, .word = word};

	for (size_t i = 0; i < tests->len; i++)
		if (tests->test[i].word == word)
			s.bits |= tests->test[i].mask;
	return search(&s, ~s.bits, 0, ret);
}

bool
word_solve_all(const struct word_tests *tests, uint32_t ret[WORD_COUNT])
{
	for (unsigned i = 0; i < WORD_COUNT; i++)
		if (!word_solve(tests, i, &ret[i]))
			return false;
	return true;
}
