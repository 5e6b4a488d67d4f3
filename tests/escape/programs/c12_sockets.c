/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C12: every address family with every type, plus protocols that bring code of
 * their own, and options that put code or keys into a socket.  Counted by
 * family: "done" tells which type came through.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "attempt.h"

#define FAMILIES 46
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The third argument is what the family would load a module for. */
static const struct {
	const char *name;
	int family, type, protocol;
} protocols[] = {
	{"mptcp", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
	{"sctp", AF_INET, SOCK_SEQPACKET, 132},
	{"dccp", AF_INET, 6, 33},
	{"udplite", AF_INET, SOCK_DGRAM, 136},
	{"icmp_ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
	{"raw_icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP},
	{"inet_packet", AF_INET, SOCK_PACKET, 0x300},
	{"smc", 43, SOCK_STREAM, 0},
	{"raw_high", AF_INET, SOCK_RAW, IPPROTO_ICMP},
};

static void
family(int af)
{
	int first = 0, through = -1;
	char name[24];

	for (int type = 1; type <= 10; type++) {
		int fd = socket(af, type, 0);

		if (fd >= 0) {
			through = type;
			close(fd);
		} else if (first == 0) {
			first = errno;
		} else if (errno != first) {
			first = EMULTIHOP; /* more than one answer */
		}
	}
	snprintf(name, sizeof(name), "family_%d", af);
	errno = first;
	if (through >= 0)
		attempt_done(name, "type_%d", through);
	else
		attempt_call(name, -1);
}

static void
options(void)
{
	struct {
		const char *name;
		int level, option;
	} rows[] = {
		{"tcp_ulp", IPPROTO_TCP, 31},
		{"tcp_md5", IPPROTO_TCP, 14},
		{"tcp_repair", IPPROTO_TCP, 19},
		{"udp_encap", IPPROTO_UDP, 100},
		{"attach_bpf", SOL_SOCKET, 50},
		{"reuseport_cbpf", SOL_SOCKET, 51},
		{"ip_options", IPPROTO_IP, 4},
		{"ipt_replace", IPPROTO_IP, 64},
		{"ip6t_replace", IPPROTO_IPV6, 64},
		{"xfrm_policy", IPPROTO_IP, 17},
		{"mcast", IPPROTO_IP, 42},
		{"tls_tx", 282, 1},
		{"zerocopy", SOL_SOCKET, 60},
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
	char value[512] = "tls";
	struct sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, ~0u);
	struct sock_fprog filter = {.len = 1, .filter = &accept_all};

	/* Without IP sockets: an AF_UNIX one, on which the filter says the
	 * same and the kernel EOPNOTSUPP. */
	if (fd < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		fd = pair[0];
	attempt_call("attach_filter",
		     setsockopt(fd, SOL_SOCKET, 26, &filter, sizeof(filter)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		attempt_call(rows[i].name,
			     setsockopt(fd, rows[i].level, rows[i].option,
					value, 8));
}

int
main(void)
{
	for (int af = 0; af < FAMILIES; af++)
		family(af);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		int fd = socket(protocols[i].family, protocols[i].type,
				protocols[i].protocol);

		attempt_call(protocols[i].name, fd);
	}
	options();
	return 0;
}
