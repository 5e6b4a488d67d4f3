/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callargs.c - tables: which argument of a call is what, and the names of its
 * values.  One more call or name is one more line.
 */
#include "supervisor/base/callargs.h"

#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "supervisor/base/str.h"

/* Newer than the headers of the oldest system we build on, or hidden. */
#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

struct value_name {
	uint64_t value;
	const char *name;
};

#define V(name)                                                                \
	{                                                                      \
		(uint64_t)(name), #name                                        \
	}

static const struct value_name families[] = {
	V(AF_UNSPEC),	  V(AF_UNIX),	   V(AF_INET),	V(AF_AX25),
	V(AF_IPX),	  V(AF_INET6),	   V(AF_KEY),	V(AF_NETLINK),
	V(AF_PACKET),	  V(AF_RDS),	   V(AF_PPPOX), V(AF_CAN),
	V(AF_TIPC),	  V(AF_BLUETOOTH), V(AF_RXRPC), V(AF_ISDN),
	V(AF_IEEE802154), V(AF_ALG),	   V(AF_NFC),	V(AF_VSOCK),
	V(AF_KCM),	  V(AF_QIPCRTR),   V(AF_SMC),	V(AF_XDP),
};
static const struct value_name socket_types[] = {
	V(SOCK_STREAM), V(SOCK_DGRAM),	   V(SOCK_RAW),
	V(SOCK_RDM),	V(SOCK_SEQPACKET), V(SOCK_PACKET),
};
static const struct value_name socket_flags[] = {
	V(SOCK_CLOEXEC),
	V(SOCK_NONBLOCK),
};
static const struct value_name clone_flags[] = {
	V(CLONE_NEWUSER),
	V(CLONE_NEWNS),
	V(CLONE_NEWPID),
	V(CLONE_NEWNET),
	V(CLONE_NEWIPC),
	V(CLONE_NEWUTS),
	V(CLONE_NEWCGROUP),
	V(CLONE_VM),
	V(CLONE_FS),
	V(CLONE_FILES),
	V(CLONE_SIGHAND),
	V(CLONE_PIDFD),
	V(CLONE_PTRACE),
	V(CLONE_VFORK),
	V(CLONE_PARENT),
	V(CLONE_THREAD),
	V(CLONE_SYSVSEM),
	V(CLONE_SETTLS),
	V(CLONE_PARENT_SETTID),
	V(CLONE_CHILD_CLEARTID),
	V(CLONE_DETACHED),
	V(CLONE_UNTRACED),
	V(CLONE_CHILD_SETTID),
	V(CLONE_IO),
};
/* Below CSIGNAL: a flag for unshare and setns, part of clone's signal. */
static const struct value_name time_flag[] = {V(CLONE_NEWTIME)};
static const struct value_name mount_flags[] = {
	V(MS_RDONLY),  V(MS_NOSUID),	  V(MS_NODEV),	  V(MS_NOEXEC),
	V(MS_REMOUNT), V(MS_BIND),	  V(MS_MOVE),	  V(MS_REC),
	V(MS_PRIVATE), V(MS_SLAVE),	  V(MS_SHARED),	  V(MS_UNBINDABLE),
	V(MS_NOATIME), V(MS_NODIRATIME),  V(MS_RELATIME), V(MS_STRICTATIME),
	V(MS_SILENT),  V(MS_SYNCHRONOUS),
};
static const struct value_name umount_flags[] = {
	V(MNT_FORCE),
	V(MNT_DETACH),
	V(MNT_EXPIRE),
	V(UMOUNT_NOFOLLOW),
};
static const struct value_name ptrace_requests[] = {
	V(PTRACE_TRACEME),  V(PTRACE_PEEKTEXT),	 V(PTRACE_PEEKDATA),
	V(PTRACE_PEEKUSER), V(PTRACE_POKETEXT),	 V(PTRACE_POKEDATA),
	V(PTRACE_POKEUSER), V(PTRACE_CONT),	 V(PTRACE_KILL),
	V(PTRACE_GETREGS),  V(PTRACE_SETREGS),	 V(PTRACE_ATTACH),
	V(PTRACE_DETACH),   V(PTRACE_SYSCALL),	 V(PTRACE_SETOPTIONS),
	V(PTRACE_SEIZE),    V(PTRACE_INTERRUPT),
};
static const struct value_name bpf_commands[] = {
	V(BPF_MAP_CREATE),  V(BPF_MAP_LOOKUP_ELEM), V(BPF_MAP_UPDATE_ELEM),
	V(BPF_PROG_LOAD),   V(BPF_OBJ_PIN),	    V(BPF_OBJ_GET),
	V(BPF_PROG_ATTACH), V(BPF_PROG_DETACH),	    V(BPF_BTF_LOAD),
	V(BPF_LINK_CREATE),
};
static const struct value_name key_operations[] = {
	V(KEYCTL_GET_KEYRING_ID), V(KEYCTL_JOIN_SESSION_KEYRING),
	V(KEYCTL_UPDATE),	  V(KEYCTL_REVOKE),
	V(KEYCTL_DESCRIBE),	  V(KEYCTL_LINK),
	V(KEYCTL_SEARCH),	  V(KEYCTL_READ),
	V(KEYCTL_SETPERM),
};

struct value_table {
	const struct value_name *names;
	size_t len;
};

#define TABLE(t)                                                               \
	{                                                                      \
		(t), ARRAY_LEN(t)                                              \
	}

/*
 * What each argument is: d int, u unsigned word, x hex (flags without names,
 * pointers), and the letters of print_argument() for those with names.
 */
static const struct {
	const char *name, *kinds;
} calls[] = {
	{"acct", "x"},
	{"add_key", "xxxud"},
	{"adjtimex", "x"},
	{"bpf", "Bxu"},
	{"chroot", "x"},
	{"clock_adjtime", "dx"},
	{"clock_settime", "dx"},
	{"clone", "Cxxxx"},
	{"clone3", "xu"},
	{"delete_module", "xx"},
	{"fanotify_init", "xx"},
	{"fanotify_mark", "dxxdx"},
	{"finit_module", "dxx"},
	{"fsconfig", "ddxxd"},
	{"fsmount", "dxx"},
	{"fsopen", "xx"},
	{"fspick", "dxx"},
	{"init_module", "xux"},
	{"io_uring_enter", "duuxxu"},
	{"io_uring_register", "duxu"},
	{"io_uring_setup", "ux"},
	{"ioctl", "dxx"},
	{"ioperm", "uud"},
	{"iopl", "d"},
	{"kcmp", "ddddd"},
	{"kexec_file_load", "dduxx"},
	{"kexec_load", "xuxx"},
	{"keyctl", "Kxxxx"},
	{"lookup_dcookie", "xxu"},
	{"mount", "xxxMx"},
	{"mount_setattr", "dxxxu"},
	{"move_mount", "dxdxx"},
	{"open_by_handle_at", "dxx"},
	{"open_tree", "dxx"},
	{"open_tree_attr", "dxxxu"},
	{"perf_event_open", "xdddx"},
	{"pidfd_getfd", "ddx"},
	{"pivot_root", "xx"},
	{"prctl", "dxxxx"},
	{"process_vm_readv", "dxuxux"},
	{"process_vm_writev", "dxuxux"},
	{"ptrace", "Pdxx"},
	{"quotactl", "xxdx"},
	{"quotactl_fd", "dxdx"},
	{"reboot", "xxxx"},
	{"request_key", "xxxd"},
	{"setdomainname", "xu"},
	{"sethostname", "xu"},
	{"setns", "dU"},
	{"settimeofday", "xx"},
	{"socket", "ATd"},
	{"socketpair", "ATdx"},
	{"swapoff", "x"},
	{"swapon", "xx"},
	{"syslog", "dxd"},
	{"umount2", "xN"},
	{"unshare", "U"},
	{"userfaultfd", "x"},
	{"vhangup", ""},
};

struct out {
	char *text;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->len + 1 >= o->size) {
		o->len = o->size; /* too long: there is always a ')' to come */
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(o->text + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	o->len = n < 0 || (size_t)n >= o->size - o->len ? o->size
							: o->len + (size_t)n;
}

/* One of a few values. */
static void
put_value(struct out *o, uint64_t value, const struct value_table *t)
{
	for (size_t i = 0; i < t->len; i++) {
		if (t->names[i].value == value) {
			put(o, "%s", t->names[i].name);
			return;
		}
	}
	put(o, "%lld", (long long)(int32_t)value);
}

/* The names of the bits that have one; returns the rest. */
static uint64_t
put_flags(struct out *o, uint64_t value, const struct value_table *t,
	  const char **separator)
{
	for (size_t i = 0; i < t->len; i++) {
		uint64_t bit = t->names[i].value;

		if ((value & bit) != bit)
			continue;
		put(o, "%s%s", *separator, t->names[i].name);
		*separator = "|";
		value &= ~bit;
	}
	return value;
}

static void
put_rest(struct out *o, uint64_t rest, const char *separator)
{
	if (rest != 0)
		put(o, "%s0x%llx", separator, (unsigned long long)rest);
	else if (*separator == '\0')
		put(o, "0");
}

static void
put_clone(struct out *o, uint64_t flags, bool is_clone)
{
	static const struct value_table names = TABLE(clone_flags);
	static const struct value_table time_name = TABLE(time_flag);
	const char *separator = "", *signal_name = NULL;
	uint64_t rest = put_flags(o, flags, &names, &separator);

	if (!is_clone) {
		rest = put_flags(o, rest, &time_name, &separator);
	} else if ((rest & CSIGNAL) != 0 && (rest & CSIGNAL) < 65) {
		signal_name = sigabbrev_np((int)(rest & CSIGNAL));
		if (signal_name != NULL) {
			put(o, "%sSIG%s", separator, signal_name);
			separator = "|";
			rest &= ~(uint64_t)CSIGNAL;
		}
	}
	put_rest(o, rest, separator);
}

static void
put_socket_type(struct out *o, uint64_t type)
{
	static const struct value_table types = TABLE(socket_types);
	static const struct value_table flags = TABLE(socket_flags);
	const char *separator = "|";
	uint64_t rest;

	put_value(o, type & 0xf, &types); /* the kernel's SOCK_TYPE_MASK */
	rest = put_flags(o, (uint32_t)type & ~0xfu, &flags, &separator);
	if (rest != 0)
		put_rest(o, rest, separator);
}

static void
put_table_flags(struct out *o, uint64_t value, const struct value_table *t)
{
	const char *separator = "";
	uint64_t rest = put_flags(o, value, t, &separator);

	put_rest(o, rest, separator);
}

static void
print_argument(struct out *o, char kind, uint64_t value)
{
	static const struct value_table family = TABLE(families);
	static const struct value_table request = TABLE(ptrace_requests);
	static const struct value_table command = TABLE(bpf_commands);
	static const struct value_table operation = TABLE(key_operations);
	static const struct value_table mounts = TABLE(mount_flags);
	static const struct value_table umounts = TABLE(umount_flags);

	switch (kind) {
	case 'A':
		/* The kernel takes 32 bits of an int. */
		put_value(o, (uint32_t)value, &family);
		return;
	case 'T':
		put_socket_type(o, value);
		return;
	case 'C':
	case 'U':
		put_clone(o, value, kind == 'C');
		return;
	case 'M':
		put_table_flags(o, value, &mounts);
		return;
	case 'N':
		put_table_flags(o, (uint32_t)value, &umounts);
		return;
	case 'P':
		put_value(o, value, &request);
		return;
	case 'B':
		put_value(o, (uint32_t)value, &command);
		return;
	case 'K':
		put_value(o, (uint32_t)value, &operation);
		return;
	case 'd':
		put(o, "%d", (int32_t)value);
		return;
	case 'u':
		put(o, "%llu", (unsigned long long)value);
		return;
	default:
		put(o, "0x%llx", (unsigned long long)value);
	}
}

static const char *
kinds_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].kinds;
	return "xxxxxx";
}

size_t
callargs_count(const char *name)
{
	return strlen(kinds_of(name));
}

void
callargs_describe(char *dst, size_t size, const char *name,
		  const uint64_t args[6])
{
	struct out o = {.text = dst, .size = size};
	const char *kinds = kinds_of(name);

	put(&o, "%s(", name);
	for (size_t i = 0; i < 6 && kinds[i] != '\0'; i++) {
		put(&o, "%s", i > 0 ? ", " : "");
		print_argument(&o, kinds[i], args[i]);
	}
	put(&o, ")");
	if (o.len >= size && size > 4)
		memcpy(dst + size - 4, "...", 4);
}
