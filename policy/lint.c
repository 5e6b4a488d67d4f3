/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint.c - what is legal in a policy file and yet should not stay: one
 * "file:line: message" line each, like the errors.
 */
#include <string.h>
#include <unistd.h>

#include "policy/compile.h"
#include "policy/directives.h"
#include "supervisor/base/str.h"

/* Calls that are many calls in one: which of them is for the policy to say. */
static const char *const many_in_one[] = {
	"ioctl",       "prctl",	     "clone", "socket",	    "setsockopt",
	"personality", "arch_prctl", "fcntl", "socketpair",
};

struct lint {
	const struct draft *draft;
	const struct text_file *file;
	struct diag *diag;
};

/* The line whose value for key has this text in it, or 0. */
static unsigned
find_line(const struct lint *l, const char *key, const char *text)
{
	for (size_t i = 0; i < l->file->len; i++)
		if (strcmp(l->file->entries[i].key, key) == 0 &&
		    strstr(l->file->entries[i].value, text) != NULL)
			return l->file->entries[i].line;
	return 0;
}

static void
lint_examples(struct lint *l)
{
	bool has_allow = false, has_refusal = false;

	for (size_t i = 0; i < l->file->len; i++) {
		const struct text_entry *t = &l->file->entries[i];

		if (strcmp(t->section, "Examples") != 0)
			continue;
		if (strcmp(t->key, "Allow") == 0)
			has_allow = true;
		else
			has_refusal = true;
	}
	if (!has_allow || !has_refusal)
		diag_error(l->diag, l->file->path, 0,
			   "[Examples] lacks a call that is %s: they are the "
			   "tests of a policy",
			   has_allow ? "refused" : "allowed");
}

/* Rules of a set have a reason each; rules written here have none. */
static void
lint_reasons(struct lint *l)
{
	for (size_t i = 0; i < l->file->len; i++) {
		const struct text_entry *t = &l->file->entries[i];
		char copy[TEXT_LINE_MAX], *cursor = copy, *word;

		if (strcmp(t->key, "SystemCallFilter") != 0 ||
		    str_copy(copy, sizeof(copy), t->value) < 0)
			continue;
		while ((word = text_next_word(&cursor)) != NULL)
			if (word[0] != '@')
				diag_error(l->diag, l->file->path, t->line,
					   "SystemCallFilter=: %s stands here "
					   "without a reason: put it in a set, "
					   "which has one for each rule",
					   word);
	}
}

static void
lint_many_in_one(struct lint *l)
{
	const struct draft *d = l->draft;

	for (size_t i = 0; i < ARRAY_LEN(many_in_one); i++) {
		uint32_t nr = (uint32_t)call_number(many_in_one[i]);

		for (size_t k = 0; k < d->rules_len; k++)
			if (d->rules[k].nr == nr && d->rules[k].errnum == 0 &&
			    !call_rule_is_conditional(&d->rules[k]))
				diag_error(l->diag, l->file->path,
					   find_line(l, "SystemCallFilter",
						     many_in_one[i]),
					   "%s is allowed with any arguments: "
					   "say which",
					   many_in_one[i]);
	}
}

static void
lint_sources(struct lint *l)
{
	const struct policy *p = &l->draft->out;

	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if ((m->flags & POLICY_MOUNT_OPTIONAL) == 0 &&
		    access(m->source, F_OK) < 0)
			diag_error(l->diag, l->file->path,
				   find_line(l, "BindReadOnlyPaths", m->source),
				   "%s is not there on this host: jobs would "
				   "be refused (a path that may be absent is "
				   "written -%s)",
				   m->source, m->source);
	}
}

int
policy_lint(const struct draft *d, const char *path, struct diag *diag)
{
	struct text_file file;
	struct lint l = {d, &file, diag};
	unsigned before = diag->errors;

	if (text_read(&file, path, policy_sections, diag) == 0) {
		lint_examples(&l);
		lint_reasons(&l);
		lint_many_in_one(&l);
		lint_sources(&l);
	}
	text_done(&file);
	return diag->errors == before ? 0 : -1;
}
