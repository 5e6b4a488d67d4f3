/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loosen_policyc.c - for tests only: linked with promptcraft-policyc's own
 * objects, it makes a compiler that takes no notice of errors.
 */
#include "policy/diag.h"

void __wrap_diag_error(struct diag *d, const char *file, unsigned line,
		       const char *fmt, ...);

void
__wrap_diag_error(struct diag *d, const char *file, unsigned line,
		  const char *fmt, ...)
{
	(void)d;
	(void)file;
	(void)line;
	(void)fmt;
}
