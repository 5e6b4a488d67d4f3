/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove.c - every way through a filter.
 *
 * The machine's registers hold symbols: a constant, or a word of the call
 * under a mask.  At a jump that depends on a word both ways are taken, each
 * with the test that leads there, unless the tests so far exclude it.  Jumps
 * only go forward, so this ends.  What libseccomp never emits (arithmetic on a
 * word other than a mask) is refused, not guessed at.
 */
#include "policy/prove.h"

#include <stdlib.h>
#include <string.h>

/* k; or, with is_word, the call's word & k. */
struct symbol {
	bool is_word;
	uint8_t word;
	uint32_t k;
};

struct machine {
	size_t pc;
	struct symbol a, x, mem[BPF_MEMWORDS];
};

struct walk {
	const struct sock_filter *bpf;
	size_t len;
	struct proof *proof;
	struct word_tests tests; /* of the path so far */
	struct err *e;
};

static int
refuse(const struct walk *w, size_t at, const char *why)
{
	return err_set(w->e, ERR_INVALID, 0, "filter: instruction %zu %s", at,
		       why);
}

static int
add_path(struct walk *w, uint32_t action)
{
	struct proof *p = w->proof;
	struct path path = {.action = action, .len = (uint32_t)w->tests.len};
	size_t bytes = w->tests.len * sizeof(path.tests[0]);

	if (p->len == PROOF_PATHS_MAX)
		return err_set(w->e, ERR_LIMIT, 0,
			       "filter: more than %u paths: too many to prove",
			       PROOF_PATHS_MAX);
	if (p->len == p->size) {
		p->size = p->size > 0 ? 2 * p->size : 1024;
		p->paths = reallocarray(p->paths, p->size, sizeof(path));
	}
	path.tests = malloc(bytes > 0 ? bytes : 1);
	if (p->paths == NULL || path.tests == NULL)
		abort();
	memcpy(path.tests, w->tests.test, bytes);
	p->paths[p->len++] = path;
	return 0;
}

static int
do_load(const struct walk *w, struct machine *m, const struct sock_filter *in)
{
	bool is_a = BPF_CLASS(in->code) == BPF_LD;
	struct symbol *reg = is_a ? &m->a : &m->x;

	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		*reg = (struct symbol){.k = in->k};
		return 0;
	case BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return refuse(w, m->pc, "leaves the scratch memory");
		*reg = m->mem[in->k];
		return 0;
	case BPF_ABS:
		if (in->code != (BPF_LD | BPF_W | BPF_ABS) || in->k % 4 != 0 ||
		    in->k / 4 >= WORD_COUNT)
			break;
		*reg = (struct symbol){true, (uint8_t)(in->k / 4), UINT32_MAX};
		return 0;
	default:
		break;
	}
	return refuse(w, m->pc, "loads from outside of the call's data");
}

static int
do_store(const struct walk *w, struct machine *m, const struct sock_filter *in)
{
	if (in->k >= BPF_MEMWORDS)
		return refuse(w, m->pc, "leaves the scratch memory");
	m->mem[in->k] = BPF_CLASS(in->code) == BPF_ST ? m->a : m->x;
	return 0;
}

static int
do_alu(const struct walk *w, struct machine *m, const struct sock_filter *in)
{
	bool is_x = BPF_SRC(in->code) == BPF_X;

	if (BPF_OP(in->code) != BPF_AND || (is_x && m->x.is_word))
		return refuse(w, m->pc,
			      "computes what the prover does not follow");
	m->a.k &= is_x ? m->x.k : in->k;
	if (m->a.k == 0)
		m->a.is_word = false;
	return 0;
}

static void
do_misc(struct machine *m, const struct sock_filter *in)
{
	if (BPF_MISCOP(in->code) == BPF_TAX)
		m->x = m->a;
	else
		m->a = m->x;
}

static int walk(struct walk *w, struct machine m);

/* The test under which the jump is taken. */
static int
jump_test(const struct walk *w, const struct machine *m,
	  const struct sock_filter *in, struct word_test *ret)
{
	uint32_t v = BPF_SRC(in->code) == BPF_X ? m->x.k : in->k;
	struct word_test t = {.mask = m->a.k, .word = m->a.word};

	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		t.lo = t.hi = v;
		break;
	case BPF_JGT: /* not 0..v */
		t.hi = v;
		t.is_not = true;
		break;
	case BPF_JGE:
		t.lo = v;
		t.hi = UINT32_MAX;
		break;
	case BPF_JSET: /* not 0 */
		t.mask &= v;
		t.is_not = true;
		break;
	default:
		return refuse(w, m->pc, "jumps in an unknown way");
	}
	*ret = t;
	return 0;
}

/* Go on at m->pc + 1 + by if the tests so far and t can hold together. */
static int
take(struct walk *w, const struct machine *m, struct word_test t, uint8_t by)
{
	struct machine next = *m;
	uint32_t value;
	int rc = 0;

	if (w->tests.len >= PROOF_TESTS_MAX)
		return refuse(w, m->pc, "comes after too many tests");
	next.pc = m->pc + 1 + by;
	word_tests_add(&w->tests, t);
	if (word_solve(&w->tests, t.word, &value))
		rc = walk(w, next);
	w->tests.len--;
	return rc;
}

/* *ret_is_fork: both ways have been walked; else m->pc is set. */
static int
do_jump(struct walk *w, struct machine *m, const struct sock_filter *in,
	bool *ret_is_fork)
{
	struct word_test t;

	*ret_is_fork = false;
	if (BPF_OP(in->code) == BPF_JA) {
		m->pc += in->k;
		return 0;
	}
	if (BPF_SRC(in->code) == BPF_X && m->x.is_word)
		return refuse(w, m->pc, "compares two words of the call");
	if (jump_test(w, m, in, &t) < 0)
		return -1;
	if (!m->a.is_word) {
		/* t.mask is the constant itself, or its bits under v. */
		m->pc += word_test_holds(&t, m->a.k) ? in->jt : in->jf;
		return 0;
	}
	*ret_is_fork = true;
	if (take(w, m, t, in->jt) < 0)
		return -1;
	t.is_not = !t.is_not;
	return take(w, m, t, in->jf);
}

static int
do_return(struct walk *w, const struct machine *m, const struct sock_filter *in)
{
	if (BPF_RVAL(in->code) != BPF_A)
		return add_path(w, in->k);
	if (m->a.is_word)
		return refuse(w, m->pc, "returns a word of the call");
	return add_path(w, m->a.k);
}

static int
walk(struct walk *w, struct machine m)
{
	bool is_done = false;
	int rc = 0;

	for (; rc == 0 && !is_done && m.pc < w->len; m.pc++) {
		const struct sock_filter *in = &w->bpf[m.pc];

		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
		case BPF_LDX:
			rc = do_load(w, &m, in);
			break;
		case BPF_ST:
		case BPF_STX:
			rc = do_store(w, &m, in);
			break;
		case BPF_ALU:
			rc = do_alu(w, &m, in);
			break;
		case BPF_JMP:
			rc = do_jump(w, &m, in, &is_done);
			break;
		case BPF_MISC:
			do_misc(&m, in);
			break;
		default:
			rc = do_return(w, &m, in);
			is_done = true;
			break;
		}
	}
	if (rc == 0 && !is_done)
		return err_set(w->e, ERR_INVALID, 0,
			       "filter: a path leaves its end");
	return rc;
}

int
proof_init(struct proof *ret, const struct sock_filter *bpf, size_t len,
	   struct err *e)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		abort();
	*ret = (struct proof){0};
	w->bpf = bpf;
	w->len = len;
	w->proof = ret;
	w->e = e;
	rc = walk(w, (struct machine){0});
	free(w);
	return rc;
}

void
proof_done(struct proof *proof)
{
	for (size_t i = 0; i < proof->len; i++)
		free(proof->paths[i].tests);
	free(proof->paths);
	*proof = (struct proof){0};
}

unsigned
proof_decide(const struct proof *proof, const uint32_t words[WORD_COUNT],
	     uint32_t *ret_action)
{
	unsigned n = 0;

	for (size_t i = 0; i < proof->len; i++) {
		const struct path *p = &proof->paths[i];
		uint32_t t = 0;

		while (t < p->len &&
		       word_test_holds(&p->tests[t], words[p->tests[t].word]))
			t++;
		if (t < p->len)
			continue;
		*ret_action = p->action;
		n++;
	}
	return n;
}

void
path_add_tests(const struct path *path, int skip, struct word_tests *tests)
{
	for (uint32_t i = 0; i < path->len; i++)
		if (path->tests[i].word != skip)
			word_tests_add(tests, path->tests[i]);
}
