/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.c - a policy file and the chain of files that it extends.
 *
 * The innermost file is applied first, each one that extends it on top.  A
 * policy's name is its file's name; Extends= names a file of the same folder.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/directives.h"
#include "supervisor/base/str.h"

#define DEPTH_MAX 4
#define SUFFIX ".policy"

/* What is the same for all files of the chain. */
struct chain {
	const char *sets_dir;
	struct draft *draft;
	struct diag *diag;
};

/* A file being read, and the one that extends it. */
struct level {
	const char *path;
	const struct level *child;
	unsigned depth;
};

/* What [Policy] of one file says. */
struct head {
	const struct text_entry *description, *extends;
	const struct text_entry *loosens; /* the first; it may be repeated */
};

static void
read_head(const struct text_file *file, struct head *ret, struct diag *diag)
{
	struct {
		const char *key;
		const struct text_entry **slot;
	} keys[] = {
		{"Description", &ret->description},
		{"Extends", &ret->extends},
		{"Loosens", &ret->loosens},
	};

	for (size_t i = 0; i < file->len; i++) {
		const struct text_entry *t = &file->entries[i];
		size_t k;

		if (strcmp(t->section, "Policy") != 0)
			continue;
		for (k = 0; k < ARRAY_LEN(keys); k++)
			if (strcmp(keys[k].key, t->key) == 0)
				break;
		if (k == ARRAY_LEN(keys))
			diag_error(diag, file->path, t->line,
				   "unknown directive %s= in [Policy]", t->key);
		else if (*keys[k].slot == NULL)
			*keys[k].slot = t;
		else if (keys[k].slot != &ret->loosens)
			diag_error(diag, file->path, t->line,
				   "%s=: given twice, first at line %u", t->key,
				   (*keys[k].slot)->line);
	}
	if (ret->description == NULL)
		diag_error(diag, file->path, 0,
			   "Description= is missing in [Policy]");
	if (ret->loosens != NULL && ret->extends == NULL)
		diag_error(diag, file->path, ret->loosens->line,
			   "Loosens=: has no meaning without Extends=");
}

/* name.policy -> name */
static int
set_name(struct policy *p, const char *path, struct diag *diag)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t len = strlen(base);
	size_t suffix = strlen(SUFFIX);

	memset(p->name, 0, sizeof(p->name));
	if (len > suffix && len - suffix < sizeof(p->name) &&
	    strcmp(base + len - suffix, SUFFIX) == 0) {
		memcpy(p->name, base, len - suffix);
		if (str_is_name(p->name, sizeof(p->name) - 1))
			return 0;
	}
	diag_error(diag, path, 0,
		   "the file's name is the policy's name: 1 to %d letters, "
		   "digits, _ and -, then " SUFFIX,
		   POLICY_NAME_MAX - 1);
	return -1;
}

static void
set_description(struct policy *p, const char *path, const struct text_entry *t,
		struct diag *diag)
{
	memset(p->description, 0, sizeof(p->description));
	if (str_copy(p->description, sizeof(p->description), t->value) < 0)
		diag_error(diag, path, t->line,
			   "Description=: longer than %zu bytes",
			   sizeof(p->description) - 1);
}

static int read_level(const struct chain *c, const struct level *level,
		      struct example_list *ret_examples);

static int
read_parent(const struct chain *c, const struct level *level,
	    const struct text_entry *extends)
{
	const char *path = level->path;
	const char *slash = strrchr(path, '/');
	int dir_len = slash != NULL ? (int)(slash - path) + 1 : 0;
	char parent[4096];
	struct level next = {parent, level, level->depth + 1};

	if (!str_is_name(extends->value, POLICY_NAME_MAX - 1)) {
		diag_error(c->diag, path, extends->line,
			   "Extends=: \"%s\" is not the name of a policy "
			   "(without folder and " SUFFIX ")",
			   extends->value);
		return -1;
	}
	if (str_printf(parent, sizeof(parent), "%.*s%s" SUFFIX, dir_len, path,
		       extends->value) < 0) {
		diag_error(c->diag, path, extends->line, "Extends=: too long");
		return -1;
	}
	for (const struct level *at = level; at != NULL; at = at->child)
		if (strcmp(at->path, parent) == 0) {
			diag_error(c->diag, path, extends->line,
				   "Extends=: %s extends itself",
				   extends->value);
			return -1;
		}
	if (next.depth > DEPTH_MAX) {
		diag_error(c->diag, path, extends->line,
			   "Extends=: more than %d files deep", DEPTH_MAX);
		return -1;
	}
	if (read_level(c, &next, NULL) == 0)
		return 0;
	diag_error(c->diag, path, extends->line,
		   "Extends=: %s has the errors above", extends->value);
	return -1;
}

static void
add_example(struct example_list *list, const struct text_file *file,
	    const struct text_entry *t, struct diag *diag)
{
	static const char *const kinds[] = {"Allow", "Deny", "Audit", "Kill"};
	size_t k;

	for (k = 0; k < ARRAY_LEN(kinds); k++)
		if (strcmp(kinds[k], t->key) == 0)
			break;
	if (k == ARRAY_LEN(kinds)) {
		diag_error(diag, file->path, t->line,
			   "%s=: an example is Allow=, Deny=, Audit= or Kill=",
			   t->key);
		return;
	}
	if (list == NULL) /* of a parent: checked when that is compiled */
		return;
	list->items =
		reallocarray(list->items, list->len + 1, sizeof(*list->items));
	if (list->items == NULL)
		abort();
	list->items[list->len] = (struct example){
		.line = t->line,
		.kind = strdup(t->key),
		.text = strdup(t->value),
	};
	if (list->items[list->len].kind == NULL ||
	    list->items[list->len].text == NULL)
		abort();
	list->len++;
}

void
example_list_done(struct example_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].kind);
		free(list->items[i].text);
	}
	free(list->items);
	*list = (struct example_list){0};
}

static void
apply_file(const struct chain *c, const struct text_file *file,
	   const struct head *head, struct example_list *examples)
{
	struct load l = {
		.draft = c->draft,
		.diag = c->diag,
		.sets_dir = c->sets_dir,
		.path = file->path,
		.is_child = head->extends != NULL,
		.inherited_rules = c->draft->rules_len,
	};

	for (size_t i = 0; i < file->len; i++)
		if (strcmp(file->entries[i].key, "Loosens") == 0)
			directive_loosens(&l, &file->entries[i]);
	for (size_t i = 0; i < file->len; i++) {
		const struct text_entry *t = &file->entries[i];

		if (strcmp(t->section, "Policy") == 0)
			continue;
		if (strcmp(t->section, "Examples") == 0)
			add_example(examples, file, t, c->diag);
		else
			directive_apply(&l, t);
	}
	directive_check_loosened(&l);
}

static int
read_level(const struct chain *c, const struct level *level,
	   struct example_list *ret_examples)
{
	const char *path = level->path;
	unsigned before = c->diag->errors;
	struct text_file file;
	struct head head = {0};

	if (text_read(&file, path, policy_sections, c->diag) < 0 ||
	    set_name(&c->draft->out, path, c->diag) < 0)
		goto out;
	read_head(&file, &head, c->diag);
	if (head.extends != NULL && read_parent(c, level, head.extends) < 0)
		goto out;
	apply_file(c, &file, &head, ret_examples);
	set_name(&c->draft->out, path, c->diag);
	if (head.description != NULL)
		set_description(&c->draft->out, path, head.description,
				c->diag);
out:
	text_done(&file);
	return c->diag->errors == before ? 0 : -1;
}

int
draft_read(struct draft *d, const char *path, const char *sets_dir,
	   struct example_list *ret_examples, struct diag *diag)
{
	struct chain c = {.sets_dir = sets_dir, .draft = d, .diag = diag};
	struct level level = {.path = path, .depth = 1};
	struct err e = ERR_INIT;

	if (read_level(&c, &level, ret_examples) < 0)
		return -1;
	directive_check_complete(d, path, diag);
	if (family_add_rules(d, &e) < 0)
		diag_error(diag, path, 0, "RestrictAddressFamilies=: %s",
			   e.text);
	return diag->errors == 0 ? 0 : -1;
}
