/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarded.h - who sent a request that came by way of a proxy.
 *
 * A proxy adds the address that it was called from to the end of
 * X-Forwarded-For; whatever stands before that may be the client's invention.
 * So the list is read from its end, and only as far as proxies go that the
 * operator has listed (PROMPTCRAFT_TRUSTED_PROXIES).
 */
#ifndef PC_API_FORWARDED_H
#define PC_API_FORWARDED_H

#include <netinet/in.h>
#include <stddef.h>

#include "api/net/guard.h"

/*
 * The sender's address as text.  peer is who is connected; lines are the
 * values of X-Forwarded-For in the order they came (RFC 9110, 5.3: together
 * one list).  An element that is no address (with or without a port) ends the
 * look: then it is the proxy that passed it on.  "unknown" if peer has no
 * internet address.
 */
void forwarded_sender(const struct guard *proxies, const struct sockaddr *peer,
		      const char *const *lines, size_t lines_len,
		      char ret[INET6_ADDRSTRLEN]);

#endif
