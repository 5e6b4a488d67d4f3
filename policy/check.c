/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_check() and runtime_check(): may this struct be used at all?  Runs
 * as root in the supervisor and in jail-init on bytes that an unprivileged
 * compiler wrote; libc only, trusts nothing in the struct.
 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "policy/policy.h"
#include "supervisor/base/str.h"

static int
bad(struct err *e, const char *field)
{
	return err_set(e, ERR_INVALID, 0, "compiled policy: bad %s", field);
}

/* Absolute or relative, normalised, a part per "/". */
static bool
is_path(const char *path, size_t size, bool is_absolute)
{
	const char *part = path;

	if (!str_is_terminated(path, size) || (path[0] == '/') != is_absolute)
		return false;
	if (is_absolute)
		part++;
	for (;;) {
		size_t len = strcspn(part, "/");

		if (len == 0 || (len <= 2 && strncmp(part, "..", len) == 0))
			return false;
		if (part[len] == '\0')
			return true;
		part += len + 1;
	}
}

static bool
is_env(const char *text, size_t size)
{
	return str_is_terminated(text, size) && text[0] != '=' &&
	       strchr(text, '=') != NULL;
}

static int
check_mounts(const struct policy *p, struct err *e)
{
	const uint32_t known = POLICY_MOUNT_OPTIONAL | POLICY_MOUNT_NOEXEC |
			       POLICY_MOUNT_DEVICE;

	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if (!is_path(m->source, sizeof(m->source), true) ||
		    !is_path(m->target, sizeof(m->target), true) ||
		    (m->flags & ~known) != 0)
			return bad(e, "mount");
	}
	return 0;
}

static int
check_filesystem(const struct policy *p, struct err *e)
{
	if (check_mounts(p, e) < 0)
		return -1;
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		const struct policy_tmpfs *t = &p->tmpfs[i];

		if (!is_path(t->target, sizeof(t->target), true) ||
		    t->bytes == 0 || t->inodes == 0 || t->mode > 07777 ||
		    t->is_noexec > 1)
			return bad(e, "tmpfs");
	}
	for (uint32_t i = 0; i < p->symlinks_len; i++) {
		const struct policy_symlink *s = &p->symlinks[i];

		if (!str_is_terminated(s->target, sizeof(s->target)) ||
		    !is_path(s->target, sizeof(s->target),
			     s->target[0] == '/') ||
		    !is_path(s->path, sizeof(s->path), true))
			return bad(e, "symlink");
	}
	return 0;
}

/* The instructions of seccomp_check_filter(), Linux 6.18, but mul and div. */
static bool
is_seccomp_code(const struct sock_filter *in)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_ALU | BPF_NEG,
		BPF_ALU | BPF_K, /* BPF_ADD is 0 */
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_XOR | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == in->code)
			return true;
	return false;
}

static bool
is_instruction(const struct sock_filter *in, uint32_t left)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_JMP:
		if (BPF_OP(in->code) == BPF_JA)
			return in->k < left;
		return in->jt < left && in->jf < left;
	case BPF_LD:
		if (BPF_MODE(in->code) == BPF_ABS)
			return in->k % 4 == 0 &&
			       in->k < sizeof(struct seccomp_data);
		return BPF_MODE(in->code) != BPF_MEM || in->k < BPF_MEMWORDS;
	case BPF_LDX:
		return BPF_MODE(in->code) != BPF_MEM || in->k < BPF_MEMWORDS;
	case BPF_ST:
	case BPF_STX:
		return in->k < BPF_MEMWORDS;
	case BPF_ALU:
		if (BPF_OP(in->code) == BPF_LSH || BPF_OP(in->code) == BPF_RSH)
			return BPF_SRC(in->code) == BPF_X || in->k < 32;
		return true;
	default:
		return true;
	}
}

static int
check_filter(const struct policy *p, struct err *e)
{
	if (p->bpf_len == 0 || p->bpf_len > POLICY_BPF_MAX)
		return bad(e, "filter length");
	for (uint32_t i = 0; i < p->bpf_len; i++) {
		const struct sock_filter *in = &p->bpf[i];

		if (!is_seccomp_code(in) ||
		    !is_instruction(in, p->bpf_len - i - 1))
			return bad(e, "filter instruction");
	}
	if (BPF_CLASS(p->bpf[p->bpf_len - 1].code) != BPF_RET)
		return bad(e, "filter end");
	return 0;
}

static int
check_limits(const struct policy_limits *l, struct err *e)
{
	if (l->wall_ms == 0 || l->memory_bytes == 0 || l->output_bytes == 0 ||
	    l->file_bytes == 0 || l->stack_bytes == 0 || l->pids == 0 ||
	    l->cpu_percent == 0 || l->nofile == 0 || l->zero != 0)
		return bad(e, "limits");
	return 0;
}

static int
check_lists(const struct policy *p, struct err *e)
{
	if (p->mounts_len > POLICY_MOUNTS_MAX ||
	    p->tmpfs_len > POLICY_TMPFS_MAX ||
	    p->symlinks_len > POLICY_SYMLINKS_MAX ||
	    p->env_len > POLICY_ENV_MAX || p->audit_len > POLICY_AUDIT_MAX)
		return bad(e, "counts");
	for (uint32_t i = 0; i < p->env_len; i++)
		if (!is_env(p->env[i], sizeof(p->env[i])))
			return bad(e, "environment");
	for (uint32_t i = 0; i < p->audit_len; i++) {
		const struct policy_audit *a = &p->audit[i];

		if (!str_is_terminated(a->name, sizeof(a->name)) ||
		    a->errnum == 0 || a->errnum > 4095)
			return bad(e, "audit class");
	}
	return check_filesystem(p, e);
}

int
policy_check(const struct policy *policy, struct err *e)
{
	if (policy->magic != POLICY_MAGIC || policy->size != sizeof(*policy))
		return err_set(e, ERR_INVALID, 0,
			       "not a compiled policy of this version");
	if (!str_is_terminated(policy->name, sizeof(policy->name)) ||
	    !str_is_name(policy->name, sizeof(policy->name) - 1))
		return bad(e, "name");
	if (!str_is_terminated(policy->description,
			       sizeof(policy->description)))
		return bad(e, "description");
	if (policy->has_loopback > 1 || policy->denies_write_exec > 1)
		return bad(e, "switch");
	if (check_limits(&policy->limits, e) < 0 || check_lists(policy, e) < 0)
		return -1;
	return check_filter(policy, e);
}

static int
check_runtime_lists(const struct runtime *r, struct err *e)
{
	if (r->argv_len == 0 || r->argv_len > RUNTIME_ARGV_MAX ||
	    r->env_len > RUNTIME_ENV_MAX ||
	    r->requires_len > ARRAY_LEN(r->requires_path))
		return bad(e, "counts of runtime");
	if (!is_path(r->argv[0], sizeof(r->argv[0]), true))
		return bad(e, "program of runtime");
	for (uint32_t i = 0; i < r->argv_len; i++)
		if (!str_is_terminated(r->argv[i], sizeof(r->argv[i])))
			return bad(e, "arguments of runtime");
	for (uint32_t i = 0; i < r->env_len; i++)
		if (!is_env(r->env[i], sizeof(r->env[i])))
			return bad(e, "environment of runtime");
	for (uint32_t i = 0; i < r->requires_len; i++)
		if (!is_path(r->requires_path[i], sizeof(r->requires_path[i]),
			     true))
			return bad(e, "requires of runtime");
	return 0;
}

int
runtime_check(const struct runtime *runtime, struct err *e)
{
	if (runtime->magic != RUNTIME_MAGIC ||
	    runtime->size != sizeof(*runtime))
		return err_set(e, ERR_INVALID, 0,
			       "not a compiled runtime of this version");
	if (!str_is_terminated(runtime->name, sizeof(runtime->name)) ||
	    !str_is_name(runtime->name, sizeof(runtime->name) - 1))
		return bad(e, "name of runtime");
	if (!str_is_terminated(runtime->policy, sizeof(runtime->policy)))
		return bad(e, "policy of runtime");
	if (!str_is_terminated(runtime->aliases, sizeof(runtime->aliases)) ||
	    !str_is_terminated(runtime->description,
			       sizeof(runtime->description)))
		return bad(e, "text of runtime");
	if (!is_path(runtime->code_path, sizeof(runtime->code_path), false) ||
	    !is_path(runtime->tests_path, sizeof(runtime->tests_path), false))
		return bad(e, "default paths of runtime");
	return check_runtime_lists(runtime, e);
}
