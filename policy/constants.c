/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constants.c - the names that rules and examples may use for arguments.
 * A policy needs another one: add a line.
 */
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "policy/calls.h"
#include "supervisor/base/str.h"

/* Newer than the headers of the oldest system we build on, or hidden. */
#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif
#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef TIOCLINUX
#define TIOCLINUX 0x541c
#endif
#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif
#ifndef RLIMIT_LOCKS
#define RLIMIT_LOCKS 10
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4u
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif

#define SOCK_TYPE_MASK 0xf /* the kernel's: the rest are flags */

struct constant {
	const char *name;
	uint64_t value;
};

/* Sign-extended like a C int argument. */
#define C(name)                                                                \
	{                                                                      \
#name, (uint64_t)(int64_t)(name)                               \
	}

static const struct constant constants[] = {
	/* openat and friends */
	C(AT_FDCWD),
	C(O_RDONLY),
	C(O_WRONLY),
	C(O_RDWR),
	C(O_CREAT),
	C(O_EXCL),
	C(O_TRUNC),
	C(O_APPEND),
	C(O_CLOEXEC),
	C(O_DIRECTORY),
	C(O_PATH),
	C(S_IFMT),
	C(S_IFREG),
	C(S_IFIFO),
	C(S_IFSOCK),
	C(S_IFCHR),
	C(S_IFBLK),
	C(POSIX_FADV_NORMAL),
	C(POSIX_FADV_RANDOM),
	C(POSIX_FADV_SEQUENTIAL),
	C(POSIX_FADV_WILLNEED),
	C(POSIX_FADV_DONTNEED),
	C(POSIX_FADV_NOREUSE),
	/* setrlimit, prlimit64 */
	C(RLIMIT_AS),
	C(RLIMIT_CORE),
	C(RLIMIT_CPU),
	C(RLIMIT_DATA),
	C(RLIMIT_FSIZE),
	C(RLIMIT_LOCKS),
	C(RLIMIT_MEMLOCK),
	C(RLIMIT_MSGQUEUE),
	C(RLIMIT_NICE),
	C(RLIMIT_NOFILE),
	C(RLIMIT_NPROC),
	C(RLIMIT_RSS),
	C(RLIMIT_RTPRIO),
	C(RLIMIT_RTTIME),
	C(RLIMIT_SIGPENDING),
	C(RLIMIT_STACK),
	/* fcntl */
	C(F_DUPFD),
	C(F_DUPFD_CLOEXEC),
	C(F_GETFD),
	C(F_SETFD),
	C(F_GETFL),
	C(F_SETFL),
	C(F_GETLK),
	C(F_SETLK),
	C(F_SETLKW),
	C(F_OFD_GETLK),
	C(F_OFD_SETLK),
	C(F_OFD_SETLKW),
	C(F_GETPIPE_SZ),
	C(F_SETPIPE_SZ),
	C(F_ADD_SEALS),
	C(F_GET_SEALS),
	C(F_SETLEASE),
	C(F_NOTIFY),
	C(F_SETSIG),
	C(F_SETOWN),
	C(F_GETOWN),
	/* ioctl */
	C(FIONREAD),
	C(FIONBIO),
	C(FIOCLEX),
	C(FIONCLEX),
	C(FIOASYNC),
	C(FICLONE),
	C(TCGETS),
	C(TCSETS),
	C(TIOCGWINSZ),
	C(TIOCGPGRP),
	C(TIOCSPGRP),
	C(TIOCSTI),
	C(TIOCLINUX),
	C(TIOCSCTTY),
	C(TIOCSETD),
	/* memory */
	C(PROT_NONE),
	C(PROT_READ),
	C(PROT_WRITE),
	C(PROT_EXEC),
	C(MAP_SHARED),
	C(MAP_PRIVATE),
	C(MAP_FIXED),
	C(MAP_ANONYMOUS),
	C(MAP_HUGETLB),
	C(MFD_CLOEXEC),
	C(MFD_ALLOW_SEALING),
	C(MFD_HUGETLB),
	C(SHM_EXEC),
	C(MADV_NORMAL),
	C(MADV_RANDOM),
	C(MADV_SEQUENTIAL),
	C(MADV_WILLNEED),
	C(MADV_DONTNEED),
	C(MADV_FREE),
	C(MADV_REMOVE),
	C(MADV_DONTFORK),
	C(MADV_DOFORK),
	C(MADV_MERGEABLE),
	C(MADV_UNMERGEABLE),
	C(MADV_HUGEPAGE),
	C(MADV_NOHUGEPAGE),
	C(MADV_DONTDUMP),
	C(MADV_DODUMP),
	C(MADV_WIPEONFORK),
	C(MADV_KEEPONFORK),
	C(MADV_COLD),
	C(MADV_PAGEOUT),
	C(MADV_POPULATE_READ),
	C(MADV_POPULATE_WRITE),
	C(MADV_DONTNEED_LOCKED),
	C(MADV_COLLAPSE),
	C(MADV_GUARD_INSTALL),
	C(MADV_GUARD_REMOVE),
	C(MADV_HWPOISON),
	/* prctl, arch_prctl */
	C(PR_SET_NAME),
	C(PR_GET_NAME),
	C(PR_SET_PDEATHSIG),
	C(PR_GET_PDEATHSIG),
	C(PR_GET_DUMPABLE),
	C(PR_SET_DUMPABLE),
	C(PR_SET_VMA),
	C(PR_CAPBSET_READ),
	C(PR_CAPBSET_DROP),
	C(PR_SET_NO_NEW_PRIVS),
	C(PR_GET_NO_NEW_PRIVS),
	C(PR_SET_SECCOMP),
	C(PR_GET_SECCOMP),
	C(PR_SET_MM),
	C(PR_SET_PTRACER),
	C(PR_SET_TSC),
	C(PR_SET_SPECULATION_CTRL),
	C(PR_CAP_AMBIENT),
	C(PR_SET_SECUREBITS),
	C(PR_SET_CHILD_SUBREAPER),
	C(ARCH_SET_FS),
	C(ARCH_GET_FS),
	C(ARCH_SET_GS),
	C(ARCH_GET_GS),
	C(ARCH_SET_CPUID),
	/* clone, unshare */
	C(CLONE_VM),
	C(CLONE_FS),
	C(CLONE_FILES),
	C(CLONE_SIGHAND),
	C(CLONE_PIDFD),
	C(CLONE_VFORK),
	C(CLONE_THREAD),
	C(CLONE_SYSVSEM),
	C(CLONE_SETTLS),
	C(CLONE_PARENT_SETTID),
	C(CLONE_CHILD_CLEARTID),
	C(CLONE_CHILD_SETTID),
	C(CLONE_NEWNS),
	C(CLONE_NEWCGROUP),
	C(CLONE_NEWUTS),
	C(CLONE_NEWIPC),
	C(CLONE_NEWUSER),
	C(CLONE_NEWPID),
	C(CLONE_NEWNET),
	C(CLONE_NEWTIME),
	/* sockets */
	C(AF_UNSPEC),
	C(AF_UNIX),
	C(AF_INET),
	C(AF_INET6),
	C(AF_NETLINK),
	C(AF_PACKET),
	C(AF_ALG),
	C(AF_VSOCK),
	C(AF_XDP),
	C(AF_CAN),
	C(AF_BLUETOOTH),
	C(AF_TIPC),
	C(AF_RXRPC),
	C(AF_RDS),
	C(AF_KEY),
	C(SOCK_TYPE_MASK),
	C(SOCK_STREAM),
	C(SOCK_DGRAM),
	C(SOCK_RAW),
	C(SOCK_SEQPACKET),
	C(SOCK_PACKET),
	C(SOCK_CLOEXEC),
	C(SOCK_NONBLOCK),
	C(IPPROTO_IP),
	C(IPPROTO_TCP),
	C(IPPROTO_UDP),
	C(IPPROTO_ICMP),
	C(IPPROTO_IPV6),
	C(IPPROTO_MPTCP),
	C(IPPROTO_SCTP),
	C(SOL_SOCKET),
	C(SO_REUSEADDR),
	C(SO_REUSEPORT),
	C(SO_KEEPALIVE),
	C(SO_BROADCAST),
	C(SO_LINGER),
	C(SO_SNDBUF),
	C(SO_RCVBUF),
	C(SO_RCVTIMEO),
	C(SO_SNDTIMEO),
	C(SO_PASSCRED),
	C(SO_OOBINLINE),
	C(SO_ATTACH_FILTER),
	C(SO_ATTACH_BPF),
	C(MSG_OOB),
	C(TCP_NODELAY),
	C(TCP_KEEPIDLE),
	C(TCP_KEEPINTVL),
	C(TCP_KEEPCNT),
	C(TCP_USER_TIMEOUT),
	C(TCP_ULP),
	C(IPV6_V6ONLY),
};

/* Which names an argument of a call is shown with; prefixes, by blanks. */
static const struct {
	const char *call;
	unsigned arg;
	const char *prefixes;
} arguments[] = {
	{"fcntl", 1, "F_"},
	{"ioctl", 1, "FIO TC TIOC FICLONE"},
	{"prctl", 0, "PR_"},
	{"arch_prctl", 0, "ARCH_"},
	{"clone", 0, "CLONE_"},
	{"mmap", 2, "PROT_"},
	{"mmap", 3, "MAP_"},
	{"mprotect", 2, "PROT_"},
	{"pkey_mprotect", 2, "PROT_"},
	{"memfd_create", 1, "MFD_"},
	{"madvise", 2, "MADV_"},
	{"fadvise64", 3, "POSIX_FADV_"},
	{"mknod", 1, "S_IF"},
	{"mknodat", 2, "S_IF"},
	{"socket", 0, "AF_"},
	{"socket", 1, "SOCK_"},
	{"socket", 2, "IPPROTO_"},
	{"socketpair", 0, "AF_"},
	{"socketpair", 1, "SOCK_"},
	{"setsockopt", 1, "SOL_SOCKET IPPROTO_TCP IPPROTO_IPV6"},
	{"sendto", 3, "MSG_"},
	{"sendmsg", 2, "MSG_"},
	{"sendmmsg", 3, "MSG_"},
};

/* Does name begin with one of the prefixes? */
static bool
has_prefix(const char *name, const char *prefixes)
{
	while (*prefixes != '\0') {
		size_t len = strcspn(prefixes, " ");

		if (strncmp(name, prefixes, len) == 0)
			return true;
		prefixes += len;
		prefixes += strspn(prefixes, " ");
	}
	return false;
}

const char *
constant_prefixes(const char *call, unsigned arg, uint32_t before)
{
	/* The options of setsockopt are numbered apart for each level. */
	if (strcmp(call, "setsockopt") == 0 && arg == 2)
		return before == SOL_SOCKET    ? "SO_"
		       : before == IPPROTO_TCP ? "TCP_"
					       : "IPV6_";
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (arguments[i].arg == arg &&
		    strcmp(arguments[i].call, call) == 0)
			return arguments[i].prefixes;
	return NULL;
}

const char *
constant_name(const char *prefixes, uint32_t value)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if ((uint32_t)constants[i].value == value &&
		    has_prefix(constants[i].name, prefixes))
			return constants[i].name;
	return NULL;
}

int
constant_find(const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
		if (strcmp(constants[i].name, name) != 0)
			continue;
		*ret = constants[i].value;
		return 0;
	}
	return -1;
}
