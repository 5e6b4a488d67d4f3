/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions are those that seccomp_check_filter() of the kernel takes.
 * Filters cannot loop: jumps only go forward, so each step moves on.
 */
#include "policy/eval.h"

#include <stdbool.h>
#include <string.h>

struct machine {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
};

static int
load_word(const struct seccomp_data *call, uint32_t offset, uint32_t *ret)
{
	if (offset % 4 != 0 || offset > sizeof(*call) - 4)
		return -1;
	memcpy(ret, (const char *)call + offset, 4);
	return 0;
}

static int
do_alu(struct machine *m, uint16_t code, uint32_t k)
{
	uint32_t v = BPF_SRC(code) == BPF_X ? m->x : k;

	switch (BPF_OP(code)) {
	case BPF_ADD:
		m->a += v;
		return 0;
	case BPF_SUB:
		m->a -= v;
		return 0;
	case BPF_AND:
		m->a &= v;
		return 0;
	case BPF_OR:
		m->a |= v;
		return 0;
	case BPF_XOR:
		m->a ^= v;
		return 0;
	case BPF_LSH:
		m->a <<= v & 31;
		return 0;
	case BPF_RSH:
		m->a >>= v & 31;
		return 0;
	case BPF_NEG:
		m->a = -m->a;
		return 0;
	default: /* multiply and divide: libseccomp never needs them */
		return -1;
	}
}

static int
do_jump(const struct machine *m, const struct sock_filter *in, size_t *pc)
{
	uint32_t v = BPF_SRC(in->code) == BPF_X ? m->x : in->k;
	bool is_true;

	switch (BPF_OP(in->code)) {
	case BPF_JA:
		*pc += in->k;
		return 0;
	case BPF_JEQ:
		is_true = m->a == v;
		break;
	case BPF_JGT:
		is_true = m->a > v;
		break;
	case BPF_JGE:
		is_true = m->a >= v;
		break;
	case BPF_JSET:
		is_true = (m->a & v) != 0;
		break;
	default:
		return -1;
	}
	*pc += is_true ? in->jt : in->jf;
	return 0;
}

static int
do_load(struct machine *m, const struct sock_filter *in,
	const struct seccomp_data *call)
{
	uint32_t *reg = BPF_CLASS(in->code) == BPF_LD ? &m->a : &m->x;

	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		*reg = in->k;
		return 0;
	case BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -1;
		*reg = m->mem[in->k];
		return 0;
	case BPF_ABS:
		if (in->code != (BPF_LD | BPF_W | BPF_ABS))
			return -1;
		return load_word(call, in->k, reg);
	default:
		return -1;
	}
}

static int
do_store(struct machine *m, const struct sock_filter *in)
{
	if (in->k >= BPF_MEMWORDS)
		return -1;
	m->mem[in->k] = BPF_CLASS(in->code) == BPF_ST ? m->a : m->x;
	return 0;
}

static int
do_misc(struct machine *m, uint16_t code)
{
	if (BPF_MISCOP(code) == BPF_TAX)
		m->x = m->a;
	else
		m->a = m->x;
	return 0;
}

int
bpf_eval(const struct sock_filter *bpf, size_t len,
	 const struct seccomp_data *call, uint32_t *ret_action, struct err *e)
{
	struct machine m = {0};
	size_t pc = 0, at = 0;
	int rc = 0;

	while (rc == 0 && pc < len) {
		const struct sock_filter *in = &bpf[pc];

		at = pc++;
		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
		case BPF_LDX:
			rc = do_load(&m, in, call);
			break;
		case BPF_ST:
		case BPF_STX:
			rc = do_store(&m, in);
			break;
		case BPF_ALU:
			rc = do_alu(&m, in->code, in->k);
			break;
		case BPF_JMP:
			rc = do_jump(&m, in, &pc);
			break;
		case BPF_MISC:
			rc = do_misc(&m, in->code);
			break;
		default: /* BPF_RET */
			*ret_action = BPF_RVAL(in->code) == BPF_A ? m.a : in->k;
			return 0;
		}
	}
	if (rc < 0)
		return err_set(e, ERR_INVALID, 0,
			       "filter: instruction %zu is not one that "
			       "seccomp takes",
			       at);
	return err_set(e, ERR_INVALID, 0,
		       "filter: leaves its end at instruction %zu", at);
}
