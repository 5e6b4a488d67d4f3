/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_net_guard.c - which addresses a client's webhook may go to: a table of
 * addresses on both edges of every special range, what the operator lists, and
 * which URLs are URLs.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/net/guard.h"
#include "api/net/url.h"
#include "supervisor/base/str.h"

static const struct {
	const char *address;
	const char *kind; /* NULL: public */
} addresses[] = {
	{"0.0.0.0", "unspecified"},
	{"0.255.255.255", "unspecified"},
	{"1.0.0.0", NULL},
	{"1.1.1.1", NULL},
	{"8.8.8.8", NULL},
	{"9.255.255.255", NULL},
	{"10.0.0.0", "private"},
	{"10.255.255.255", "private"},
	{"11.0.0.0", NULL},
	{"100.63.255.255", NULL},
	{"100.64.0.0", "carrier-grade NAT"},
	{"100.100.100.200", "carrier-grade NAT"},
	{"100.127.255.255", "carrier-grade NAT"},
	{"100.128.0.0", NULL},
	{"126.255.255.255", NULL},
	{"127.0.0.0", "loopback"},
	{"127.0.0.1", "loopback"},
	{"127.255.255.255", "loopback"},
	{"128.0.0.0", NULL},
	{"168.63.129.15", NULL},
	{"168.63.129.16", "cloud metadata"},
	{"168.63.129.17", NULL},
	{"169.253.255.255", NULL},
	{"169.254.0.0", "link-local"},
	{"169.254.169.254", "link-local"},
	{"169.254.170.2", "link-local"},
	{"169.254.255.255", "link-local"},
	{"169.255.0.0", NULL},
	{"172.15.255.255", NULL},
	{"172.16.0.0", "private"},
	{"172.31.255.255", "private"},
	{"172.32.0.0", NULL},
	{"191.255.255.255", NULL},
	{"192.0.0.0", "protocol assignments"},
	{"192.0.0.192", "protocol assignments"},
	{"192.0.1.0", NULL},
	{"192.0.2.1", "documentation"},
	{"192.0.3.0", NULL},
	{"192.31.196.1", "reserved"},
	{"192.52.193.1", "reserved"},
	{"192.88.98.255", NULL},
	{"192.88.99.1", "6to4 relay"},
	{"192.167.255.255", NULL},
	{"192.168.0.0", "private"},
	{"192.168.255.255", "private"},
	{"192.169.0.0", NULL},
	{"192.175.48.1", "reserved"},
	{"198.17.255.255", NULL},
	{"198.18.0.0", "benchmarking"},
	{"198.19.255.255", "benchmarking"},
	{"198.20.0.0", NULL},
	{"198.51.100.7", "documentation"},
	{"203.0.113.255", "documentation"},
	{"203.0.114.0", NULL},
	{"223.255.255.255", NULL},
	{"224.0.0.1", "multicast"},
	{"239.255.255.255", "multicast"},
	{"240.0.0.0", "reserved"},
	{"255.255.255.255", "reserved"},

	{"::", "unspecified"},
	{"::1", "loopback"},
	{"::2", "IPv4-compatible"},
	{"::127.0.0.1", "IPv4-compatible"},
	{"::8.8.8.8", "IPv4-compatible"},
	{"::ffff:127.0.0.1", "loopback"},
	{"::ffff:10.1.2.3", "private"},
	{"::ffff:169.254.169.254", "link-local"},
	{"::ffff:0.0.0.0", "unspecified"},
	{"::ffff:8.8.8.8", NULL},
	{"::ffff:0:127.0.0.1", "reserved"}, /* translated (SIIT) */
	{"64:ff9b::127.0.0.1", "NAT64"},
	{"64:ff9b::8.8.8.8", "NAT64"},
	{"64:ff9b:1::a00:1", "NAT64"},
	{"100::1", "reserved"}, /* discard */
	{"200::1", "reserved"},
	{"1fff:ffff::", "reserved"},
	{"2000::1", NULL},
	{"2001::1", "protocol assignments"}, /* Teredo */
	{"2001:2::1", "protocol assignments"},
	{"2001:10::1", "protocol assignments"},
	{"2001:1ff:ffff::", "protocol assignments"},
	{"2001:200::1", NULL},
	{"2001:db7:ffff::1", NULL},
	{"2001:db8::1", "documentation"},
	{"2001:db9::1", NULL},
	{"2002:7f00:1::1", "6to4"},
	{"2002:808:808::1", "6to4"},
	{"2003::1", NULL},
	{"2606:4700:4700::1111", NULL},
	{"2620:4f:8000::1", "reserved"},
	{"3ffe:ffff::1", NULL},
	{"3fff::1", "documentation"},
	{"3fff:fff:ffff::1", "documentation"},
	{"3fff:1000::1", NULL},
	{"4000::1", "reserved"},
	{"5f00::1", "reserved"},
	{"fbff::1", "reserved"},
	{"fc00::1", "unique-local"},
	{"fd00:ec2::254", "unique-local"},
	{"fdff:ffff::1", "unique-local"},
	{"fe00::1", "reserved"},
	{"fe80::1", "link-local"},
	{"febf:ffff::1", "link-local"},
	{"fec0::1", "site-local"},
	{"ff00::1", "multicast"},
	{"ff02::1", "multicast"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
};

static const struct sockaddr *
parse(const char *text)
{
	static struct sockaddr_in6 v6;
	static struct sockaddr_in v4;

	v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	v4 = (struct sockaddr_in){.sin_family = AF_INET};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (const struct sockaddr *)&v4;
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		fail_msg("%s is no address", text);
	return (const struct sockaddr *)&v6;
}

static void
test_addresses(void **state)
{
	const struct guard guard = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		const struct sockaddr *address = parse(addresses[i].address);
		const char *kind = guard_kind(address);
		const char *want = addresses[i].kind;
		struct err e = ERR_INIT;

		if ((kind == NULL) != (want == NULL) ||
		    (kind != NULL && strcmp(kind, want) != 0))
			fail_msg("%s: %s", addresses[i].address,
				 kind != NULL ? kind : "public");
		assert_int_equal(
			guard_check_address(&guard, "host", address, &e),
			want == NULL ? 0 : -1);
	}
}

static void
test_other_family(void **state)
{
	const struct guard guard = {0};
	const struct sockaddr local = {.sa_family = AF_UNIX};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(guard_check_address(&guard, "host", &local, &e), -1);
}

static const char listed[] = "10.1.2.0/24, 127.0.0.1 fd12:3456::/32,"
			     "hook.example.org,.Ci.example";

static const struct {
	const char *host, *address;
	bool is_allowed, is_allowed_only_listed;
} exceptions[] = {
	{"x", "10.1.2.0", true, true},
	{"x", "10.1.2.255", true, true},
	{"x", "::ffff:10.1.2.9", true, true},
	{"x", "10.1.3.0", false, false},
	{"x", "127.0.0.1", true, true},
	{"x", "127.0.0.2", false, false},
	{"x", "::1", false, false},
	{"x", "fd12:3456:ffff::1", true, true},
	{"x", "fd12:3457::1", false, false},
	{"x", "8.8.8.8", true, false},
	{"hook.example.org", "8.8.8.8", true, true},
	{"HOOK.example.ORG.", "192.168.7.7", true, true},
	{"xhook.example.org", "192.168.7.7", false, false},
	{"hook.example.org.evil", "192.168.7.7", false, false},
	{"a.ci.example", "192.168.7.7", true, true},
	{"a.b.CI.example.", "192.168.7.7", true, true},
	{"ci.example", "192.168.7.7", false, false},
	{".ci.example", "192.168.7.7", false, false},
	{"aci.example", "8.8.8.8", true, false},
};

static void
test_exceptions(void **state)
{
	struct guard guard = {0};
	struct err e = ERR_INIT;

	(void)state;
	if (guard_parse_entries(&guard, "S", listed, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < ARRAY_LEN(exceptions); i++) {
		const struct sockaddr *address = parse(exceptions[i].address);
		bool is_allowed;

		guard.only_listed = false;
		is_allowed = guard_check_address(&guard, exceptions[i].host,
						 address, &e) == 0;
		if (is_allowed != exceptions[i].is_allowed)
			fail_msg("%s %s: %d", exceptions[i].host,
				 exceptions[i].address, is_allowed);
		guard.only_listed = true;
		is_allowed = guard_check_address(&guard, exceptions[i].host,
						 address, &e) == 0;
		if (is_allowed != exceptions[i].is_allowed_only_listed)
			fail_msg("%s %s only listed: %d", exceptions[i].host,
				 exceptions[i].address, is_allowed);
	}
}

static void
test_bad_entries(void **state)
{
	static const char *const bad[] = {
		"10.0.0.1/8",  "10.0.0.0/33", "10.0.0.0/",    "10.0.0/8",
		"fd00::1/8",   "::/129",      "300.1.1.1",    "1.2.3",
		"host/8",      "a b:c",	      "ho$t",	      "[::1]",
		"http://host", "10.0.0.0/-1", "0x7f.0.0.1/32"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct guard guard = {0};
		struct err e = ERR_INIT;

		if (guard_parse_entries(&guard, "SETTING", bad[i], &e) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(e.text, "SETTING"));
	}
}

static void
test_ports(void **state)
{
	struct guard guard = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(guard_parse_ports(&guard, "P", "80, 443,8443", &e), 0);
	assert_int_equal(guard_check_port(&guard, 80, &e), 0);
	assert_int_equal(guard_check_port(&guard, 8443, &e), 0);
	assert_int_equal(guard_check_port(&guard, 22, &e), -1);
	assert_int_equal(guard_check_port(&guard, 0, &e), -1);
	assert_int_equal(guard_parse_ports(&guard, "P", "0", &e), -1);
	assert_int_equal(guard_parse_ports(&guard, "P", "65536", &e), -1);
	assert_int_equal(guard_parse_ports(&guard, "P", "80;443", &e), -1);
}

static const struct {
	const char *url, *host; /* host NULL: refused */
	unsigned port;
	bool is_tls;
} urls[] = {
	{"https://example.org/a?b=c", "example.org", 443, true},
	{"http://example.org", "example.org", 80, false},
	{"HTTP://EXAMPLE.org:8080/", "EXAMPLE.org", 8080, false},
	{"http://127.0.0.1/", "127.0.0.1", 80, false},
	/* other spellings of one address */
	{"http://2130706433/", "127.0.0.1", 80, false},
	{"http://0x7f000001/", "127.0.0.1", 80, false},
	{"http://0177.0.0.1/", "127.0.0.1", 80, false},
	{"http://127.1/", "127.0.0.1", 80, false},
	{"http://0/", "0.0.0.0", 80, false},
	{"http://[::1]:8443/", "::1", 8443, false},
	{"http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", 80, false},
	{"http://localhost./", "localhost.", 80, false},
	{"http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, false},
	/* not URLs that we take */
	{"", NULL, 0, false},
	{"example.org", NULL, 0, false},
	{"//example.org/", NULL, 0, false},
	{"ftp://example.org/", NULL, 0, false},
	{"file:///etc/passwd", NULL, 0, false},
	{"gopher://example.org/", NULL, 0, false},
	{"javascript:alert(1)", NULL, 0, false},
	{"unix:///run/docker.sock", NULL, 0, false},
	{"https:////", NULL, 0, false},
	{"http:example.org", NULL, 0, false},
	{"http://user@example.org/", NULL, 0, false},
	{"http://user:pass@example.org/", NULL, 0, false},
	{"http://@example.org/", NULL, 0, false},
	{"http://good.example\\@10.0.0.1/", NULL, 0, false},
	{"http://good.example#@10.0.0.1/", NULL, 0, false},
	{"http://example.org/#part", NULL, 0, false},
	{"http://exa mple.org/", NULL, 0, false},
	{"http://example.org/\r\nX: y", NULL, 0, false},
	{"http://example.org:0/", NULL, 0, false},
	{"http://example.org:65536/", NULL, 0, false},
	{"http://example.org:-1/", NULL, 0, false},
	{"http://[fe80::1%25eth0]/", NULL, 0, false},
	{"http://[::1/", NULL, 0, false},
	/* what libcurl makes of an escape is judged, too */
	{"http://%31%32%37.0.0.1/", "127.0.0.1", 80, false},
	{"http://%ff%fe.example.org/", NULL, 0, false},
	{"http://b%c3%bccher.example/", NULL, 0, false},
	{"http://example%7f.org/", NULL, 0, false},
	{"http://example%25.org/", NULL, 0, false},
	{"http://example%0d%0a.org/", NULL, 0, false},
	{"http://example%00.org/", NULL, 0, false},
	{"http://b\xc3\xbc"
	 "cher.example/",
	 NULL, 0, false},
	{"http://\xe2\x91\xa0"
	 "27.0.0.1/",
	 NULL, 0, false},
	{"http://127\xe3\x80\x82"
	 "0\xe3\x80\x82"
	 "0\xe3\x80\x82"
	 "1/",
	 NULL, 0, false},
};

static void
test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct net_url url = {0};
		struct err e = ERR_INIT;
		int rc = net_url_parse("SETTING", urls[i].url, &url, &e);

		if ((rc == 0) != (urls[i].host != NULL))
			fail_msg("%s: %d %s", urls[i].url, rc, url.host);
		if (rc < 0) {
			assert_memory_equal(e.text, "SETTING: ", 9);
			/* The URL may be a secret: nothing of it is told. */
			assert_null(strstr(e.text, "example.org"));
			continue;
		}
		assert_string_equal(url.host, urls[i].host);
		assert_int_equal(url.port, urls[i].port);
		assert_int_equal(url.is_tls, urls[i].is_tls);
	}
}

static void
test_join(void **state)
{
	static const struct {
		const char *base, *location, *want;
	} rows[] = {
		{"https://a.example/x/y", "/z", "https://a.example/z"},
		{"https://a.example/x/y", "z", "https://a.example/x/z"},
		{"http://a.example/", "//b.example/c", "http://b.example/c"},
		{"http://a.example/", "https://b.example/",
		 "https://b.example/"},
		{"https://a.example/", "http://a.example/", NULL},
		{"http://a.example/", "ftp://a.example/", NULL},
		{"http://a.example/", "http://u:p@b.example/", NULL},
		{"http://a.example/", "http://[/", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *joined = NULL;
		struct err e = ERR_INIT;
		int rc = net_url_join(rows[i].base, rows[i].location, &joined,
				      &e);

		if ((rc == 0) != (rows[i].want != NULL))
			fail_msg("%s + %s: %d", rows[i].base, rows[i].location,
				 rc);
		if (rc == 0)
			assert_string_equal(joined, rows[i].want);
		free(joined);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_bad_entries),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
