/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_address.c - which addresses count as one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "api/http/address.h"
#include "supervisor/base/str.h"

static const struct {
	const char *address, *group;
} rows[] = {
	{"192.0.2.7", "192.0.2.7"},
	{"::ffff:192.0.2.7", "::ffff:192.0.2.7"},
	{"2001:db8:1:2::1", "2001:db8:1:2::/64"},
	{"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
	{"2001:db8:1:3::1", "2001:db8:1:3::/64"},
	{"::1", "::/64"},
	{"unknown", "unknown"},
};

static void
test_texts(void **state)
{
	char group[ADDRESS_GROUP_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		address_group_text(rows[i].address, group);
		assert_string_equal(group, rows[i].group);
	}
}

static struct address_group
group_of(const char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {.in6 = {0}};

	if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1)
		address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address.in6.sin6_addr) == 1)
		address.any.sa_family = AF_INET6;
	return address_group_of(&address.any);
}

static bool
is_one(const char *a, const char *b)
{
	struct address_group left = group_of(a), right = group_of(b);

	return memcmp(&left, &right, sizeof(left)) == 0;
}

static void
test_groups(void **state)
{
	(void)state;
	assert_true(is_one("2001:db8::1", "2001:db8::ffff:0:0:2"));
	assert_false(is_one("2001:db8::1", "2001:db8:0:1::1"));
	assert_false(is_one("192.0.2.1", "192.0.2.2"));
	assert_false(is_one("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
	assert_true(is_one("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(is_one("::1", "127.0.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
