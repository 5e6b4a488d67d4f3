/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_forwarded.c - whose request it is that came by way of proxies, and whose
 * word about it counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "api/http/forwarded.h"
#include "supervisor/base/str.h"

#define PROXIES "127.0.0.1, 10.1.0.0/16, fd00:1::/32"

static const struct {
	const char *peer;
	const char *lines[4];
	const char *sender;
} rows[] = {
	/* Nobody's word but a listed proxy's. */
	{"192.0.2.1", {"198.51.100.1"}, "192.0.2.1"},
	{"10.2.0.1", {"198.51.100.1"}, "10.2.0.1"},
	{"127.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
	{"10.1.255.255", {"198.51.100.1"}, "198.51.100.1"},
	{"::ffff:10.1.2.3", {"198.51.100.1"}, "198.51.100.1"},
	{"fd00:1::7", {"2001:db8::1"}, "2001:db8::1"},
	{"127.0.0.1", {NULL}, "127.0.0.1"},
	/* The last is the proxy's own; those before are anybody's. */
	{"127.0.0.1", {"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
	{"127.0.0.1", {"10.1.0.1, 198.51.100.1"}, "198.51.100.1"},
	{"127.0.0.1", {"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
	/* Through several of ours. */
	{"127.0.0.1", {"203.0.113.9, 198.51.100.1, 10.1.0.1"}, "198.51.100.1"},
	{"127.0.0.1",
	 {"203.0.113.9", "198.51.100.1", "10.1.0.1,10.1.0.2"},
	 "198.51.100.1"},
	{"127.0.0.1", {"10.1.0.1, 10.1.0.2"}, "10.1.0.1"},
	/* As they are written. */
	{"127.0.0.1", {" \t198.51.100.1\t "}, "198.51.100.1"},
	{"127.0.0.1", {"198.51.100.1:4711"}, "198.51.100.1"},
	{"127.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
	{"127.0.0.1", {"[2001:db8::1]"}, "2001:db8::1"},
	{"127.0.0.1", {"2001:DB8:0::1"}, "2001:db8::1"},
	{"127.0.0.1", {"198.51.100.1,,", ""}, "198.51.100.1"},
	{"127.0.0.1",
	 {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535"},
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	/* What is no address: nothing before it counts either. */
	{"127.0.0.1", {"unknown"}, "127.0.0.1"},
	{"127.0.0.1", {"198.51.100.1, unknown"}, "127.0.0.1"},
	{"127.0.0.1", {"198.51.100.1, _x, 10.1.0.1"}, "10.1.0.1"},
	{"127.0.0.1", {"198.51.100.1:65536"}, "127.0.0.1"},
	{"127.0.0.1", {"198.51.100.1:"}, "127.0.0.1"},
	{"127.0.0.1", {"[2001:db8::1"}, "127.0.0.1"},
	{"127.0.0.1", {"[2001:db8::1]4711"}, "127.0.0.1"},
	{"127.0.0.1", {"198.51.100.1 203.0.113.9"}, "127.0.0.1"},
	{"127.0.0.1", {"0198.51.100.1"}, "127.0.0.1"},
	{"127.0.0.1",
	 {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:655350"},
	 "127.0.0.1"},
};

static void
test_senders(void **state)
{
	struct guard proxies = {.entries_len = 0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(guard_parse_networks(&proxies, "X", PROXIES, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		union {
			struct sockaddr any;
			struct sockaddr_in in;
			struct sockaddr_in6 in6;
		} peer = {.in6 = {0}};
		char sender[INET6_ADDRSTRLEN];
		size_t len = 0;

		if (inet_pton(AF_INET, rows[i].peer, &peer.in.sin_addr) == 1)
			peer.any.sa_family = AF_INET;
		else if (inet_pton(AF_INET6, rows[i].peer,
				   &peer.in6.sin6_addr) == 1)
			peer.any.sa_family = AF_INET6;
		while (len < ARRAY_LEN(rows[i].lines) && rows[i].lines[len])
			len++;
		forwarded_sender(&proxies, &peer.any, rows[i].lines, len,
				 sender);
		if (strcmp(sender, rows[i].sender) != 0)
			fail_msg("row %zu: %s is not %s", i, sender,
				 rows[i].sender);
	}
}

static void
test_no_internet_address(void **state)
{
	const char *const lines[] = {"198.51.100.1"};
	const struct sockaddr local = {.sa_family = AF_UNIX};
	const struct guard none = {.entries_len = 0};
	char sender[INET6_ADDRSTRLEN];

	(void)state;
	forwarded_sender(&none, &local, lines, 1, sender);
	assert_string_equal(sender, "unknown");
	forwarded_sender(&none, NULL, lines, 1, sender);
	assert_string_equal(sender, "unknown");
}

static void
test_lists(void **state)
{
	static const char *const wrong[] = {"proxy.example.org", "10.0.0.1/8",
					    "10.0.0.0/33", "fd00::/129", "x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct guard proxies = {.entries_len = 0};
		struct err e = ERR_INIT;

		assert_int_equal(
			guard_parse_networks(&proxies, "SETTING", wrong[i], &e),
			-1);
		assert_non_null(strstr(e.text, "SETTING: entry 1 is no"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_no_internet_address),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
