/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.c - see address.h.
 */
#include "api/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "supervisor/base/str.h"

#define NETWORK_BYTES 8 /* of /64 */

static struct address_group
group_of_v6(const struct in6_addr *address)
{
	struct address_group group = {{0}};

	memcpy(group.bytes, address,
	       IN6_IS_ADDR_V4MAPPED(address) ? sizeof(group.bytes)
					     : NETWORK_BYTES);
	return group;
}

struct address_group
address_group_of(const struct sockaddr *address)
{
	struct address_group group = {{[10] = 0xff, [11] = 0xff}};

	if (address != NULL && address->sa_family == AF_INET6)
		return group_of_v6(
			&((const struct sockaddr_in6 *)(const void *)address)
				 ->sin6_addr);
	if (address == NULL || address->sa_family != AF_INET)
		return (struct address_group){{0}};
	memcpy(group.bytes + 12,
	       &((const struct sockaddr_in *)(const void *)address)->sin_addr,
	       4);
	return group;
}

void
address_group_text(const char *address, char ret[ADDRESS_GROUP_SIZE])
{
	char text[INET6_ADDRSTRLEN];
	struct address_group group;
	struct in6_addr v6;

	(void)str_copy(ret, ADDRESS_GROUP_SIZE, address);
	if (inet_pton(AF_INET6, address, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
		return;
	group = group_of_v6(&v6);
	if (inet_ntop(AF_INET6, group.bytes, text, sizeof(text)) != NULL)
		(void)str_printf(ret, ADDRESS_GROUP_SIZE, "%s/64", text);
}
