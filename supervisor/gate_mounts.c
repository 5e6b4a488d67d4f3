/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_mounts.c - the mounts that a process sees, against its policy's list.
 * Each must be declared, there once, with all its restrictions; what the
 * policy does not let be absent must be there.  Pure: works on the text of
 * /proc/PID/mountinfo, paths as from the jail's root.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "jail/spec.h"
#include "supervisor/base/str.h"
#include "supervisor/gate.h"

#define ROWS_MAX (POLICY_MOUNTS_MAX + POLICY_TMPFS_MAX + 4)
#define PAGE 4096u

enum restriction {
	RO = 1u << 0,
	NOSUID = 1u << 1,
	NODEV = 1u << 2,
	NOEXEC = 1u << 3,
};

static const char *const restriction_names[] = {"ro", "nosuid", "nodev",
						"noexec"};

/* One mount that there may be. */
struct row {
	const char *target;
	const char *type; /* NULL: any */
	const struct policy_tmpfs *tmpfs;
	unsigned need; /* enum restriction */
	bool is_optional, is_seen;
};

struct span {
	const char *at;
	size_t len;
};

/* What a line of mountinfo says, as far as it matters here. */
struct mount {
	struct span target, options, type, super;
};

static bool
is_text(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

/* The next word of the line; empty at its end. */
static struct span
next_word(const char **at)
{
	struct span word = {.at = *at};

	while (**at != ' ' && **at != '\n' && **at != '\0')
		++*at;
	word.len = (size_t)(*at - word.at);
	if (**at == ' ')
		++*at;
	return word;
}

/* "name" or "name=..." in a list with commas; what stands behind the name. */
static bool
find_option(struct span list, const char *name, struct span *ret_value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list.len;) {
		const char *at = list.at + i;
		size_t rest = list.len - i, n = 0;

		while (n < rest && at[n] != ',')
			n++;
		if (n >= len && memcmp(at, name, len) == 0 &&
		    (n == len || at[len] == '=')) {
			size_t skip = n == len ? len : len + 1;

			*ret_value = (struct span){at + skip, n - skip};
			return true;
		}
		i += n + 1;
	}
	return false;
}

static bool
has_option(struct span list, const char *name, const char *value)
{
	struct span got;

	return find_option(list, name, &got) && is_text(got, value);
}

/* 36 35 98:0 /root /target opts [shared:1 ...] - type source super */
static bool
parse_line(const char *at, struct mount *ret)
{
	for (int skip = 0; skip < 4; skip++)
		if (next_word(&at).len == 0)
			return false;
	ret->target = next_word(&at);
	ret->options = next_word(&at);
	for (;;) {
		struct span word = next_word(&at);

		if (word.len == 0)
			return false;
		if (is_text(word, "-"))
			break;
	}
	ret->type = next_word(&at);
	(void)next_word(&at);
	ret->super = next_word(&at);
	return ret->super.len > 0;
}

/* ---- what a policy lets be there ------------------------------------- */

static size_t
make_rows(const struct policy *p, struct row rows[ROWS_MAX])
{
	const struct row fixed[] = {
		{.target = "/",
		 .type = "tmpfs",
		 .need = RO | NOSUID | NODEV | NOEXEC},
		{.target = "/run",
		 .type = "tmpfs",
		 .need = NOSUID | NODEV | NOEXEC},
		{.target = "/proc",
		 .type = "proc",
		 .need = RO | NOSUID | NODEV | NOEXEC},
		{.target = RUNTIME_JAIL_DIR, .need = RO | NOSUID | NODEV},
	};
	size_t n = ARRAY_LEN(fixed);

	memcpy(rows, fixed, sizeof(fixed));
	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		rows[n++] = (struct row){
			.target = m->target,
			.need = RO | NOSUID |
				(m->flags & POLICY_MOUNT_DEVICE ? 0u : NODEV) |
				(m->flags & POLICY_MOUNT_NOEXEC ? NOEXEC : 0u),
			.is_optional = (m->flags & POLICY_MOUNT_OPTIONAL) != 0,
		};
	}
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		rows[n++] = (struct row){
			.target = p->tmpfs[i].target,
			.need = NOSUID | NODEV |
				(p->tmpfs[i].is_noexec ? NOEXEC : 0u),
			.type = "tmpfs",
			.tmpfs = &p->tmpfs[i],
		};
	return n;
}

static int
check_size(const struct row *row, struct span super, struct err *e)
{
	uint64_t kib = (row->tmpfs->bytes + PAGE - 1) / PAGE * (PAGE / 1024);
	char size[32], inodes[32];

	if (str_printf(size, sizeof(size), "%lluk", (unsigned long long)kib) <
		    0 ||
	    str_printf(inodes, sizeof(inodes), "%llu",
		       (unsigned long long)row->tmpfs->inodes) < 0 ||
	    !has_option(super, "size", size) ||
	    !has_option(super, "nr_inodes", inodes))
		return err_set(e, ERR_DENIED, 0,
			       "mount %s: its size is not the policy's",
			       row->target);
	return 0;
}

static int
check_mount(const struct mount *m, const struct row *row, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(restriction_names); i++)
		if ((row->need & 1u << i) != 0 &&
		    !has_option(m->options, restriction_names[i], ""))
			return err_set(e, ERR_DENIED, 0, "mount %s: not %s",
				       row->target, restriction_names[i]);
	if (row->type != NULL && !is_text(m->type, row->type))
		return err_set(e, ERR_DENIED, 0, "mount %s: not %s",
			       row->target, row->type);
	if (row->tmpfs != NULL && check_size(row, m->super, e) < 0)
		return -1;
	if (is_text(m->type, "proc") &&
	    (!has_option(m->super, "hidepid", "invisible") ||
	     !has_option(m->super, "subset", "pid")))
		return err_set(e, ERR_DENIED, 0,
			       "mount %s: shows more than own processes",
			       row->target);
	return 0;
}

static int
check_line(const char *line, struct row *rows, size_t len, struct err *e)
{
	struct mount m;

	if (!parse_line(line, &m))
		return err_set(e, ERR_INVALID, 0, "mountinfo: malformed line");
	for (size_t i = 0; i < len; i++) {
		if (!is_text(m.target, rows[i].target))
			continue;
		/* The one below would be hidden by it. */
		if (rows[i].is_seen)
			return err_set(e, ERR_DENIED, 0, "mount %s: twice",
				       rows[i].target);
		rows[i].is_seen = true;
		return check_mount(&m, &rows[i], e);
	}
	return err_set(e, ERR_DENIED, 0, "mount %.*s is not the policy's",
		       m.target.len < 80 ? (int)m.target.len : 80, m.target.at);
}

int
gate_mounts_check(const struct policy *policy, const char *mountinfo,
		  struct err *e)
{
	struct row rows[ROWS_MAX];
	size_t len = make_rows(policy, rows);

	for (const char *at = mountinfo; *at != '\0';) {
		if (check_line(at, rows, len, e) < 0)
			return -1;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	for (size_t i = 0; i < len; i++)
		if (!rows[i].is_seen && !rows[i].is_optional)
			return err_set(e, ERR_DENIED, 0, "mount %s is missing",
				       rows[i].target);
	return 0;
}
