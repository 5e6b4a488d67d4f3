/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - see guard.h.  Addresses are compared as 128 bits; an IPv4 address
 * is its mapped form.  The tables are the IANA special-purpose registries,
 * plus what clouds use within public space.
 */
#include "api/net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "supervisor/base/str.h"

#define MAPPED_BITS 96
#define DNS_NAME_MAX 253

/* IPv4: all is public but these. */
static const struct {
	uint32_t network; /* host byte order */
	unsigned prefix;
	const char *kind;
} closed_v4[] = {
	{0x00000000, 8, "unspecified"},
	{0x0a000000, 8, "private"},
	{0x64400000, 10, "carrier-grade NAT"},
	{0x7f000000, 8, "loopback"},
	{0xa83f8110, 32, "cloud metadata"}, /* 168.63.129.16 */
	{0xa9fe0000, 16, "link-local"},	    /* with 169.254.169.254 */
	{0xac100000, 12, "private"},
	{0xc0000000, 24, "protocol assignments"},
	{0xc0000200, 24, "documentation"},
	{0xc01fc400, 24, "reserved"}, /* AS112 */
	{0xc034c100, 24, "reserved"}, /* AMT */
	{0xc0586300, 24, "6to4 relay"},
	{0xc0a80000, 16, "private"},
	{0xc0af3000, 24, "reserved"}, /* AS112 */
	{0xc6120000, 15, "benchmarking"},
	{0xc6336400, 24, "documentation"},
	{0xcb007100, 24, "documentation"},
	{0xe0000000, 4, "multicast"},
	{0xf0000000, 4, "reserved"}, /* with broadcast */
};

/*
 * IPv6: only 2000::/3 is public, and not all of it.  The rows before it name
 * what people meet; what none of them names is "reserved".
 */
static const struct {
	uint8_t network[16];
	unsigned prefix;
	const char *kind; /* NULL: public */
} kinds_v6[] = {
	{{0}, 128, "unspecified"},
	{{[15] = 1}, 128, "loopback"},
	{{0}, 96, "IPv4-compatible"},
	{{0x00, 0x64, 0xff, 0x9b}, 96, "NAT64"},
	{{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, "NAT64"},
	{{0xfe, 0x80}, 10, "link-local"},
	{{0xfe, 0xc0}, 10, "site-local"},
	{{0xfc}, 7, "unique-local"},
	{{0xff}, 8, "multicast"},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
	{{0x20, 0x01}, 23, "protocol assignments"}, /* with Teredo */
	{{0x20, 0x02}, 16, "6to4"},
	{{0x26, 0x20, 0x00, 0x4f, 0x80}, 48, "reserved"}, /* AS112 */
	{{0x3f, 0xff}, 20, "documentation"},
	{{0x20}, 3, NULL},
	{{0}, 0, "reserved"},
};

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* Do the first bits of two addresses agree? */
static bool
is_within(const uint8_t *address, const uint8_t *network, unsigned prefix)
{
	size_t bytes = prefix / 8;
	unsigned bits = prefix % 8;
	unsigned mask = 0xffu << (8 - bits) & 0xffu;

	if (memcmp(address, network, bytes) != 0)
		return false;
	return bits == 0 || ((address[bytes] ^ network[bytes]) & mask) == 0;
}

static int
to_bytes(const struct sockaddr *address, uint8_t ret[16])
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET6) {
		memcpy(ret, &v6->sin6_addr, 16);
		return 0;
	}
	if (address->sa_family != AF_INET)
		return -1;
	memcpy(ret, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret + sizeof(mapped_prefix), &v4->sin_addr, 4);
	return 0;
}

static const char *
kind_of_v4(const uint8_t bytes[4])
{
	uint32_t address = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			   (uint32_t)bytes[2] << 8 | bytes[3];

	for (size_t i = 0; i < ARRAY_LEN(closed_v4); i++)
		if ((address ^ closed_v4[i].network) >>
			    (32 - closed_v4[i].prefix) ==
		    0)
			return closed_v4[i].kind;
	return NULL;
}

static const char *
kind_of_bytes(const uint8_t bytes[16])
{
	if (is_within(bytes, mapped_prefix, MAPPED_BITS))
		return kind_of_v4(bytes + sizeof(mapped_prefix));
	for (size_t i = 0; i < ARRAY_LEN(kinds_v6); i++)
		if (is_within(bytes, kinds_v6[i].network, kinds_v6[i].prefix))
			return kinds_v6[i].kind;
	return "reserved";
}

const char *
guard_kind(const struct sockaddr *address)
{
	uint8_t bytes[16];

	if (to_bytes(address, bytes) < 0)
		return "not an internet address";
	return kind_of_bytes(bytes);
}

/* ---- what the operator lists ----------------------------------------- */

static bool
is_host_listed(const char *listed, const char *host)
{
	size_t len = strlen(host), want = strlen(listed);

	/* "example.org." is the same name. */
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (listed[0] == '.')
		return len > want &&
		       strncasecmp(host + len - want, listed, want) == 0;
	return len == want && strncasecmp(host, listed, len) == 0;
}

static bool
is_listed(const struct guard *guard, const char *host, const uint8_t bytes[16])
{
	for (size_t i = 0; i < guard->entries_len; i++) {
		const struct guard_entry *entry = &guard->entries[i];

		if (entry->host[0] != '\0'
			    ? is_host_listed(entry->host, host)
			    : is_within(bytes, entry->address, entry->prefix))
			return true;
	}
	return false;
}

bool
guard_lists(const struct guard *guard, const struct sockaddr *address)
{
	uint8_t bytes[16];

	return address != NULL && to_bytes(address, bytes) == 0 &&
	       is_listed(guard, "", bytes);
}

int
guard_check_own(const struct guard *guard, const char *host,
		const struct sockaddr *address, struct err *e)
{
	uint8_t bytes[16];

	if (to_bytes(address, bytes) == 0 && is_listed(guard, host, bytes))
		return 0;
	return err_set(e, ERR_DENIED, 0,
		       "%.100s: webhooks may not go to this kind of address: "
		       "this machine's own",
		       host);
}

int
guard_check_port(const struct guard *guard, uint16_t port, struct err *e)
{
	for (size_t i = 0; i < guard->ports_len; i++)
		if (guard->ports[i] == port)
			return 0;
	return err_set(e, ERR_DENIED, 0,
		       "port %u is not one that webhooks may go to "
		       "(PROMPTCRAFT_WEBHOOK_PORTS)",
		       port);
}

int
guard_check_address(const struct guard *guard, const char *host,
		    const struct sockaddr *address, struct err *e)
{
	uint8_t bytes[16];
	const char *kind = guard_kind(address);

	if (to_bytes(address, bytes) == 0 && is_listed(guard, host, bytes))
		return 0;
	if (kind != NULL)
		return err_set(e, ERR_DENIED, 0,
			       "%.100s: webhooks may not go to this kind of "
			       "address: %s",
			       host, kind);
	if (guard->only_listed)
		return err_set(e, ERR_DENIED, 0,
			       "%.100s: is not in PROMPTCRAFT_WEBHOOK_ALLOW",
			       host);
	return 0;
}

/* ---- reading the settings -------------------------------------------- */

static int
parse_network(struct guard_entry *entry, char *word)
{
	char *slash = strchr(word, '/');
	uint64_t prefix;
	unsigned top;

	if (slash != NULL)
		*slash = '\0';
	memcpy(entry->address, mapped_prefix, sizeof(mapped_prefix));
	if (inet_pton(AF_INET, word, entry->address + 12) == 1)
		top = 32;
	else if (inet_pton(AF_INET6, word, entry->address) == 1)
		top = 128;
	else
		return -1;
	prefix = top;
	if (slash != NULL && str_to_u64(slash + 1, top, &prefix) < 0)
		return -1;
	entry->prefix = 128 - top + (unsigned)prefix;
	/* Bits beyond the prefix are a slip of the pen: 10.0.0.1/8. */
	for (unsigned bit = entry->prefix; bit < 128; bit++)
		if (entry->address[bit / 8] & (0x80u >> bit % 8))
			return -1;
	return 0;
}

static bool
is_host_name(const char *word)
{
	size_t len = strlen(word);

	return len > 0 && len <= DNS_NAME_MAX &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len &&
	       strpbrk(word, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

static int
keep_entry(struct guard *guard, const char *setting,
	   const struct guard_entry *entry, struct err *e)
{
	if (guard->entries_len == GUARD_ENTRIES_MAX)
		return err_set(e, ERR_INVALID, 0, "%s: more than %d entries",
			       setting, GUARD_ENTRIES_MAX);
	guard->entries[guard->entries_len++] = *entry;
	return 0;
}

static int
add_entry(struct guard *guard, const char *setting, char *word, struct err *e)
{
	struct guard_entry entry = {0};

	if (strpbrk(word, "/:") == NULL && is_host_name(word))
		str_copy(entry.host, sizeof(entry.host), word);
	else if (parse_network(&entry, word) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: entry %zu is no network (10.1.2.0/24, no "
			       "bits beyond the prefix), address or host name",
			       setting, guard->entries_len + 1);
	return keep_entry(guard, setting, &entry, e);
}

static int
add_network(struct guard *guard, const char *setting, char *word, struct err *e)
{
	struct guard_entry entry = {0};

	if (parse_network(&entry, word) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: entry %zu is no network (10.1.2.0/24, no "
			       "bits beyond the prefix) or address",
			       setting, guard->entries_len + 1);
	return keep_entry(guard, setting, &entry, e);
}

/* Calls add for each word between commas and spaces. */
static int
each_word(struct guard *guard, const char *setting, const char *text,
	  int (*add)(struct guard *, const char *, char *, struct err *),
	  struct err *e)
{
	char copy[2048], *rest = copy, *word;

	if (str_copy(copy, sizeof(copy), text) < 0)
		return err_set(e, ERR_INVALID, 0, "%s: is too long", setting);
	while ((word = strsep(&rest, ", \t")) != NULL)
		if (word[0] != '\0' && add(guard, setting, word, e) < 0)
			return -1;
	return 0;
}

static int
add_port(struct guard *guard, const char *setting, char *word, struct err *e)
{
	uint64_t port;

	if (guard->ports_len == GUARD_PORTS_MAX)
		return err_set(e, ERR_INVALID, 0, "%s: more than %d ports",
			       setting, GUARD_PORTS_MAX);
	if (str_to_u64(word, UINT16_MAX, &port) < 0 || port == 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be ports (1 to 65535) with commas "
			       "between",
			       setting);
	guard->ports[guard->ports_len++] = (uint16_t)port;
	return 0;
}

int
guard_parse_entries(struct guard *guard, const char *setting, const char *text,
		    struct err *e)
{
	return each_word(guard, setting, text, add_entry, e);
}

int
guard_parse_networks(struct guard *guard, const char *setting, const char *text,
		     struct err *e)
{
	return each_word(guard, setting, text, add_network, e);
}

int
guard_parse_ports(struct guard *guard, const char *setting, const char *text,
		  struct err *e)
{
	return each_word(guard, setting, text, add_port, e);
}
