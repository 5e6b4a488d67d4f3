/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/diag.h"

#include <stdarg.h>
#include <stdlib.h>

#include "policy/jsonout.h"

static void
diag_json(struct jsonout *j, const char *file, unsigned line, const char *fmt,
	  va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	jsonout_open(j, NULL, '{');
	jsonout_text(j, "file", file);
	jsonout_number(j, "line", line);
	jsonout_text(j, "message", text);
	jsonout_close(j, '{');
	free(text);
}

void
diag_error(struct diag *d, const char *file, unsigned line, const char *fmt,
	   ...)
{
	va_list ap;

	d->errors++;
	va_start(ap, fmt);
	if (d->json != NULL) {
		diag_json(d->json, file, line, fmt, ap);
		va_end(ap);
		return;
	}
	if (line > 0)
		fprintf(d->out, "%s:%u: ", file, line);
	else
		fprintf(d->out, "%s: ", file);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
}
