/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - a policy while it is being compiled: the fields that are final
 * already (out) and the rules that the filter is made from.
 *
 * Meaning of the rules, in this order, for one call:
 *   a rule without errnum matches     allowed
 *   a rule with errnum matches        refused with it, unrecorded
 *   the call is in the audit class    refused with EPERM, recorded
 *   else                              ENOSYS, unrecorded
 * Foreign architectures and x32 kill the process.
 */
#ifndef PC_POLICY_DRAFT_H
#define PC_POLICY_DRAFT_H

#include <stdbool.h>

#include "policy/calls.h"
#include "policy/diag.h"
#include "policy/policy.h"

#define DRAFT_RULES_MAX 512

/* Where a rule comes from and why it is there, for `show`. */
#define DRAFT_SETS_MAX 32
#define DRAFT_TEXT_MAX 512
struct draft_set {
	char name[POLICY_NAME_MAX];
	char why[DRAFT_TEXT_MAX];
};
struct draft_reason {
	int set; /* of draft.sets; -1: the policy itself */
	char why[128];
};

/* RestrictAddressFamilies=, in the order of the table in families.c. */
enum family { FAMILY_UNIX, FAMILY_INET, FAMILY_INET6, FAMILY_COUNT };

struct draft {
	struct policy out;
	struct call_rule rules[DRAFT_RULES_MAX];
	size_t rules_len;
	struct draft_reason reasons[DRAFT_RULES_MAX]; /* of rules */
	struct draft_reason audit_reasons[CALL_NR_MAX + 1];
	struct draft_set sets[DRAFT_SETS_MAX];
	int sets_len;
	bool families[FAMILY_COUNT];
	uint64_t is_given; /* bit: index of directive */
	bool is_audited[CALL_NR_MAX + 1];
};

enum draft_answer {
	DRAFT_ENOSYS,
	DRAFT_ALLOW,
	DRAFT_ERRNO, /* *ret_errnum */
	DRAFT_AUDIT,
};
enum draft_answer draft_decide(const struct draft *d, uint32_t nr,
			       const uint64_t args[CALL_ARGS],
			       uint32_t *ret_errnum);
/* The rule is of the policy itself until draft_explain() says more. */
int draft_add_rule(struct draft *d, const struct call_rule *rule,
		   struct err *e);
void draft_explain(struct draft_reason *ret, int set, const char *why);
/* The set's index, added if it is new; -1 if there are too many. */
int draft_add_set(struct draft *d, const char *name);
void draft_drop_rules(struct draft *d, uint32_t nr);

/* families.c */
int family_find(const char *name, enum family *ret);
const char *family_name(enum family family);
/* The rules for socket() that follow from d->families. */
int family_add_rules(struct draft *d, struct err *e);

/* parse.c: read a policy text, and what it extends, into d. */
struct example_list {
	struct example {
		unsigned line;
		char *kind; /* "Allow", "Deny", "Audit" or "Kill" */
		char *text;
	} * items;
	size_t len;
};
int draft_read(struct draft *d, const char *path, const char *sets_dir,
	       struct example_list *ret_examples, struct diag *diag);
void example_list_done(struct example_list *list);

/*
 * sets.c: calls back for each rule of sets_dir/name with its reason; before
 * that with rule NULL for each line of what the file says about itself.
 */
typedef void set_rule_fn(void *user, const char *file, unsigned line,
			 char *rule, const char *why);
int set_read(const char *sets_dir, const char *name, set_rule_fn *fn,
	     void *user, struct diag *diag);

/* filter.c: rules to BPF, in d->out.bpf. */
int filter_build(struct draft *d, struct err *e);

/* verify.c: is the filter in d->out what the rules say, and safe? */
int verify_filter(const struct draft *d, const char *path, struct diag *diag);
int verify_rules(const struct draft *d, const char *path, struct diag *diag);
int verify_examples(const struct draft *d, const struct example_list *examples,
		    const char *path, struct diag *diag);
/* How many numbers can reach ALLOW. */
uint32_t verify_count_allowed(const struct draft *d);
/* The i-th call that no policy may allow; NULL after the last. */
const char *verify_never_allowed(size_t i);
/*
 * The i-th row of calls that do the same, SIBLINGS_MAX names or fewer and a
 * NULL; NULL after the last row.
 */
#define SIBLINGS_MAX 10
const char *const *verify_siblings(size_t i);

#endif
