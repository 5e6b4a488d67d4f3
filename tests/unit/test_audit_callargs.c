/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused calls as a person reads them: names where there are some, numbers
 * where not, nothing beyond the arguments that a call has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/base/callargs.h"
#include "supervisor/base/str.h"

static const struct {
	const char *name;
	uint64_t args[6];
	const char *text;
} rows[] = {
	{"socket", {40, 1, 0, 7, 7, 7}, "socket(AF_VSOCK, SOCK_STREAM, 0)"},
	{"socket",
	 {38, 5 | 02000000 | 04000},
	 "socket(AF_ALG, SOCK_SEQPACKET|SOCK_CLOEXEC|SOCK_NONBLOCK, 0)"},
	{"socket", {99, 3 | 0x10, 58}, "socket(99, SOCK_RAW|0x10, 58)"},
	/* The kernel takes 32 bits: the upper half hides nothing. */
	{"socket",
	 {0x100000010ull, 0x100000003ull, ~0ull},
	 "socket(AF_NETLINK, SOCK_RAW, -1)"},
	{"unshare",
	 {0x10000000 | 0x20000},
	 "unshare(CLONE_NEWUSER|CLONE_NEWNS)"},
	{"unshare", {0x80}, "unshare(CLONE_NEWTIME)"},
	{"unshare", {0}, "unshare(0)"},
	{"setns", {3, 0x40000000}, "setns(3, CLONE_NEWNET)"},
	{"clone",
	 {0x10000000 | 17, 0, 0, 0, 0, 9},
	 "clone(CLONE_NEWUSER|SIGCHLD, 0x0, 0x0, 0x0, 0x0)"},
	{"clone",
	 {0x800000000ull | 0x20000000},
	 "clone(CLONE_NEWPID|0x800000000, 0x0, 0x0, 0x0, 0x0)"},
	{"mount",
	 {1, 2, 3, 0x1000 | 0x4000 | 1, 5},
	 "mount(0x1, 0x2, 0x3, MS_RDONLY|MS_BIND|MS_REC, 0x5)"},
	{"umount2", {0x7f00, 2}, "umount2(0x7f00, MNT_DETACH)"},
	{"ptrace", {16, 1}, "ptrace(PTRACE_ATTACH, 1, 0x0, 0x0)"},
	{"ptrace", {0x4206, 7}, "ptrace(PTRACE_SEIZE, 7, 0x0, 0x0)"},
	{"bpf", {5, 0x10, 120}, "bpf(BPF_PROG_LOAD, 0x10, 120)"},
	{"keyctl",
	 {1, 0, 0, 0, 0},
	 "keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0x0, 0x0, 0x0, 0x0)"},
	{"vhangup", {1, 2, 3, 4, 5, 6}, "vhangup()"},
	{"no_such_call",
	 {1, 2, 3, 4, 5, ~0ull},
	 "no_such_call(0x1, 0x2, 0x3, 0x4, 0x5, 0xffffffffffffffff)"},
};

static void
calls_are_described(void **state)
{
	char text[CALLARGS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		callargs_describe(text, sizeof(text), rows[i].name,
				  rows[i].args);
		assert_string_equal(text, rows[i].text);
	}
}

static void
counts_are_known(void **state)
{
	(void)state;
	assert_int_equal(callargs_count("socket"), 3);
	assert_int_equal(callargs_count("vhangup"), 0);
	assert_int_equal(callargs_count("no_such_call"), 6);
}

/* Whatever the size: ended, within its bytes, and said to be cut. */
static void
long_ones_are_cut(void **state)
{
	const uint64_t args[6] = {1, 2, 3, ~0ull, 5, 6};
	char text[CALLARGS_SIZE];

	(void)state;
	for (size_t size = 8; size <= CALLARGS_SIZE; size++) {
		memset(text, '#', sizeof(text));
		callargs_describe(text, size, "mount", args);
		assert_true(strlen(text) < size);
		if (size < CALLARGS_SIZE)
			assert_int_equal(text[size], '#');
		if (strchr(text, ')') == NULL)
			assert_string_equal(text + strlen(text) - 3, "...");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_described),
		cmocka_unit_test(counts_are_known),
		cmocka_unit_test(long_ones_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
