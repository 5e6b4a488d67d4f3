/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - is a policy safe, and is its filter what its rules say?
 *
 * verify_rules() looks at the rules: calls that no policy may allow, calls
 * that the launch itself needs, doors into the same room of which only one is
 * locked.  verify_filter() runs the compiled filter on every number and on all
 * arguments near the edges of the rules and compares it with draft_decide():
 * neither libseccomp nor filter.c is taken on trust.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/eval.h"
#include "supervisor/base/str.h"

#define X32_BIT 0x40000000u

/* Whatever a text says: each of these opens the jail or the kernel. */
static const char *const never_allowed[] = {
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"open_tree_attr",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"kcmp",
	"pidfd_getfd",
	"bpf",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"userfaultfd",
	"perf_event_open",
	"add_key",
	"request_key",
	"keyctl",
	"kexec_load",
	"kexec_file_load",
	"init_module",
	"finit_module",
	"delete_module",
	"unshare",
	"setns",
	"open_by_handle_at",
	"swapon",
	"swapoff",
	"reboot",
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"sethostname",
	"setdomainname",
	"acct",
	"quotactl",
	"quotactl_fd",
	"iopl",
	"ioperm",
	"fanotify_init",
	"fanotify_mark",
	"syslog",
	"lookup_dcookie",
	"vhangup",
	"nfsservctl",
	"modify_ldt",
	"move_pages",
	"migrate_pages",
	"seccomp",
	"clone3",
};

/* Without one of these a jail never gets as far as its program. */
static const char *const needed_for_launch[] = {
	"read", "write", "close", "execve", "exit_group", "exit",
};

/* Doors into the same room: allowed all, under equal tests, or none. */
static const char *const siblings[][SIBLINGS_MAX] = {
	{"open", "openat", "openat2", "creat"},
	{"stat", "lstat", "fstat", "newfstatat", "statx"},
	{"access", "faccessat", "faccessat2"},
	{"chmod", "fchmod", "fchmodat", "fchmodat2"},
	{"chown", "fchown", "lchown", "fchownat"},
	{"rename", "renameat", "renameat2"},
	{"link", "linkat"},
	{"symlink", "symlinkat"},
	{"readlink", "readlinkat"},
	{"unlink", "unlinkat", "rmdir"},
	{"mkdir", "mkdirat"},
	{"mknod", "mknodat"},
	{"utime", "utimes", "futimesat", "utimensat"},
	{"read", "readv", "pread64", "preadv", "preadv2"},
	{"write", "writev", "pwrite64", "pwritev", "pwritev2"},
	{"getdents", "getdents64"},
	{"truncate", "ftruncate"},
	{"dup", "dup2", "dup3"},
	{"pipe", "pipe2"},
	{"poll", "ppoll"},
	{"select", "pselect6"},
	{"epoll_create", "epoll_create1"},
	{"epoll_wait", "epoll_pwait", "epoll_pwait2"},
	{"eventfd", "eventfd2"},
	{"signalfd", "signalfd4"},
	{"execve", "execveat"},
	{"fork", "vfork"},
	{"wait4", "waitid"},
	{"kill", "tkill", "tgkill"},
	{"accept", "accept4"},
	{"sendto", "sendmsg", "sendmmsg"},
	{"recvfrom", "recvmsg", "recvmmsg"},
	{"mprotect", "pkey_mprotect"},
	{"mlock", "mlock2"},
	{"inotify_init", "inotify_init1"},
	{"setrlimit", "prlimit64"},
	{"setxattr", "lsetxattr", "fsetxattr", "setxattrat"},
	{"getxattr", "lgetxattr", "fgetxattr"},
	{"listxattr", "llistxattr", "flistxattr"},
	{"removexattr", "lremovexattr", "fremovexattr", "removexattrat"},
};

const char *
verify_never_allowed(size_t i)
{
	return i < ARRAY_LEN(never_allowed) ? never_allowed[i] : NULL;
}

const char *const *
verify_siblings(size_t i)
{
	return i < ARRAY_LEN(siblings) ? siblings[i] : NULL;
}

static bool
may_be_allowed(const struct draft *d, uint32_t nr)
{
	for (size_t i = 0; i < d->rules_len; i++)
		if (d->rules[i].nr == nr && d->rules[i].errnum == 0)
			return true;
	return false;
}

static bool
is_allowed_whole(const struct draft *d, uint32_t nr)
{
	for (size_t i = 0; i < d->rules_len; i++)
		if (d->rules[i].nr == nr && d->rules[i].errnum == 0 &&
		    !call_rule_is_conditional(&d->rules[i]))
			return true;
	return false;
}

static void
check_siblings(const struct draft *d, const char *const *row, const char *path,
	       struct diag *diag)
{
	const char *allowed = NULL, *refused = NULL;

	for (size_t i = 0; i < SIBLINGS_MAX && row[i] != NULL; i++) {
		if (may_be_allowed(d, (uint32_t)call_number(row[i])))
			allowed = row[i];
		else
			refused = row[i];
	}
	if (allowed != NULL && refused != NULL)
		diag_error(diag, path, 0,
			   "allows %s but not %s, which does the same: allow "
			   "all of such calls or none",
			   allowed, refused);
}

int
verify_rules(const struct draft *d, const char *path, struct diag *diag)
{
	unsigned before = diag->errors;
	const struct policy *p = &d->out;
	bool has_inet = d->families[FAMILY_INET] || d->families[FAMILY_INET6];
	char name[CALL_NAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(never_allowed); i++)
		if (may_be_allowed(d, (uint32_t)call_number(never_allowed[i])))
			diag_error(diag, path, 0,
				   "allows %s, which no policy may allow",
				   never_allowed[i]);
	for (size_t i = 0; i < ARRAY_LEN(needed_for_launch); i++)
		if (!is_allowed_whole(
			    d, (uint32_t)call_number(needed_for_launch[i])))
			diag_error(diag, path, 0,
				   "must allow %s, with any arguments: the "
				   "launch of a jail needs it",
				   needed_for_launch[i]);
	for (size_t i = 0; i < ARRAY_LEN(siblings); i++)
		check_siblings(d, siblings[i], path, diag);
	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		if (d->is_audited[nr] && is_allowed_whole(d, nr)) {
			call_name(nr, name);
			diag_error(diag, path, 0,
				   "%s is both allowed and audited", name);
		}
	if (has_inet != (p->has_loopback != 0))
		diag_error(diag, path, 0,
			   "Loopback=yes and AF_INET or AF_INET6 go together: "
			   "one is of no use without the other");
	return diag->errors == before ? 0 : -1;
}

/* ---- the filter against the rules ------------------------------------ */

struct probe {
	const struct draft *draft;
	const char *path;
	struct diag *diag;
	uint32_t nr;
	uint64_t args[CALL_ARGS];
};

static int
run(const struct policy *p, uint32_t arch, uint32_t nr,
    const uint64_t args[CALL_ARGS], uint32_t *ret, struct err *e)
{
	struct seccomp_data call = {.nr = (int)nr, .arch = arch};

	for (size_t i = 0; i < CALL_ARGS; i++)
		call.args[i] = args[i];
	return bpf_eval(p->bpf, p->bpf_len, &call, ret, e);
}

static uint32_t
expected(const struct draft *d, uint32_t nr, const uint64_t args[CALL_ARGS])
{
	uint32_t errnum = 0;

	switch (draft_decide(d, nr, args, &errnum)) {
	case DRAFT_ALLOW:
		return SECCOMP_RET_ALLOW;
	case DRAFT_AUDIT:
		return SECCOMP_RET_USER_NOTIF;
	case DRAFT_ERRNO:
		return SECCOMP_RET_ERRNO | errnum;
	case DRAFT_ENOSYS:
		break;
	}
	return SECCOMP_RET_ERRNO | ENOSYS;
}

static void
check_call(struct probe *p)
{
	uint32_t want = expected(p->draft, p->nr, p->args), got;
	struct err e = ERR_INIT;
	char name[CALL_NAME_MAX];

	if (run(&p->draft->out, AUDIT_ARCH_X86_64, p->nr, p->args, &got, &e) <
	    0) {
		diag_error(p->diag, p->path, 0, "%s", e.text);
		return;
	}
	if (got == want)
		return;
	call_name(p->nr, name);
	diag_error(
		p->diag, p->path, 0,
		"the compiled filter is wrong: %s(%#llx, %#llx, %#llx, "
		"%#llx, %#llx, %#llx) gives %#x, the rules say %#x",
		name, (unsigned long long)p->args[0],
		(unsigned long long)p->args[1], (unsigned long long)p->args[2],
		(unsigned long long)p->args[3], (unsigned long long)p->args[4],
		(unsigned long long)p->args[5], got, want);
}

/* The arguments as they are, and with each single bit turned over. */
static void
check_around(struct probe *p)
{
	check_call(p);
	for (size_t i = 0; i < CALL_ARGS; i++)
		for (unsigned bit = 0; bit < 64; bit++) {
			p->args[i] ^= UINT64_C(1) << bit;
			check_call(p);
			p->args[i] ^= UINT64_C(1) << bit;
		}
}

/* All combinations of values that rules of this call name, and 0. */
static void
check_combinations(struct probe *p, size_t arg)
{
	const struct draft *d = p->draft;

	if (arg == CALL_ARGS) {
		check_around(p);
		return;
	}
	p->args[arg] = 0;
	check_combinations(p, arg + 1);
	for (size_t i = 0; i < d->rules_len; i++) {
		const struct call_test *test = &d->rules[i].tests[arg];

		if (d->rules[i].nr != p->nr)
			continue;
		for (uint32_t v = 0; v < test->count; v++) {
			p->args[arg] = test->values[v];
			check_combinations(p, arg + 1);
		}
	}
	p->args[arg] = 0;
}

/* x32 kills, but for -1, which no call has; so do other architectures. */
static void
check_foreign(const struct draft *d, const char *path, struct diag *diag)
{
	static const struct {
		uint32_t arch, nr, want;
	} rows[] = {
		{AUDIT_ARCH_I386, 0, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_I386, 11, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_I386, 1023, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_AARCH64, 0, SECCOMP_RET_KILL_PROCESS},
		{0, 0, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, X32_BIT, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, X32_BIT | 520, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, 0x7fffffff, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, 0x80000000, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, 0xfffffffe, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, 0xffffffff, SECCOMP_RET_ERRNO | ENOSYS},
		{AUDIT_ARCH_X86_64, X32_BIT - 1, SECCOMP_RET_ERRNO | ENOSYS},
		{AUDIT_ARCH_X86_64, 1024, SECCOMP_RET_ERRNO | ENOSYS},
	};
	static const uint64_t args[CALL_ARGS];
	struct err e = ERR_INIT;
	uint32_t got = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (run(&d->out, rows[i].arch, rows[i].nr, args, &got, &e) <
			    0 ||
		    got != rows[i].want)
			diag_error(diag, path, 0,
				   "the compiled filter is wrong: call %#x of "
				   "architecture %#x gives %#x",
				   rows[i].nr, rows[i].arch, got);
}

/*
 * No decision may depend on the upper half of an argument: where libseccomp
 * loads one, the next instruction must wipe it out ("and 0").
 */
static void
check_loads(const struct policy *p, const char *path, struct diag *diag)
{
	const size_t args_at = offsetof(struct seccomp_data, args);

	for (uint32_t i = 0; i + 1 < p->bpf_len; i++) {
		const struct sock_filter *in = &p->bpf[i], *next = in + 1;

		if (in->code != (BPF_LD | BPF_W | BPF_ABS) || in->k < args_at ||
		    (in->k - args_at) % 8 == 0)
			continue;
		if (next->code != (BPF_ALU | BPF_AND | BPF_K) || next->k != 0)
			diag_error(diag, path, 0,
				   "the compiled filter is wrong: instruction "
				   "%u uses the upper half of an argument",
				   i);
	}
}

int
verify_filter(const struct draft *d, const char *path, struct diag *diag)
{
	struct probe p = {.draft = d, .path = path, .diag = diag};
	unsigned before = diag->errors;

	check_loads(&d->out, path, diag);
	check_foreign(d, path, diag);
	for (p.nr = 0; p.nr <= CALL_NR_MAX && diag->errors == before; p.nr++)
		check_combinations(&p, 0);
	return diag->errors == before ? 0 : -1;
}

uint32_t
verify_count_allowed(const struct draft *d)
{
	uint32_t n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		if (may_be_allowed(d, nr))
			n++;
	return n;
}

/* ---- [Examples] ------------------------------------------------------ */

static const char *
answer_name(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "Allow";
	case SECCOMP_RET_USER_NOTIF:
		return "Audit";
	case SECCOMP_RET_KILL_PROCESS:
		return "Kill";
	default:
		return "Deny";
	}
}

/* Arguments left open are tried with these. */
static const uint64_t any_values[] = {
	0,
	UINT64_MAX,
	UINT64_C(0x5555555500000001),
	UINT64_C(0x12345678),
};

static void
check_example(const struct draft *d, const struct example *ex, const char *path,
	      struct diag *diag)
{
	struct err e = ERR_INIT;
	struct call_example call;
	char *text = strdup(ex->text);
	uint32_t got = 0;

	if (text == NULL || call_example_parse(text, &call, &e) < 0) {
		diag_error(diag, path, ex->line, "%s=: %s", ex->kind, e.text);
		free(text);
		return;
	}
	free(text);
	for (size_t v = 0; v < ARRAY_LEN(any_values); v++) {
		bool is_right;

		for (size_t i = 0; i < CALL_ARGS; i++)
			if (call.is_any[i])
				call.args[i] = any_values[v];
		if (run(&d->out, AUDIT_ARCH_X86_64, call.nr, call.args, &got,
			&e) < 0) {
			diag_error(diag, path, ex->line, "%s", e.text);
			return;
		}
		is_right = strcmp(answer_name(got), ex->kind) == 0 ||
			   (strcmp(ex->kind, "Deny") == 0 &&
			    got != SECCOMP_RET_ALLOW);
		if (!is_right) {
			diag_error(diag, path, ex->line,
				   "%s=: %s does not hold: the filter's answer "
				   "is %s",
				   ex->kind, ex->text, answer_name(got));
			return;
		}
	}
}

int
verify_examples(const struct draft *d, const struct example_list *examples,
		const char *path, struct diag *diag)
{
	unsigned before = diag->errors;

	for (size_t i = 0; i < examples->len; i++)
		check_example(d, &examples->items[i], path, diag);
	return diag->errors == before ? 0 : -1;
}
