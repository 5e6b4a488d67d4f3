/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.c - a compiled policy for people: what it gives, in a page.
 */
#include <stdio.h>
#include <string.h>

#include "policy/compile.h"
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

static void
show_rule(FILE *out, const struct call_rule *rule)
{
	char text[1024];

	if (call_rule_format(rule, text, sizeof(text)) < 0)
		call_name(rule->nr, text);
	if (rule->errnum != 0)
		fprintf(out, "  %s: %s, unrecorded\n", text,
			strerrorname_np((int)rule->errnum));
	else
		fprintf(out, "  %s\n", text);
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

static void
show_calls(FILE *out, const struct draft *d)
{
	const struct policy *p = &d->out;
	char name[CALL_NAME_MAX];
	size_t column = 0;

	fprintf(out, "system calls allowed: %u (filter of %u instructions)\n",
		p->syscalls_allowed, p->bpf_len);
	for (size_t i = 0; i < d->rules_len; i++)
		if (!call_rule_is_conditional(&d->rules[i])) {
			call_name(d->rules[i].nr, name);
			policy_show_word(out, name, &column);
		}
	fputs("\nwith these arguments only\n", out);
	for (size_t i = 0; i < d->rules_len; i++)
		if (call_rule_is_conditional(&d->rules[i]))
			show_rule(out, &d->rules[i]);
	column = 0;
	fputs("refused with EPERM and recorded, where not allowed above\n",
	      out);
	for (uint32_t i = 0; i < p->audit_len; i++)
		policy_show_word(out, p->audit[i].name, &column);
	fputs("\nall others: ENOSYS; i386 and x32: the process is killed\n",
	      out);
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
