/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker_confine.c - what the broker can still do: read the files of the name
 * resolver, speak UDP and TCP, and fork.  See filter.h and landlock.h.
 *
 * Left to a broker that was taken over: UDP to anywhere, TCP to the ports of
 * the settings (and DNS's; before Linux 6.7 to any), reading what everybody may
 * read below /etc.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/filter.h"
#include "api/landlock.h"
#include "api/net/broker.h"
#include "supervisor/base/str.h"

#define DNS_PORT 53

static const int allowed[] = {
	/* files of the resolver */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),
	/* sockets; see the conditions for which */
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	/* memory */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	/* children, time, signals */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(wait4),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(setitimer),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* who am I, random numbers */
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
#ifdef PROMPTCRAFT_ASAN
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(clone),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(prctl),
	SCMP_SYS(readlink),
	SCMP_SYS(sched_yield),
	SCMP_SYS(kill),
	SCMP_SYS(tgkill),
#endif
};

#define SOCKET(family, type, protocol)                                         \
	{                                                                      \
		SCMP_SYS(socket), 3,                                           \
		{                                                              \
			{0, FILTER_INT, (family)}, {1, 0xf, (type)},           \
			{                                                      \
				2, FILTER_INT, (protocol)                      \
			}                                                      \
		}                                                              \
	}

static const struct filter_condition conditions[] = {
	/* TCP and UDP: nothing raw, no other protocol. */
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	{SCMP_SYS(ioctl), 1, {{1, FILTER_INT, FIONREAD}}},
#ifndef PROMPTCRAFT_ASAN
	{SCMP_SYS(mmap), 1, {{2, PROT_EXEC, 0}}},
	{SCMP_SYS(mprotect), 1, {{2, PROT_EXEC, 0}}},
	/* fork(); clone3 is ENOSYS and glibc uses clone. */
	{SCMP_SYS(clone), 1, {{0, CLONE_VM | FILTER_NAMESPACES, 0}}},
	{SCMP_SYS(prctl), 1, {{0, FILTER_INT, PR_SET_PDEATHSIG}}},
#endif
};

/* A raw socket or one of another family would be out of its bounds. */
static int
check_sockets(struct err *e)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return 0;
	(void)close(sock);
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "the broker's seccomp filter lets sockets through");
}

static const struct filter filter_broker = {
	.name = "broker",
	.allowed = allowed,
	.allowed_len = ARRAY_LEN(allowed),
	.conditions = conditions,
	.conditions_len = ARRAY_LEN(conditions),
	.check = check_sockets,
};

/*
 * Folders, not files: resolv.conf and hosts are replaced, not written to, when
 * the network changes.
 */
static const struct landlock_path paths[] = {
	{"/etc", LANDLOCK_READ, false},
	{"/run/systemd/resolve", LANDLOCK_READ, true},
	{"/run/resolvconf", LANDLOCK_READ, true},
	{"/run/NetworkManager", LANDLOCK_READ, true},
	{"/run/connman", LANDLOCK_READ, true},
#ifdef PROMPTCRAFT_ASAN
	{"/proc", LANDLOCK_READ | LANDLOCK_LIST, false},
	{"/usr", LANDLOCK_READ | LANDLOCK_LIST, false},
#endif
};

int
broker_confine(const struct broker_rules *rules, struct err *e)
{
	uint16_t ports[1 + BROKER_TARGETS_MAX + GUARD_PORTS_MAX] = {DNS_PORT};
	size_t len = 1;

	for (size_t i = 0; i < rules->targets_len; i++)
		ports[len++] = rules->targets[i].port;
	for (size_t i = 0; i < rules->guard.ports_len; i++)
		ports[len++] = rules->guard.ports[i];
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	if (landlock_restrict(paths, ARRAY_LEN(paths), ports, len, e) < 0)
		return -1;
	return filter_install(&filter_broker, e);
}
