/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_prove.c - the prover: equal to the evaluator on every profile,
 * and a hole planted in a filter is found, with a call that goes through it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/compile.h"
#include "policy/eval.h"
#include "policy/prove.h"
#include "supervisor/base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const profiles[] = {"strict", "standard", "permissive"};

static struct draft *
compile(const char *profile)
{
	struct diag diag = {.out = stderr};
	struct draft *d = NULL;
	char path[128];

	(void)str_printf(path, sizeof(path), "policy/profiles/%s.policy",
			 profile);
	assert_int_equal(policy_compile(path, "policy/sets", &d, &diag), 0);
	return d;
}

/* ---- the model is the filter ----------------------------------------- */

static uint64_t
random_u64(void)
{
	static uint64_t x = UINT64_C(88172645463325252);

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

/* An argument near what some path of this number tests. */
static uint64_t
random_arg(const struct answers *a, unsigned arg)
{
	uint64_t value = random_u64();
	const struct path *p = a->paths[random_u64() % a->len];

	for (uint32_t i = 0; i < p->len && value % 8 != 0; i++)
		if (p->tests[i].word == WORD_LOW(arg))
			value = (value & ~(uint64_t)p->tests[i].mask) |
				p->tests[i].lo;
	if (random_u64() % 4 == 0)
		value ^= UINT64_C(1) << (random_u64() % 64);
	return random_u64() % 3 == 0 ? (uint32_t)value : value;
}

static void
compare_one(const struct policy *p, const struct proof *proof,
	    const struct answers *range, const struct seccomp_data *call)
{
	uint32_t words[WORD_COUNT], by_model = 1, by_filter = 2;
	struct err e = ERR_INIT;

	memcpy(words, call, sizeof(words));
	assert_int_equal(bpf_eval(p->bpf, p->bpf_len, call, &by_filter, &e), 0);
	assert_int_equal(proof_decide(proof, words, &by_model), 1);
	assert_int_equal(by_model, by_filter);
	if (call->arch == AUDIT_ARCH_X86_64)
		assert_true(range->count[answer_of(by_filter)] > 0);
}

static void
compare_number(const struct policy *p, const struct proof *proof,
	       const struct answer_list *list, uint32_t nr, unsigned rounds)
{
	const struct answers *range = answer_list_find(list, nr);
	struct seccomp_data call = {.nr = (int)nr, .arch = AUDIT_ARCH_X86_64};

	assert_true(range->first <= nr && nr <= range->last);
	if (range->len == 1)
		rounds = 4;
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned a = 0; a < CALL_ARGS; a++)
			call.args[a] = random_arg(range, a);
		call.instruction_pointer = random_u64();
		compare_one(p, proof, range, &call);
	}
	call.arch = nr % 2 != 0 ? AUDIT_ARCH_I386 : (uint32_t)random_u64();
	compare_one(p, proof, range, &call);
}

static void
model_equals_filter(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(profiles); k++) {
		struct draft *d = compile(profiles[k]);
		struct err e = ERR_INIT;
		struct answer_list list;
		struct proof proof;

		assert_int_equal(
			proof_init(&proof, d->out.bpf, d->out.bpf_len, &e), 0);
		assert_int_equal(answer_list_init(&list, &proof, &e), 0);
		for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
			compare_number(&d->out, &proof, &list, nr, 4000);
		for (unsigned i = 0; i < 2000; i++)
			compare_number(&d->out, &proof, &list,
				       (uint32_t)random_u64(), 1);
		compare_number(&d->out, &proof, &list, 0x40000000, 1);
		compare_number(&d->out, &proof, &list, UINT32_MAX, 1);
		assert_int_equal(
			claims_check(&d->out, &proof, &list, NULL, NULL), 0);
		answer_list_done(&list);
		proof_done(&proof);
		free(d);
	}
}

/* ---- planted holes --------------------------------------------------- */

/* What the prover writes about this filter; its last line if it gives up. */
static char *
prove_text(struct policy *p, unsigned *ret_failed)
{
	struct err e = ERR_INIT;
	struct answer_list list = {0};
	struct proof proof;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	*ret_failed = 1;
	if (proof_init(&proof, p->bpf, p->bpf_len, &e) == 0 &&
	    answer_list_init(&list, &proof, &e) == 0)
		*ret_failed = prove_show(p, &proof, &list, out);
	else
		fputs(e.text, out);
	answer_list_done(&list);
	proof_done(&proof);
	fclose(out);
	return text;
}

static void
assert_found(struct policy *p, const char *claim, const char *call)
{
	unsigned failed = 0;
	char *text = prove_text(p, &failed);

	if (failed == 0 || strstr(text, claim) == NULL ||
	    strstr(text, call) == NULL)
		fail_msg("%u holes; \"%s\" and \"%s\" expected in:\n%s", failed,
			 claim, call,
			 strstr(text, "claims\n") != NULL
				 ? strstr(text, "claims\n")
				 : text);
	free(text);
}

#define LD(word) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 * (word))
#define JEQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define JSET(k, t, f) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (t), (f))
#define RET(k) BPF_STMT(BPF_RET | BPF_K, (k))
#define ALLOW RET(SECCOMP_RET_ALLOW)
#define NATIVE LD(WORD_ARCH), JEQ(AUDIT_ARCH_X86_64, 1, 0)

/* In front of the filter of `strict`; the last one goes on with it. */
static const struct {
	const char *claim, *call;
	size_t len;
	struct sock_filter code[8];
} planted[] = {
	{"ptrace is never allowed",
	 "ptrace(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(101, 0, 1), ALLOW}},
	{"clone3 is never allowed",
	 "clone3(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(435, 0, 1), ALLOW}},
	{"mount is never allowed",
	 "mount(0, 0, 0, 0x1000, ...) is allowed",
	 5,
	 {LD(WORD_NR), JEQ(165, 0, 3), LD(WORD_LOW(3)), JSET(0x1000, 0, 1),
	  ALLOW}},
	/* setxattrat, while setxattr and its like are refused */
	{"setxattr",
	 "setxattrat(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(463, 0, 1), ALLOW}},
	{"openat2 is refused, and so is what does the same",
	 "is allowed",
	 3,
	 {LD(WORD_NR), JEQ(437, 0, 1), RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	{"preadv2 is refused, and so is what does the same",
	 "is allowed",
	 3,
	 {LD(WORD_NR), JEQ(327, 0, 1), RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	{"pwritev2 is refused, and so is what does the same",
	 "is allowed",
	 3,
	 {LD(WORD_NR), JEQ(328, 0, 1), RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	{"fchmodat2 is refused, and so is what does the same",
	 "is allowed",
	 3,
	 {LD(WORD_NR), JEQ(452, 0, 1), RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	/* allowed before the architecture is looked at */
	{"other architectures are killed",
	 "call 39 of architecture 0x40000003 (i386) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(39, 0, 1), ALLOW}},
	/* x32 by its bit */
	{"x32 calls are killed",
	 "0x40000000(...) is allowed",
	 3,
	 {LD(WORD_NR), JSET(0x40000000, 0, 1), ALLOW}},
	/* x32 taken for native: the bit is masked away */
	{"tests numbers under mask 0xbfffffff",
	 "",
	 4,
	 {LD(WORD_NR), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xbfffffff),
	  JEQ(39, 0, 1), ALLOW}},
	{"x32 calls are killed",
	 "0x40000002(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(0x40000002, 0, 1), ALLOW}},
	{"number -1 is refused",
	 "0xffffffff(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(UINT32_MAX, 0, 1), ALLOW}},
	{"numbers above 1023",
	 "0x12345678(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(0x12345678, 0, 1), ALLOW}},
	{"numbers that no call has are refused",
	 "900(...) is allowed",
	 3,
	 {LD(WORD_NR), JEQ(900, 0, 1), ALLOW}},
	{"other architectures are killed",
	 "call 11 of architecture 0x40000003 (i386) is allowed",
	 5,
	 {LD(WORD_ARCH), JEQ(AUDIT_ARCH_I386, 0, 3), LD(WORD_NR), JEQ(11, 0, 1),
	  ALLOW}},
	{"clone makes no namespace",
	 "clone(CLONE_NEWUSER, ...) is allowed",
	 5,
	 {LD(WORD_NR), JEQ(56, 0, 3), LD(WORD_LOW(0)), JSET(0x10000000, 0, 1),
	  ALLOW}},
	/* the bit that is also part of the exit signal */
	{"clone makes no namespace",
	 "clone(CLONE_NEWTIME, ...) is allowed",
	 5,
	 {LD(WORD_NR), JEQ(56, 0, 3), LD(WORD_LOW(0)), JEQ(0x80, 0, 1), ALLOW}},
	{"sockets are AF_UNIX",
	 "socket(AF_VSOCK, SOCK_STREAM, ...) is allowed",
	 7,
	 {LD(WORD_NR), JEQ(41, 0, 5), LD(WORD_LOW(0)), JEQ(40, 0, 3),
	  LD(WORD_LOW(1)), JEQ(1, 0, 1), ALLOW}},
	{"TIOCSTI",
	 "ioctl(0, TIOCSTI, ...) is allowed",
	 5,
	 {LD(WORD_NR), JEQ(16, 0, 3), LD(WORD_LOW(1)), JEQ(0x5412, 0, 1),
	  ALLOW}},
	{"mknod makes no block device",
	 "mknod(0, S_IFBLK, ...) is allowed",
	 5,
	 {LD(WORD_NR), JEQ(133, 0, 3), LD(WORD_LOW(1)), JSET(0x4000, 0, 1),
	  ALLOW}},
	{"every answer is one that policies give",
	 "read(...) is",
	 3,
	 {LD(WORD_NR), JEQ(0, 0, 1), RET(SECCOMP_RET_TRACE)}},
	{"every answer is one that policies give",
	 "read(...) is",
	 3,
	 {LD(WORD_NR), JEQ(0, 0, 1), RET(SECCOMP_RET_LOG)}},
	{"every answer is one that policies give",
	 "read(...) is",
	 3,
	 {LD(WORD_NR), JEQ(0, 0, 1), RET(SECCOMP_RET_TRAP | 5)}},
	/* ends a thread and leaves the others */
	{"every answer is one that policies give",
	 "read(...) is",
	 3,
	 {LD(WORD_NR), JEQ(0, 0, 1), RET(SECCOMP_RET_KILL_THREAD)}},
	{"only the audit class is recorded",
	 "getpid(...) is refused and recorded",
	 3,
	 {LD(WORD_NR), JEQ(39, 0, 1), RET(SECCOMP_RET_USER_NOTIF)}},
	{"no call of the audit class is refused as an unknown one",
	 "mount(...) is ENOSYS",
	 3,
	 {LD(WORD_NR), JEQ(165, 0, 1), RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	/* a call that seems to have worked */
	{"every answer is one that policies give",
	 "read(...) is",
	 3,
	 {LD(WORD_NR), JEQ(0, 0, 1), RET(SECCOMP_RET_ERRNO)}},
	{"bits that do not count",
	 "personality(0x1",
	 5,
	 {LD(WORD_NR), JEQ(135, 0, 3), LD(WORD_HIGH(0)), JEQ(1, 0, 1),
	  RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	/* the upper half of an argument that is tested under a mask */
	{"clone makes no namespace",
	 "clone(0x1",
	 5,
	 {LD(WORD_NR), JEQ(56, 0, 3), LD(WORD_HIGH(0)), JSET(1, 0, 1), ALLOW}},
	{"mknod makes no block device",
	 "mknod(0, 0x1",
	 5,
	 {LD(WORD_NR), JEQ(133, 0, 3), LD(WORD_HIGH(1)), JEQ(1, 0, 1), ALLOW}},
	/* decides on the address of the caller */
	{"bits that do not count",
	 "read(...) is",
	 5,
	 {LD(WORD_NR), JEQ(0, 0, 3), LD(WORD_POINTER), JEQ(0x1000, 0, 1),
	  RET(SECCOMP_RET_ERRNO | ENOSYS)}},
	/* what is not followed is not proven */
	{"computes what the prover does not follow",
	 "",
	 2,
	 {LD(WORD_NR), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1)}},
	{"loads from outside", "", 1, {LD(16)}},
	{"returns a word of the call",
	 "",
	 2,
	 {LD(WORD_LOW(0)), BPF_STMT(BPF_RET | BPF_A, 0)}},
};

static void
planted_in_front_is_found(void **state)
{
	struct draft *strict = compile("strict");
	static struct policy p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(planted); i++) {
		size_t n = planted[i].len;

		p = strict->out;
		memcpy(p.bpf, planted[i].code, n * sizeof(p.bpf[0]));
		memcpy(p.bpf + n, strict->out.bpf,
		       strict->out.bpf_len * sizeof(p.bpf[0]));
		p.bpf_len += (uint32_t)n;
		assert_found(&p, planted[i].claim, planted[i].call);
	}
	free(strict);
}

/* Both ways of the jump that compares with k go where jt went. */
static unsigned
disarm(struct policy *p, uint16_t code, uint32_t k, bool is_taken)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < p->bpf_len; i++)
		if (p->bpf[i].code == code && p->bpf[i].k == k) {
			if (is_taken)
				p->bpf[i].jf = p->bpf[i].jt;
			else
				p->bpf[i].jt = p->bpf[i].jf;
			n++;
		}
	return n;
}

static void
missing_checks_are_found(void **state)
{
	struct draft *d = compile("strict");
	static struct policy p;

	(void)state;
	p = d->out;
	assert_int_equal(
		disarm(&p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, true),
		1);
	assert_found(&p, "other architectures are killed", "(i386) is ");
	p = d->out;
	assert_int_equal(
		disarm(&p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, false), 1);
	assert_found(&p, "x32 calls are killed", "0x40000000(...) is ENOSYS");
	/* Falls through behind its last instruction. */
	p = d->out;
	p.bpf_len /= 2;
	assert_found(&p, "leaves its end", "");
	p = d->out;
	for (uint32_t i = 0; i < p.bpf_len; i++)
		if (p.bpf[i].code == (BPF_RET | BPF_K) &&
		    p.bpf[i].k == SECCOMP_RET_KILL_PROCESS)
			p.bpf[i] = (struct sock_filter)BPF_STMT(
				BPF_JMP | BPF_JA, POLICY_BPF_MAX);
	assert_found(&p, "leaves its end", "");
	free(d);
}

/* libseccomp loads upper halves and masks them out: undo one such mask. */
static void
used_high_words_are_found(void **state)
{
	struct draft *d = compile("permissive");
	static struct policy p;
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < d->out.bpf_len; i++) {
		const struct sock_filter *in = &d->out.bpf[i];

		if (in->code != (BPF_ALU | BPF_AND | BPF_K) || in->k != 0)
			continue;
		p = d->out;
		p.bpf[i].k = UINT32_MAX;
		assert_found(&p, "bits that do not count", "        and ");
		n++;
	}
	assert_true(n > 10);
	free(d);
}

static void
solver_finds_the_least_value(void **state)
{
	static struct word_tests t;
	uint32_t value = 0;

	(void)state;
	t.len = 0;
	word_tests_add(&t,
		       (struct word_test){UINT32_MAX, 0x100, 0x200, 0, false});
	word_tests_add(&t, (struct word_test){0xf, 0, 4, 0, true});
	word_tests_add(&t, (struct word_test){0xf0, 0x30, 0x30, 0, false});
	assert_true(word_solve(&t, 0, &value));
	assert_int_equal(value, 0x135);
	word_tests_add(&t, (struct word_test){0x30, 0x10, 0x10, 0, false});
	assert_false(word_solve(&t, 0, &value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_equals_filter),
		cmocka_unit_test(planted_in_front_is_found),
		cmocka_unit_test(missing_checks_are_found),
		cmocka_unit_test(used_high_words_are_found),
		cmocka_unit_test(solver_finds_the_least_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
