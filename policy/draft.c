/* SPDX-License-Identifier: Apache-2.0 */
/* See draft.h: what the rules mean, without BPF. */
#include "policy/draft.h"

#include <string.h>

#include "supervisor/base/str.h"

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
	draft_explain(&d->reasons[d->rules_len], -1, "");
	d->rules[d->rules_len++] = *rule;
	return 0;
}

void
draft_drop_rules(struct draft *d, uint32_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->rules_len; i++) {
		if (d->rules[i].nr == nr)
			continue;
		d->reasons[kept] = d->reasons[i];
		d->rules[kept++] = d->rules[i];
	}
	d->rules_len = kept;
}

/* Text that is too long is cut: it is for people. */
void
draft_explain(struct draft_reason *ret, int set, const char *why)
{
	*ret = (struct draft_reason){.set = set};
	memcpy(ret->why, why, strnlen(why, sizeof(ret->why) - 1));
}

int
draft_add_set(struct draft *d, const char *name)
{
	for (int i = 0; i < d->sets_len; i++)
		if (strcmp(d->sets[i].name, name) == 0)
			return i;
	if (d->sets_len == DRAFT_SETS_MAX ||
	    str_copy(d->sets[d->sets_len].name, POLICY_NAME_MAX, name) < 0)
		return -1;
	return d->sets_len++;
}
