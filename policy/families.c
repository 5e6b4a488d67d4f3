/* SPDX-License-Identifier: Apache-2.0 */
/*
 * families.c - RestrictAddressFamilies= as rules for socket().
 *
 * A jail can be given only these families, without raw or packet sockets, and
 * with no protocol but the plain ones (no MPTCP, no SCTP).  All other calls of
 * socket() are in the audit class, but for two that the C library makes by
 * itself and that say nothing about the program: the name service cache
 * (AF_UNIX) and the list of interfaces for getaddrinfo() (routing netlink).
 */
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/draft.h"

#define SOCK_TYPE_BITS 0xfu /* SOCK_TYPE_MASK of the kernel */

static const struct {
	const char *name;
	uint32_t value;
	struct call_test type, protocol;
} families[] = {
	[FAMILY_UNIX] = {"AF_UNIX",
			 AF_UNIX,
			 {SOCK_TYPE_BITS,
			  3,
			  {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}},
			 {0}},
	[FAMILY_INET] = {"AF_INET",
			 AF_INET,
			 {SOCK_TYPE_BITS, 2, {SOCK_STREAM, SOCK_DGRAM}},
			 {UINT32_MAX, 3, {0, IPPROTO_TCP, IPPROTO_UDP}}},
	[FAMILY_INET6] = {"AF_INET6",
			  AF_INET6,
			  {SOCK_TYPE_BITS, 2, {SOCK_STREAM, SOCK_DGRAM}},
			  {UINT32_MAX, 3, {0, IPPROTO_TCP, IPPROTO_UDP}}},
};

_Static_assert(sizeof(families) / sizeof(families[0]) == FAMILY_COUNT,
	       "every family has a row");

int
family_find(const char *name, enum family *ret)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (strcmp(families[f].name, name) != 0)
			continue;
		*ret = f;
		return 0;
	}
	return -1;
}

const char *
family_name(enum family family)
{
	return families[family].name;
}

static int
refuse(struct draft *d, uint32_t nr, uint32_t domain,
       const struct call_test *protocol, struct err *e)
{
	struct call_rule rule = {.nr = nr, .errnum = EAFNOSUPPORT};

	rule.tests[0] = (struct call_test){UINT32_MAX, 1, {domain}};
	rule.tests[2] = *protocol;
	if (draft_add_rule(d, &rule, e) < 0)
		return -1;
	draft_explain(&d->reasons[d->rules_len - 1], -1,
		      "the C library tries it by itself");
	return 0;
}

int
family_add_rules(struct draft *d, struct err *e)
{
	static const struct call_test any = {0};
	static const struct call_test route = {UINT32_MAX, 1, {NETLINK_ROUTE}};
	int nr = call_number("socket");

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct call_rule rule = {.nr = (uint32_t)nr};

		if (!d->families[f])
			continue;
		rule.tests[0] =
			(struct call_test){UINT32_MAX, 1, {families[f].value}};
		rule.tests[1] = families[f].type;
		rule.tests[2] = families[f].protocol;
		if (draft_add_rule(d, &rule, e) < 0)
			return -1;
		draft_explain(&d->reasons[d->rules_len - 1], -1,
			      "RestrictAddressFamilies=");
	}
	if (!d->families[FAMILY_UNIX] &&
	    refuse(d, (uint32_t)nr, AF_UNIX, &any, e) < 0)
		return -1;
	if ((d->families[FAMILY_INET] || d->families[FAMILY_INET6]) &&
	    refuse(d, (uint32_t)nr, AF_NETLINK, &route, e) < 0)
		return -1;
	d->is_audited[nr] = true;
	draft_explain(&d->audit_reasons[nr], -1,
		      "families that RestrictAddressFamilies= does not give");
	return 0;
}
