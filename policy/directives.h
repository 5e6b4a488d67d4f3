/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directives.h - the directives of a policy file, one table.
 *
 * What a file says is applied on top of what it extends.  A directive that
 * makes the policy looser than the inherited one must be named in Loosens=;
 * tightening needs no word.
 */
#ifndef PC_POLICY_DIRECTIVES_H
#define PC_POLICY_DIRECTIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/draft.h"
#include "policy/text.h"

#define DIRECTIVES_MAX 64

/* One file being applied. */
struct load {
	struct draft *draft;
	struct diag *diag;
	const char *sets_dir;
	const char *path;
	bool is_child;		    /* has Extends= */
	size_t inherited_rules;	    /* rules of what it extends */
	uint64_t loosens, loosened; /* bit: index of directive */
	unsigned loosens_line;
	unsigned seen_line[DIRECTIVES_MAX]; /* of scalars in this file */
	const struct text_entry *entry;	    /* being applied */
	unsigned directive;		    /* its index */
};

extern const char *const policy_sections[];

/* Apply one entry of [Limits], [Filesystem], ... */
void directive_apply(struct load *l, const struct text_entry *entry);
/* Loosens=: fills l->loosens. */
void directive_loosens(struct load *l, const struct text_entry *entry);
/* Names in Loosens= that loosened nothing are errors. */
void directive_check_loosened(struct load *l);
/* A directive that every policy must have, itself or inherited, is missing. */
void directive_check_complete(const struct draft *d, const char *path,
			      struct diag *diag);

/* "file:line: Key=: message" for the entry at hand. */
void load_error(struct load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * The entry makes the policy looser in the way that fmt says: false, and an
 * error, unless Loosens= names its directive.
 */
bool load_may_loosen(struct load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Handlers that live in files of their own. */
typedef void directive_fn(struct load *l, char *value);
directive_fn on_bind_paths, on_devices, on_tmpfs, on_symlinks; /* mounts.c */
directive_fn on_call_filter, on_call_audit, on_families;       /* rules.c */
void on_environment(struct load *l, const char *key, const char *value);

#endif
