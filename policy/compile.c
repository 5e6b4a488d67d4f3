/* SPDX-License-Identifier: Apache-2.0 */
/* See compile.h. */
#include "policy/compile.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "supervisor/base/str.h"

/* Add to the tests of each rule of a call: its argument must pass `test`. */
static void
narrow(struct draft *d, const char *name, unsigned arg, struct call_test test,
       const char *path, struct diag *diag)
{
	uint32_t nr = (uint32_t)call_number(name);

	for (size_t i = 0; i < d->rules_len; i++) {
		if (d->rules[i].nr != nr)
			continue;
		if (d->rules[i].tests[arg].count > 0)
			diag_error(diag, path, 0,
				   "MemoryDenyWriteExecute=yes: %s must not "
				   "test argument %u itself",
				   name, arg + 1);
		d->rules[i].tests[arg] = test;
	}
}

/* MemoryDenyWriteExecute=: no memory that is, or becomes, both. */
static int
deny_write_exec(struct draft *d, const char *path, struct diag *diag)
{
	static const struct call_test not_both = {
		PROT_WRITE | PROT_EXEC, 3, {0, PROT_WRITE, PROT_EXEC}};
	static const struct call_test not_exec = {PROT_EXEC, 1, {0}};
	struct call_rule refuse_both = {
		.nr = (uint32_t)call_number("mmap"),
		.errnum = EPERM,
		.tests[2] = {PROT_WRITE | PROT_EXEC,
			     1,
			     {PROT_WRITE | PROT_EXEC}},
	};
	struct err e = ERR_INIT;

	if (d->out.denies_write_exec == 0)
		return 0;
	narrow(d, "mmap", 2, not_both, path, diag);
	narrow(d, "mprotect", 2, not_exec, path, diag);
	narrow(d, "pkey_mprotect", 2, not_exec, path, diag);
	if (draft_add_rule(d, &refuse_both, &e) < 0)
		diag_error(diag, path, 0, "MemoryDenyWriteExecute=: %s",
			   e.text);
	else
		draft_explain(&d->reasons[d->rules_len - 1], -1,
			      "MemoryDenyWriteExecute=");
	return diag->errors == 0 ? 0 : -1;
}

static int
list_audited(struct draft *d, const char *path, struct diag *diag)
{
	struct policy *p = &d->out;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		struct policy_audit *a = &p->audit[p->audit_len];

		if (!d->is_audited[nr])
			continue;
		if (p->audit_len == POLICY_AUDIT_MAX) {
			diag_error(diag, path, 0, "more than %d audited calls",
				   POLICY_AUDIT_MAX);
			return -1;
		}
		a->nr = nr;
		a->errnum = EPERM;
		call_name(nr, a->name);
		p->audit_len++;
	}
	return 0;
}

static void
seal(struct draft *d)
{
	struct policy *p = &d->out;

	p->magic = POLICY_MAGIC;
	p->size = sizeof(*p);
	p->syscalls_allowed = verify_count_allowed(d);
	crypto_hash_sha256(p->bpf_sha256, (const unsigned char *)p->bpf,
			   p->bpf_len * sizeof(p->bpf[0]));
	memset(p->sha256, 0, sizeof(p->sha256));
	crypto_hash_sha256(p->sha256, (const unsigned char *)p, sizeof(*p));
}

static int
build(struct draft *d, const char *path, const struct example_list *examples,
      struct diag *diag)
{
	struct err e = ERR_INIT;

	if (verify_rules(d, path, diag) < 0 ||
	    deny_write_exec(d, path, diag) < 0 ||
	    list_audited(d, path, diag) < 0)
		return -1;
	if (filter_build(d, &e) < 0) {
		diag_error(diag, path, 0, "%s", e.text);
		return -1;
	}
	if (verify_filter(d, path, diag) < 0 ||
	    verify_examples(d, examples, path, diag) < 0)
		return -1;
	seal(d);
	if (policy_check(&d->out, &e) < 0) {
		diag_error(diag, path, 0, "%s", e.text);
		return -1;
	}
	return 0;
}

int
policy_compile(const char *path, const char *sets_dir, struct draft **ret_draft,
	       struct diag *diag)
{
	struct draft *d = calloc(1, sizeof(*d));
	struct example_list examples = {0};
	int rc = -1;

	if (d == NULL)
		abort();
	if (draft_read(d, path, sets_dir, &examples, diag) == 0)
		rc = build(d, path, &examples, diag);
	example_list_done(&examples);
	if (rc < 0)
		free(d);
	else
		*ret_draft = d;
	return rc;
}
