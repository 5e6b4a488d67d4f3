/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - the rules of a draft as a BPF program, by libseccomp.
 *
 * Every test is a masked comparison whose mask has no bit above 31, so that no
 * decision depends on bits which the kernel drops.  libseccomp knows no "else"
 * for a call with conditions: for the audit class the arguments that no rule
 * matches are cut into disjoint regions, each of which is a masked comparison
 * again.
 *
 * verify.c compares the result with the meaning of the rules; nothing here or
 * in libseccomp is taken on trust.
 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/draft.h"
#include "supervisor/base/fd.h"

/* A set of calls: arguments whose bits in mask equal value. */
struct region {
	uint32_t mask[CALL_ARGS], value[CALL_ARGS];
};

struct builder {
	scmp_filter_ctx ctx;
	const struct draft *draft;
	uint32_t nr; /* the call at hand */
	uint32_t action;
};

static int
add_region(struct builder *b, const struct region *r, struct err *e)
{
	struct scmp_arg_cmp cmp[CALL_ARGS];
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < CALL_ARGS; i++)
		if (r->mask[i] != 0)
			cmp[n++] = SCMP_CMP64(i, SCMP_CMP_MASKED_EQ,
					      (uint64_t)r->mask[i],
					      (uint64_t)r->value[i]);
	rc = seccomp_rule_add_array(b->ctx, b->action, (int)b->nr, n, cmp);
	if (rc < 0)
		return err_set(e, ERR_IO, -rc, "libseccomp: rule for call %u",
			       b->nr);
	return 0;
}

/* All combinations of the rule's values, argument by argument. */
static int
add_rule(struct builder *b, const struct call_rule *rule, unsigned arg,
	 struct region *r, struct err *e)
{
	const struct call_test *test = &rule->tests[arg];

	if (arg == CALL_ARGS)
		return add_region(b, r, e);
	r->mask[arg] = test->count > 0 ? test->mask : 0;
	r->value[arg] = 0;
	if (test->count == 0)
		return add_rule(b, rule, arg + 1, r, e);
	for (uint32_t i = 0; i < test->count; i++) {
		r->value[arg] = test->values[i];
		if (add_rule(b, rule, arg + 1, r, e) < 0)
			return -1;
	}
	return 0;
}

enum overlap {
	OVERLAP_NONE, /* no call of the region matches */
	OVERLAP_SOME,
	OVERLAP_ALL,
};

static enum overlap
test_overlap(const struct call_test *test, uint32_t mask, uint32_t value)
{
	enum overlap best = OVERLAP_NONE;

	if (test->count == 0)
		return OVERLAP_ALL;
	for (uint32_t i = 0; i < test->count; i++) {
		if (((test->values[i] ^ value) & test->mask & mask) != 0)
			continue;
		if ((test->mask & ~mask) == 0)
			return OVERLAP_ALL;
		best = OVERLAP_SOME;
	}
	return best;
}

/*
 * How does the region meet the rule?  For SOME, *ret_arg and *ret_bit are what
 * to look at next: the highest bit that decides.
 */
static enum overlap
rule_overlap(const struct call_rule *rule, const struct region *r,
	     unsigned *ret_arg, uint32_t *ret_bit)
{
	enum overlap all = OVERLAP_ALL;

	for (unsigned i = 0; i < CALL_ARGS; i++) {
		const struct call_test *test = &rule->tests[i];
		uint32_t open = test->mask & ~r->mask[i];

		switch (test_overlap(test, r->mask[i], r->value[i])) {
		case OVERLAP_NONE:
			return OVERLAP_NONE;
		case OVERLAP_SOME:
			if (all == OVERLAP_ALL) {
				*ret_arg = i;
				*ret_bit = 1u << (31 - __builtin_clz(open));
			}
			all = OVERLAP_SOME;
			break;
		case OVERLAP_ALL:
			break;
		}
	}
	return all;
}

/* Add the part of r that no rule matches. */
static int
add_complement(struct builder *b, struct region r, struct err *e)
{
	unsigned arg = CALL_ARGS, rule_arg = 0;
	uint32_t bit = 0, rule_bit = 0;

	for (size_t i = 0; i < b->draft->rules_len; i++) {
		const struct call_rule *rule = &b->draft->rules[i];
		enum overlap overlap;

		if (rule->nr != b->nr)
			continue;
		overlap = rule_overlap(rule, &r, &rule_arg, &rule_bit);
		if (overlap == OVERLAP_ALL)
			return 0;
		if (overlap == OVERLAP_SOME && arg == CALL_ARGS) {
			arg = rule_arg;
			bit = rule_bit;
		}
	}
	if (arg == CALL_ARGS)
		return add_region(b, &r, e);
	r.mask[arg] |= bit;
	if (add_complement(b, r, e) < 0)
		return -1;
	r.value[arg] |= bit;
	return add_complement(b, r, e);
}

static int
add_rules(struct builder *b, struct err *e)
{
	const struct draft *d = b->draft;

	for (size_t i = 0; i < d->rules_len; i++) {
		const struct call_rule *rule = &d->rules[i];
		struct region r = {0};

		b->nr = rule->nr;
		b->action = rule->errnum == 0 ? SCMP_ACT_ALLOW
					      : SCMP_ACT_ERRNO(rule->errnum);
		if (add_rule(b, rule, 0, &r, e) < 0)
			return -1;
	}
	b->action = SCMP_ACT_NOTIFY;
	for (b->nr = 0; b->nr <= CALL_NR_MAX; b->nr++)
		if (d->is_audited[b->nr] &&
		    add_complement(b, (struct region){0}, e) < 0)
			return -1;
	return 0;
}

static int
init(struct builder *b, struct err *e)
{
	int rc;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "policies are written and proven for x86_64 "
			       "only");
	/* Compile for NOTIFY also on a host whose kernel lacks it: the
	 * supervisor says so at load, with the fix. */
	rc = seccomp_api_set(6);
	if (rc == 0)
		b->ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (b->ctx == NULL)
		return err_set(e, ERR_IO, -rc, "libseccomp: start");
	rc = seccomp_attr_set(b->ctx, SCMP_FLTATR_ACT_BADARCH,
			      SCMP_ACT_KILL_PROCESS);
	if (rc == 0) /* a binary tree of numbers */
		rc = seccomp_attr_set(b->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc < 0)
		return err_set(e, ERR_IO, -rc, "libseccomp: options");
	return 0;
}

static int export(struct builder *b, struct policy *out, struct err *e)
{
	owned_fd int fd = memfd_create("bpf", MFD_CLOEXEC);
	ssize_t n;
	int rc;

	if (fd < 0)
		return err_sys(e, "memfd for the filter");
	rc = seccomp_export_bpf(b->ctx, fd);
	if (rc < 0)
		return err_set(e, ERR_IO, -rc, "libseccomp: export");
	n = lseek(fd, 0, SEEK_END);
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read the filter back");
	if ((size_t)n > sizeof(out->bpf))
		return err_set(e, ERR_LIMIT, 0,
			       "the filter needs %zu instructions, at most %d "
			       "fit: use fewer conditional rules",
			       (size_t)n / sizeof(out->bpf[0]), POLICY_BPF_MAX);
	if (fd_read_full(fd, out->bpf, (size_t)n) != n)
		return err_sys(e, "read the filter back");
	out->bpf_len = (uint32_t)((size_t)n / sizeof(out->bpf[0]));
	return 0;
}

int
filter_build(struct draft *d, struct err *e)
{
	struct builder b = {.draft = d};
	int rc = -1;

	if (init(&b, e) == 0 && add_rules(&b, e) == 0)
		rc = export(&b, &d->out, e);
	if (b.ctx != NULL)
		seccomp_release(b.ctx);
	return rc;
}
