/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.c - a compiled policy for people: what it gives, in a page.
 */
#include <stdio.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/jsonout.h"
#include "policy/text.h"
#include "supervisor/base/str.h"

static void
show_size(FILE *out, const char *label, uint64_t bytes)
{
	static const char units[] = " KMG";
	size_t unit = 0;

	while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	fprintf(out, "  %-16s %llu%.*s\n", label, (unsigned long long)bytes,
		unit > 0 ? 1 : 0, &units[unit]);
}

static void
show_limits(FILE *out, const struct policy_limits *l)
{
	fprintf(out, "limits\n  %-16s %g s\n", "wall time",
		(double)l->wall_ms / 1000);
	show_size(out, "memory", l->memory_bytes);
	fprintf(out, "  %-16s %u\n", "processes", l->pids);
	fprintf(out, "  %-16s %u%% of one CPU\n", "cpu", l->cpu_percent);
	fprintf(out, "  %-16s %u\n", "open files", l->nofile);
	show_size(out, "file size", l->file_bytes);
	show_size(out, "stack", l->stack_bytes);
	show_size(out, "output", l->output_bytes);
	show_size(out, "result files", l->collect_bytes);
}

static void
show_filesystem(FILE *out, const struct policy *p)
{
	fputs("read-only from the host\n", out);
	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];
		bool is_same = strcmp(m->source, m->target) == 0;

		fprintf(out, "  %s%s%s%s%s%s\n", m->source,
			is_same ? "" : " at ", is_same ? "" : m->target,
			(m->flags & POLICY_MOUNT_OPTIONAL) != 0 ? " (if there)"
								: "",
			(m->flags & POLICY_MOUNT_DEVICE) != 0 ? " (device)"
							      : "",
			m->flags == POLICY_MOUNT_NOEXEC ? " (noexec)" : "");
	}
	fputs("writable, gone with the jail\n", out);
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		const struct policy_tmpfs *t = &p->tmpfs[i];

		fprintf(out, "  %s  %llu KiB, %llu inodes, mode %04o%s\n",
			t->target, (unsigned long long)t->bytes >> 10,
			(unsigned long long)t->inodes, t->mode,
			t->is_noexec ? ", noexec" : "");
	}
	fputs("symbolic links\n", out);
	for (uint32_t i = 0; i < p->symlinks_len; i++)
		fprintf(out, "  %s -> %s\n", p->symlinks[i].path,
			p->symlinks[i].target);
}

void
policy_show_word(FILE *out, const char *word, size_t *column)
{
	size_t len = strlen(word);

	if (*column == 0 || *column + len + 1 > 78) {
		fprintf(out, "%s ", *column == 0 ? "" : "\n");
		*column = 1;
	}
	fprintf(out, " %s", word);
	*column += len + 1;
}

#define WHY_COLUMN 26
#define RULE_TEXT_MAX 1024

/* "  rule        why", the reason on a line of its own if the rule is long. */
static void
show_reason(FILE *out, const char *rule, const char *why)
{
	int len = fprintf(out, "  %s", rule);

	if (why[0] == '\0')
		fputc('\n', out);
	else if (len < WHY_COLUMN)
		fprintf(out, "%*s%s\n", WHY_COLUMN - len, "", why);
	else
		fprintf(out, "\n%*s%s\n", WHY_COLUMN, "", why);
}

static void
rule_text(const struct call_rule *rule, char dst[RULE_TEXT_MAX])
{
	char name[CALL_NAME_MAX];

	call_name(rule->nr, name);
	if (call_rule_format(rule, dst, RULE_TEXT_MAX) < 0)
		(void)str_copy(dst, RULE_TEXT_MAX, name);
}

/* The first line is not indented. */
static void
show_heading(FILE *out, const struct draft_set *set)
{
	char copy[DRAFT_TEXT_MAX], *cursor = copy, *word;
	size_t column = (size_t)fprintf(out, "@%s:", set->name);

	(void)str_copy(copy, sizeof(copy), set->why);
	while ((word = text_next_word(&cursor)) != NULL)
		policy_show_word(out, word, &column);
	fputc('\n', out);
}

/* Rules that come from a set (-1: from none) and allow. */
static void
show_group(FILE *out, const struct draft *d, int set)
{
	char text[RULE_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->rules_len; i++) {
		if (d->reasons[i].set != set || d->rules[i].errnum != 0)
			continue;
		if (n++ == 0 && set < 0)
			fputs("of the policy itself\n", out);
		else if (n == 1)
			show_heading(out, &d->sets[set]);
		rule_text(&d->rules[i], text);
		show_reason(out, text, d->reasons[i].why);
	}
}

static void
show_refused(FILE *out, const struct draft *d)
{
	char text[RULE_TEXT_MAX];
	bool is_first = true;

	for (size_t i = 0; i < d->rules_len; i++) {
		if (d->rules[i].errnum == 0)
			continue;
		if (is_first)
			fputs("refused with an error of their own, "
			      "unrecorded\n",
			      out);
		is_first = false;
		rule_text(&d->rules[i], text);
		(void)str_printf(text + strlen(text),
				 sizeof(text) - strlen(text), ": %s",
				 strerrorname_np((int)d->rules[i].errnum));
		show_reason(out, text, d->reasons[i].why);
	}
}

static void
show_calls(FILE *out, const struct draft *d)
{
	const struct policy *p = &d->out;

	fprintf(out,
		"system calls allowed: %u of %zu (Docker's default profile: "
		"%d names); filter of %u instructions\n",
		p->syscalls_allowed, call_count(), CALL_DOCKER_DEFAULT,
		p->bpf_len);
	for (int set = 0; set < d->sets_len; set++)
		show_group(out, d, set);
	show_group(out, d, -1);
	show_refused(out, d);
	fputs("refused with EPERM and recorded, where not allowed above\n",
	      out);
	for (uint32_t i = 0; i < p->audit_len; i++)
		show_reason(out, p->audit[i].name,
			    d->audit_reasons[p->audit[i].nr].why);
	fputs("all others: ENOSYS; i386 and x32: the process is killed\n", out);
}

void
policy_show(const struct draft *d, FILE *out)
{
	const struct policy *p = &d->out;
	char hex[2 * POLICY_SHA256_SIZE + 1];

	str_hex(hex, p->sha256, sizeof(p->sha256));
	fprintf(out, "policy %s: %s\nsha256 %s\n", p->name, p->description,
		hex);
	show_limits(out, &p->limits);
	fprintf(out,
		"network: own, %s\nwritable and executable memory: %s\n"
		"landlock: version %u or later\n",
		p->has_loopback ? "with loopback" : "no interface up",
		p->denies_write_exec ? "refused" : "allowed",
		p->landlock_abi_min);
	show_filesystem(out, p);
	fputs("environment\n", out);
	for (uint32_t i = 0; i < p->env_len; i++)
		fprintf(out, "  %s\n", p->env[i]);
	show_calls(out, d);
}

/* ---- for programs ---------------------------------------------------- */

static void
json_limits(struct jsonout *j, const struct policy_limits *l)
{
	jsonout_open(j, "limits", '{');
	jsonout_number(j, "wall_ms", l->wall_ms);
	jsonout_number(j, "memory_bytes", l->memory_bytes);
	jsonout_number(j, "pids", l->pids);
	jsonout_number(j, "cpu_percent", l->cpu_percent);
	jsonout_number(j, "nofile", l->nofile);
	jsonout_number(j, "file_bytes", l->file_bytes);
	jsonout_number(j, "stack_bytes", l->stack_bytes);
	jsonout_number(j, "output_bytes", l->output_bytes);
	jsonout_number(j, "collect_bytes", l->collect_bytes);
	jsonout_close(j, '{');
}

static void
json_files(struct jsonout *j, const struct policy *p)
{
	jsonout_open(j, "mounts", '[');
	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		jsonout_open(j, NULL, '{');
		jsonout_text(j, "source", m->source);
		jsonout_text(j, "target", m->target);
		jsonout_bool(j, "optional", m->flags & POLICY_MOUNT_OPTIONAL);
		jsonout_bool(j, "noexec", m->flags & POLICY_MOUNT_NOEXEC);
		jsonout_bool(j, "device", m->flags & POLICY_MOUNT_DEVICE);
		jsonout_close(j, '{');
	}
	jsonout_close(j, '[');
	jsonout_open(j, "tmpfs", '[');
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		const struct policy_tmpfs *t = &p->tmpfs[i];

		jsonout_open(j, NULL, '{');
		jsonout_text(j, "target", t->target);
		jsonout_number(j, "bytes", t->bytes);
		jsonout_number(j, "inodes", t->inodes);
		jsonout_number(j, "mode", t->mode);
		jsonout_bool(j, "noexec", t->is_noexec != 0);
		jsonout_close(j, '{');
	}
	jsonout_close(j, '[');
	jsonout_open(j, "symlinks", '[');
	for (uint32_t i = 0; i < p->symlinks_len; i++) {
		jsonout_open(j, NULL, '{');
		jsonout_text(j, "path", p->symlinks[i].path);
		jsonout_text(j, "target", p->symlinks[i].target);
		jsonout_close(j, '{');
	}
	jsonout_close(j, '[');
}

static void
json_rule(struct jsonout *j, const char *text, const char *why)
{
	jsonout_open(j, NULL, '{');
	jsonout_text(j, "rule", text);
	jsonout_text(j, "why", why);
	jsonout_close(j, '{');
}

static void
json_group(struct jsonout *j, const struct draft *d, int set)
{
	char text[RULE_TEXT_MAX];

	jsonout_open(j, NULL, '{');
	jsonout_text(j, "set", set < 0 ? NULL : d->sets[set].name);
	jsonout_text(j, "why", set < 0 ? "" : d->sets[set].why);
	jsonout_open(j, "rules", '[');
	for (size_t i = 0; i < d->rules_len; i++) {
		if (d->reasons[i].set != set || d->rules[i].errnum != 0)
			continue;
		rule_text(&d->rules[i], text);
		json_rule(j, text, d->reasons[i].why);
	}
	jsonout_close(j, '[');
	jsonout_close(j, '{');
}

static void
json_calls(struct jsonout *j, const struct draft *d)
{
	const struct policy *p = &d->out;

	jsonout_number(j, "reachable", p->syscalls_allowed);
	jsonout_number(j, "named", call_count());
	jsonout_number(j, "docker_default", CALL_DOCKER_DEFAULT);
	jsonout_open(j, "allowed", '[');
	for (int set = 0; set < d->sets_len; set++)
		json_group(j, d, set);
	json_group(j, d, -1);
	jsonout_close(j, '[');
	jsonout_open(j, "audited", '[');
	for (uint32_t i = 0; i < p->audit_len; i++)
		json_rule(j, p->audit[i].name,
			  d->audit_reasons[p->audit[i].nr].why);
	jsonout_close(j, '[');
}

void
policy_show_json(const struct draft *d, FILE *out)
{
	const struct policy *p = &d->out;
	char hex[2 * POLICY_SHA256_SIZE + 1];
	struct jsonout j = {.out = out};

	jsonout_open(&j, NULL, '{');
	jsonout_text(&j, "policy", p->name);
	jsonout_text(&j, "description", p->description);
	str_hex(hex, p->sha256, sizeof(p->sha256));
	jsonout_text(&j, "sha256", hex);
	json_limits(&j, &p->limits);
	jsonout_bool(&j, "loopback", p->has_loopback != 0);
	jsonout_bool(&j, "memory_deny_write_execute",
		     p->denies_write_exec != 0);
	jsonout_number(&j, "landlock_abi_min", p->landlock_abi_min);
	json_files(&j, p);
	jsonout_open(&j, "environment", '[');
	for (uint32_t i = 0; i < p->env_len; i++)
		jsonout_text(&j, NULL, p->env[i]);
	jsonout_close(&j, '[');
	json_calls(&j, d);
	jsonout_close(&j, '{');
	fputc('\n', out);
}
