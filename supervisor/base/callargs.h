/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callargs.h - a refused system call as a person reads it:
 * "socket(AF_VSOCK, SOCK_STREAM, 0)".
 *
 * Works on the six register words alone; a pointer stays a number, because the
 * memory behind it belongs to the caller and is never read.
 */
#ifndef PC_BASE_CALLARGS_H
#define PC_BASE_CALLARGS_H

#include <stddef.h>
#include <stdint.h>

#define CALLARGS_SIZE 192

/*
 * Describe the call `name` (x86-64's and the generic argument order).  A call
 * that is not in the table gets all six words in hex; one that does not fit
 * ends in "...".
 */
void callargs_describe(char *dst, size_t size, const char *name,
		       const uint64_t args[6]);

/* How many arguments it has; 6 for one that is not in the table. */
size_t callargs_count(const char *name);

#endif
