/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private.c - see private.h.
 */
#include "supervisor/base/private.h"

#include <sys/mman.h>

void *
private_alloc(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (madvise(memory, size, MADV_DONTFORK) < 0) {
		(void)munmap(memory, size);
		return NULL;
	}
	return memory;
}

void
private_free(void *memory, size_t size)
{
	if (memory != NULL)
		(void)munmap(memory, size);
}
