/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - [SystemCalls]: what a jail may ask of the kernel.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/directives.h"
#include "supervisor/base/str.h"

/* Adds a rule; errors name the set's line, or the policy's. */
struct adder {
	struct load *l;
	void (*add)(struct load *l, const struct call_rule *rule,
		    struct err *e);
	int set; /* of draft.sets, or -1 */
};

static void on_audited_rule(struct load *l, const struct call_rule *rule,
			    struct err *e);

/* "@files: use files." and the lines that go on with it. */
static void
add_heading(const struct adder *a, const char *line)
{
	struct draft_set *set = &a->l->draft->sets[a->set];
	size_t len = strlen(set->why), name = strlen(set->name);

	if (line[0] == '@' && strncmp(line + 1, set->name, name) == 0 &&
	    line[1 + name] == ':') {
		line += 2 + name;
		line += strspn(line, " ");
		len = 0;
	} else if (len == 0) {
		return; /* the licence */
	}
	(void)snprintf(set->why + len, sizeof(set->why) - len, "%s%s",
		       len > 0 ? " " : "", line);
}

static void
explain(const struct adder *a, uint32_t nr, const char *why)
{
	struct draft *d = a->l->draft;

	if (a->add == on_audited_rule)
		draft_explain(&d->audit_reasons[nr], a->set, why);
	else
		draft_explain(&d->reasons[d->rules_len - 1], a->set, why);
}

static void
add_rule_text(void *user, const char *file, unsigned line, char *text,
	      const char *why)
{
	struct adder *a = user;
	struct call_rule rule;
	struct err e = ERR_INIT;

	if (text == NULL) {
		add_heading(a, why);
		return;
	}
	if (call_rule_parse(text, &rule, &e) == 0)
		a->add(a->l, &rule, &e);
	if (e.kind == ERR_NONE) {
		explain(a, rule.nr, why);
		return;
	}
	if (file == a->l->path)
		load_error(a->l, "%s", e.text);
	else
		diag_error(a->l->diag, file, line, "%s", e.text);
}

static void
add_set(struct load *l, const char *name, struct adder *a)
{
	char path[4096];

	if (!str_is_name(name, POLICY_NAME_MAX - 1)) {
		load_error(l, "\"@%s\" is not the name of a set", name);
		return;
	}
	if (str_printf(path, sizeof(path), "%s/%s", l->sets_dir, name) < 0 ||
	    access(path, R_OK) < 0) {
		load_error(l, "unknown set @%s: there is no file %s/%s", name,
			   l->sets_dir, name);
		return;
	}
	a->set = draft_add_set(l->draft, name);
	if (a->set < 0)
		load_error(l, "more than %d sets", DRAFT_SETS_MAX);
	else
		set_read(l->sets_dir, name, add_rule_text, a, l->diag);
	a->set = -1;
}

static void
each_rule(struct load *l, char *value,
	  void (*add)(struct load *l, const struct call_rule *rule,
		      struct err *e))
{
	struct adder a = {.l = l, .add = add, .set = -1};
	char *word;

	while ((word = text_next_word(&value)) != NULL) {
		if (word[0] == '~')
			load_error(l, "~ (all but these) is not allowed: a "
				      "filter lists what is allowed");
		else if (word[0] == '@')
			add_set(l, word + 1, &a);
		else
			add_rule_text(&a, l->path, l->entry->line, word, "");
	}
}

static void
add_allowed(struct load *l, const struct call_rule *rule, struct err *e)
{
	struct draft *d = l->draft;
	char name[CALL_NAME_MAX];

	call_name(rule->nr, name);
	if (strcmp(name, "socket") == 0) {
		err_set(e, ERR_INVALID, 0,
			"socket is allowed by RestrictAddressFamilies=");
		return;
	}
	if (draft_add_rule(d, rule, e) < 0)
		return;
	/* A child that allows all of an audited call means it. */
	if (l->is_child && !call_rule_is_conditional(rule))
		d->is_audited[rule->nr] = false;
}

void
on_call_filter(struct load *l, char *value)
{
	if (load_may_loosen(l, "%s is more", value))
		each_rule(l, value, add_allowed);
}

static bool
is_inherited_whole(const struct load *l, uint32_t nr)
{
	for (size_t i = 0; i < l->inherited_rules; i++)
		if (l->draft->rules[i].nr == nr &&
		    !call_rule_is_conditional(&l->draft->rules[i]))
			return true;
	return false;
}

static void
on_audited_rule(struct load *l, const struct call_rule *rule, struct err *e)
{
	struct draft *d = l->draft;
	char name[CALL_NAME_MAX];

	call_name(rule->nr, name);
	if (call_rule_is_conditional(rule)) {
		err_set(e, ERR_INVALID, 0,
			"%s: name the call alone; recorded is what no rule of "
			"SystemCallFilter= allows",
			name);
		return;
	}
	if (d->is_audited[rule->nr]) {
		err_set(e, ERR_INVALID, 0, "%s is audited already", name);
		return;
	}
	/* A child takes an inherited call away: that is tightening. */
	if (l->is_child && is_inherited_whole(l, rule->nr)) {
		size_t before = d->rules_len;

		draft_drop_rules(d, rule->nr);
		l->inherited_rules -= before - d->rules_len;
	}
	d->is_audited[rule->nr] = true;
}

void
on_call_audit(struct load *l, char *value)
{
	each_rule(l, value, on_audited_rule);
}

static void
clear_families(struct load *l)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		l->draft->families[f] = false;
}

void
on_families(struct load *l, char *value)
{
	enum family family;
	char *word;

	if (strcmp(value, "none") == 0) {
		if (l->seen_line[l->directive] != 0)
			load_error(l, "none after families at line %u",
				   l->seen_line[l->directive]);
		clear_families(l);
		return;
	}
	l->seen_line[l->directive] = l->entry->line;
	while ((word = text_next_word(&value)) != NULL) {
		if (family_find(word, &family) < 0)
			load_error(l,
				   "\"%s\": a jail can have AF_UNIX, AF_INET "
				   "and AF_INET6, or none alone",
				   word);
		else if (l->draft->families[family])
			load_error(l, "%s is given already", word);
		else if (load_may_loosen(l, "%s is more", word))
			l->draft->families[family] = true;
	}
}
