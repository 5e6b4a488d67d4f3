/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_filter.c - any seccomp filter, as a damaged or forged compiled policy
 * could hold it, through policy_check(), the evaluator and the prover.
 *
 * Input: instructions (8 bytes each; the code is an index into those that the
 * kernel takes, or raw), and the bytes of a call.  A filter that is accepted
 * must answer every call; where the prover follows it, exactly one of its paths
 * takes the call, and answers what the evaluator answers.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "policy/eval.h"
#include "policy/policy.h"
#include "policy/prove.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define INSTRUCTIONS_MAX 192

static struct policy policy;
static FILE *nowhere;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	policy.magic = POLICY_MAGIC;
	policy.size = sizeof(policy);
	(void)str_copy(policy.name, sizeof(policy.name), "fuzz");
	policy.limits = (struct policy_limits){
		.wall_ms = 1,
		.memory_bytes = 1,
		.output_bytes = 1,
		.file_bytes = 1,
		.stack_bytes = 1,
		.pids = 1,
		.cpu_percent = 1,
		.nofile = 1,
	};
	nowhere = fopen("/dev/null", "w");
	FUZZ_CHECK(nowhere != NULL);
	return 0;
}

/* Mostly legal codes, or the search would never get past the first check. */
static struct sock_filter
instruction(struct fuzz_input *in)
{
	static const uint16_t codes[] = {
		/* BPF_ADD is 0. */
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_ALU | BPF_NEG,
		BPF_ALU | BPF_K,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_LD | BPF_W | BPF_IND,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_LDX | BPF_B | BPF_MSH,
		BPF_LD | BPF_B | BPF_ABS,
		BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_XOR | BPF_X,
	};
	struct sock_filter f = {0};
	uint8_t code = fuzz_u8(in);

	f.code = code < 0xf0 ? codes[code % ARRAY_LEN(codes)]
			     : (uint16_t)(code << 4 | fuzz_u8(in));
	f.jt = fuzz_u8(in);
	f.jf = fuzz_u8(in);
	f.k = fuzz_u32(in);
	/* A load has only 16 good offsets of 2^32. */
	if (f.code == (BPF_LD | BPF_W | BPF_ABS) && f.jt % 8 != 7)
		f.k = f.k % 16 * 4;
	return f;
}

static void
check_call(const struct proof *proof, const struct answer_list *list,
	   const struct seccomp_data *call)
{
	uint32_t words[WORD_COUNT], by_filter = 1, by_model = 2;
	const struct answers *range;
	struct err e = ERR_INIT;

	FUZZ_CHECK(bpf_eval(policy.bpf, policy.bpf_len, call, &by_filter, &e) ==
		   0);
	if (proof == NULL)
		return;
	memcpy(words, call, sizeof(words));
	FUZZ_CHECK(proof_decide(proof, words, &by_model) == 1);
	FUZZ_CHECK(by_model == by_filter);
	if (list == NULL || call->arch != AUDIT_ARCH_X86_64)
		return;
	range = answer_list_find(list, (uint32_t)call->nr);
	FUZZ_CHECK(range != NULL && range->first <= (uint32_t)call->nr &&
		   (uint32_t)call->nr <= range->last);
	FUZZ_CHECK(range->count[answer_of(by_filter)] > 0);
}

/* The words at which each path turns: its own example is one of its calls. */
static void
check_paths(const struct proof *proof)
{
	static struct word_tests tests;

	for (size_t i = 0; i < proof->len && i < 64; i++) {
		uint32_t words[WORD_COUNT], action;

		tests.len = 0;
		path_add_tests(&proof->paths[i], -1, &tests);
		FUZZ_CHECK(tests.len == proof->paths[i].len);
		if (!word_solve_all(&tests, words))
			continue;
		if (proof_decide(proof, words, &action) == 1) {
			struct seccomp_data call;
			uint32_t by_filter;
			struct err e;

			memcpy(&call, words, sizeof(call));
			FUZZ_CHECK(bpf_eval(policy.bpf, policy.bpf_len, &call,
					    &by_filter, &e) == 0);
			FUZZ_CHECK(by_filter == action);
		}
	}
}

/* Every range follows the one before, from 0 to the last number. */
static void
check_ranges(const struct answer_list *list)
{
	uint32_t next = 0;

	FUZZ_CHECK(list->len > 0);
	for (size_t i = 0; i < list->len; i++) {
		FUZZ_CHECK(list->ranges[i].first == next);
		FUZZ_CHECK(list->ranges[i].last >= next);
		FUZZ_CHECK(list->ranges[i].len > 0);
		next = list->ranges[i].last + 1;
	}
	FUZZ_CHECK(next == 0);
}

static void
check_proven(const struct proof *proof, const struct seccomp_data *calls,
	     size_t calls_len)
{
	struct answer_list list = {0};
	struct err e = ERR_INIT;
	bool has_list = answer_list_init(&list, proof, &e) == 0;

	FUZZ_CHECK(has_list || e.text[0] != '\0');
	if (has_list)
		check_ranges(&list);
	for (size_t i = 0; i < calls_len; i++)
		check_call(proof, has_list ? &list : NULL, &calls[i]);
	/* Printing takes most of the time. */
	if (has_list && calls[0].instruction_pointer % 8 == 0)
		(void)prove_show(&policy, proof, &list, nowhere);
	answer_list_done(&list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	struct seccomp_data calls[4] = {0};
	struct err e = ERR_INIT;
	struct proof proof;

	if (len < sizeof(calls[0]) + 8)
		return -1;
	fuzz_fill(&in, &calls[0], sizeof(calls[0]));
	calls[1] = calls[2] = calls[3] = calls[0];
	calls[1].arch = calls[2].arch = AUDIT_ARCH_X86_64;
	calls[2].nr &= 0x1ff;
	calls[3].nr = 59;
	policy.bpf_len = 0;
	while (in.left > 0 && policy.bpf_len < INSTRUCTIONS_MAX)
		policy.bpf[policy.bpf_len++] = instruction(&in);
	if (policy_check(&policy, &e) < 0) {
		FUZZ_CHECK(e.kind == ERR_INVALID);
		/* The walkers must stand what the check refuses, too. */
		(void)bpf_eval(policy.bpf, policy.bpf_len, &calls[0],
			       &(uint32_t){0}, &e);
		(void)proof_init(&proof, policy.bpf, policy.bpf_len, &e);
		proof_done(&proof);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		check_call(NULL, NULL, &calls[i]);
	if (proof_init(&proof, policy.bpf, policy.bpf_len, &e) == 0) {
		FUZZ_CHECK(proof.len > 0);
		check_proven(&proof, calls, ARRAY_LEN(calls));
		check_paths(&proof);
	} else {
		FUZZ_CHECK(e.text[0] != '\0');
	}
	proof_done(&proof);
	return 0;
}
