/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - whom an address stands for, where something is counted by it.
 *
 * Whoever has one IPv6 address has the 2^64 of its network, and could come from
 * another one each time; so these count as one.  An IPv4 address, also within
 * an IPv6 one, counts for itself.
 */
#ifndef PROMPTCRAFT_API_HTTP_ADDRESS_H
#define PROMPTCRAFT_API_HTTP_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

struct address_group {
	unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};

/* All zero for what is no internet address, or NULL. */
struct address_group address_group_of(const struct sockaddr *address);

#define ADDRESS_GROUP_SIZE 64
/* Of "2001:db8::1:2" it is "2001:db8::/64"; other texts are as they were. */
void address_group_text(const char *address, char ret[ADDRESS_GROUP_SIZE]);

#endif
