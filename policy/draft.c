/* SPDX-License-Identifier: Apache-2.0 */
/* See draft.h: what the rules mean, without BPF. */
#include "policy/draft.h"

#include <string.h>

enum draft_answer
draft_decide(const struct draft *d, uint32_t nr, const uint64_t args[CALL_ARGS],
	     uint32_t *ret_errnum)
{
	const struct call_rule *refusal = NULL;

	for (size_t i = 0; i < d->rules_len; i++) {
		const struct call_rule *rule = &d->rules[i];

		if (!call_rule_matches(rule, nr, args))
			continue;
		if (rule->errnum == 0)
			return DRAFT_ALLOW;
		refusal = rule;
	}
	if (refusal != NULL) {
		*ret_errnum = refusal->errnum;
		return DRAFT_ERRNO;
	}
	if (nr <= CALL_NR_MAX && d->is_audited[nr])
		return DRAFT_AUDIT;
	return DRAFT_ENOSYS;
}

int
draft_add_rule(struct draft *d, const struct call_rule *rule, struct err *e)
{
	char name[CALL_NAME_MAX];

	call_name(rule->nr, name);
	for (size_t i = 0; i < d->rules_len; i++) {
		const struct call_rule *old = &d->rules[i];

		if (old->nr != rule->nr || old->errnum != rule->errnum)
			continue;
		if (!call_rule_is_conditional(old))
			return err_set(e, ERR_INVALID, 0,
				       "%s is allowed already, with any "
				       "arguments",
				       name);
		if (!call_rule_is_conditional(rule))
			return err_set(e, ERR_INVALID, 0,
				       "%s is allowed already, with tested "
				       "arguments: drop one of the two rules",
				       name);
		if (memcmp(old, rule, sizeof(*old)) == 0)
			return err_set(e, ERR_INVALID, 0,
				       "this rule for %s is there already",
				       name);
	}
	if (d->rules_len == DRAFT_RULES_MAX)
		return err_set(e, ERR_INVALID, 0, "more than %d rules",
			       DRAFT_RULES_MAX);
	d->rules[d->rules_len++] = *rule;
	return 0;
}

void
draft_drop_rules(struct draft *d, uint32_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->rules_len; i++)
		if (d->rules[i].nr != nr)
			d->rules[kept++] = d->rules[i];
	d->rules_len = kept;
}
