/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - lists of addresses; and which of them a connection may go to whose
 * target a client of ours chose (notification_webhook).  It decides on
 * addresses that were resolved, never on the spelling of a URL: decimal, octal,
 * short and mapped forms of an address are all the same here.
 *
 * What is not plainly public is refused: what the operator lists is let
 * through, and with `only_listed` nothing else is.
 */
#ifndef PC_API_NET_GUARD_H
#define PC_API_NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "supervisor/base/err.h"

#define GUARD_ENTRIES_MAX 32
#define GUARD_PORTS_MAX 16
#define GUARD_HOST_SIZE 256 /* a DNS name with its NUL */

struct guard_entry {
	char host[GUARD_HOST_SIZE]; /* "": a network; ".x": below x */
	unsigned char address[16];  /* IPv4 as ::ffff:a.b.c.d */
	unsigned prefix;	    /* of the 128 bits */
};

struct guard {
	struct guard_entry entries[GUARD_ENTRIES_MAX];
	size_t entries_len;
	uint16_t ports[GUARD_PORTS_MAX];
	size_t ports_len;
	bool only_listed;
};

/*
 * "10.1.2.0/24, fd00::/8, 192.0.2.7, ci.example.org, .example.net": networks,
 * addresses, host names, names below a domain.  setting is for errors.
 */
int guard_parse_entries(struct guard *guard, const char *setting,
			const char *text, struct err *e);
/* The same of networks and addresses alone. */
int guard_parse_networks(struct guard *guard, const char *setting,
			 const char *text, struct err *e);
int guard_parse_ports(struct guard *guard, const char *setting,
		      const char *text, struct err *e);

/* ERR_DENIED, with the ports that are allowed. */
int guard_check_port(const struct guard *guard, uint16_t port, struct err *e);
/*
 * ERR_DENIED, naming the host and what kind of address it has, not the address
 * itself: who chose the name need not learn how ours resolves it.
 */
int guard_check_address(const struct guard *guard, const char *host,
			const struct sockaddr *address, struct err *e);

/* The same of an address that the machine itself has. */
int guard_check_own(const struct guard *guard, const char *host,
		    const struct sockaddr *address, struct err *e);

/* Is the address one of those listed?  NULL is not. */
bool guard_lists(const struct guard *guard, const struct sockaddr *address);

/* Why an address is not public ("loopback"), or NULL. */
const char *guard_kind(const struct sockaddr *address);

#endif
