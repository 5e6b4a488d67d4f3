/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C02: x32 numbers.  Bit 30 names the same kernel's third table; a list of
 * 64-bit numbers does not have them, a mask over them may.  The kernel's answer
 * "no such call" is not "killed by the filter": only a signal is blocked.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "attempt.h"

#define X32 0x40000000u

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{"x32_read", X32 | 0},
	{"x32_getpid", X32 | 39},
	{"x32_ptrace", X32 | 521},
	{"x32_execve", X32 | 520},
	{"x32_rt_sigaction", X32 | 512},
	{"x32_native_execve", X32 | 59},
	{"x32_unshare", X32 | 272},
	{"x32_io_uring", X32 | 425},
	{"x32_clone3", X32 | 435},
	{"x32_high", X32 | 0x3ff00000},
	{"bit31", 0x80000000u | 39},
	{"bit31_x32", 0xc0000000u | 39},
	/* One below -1, which every filter must answer and none may kill. */
	{"minus_two", 0xfffffffeu},
};

static void
call(void *arg)
{
	long rc = syscall((long)*(const unsigned *)arg, 0, 0, 0, 0, 0, 0);

	if (rc >= 0)
		_exit(ATTEMPT_GOT_THROUGH);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		unsigned nr = calls[i].nr;

		attempt_child(calls[i].name, call, &nr);
	}
	return 0;
}
