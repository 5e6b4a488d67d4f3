/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarded.c - see forwarded.h.
 */
#include "api/http/forwarded.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "supervisor/base/str.h"

#define BLANKS " \t"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static void
to_text(const struct sockaddr *address, char ret[INET6_ADDRSTRLEN])
{
	const union address *a = (const void *)address;
	int family = address != NULL ? address->sa_family : AF_UNSPEC;
	const char *text = NULL;

	if (family == AF_INET)
		text = inet_ntop(family, &a->in.sin_addr, ret,
				 INET6_ADDRSTRLEN);
	else if (family == AF_INET6)
		text = inet_ntop(family, &a->in6.sin6_addr, ret,
				 INET6_ADDRSTRLEN);
	if (text == NULL)
		(void)str_copy(ret, INET6_ADDRSTRLEN, "unknown");
}

/* Takes "192.0.2.7:80" and "[2001:db8::1]:80" apart; others stay. */
static char *
without_port(char *word)
{
	char *colon = strchr(word, ':'), *bracket = strchr(word, ']');
	uint64_t port;

	if (word[0] == '[' && bracket != NULL) {
		*bracket = '\0';
		colon = bracket[1] == ':' ? bracket + 1 : NULL;
		if (bracket[1] != '\0' && colon == NULL)
			return NULL;
		word++;
	} else if (colon == NULL || strchr(colon + 1, ':') != NULL) {
		return word;
	}
	if (colon != NULL && str_to_u64(colon + 1, UINT16_MAX, &port) < 0)
		return NULL;
	if (colon != NULL)
		*colon = '\0';
	return word;
}

static bool
parse_address(const char *text, size_t len, union address *ret)
{
	char copy[sizeof("[]:65535") + INET6_ADDRSTRLEN], *word;
	union address address = {.in6 = {0}};

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	word = without_port(copy);
	if (word == NULL)
		return false;
	if (inet_pton(AF_INET, word, &address.in.sin_addr) == 1)
		address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, word, &address.in6.sin6_addr) == 1)
		address.any.sa_family = AF_INET6;
	else
		return false;
	*ret = address;
	return true;
}

/* Cuts the last element off the first *len bytes of a list, blanks too. */
static size_t
take_last(const char *list, size_t *len, const char **ret)
{
	size_t end = *len, start;

	while (end > 0 && strchr(BLANKS, list[end - 1]) != NULL)
		end--;
	for (start = end; start > 0 && list[start - 1] != ',';)
		start--;
	*len = start > 0 ? start - 1 : 0;
	start += strspn(list + start, BLANKS);
	*ret = list + start;
	return end > start ? end - start : 0;
}

void
forwarded_sender(const struct guard *proxies, const struct sockaddr *peer,
		 const char *const *lines, size_t lines_len,
		 char ret[INET6_ADDRSTRLEN])
{
	const struct sockaddr *sender = peer;
	union address next;

	to_text(sender, ret);
	for (size_t i = lines_len; i-- > 0;) {
		size_t left = strlen(lines[i]);

		while (left > 0) {
			const char *word;
			size_t len = take_last(lines[i], &left, &word);

			if (!guard_lists(proxies, sender))
				return;
			if (len == 0)
				continue; /* RFC 9110, 5.6.1: it is ignored */
			if (!parse_address(word, len, &next))
				return;
			sender = &next.any;
			to_text(sender, ret);
		}
	}
}
