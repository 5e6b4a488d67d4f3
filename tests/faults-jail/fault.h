/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - which fault a variant of jail-init or of the supervisor has.
 *
 * The variants are linked from the product's own objects with some functions
 * replaced (ld --wrap); there is no test code in the product.  fault_name is
 * overwritten in a copy of the binary by tests/integration/test_gate_faults.py;
 * as built it names none, and the variant behaves like the product.
 *
 * Real system calls are made here with one instruction, so that no replaced
 * function is in the way.
 */
#ifndef PC_TESTS_FAULT_H
#define PC_TESTS_FAULT_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

extern char fault_name[64];

/* Is it this one?  "*" at the end stands for anything. */
static inline bool
fault_is(const char *name)
{
	const volatile char *now = fault_name + sizeof("PCFAULT=") - 1;
	size_t len = strlen(name);
	bool is_prefix = len > 0 && name[len - 1] == '*';

	if (is_prefix)
		len--;
	for (size_t i = 0; i < len; i++)
		if (now[i] != name[i])
			return false;
	return is_prefix || now[len] == '\0';
}

static inline long
fault_raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* As libc's syscall(): -1 and errno. */
static inline long
fault_errno(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = (int)-ret;
	return -1;
}

#define RAW(nr, ...) RAW6(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW6(nr, a, b, c, d, e, f, ...)                                        \
	fault_errno(fault_raw((nr), (long)(a), (long)(b), (long)(c),           \
			      (long)(d), (long)(e), (long)(f)))

#endif
