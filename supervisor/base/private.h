/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private.h - memory that no child gets: tables of jobs and of policies.  A
 * child that touches it is ended, and its start is shorter for what need not be
 * copied (madvise(2), MADV_DONTFORK).
 */
#ifndef PC_SUPERVISOR_BASE_PRIVATE_H
#define PC_SUPERVISOR_BASE_PRIVATE_H

#include <stddef.h>

/* Zeros; NULL and errno. */
void *private_alloc(size_t size);
void private_free(void *memory, size_t size);

#endif
