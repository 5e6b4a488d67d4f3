/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer memory to the kernel's same-page merging: a page that is equal to one
 * of a virtual machine of the host becomes one with it, and both the time of a
 * write and /proc/self/ksm_stat tell.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "attempt.h"

#define LEN 65536

static int
is_mergeable(void)
{
	char line[512];
	FILE *file = fopen("/proc/self/smaps", "r");
	int found = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		found |= strncmp(line, "VmFlags:", 8) == 0 &&
			 strstr(line, " mg") != NULL;
	if (file != NULL)
		fclose(file);
	return found;
}

int
main(void)
{
	static const struct {
		const char *name;
		int advice;
	} rows[] = {
		{"mergeable", MADV_MERGEABLE},
		{"cold", MADV_COLD},
		{"pageout", MADV_PAGEOUT},
		{"collapse", 25},
	};
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 7, LEN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		attempt_call(rows[i].name, madvise(p, LEN, rows[i].advice));
	if (is_mergeable())
		attempt_done("offered", "VmFlags: mg");
	else
		attempt_blocked("offered", "not_mergeable");
	/* What programs need goes on. */
	if (madvise(p, LEN, MADV_DONTNEED) < 0 || p[0] != 0 ||
	    madvise(p, LEN, MADV_FREE) < 0)
		return 1;
	return 0;
}
