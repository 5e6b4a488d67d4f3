/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/diag.h"

#include <stdarg.h>

void
diag_error(struct diag *d, const char *file, unsigned line, const char *fmt,
	   ...)
{
	va_list ap;

	d->errors++;
	if (line > 0)
		fprintf(d->out, "%s:%u: ", file, line);
	else
		fprintf(d->out, "%s: ", file);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
}
