/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give privilege up, once and for good, and check that it is gone.
 *
 * The order for the payload stands in payload.c.  lockdown_init() does the
 * same for jail-init: before it looks at a single byte of a bundle it has no
 * capability but CAP_KILL, which it needs to end the payload's processes, and
 * a filter that ends it on any call it has no use for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/str.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 /* Linux 6.3 */
#endif
#define MDWE_REFUSE_EXEC_GAIN 1UL

/* Capability bits are kept in two 32-bit words. */
#define CAP_WORDS _LINUX_CAPABILITY_U32S_3
#define CAPS_MAX 64

#define LOCKED_SECUREBITS                                                      \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |      \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |         \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* ---- limits ---------------------------------------------------------- */

/* Lower soft and hard; a hard limit that is lower already stays. */
static int
lower_limit(int resource, rlim_t value, const char *name, struct err *e)
{
	struct rlimit now, got;

	if (getrlimit(resource, &now) < 0)
		return err_sys(e, "read limit %s", name);
	if (value > now.rlim_max)
		value = now.rlim_max;
	now = (struct rlimit){.rlim_cur = value, .rlim_max = value};
	if (setrlimit(resource, &now) < 0)
		return err_sys(e, "set limit %s", name);
	if (getrlimit(resource, &got) < 0 || got.rlim_max != value ||
	    got.rlim_cur != value)
		return err_set(e, ERR_IO, ERANGE, "limit %s did not hold",
			       name);
	return 0;
}

int
lockdown_limits(const struct policy *policy, struct err *e)
{
	const struct policy_limits *l = &policy->limits;
	const struct {
		int resource;
		rlim_t value;
		const char *name;
	} limits[] = {
		/* Not 0: with a pipe in the host's core_pattern the kernel
		 * starts the host's handler, as root, for a limit of 0, but
		 * never for a limit of 1 (core(5), fs/coredump.c). */
		{RLIMIT_CORE, 1, "core"},
		{RLIMIT_NOFILE, l->nofile, "nofile"},
		{RLIMIT_FSIZE, l->file_bytes, "fsize"},
		{RLIMIT_STACK, l->stack_bytes, "stack"},
		{RLIMIT_MEMLOCK, 65536, "memlock"},
		{RLIMIT_MSGQUEUE, 0, "msgqueue"},
		{RLIMIT_RTPRIO, 0, "rtprio"},
		{RLIMIT_NICE, 0, "nice"},
		{RLIMIT_SIGPENDING, 1024, "sigpending"},
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (lower_limit(limits[i].resource, limits[i].value,
				limits[i].name, e) < 0)
			return -1;
	return 0;
}

/* ---- capabilities ---------------------------------------------------- */

int
lockdown_bounds(struct err *e)
{
	/* EINVAL: beyond the kernel's last. */
	for (unsigned long cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break;
			return err_sys(e, "drop capability %lu", cap);
		}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "clear ambient capabilities");
	if (prctl(PR_SET_SECUREBITS, LOCKED_SECUREBITS, 0, 0, 0) < 0)
		return err_sys(e, "lock securebits");
	return 0;
}

static int
check_caps(uint64_t keep, struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[CAP_WORDS];

	if (syscall(SYS_capget, &head, data) < 0)
		return err_sys(e, "read capabilities");
	for (unsigned i = 0; i < CAP_WORDS; i++) {
		uint32_t want = (uint32_t)(keep >> (32 * i));

		if (data[i].effective != want || data[i].permitted != want ||
		    data[i].inheritable != 0)
			return err_set(e, ERR_DENIED, EPERM,
				       "capabilities did not go");
	}
	for (unsigned long cap = 0; cap < CAPS_MAX; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0)
			break;
		if (has > 0)
			return err_set(e, ERR_DENIED, EPERM,
				       "bounding set is not empty");
	}
	return 0;
}

int
lockdown_caps(uint64_t keep, struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[CAP_WORDS] = {0};

	for (unsigned i = 0; i < CAP_WORDS; i++)
		data[i].effective = data[i].permitted =
			(uint32_t)(keep >> (32 * i));
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "set capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(e, ERR_DENIED, EPERM, "no_new_privs not set");
	return check_caps(keep, e);
}

/* ---- seccomp --------------------------------------------------------- */

/*
 * What a branch predictor learns here must not steer others, nor the other way
 * round.  Where the kernel decides for all processes alike it refuses, which
 * changes nothing.
 */
static void
separate_branches(void)
{
	(void)prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH,
		    PR_SPEC_FORCE_DISABLE, 0, 0);
}

int
lockdown_seccomp(const struct policy *policy, int *ret_listener, struct err *e)
{
	/* The kernel does not write there. */
	struct sock_fprog prog = {
		.len = (unsigned short)policy->bpf_len,
		.filter = (struct sock_filter *)(uintptr_t)policy->bpf};
	unsigned long flags = 0;
	long rc;

	separate_branches();
	/* The filter holds the rule by itself; this closes it for new mappings
	 * of any kind where the kernel can (6.3). */
	if (policy->denies_write_exec &&
	    prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return err_sys(e, "refuse writable code");
	if (policy->audit_len > 0)
		flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (rc < 0)
		return err_sys(e, "%u instructions", policy->bpf_len);
	*ret_listener = policy->audit_len > 0 ? (int)rc : -1;
	return 0;
}

/* All that jail-init does from now on: wait, unpack, kill, collect, end. */
static const uint16_t init_calls[] = {
	SYS_read,
	SYS_write,
	SYS_close,
	SYS_lseek,
	SYS_fstat,
	SYS_newfstatat,
	SYS_openat2,
	SYS_mkdirat,
	SYS_ftruncate,
	SYS_fcntl,
	SYS_memfd_create,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_brk,
	SYS_getrandom,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_wait4,
	SYS_kill,
	SYS_exit_group,
	SYS_restart_syscall,
};

/* On any other machine the filter lets nothing pass. */
#if defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#endif

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))

#define CALLS ARRAY_LEN(init_calls)
/* Architecture and number; a tree; kill; allow. */
#define TREE_AT 3u
#define KILL_AT (TREE_AT + 2 * CALLS - 1)
#define FILTER_LEN (KILL_AT + 2)

_Static_assert(FILTER_LEN <= UINT8_MAX, "a jump reaches all of it");

/* Is it one of these, in ascending order?  Returns where the next may stand. */
static unsigned
put_tree(struct sock_filter *bpf, unsigned at, const uint16_t *calls,
	 unsigned count)
{
	unsigned left = count / 2;

	if (count == 1) {
		bpf[at] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, calls[0],
			(uint8_t)(KILL_AT + 1 - at - 1),
			(uint8_t)(KILL_AT - at - 1));
		return at + 1;
	}
	bpf[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
					       calls[left],
					       (uint8_t)(2 * left - 1), 0);
	at = put_tree(bpf, at + 1, calls, left);
	return put_tree(bpf, at, calls + left, count - left);
}

static void
sort_calls(uint16_t *calls, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		for (unsigned k = i; k > 0 && calls[k] < calls[k - 1]; k--) {
			uint16_t call = calls[k];

			calls[k] = calls[k - 1];
			calls[k - 1] = call;
		}
}

/* The kernel runs it for every number when it is installed: hence the tree. */
static int
filter_init(struct err *e)
{
	struct sock_filter bpf[FILTER_LEN] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 0,
			 KILL_AT - 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
	};
	struct sock_fprog prog = {.len = FILTER_LEN, .filter = bpf};
	uint16_t calls[CALLS];

	memcpy(calls, init_calls, sizeof(calls));
	sort_calls(calls, CALLS);
	(void)put_tree(bpf, TREE_AT, calls, CALLS);
	bpf[KILL_AT] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_KILL_PROCESS);
	bpf[KILL_AT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							SECCOMP_RET_ALLOW);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_sys(e, "install filter");
	return 0;
}

/*
 * From here on files are made and opened with the payload's identity, so that
 * what is unpacked belongs to it and what is collected is what it may read.
 */
static int
take_file_ids(struct err *e)
{
	(void)setfsgid(JAIL_UID_PAYLOAD);
	(void)setfsuid(JAIL_UID_PAYLOAD);
	/* They report the old value only; an invalid id changes nothing. */
	if (setfsgid((gid_t)-1) != JAIL_UID_PAYLOAD ||
	    setfsuid((uid_t)-1) != JAIL_UID_PAYLOAD)
		return err_set(e, ERR_DENIED, EPERM, "take the payload's ids");
	return 0;
}

int
lockdown_init(struct jail *jail, struct err *e)
{
	(void)jail;
	if (take_file_ids(e) < 0 ||
	    lockdown_caps(UINT64_C(1) << CAP_KILL, e) < 0)
		return -1;
	/* A change of ids undoes both. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "set parent-death signal");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "set undumpable");
	/* Nobody outside can see it. */
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(e, ERR_DENIED, EPERM, "still dumpable");
	return filter_init(e);
}
