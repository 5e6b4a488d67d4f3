/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_gcc.c - what gcc -fdiagnostics-format=json prints on stderr: one JSON
 * array of diagnostics.  The check is the option, without what stands behind
 * its "=".  An error in the source means that the analyzer never ran.
 */
#include <string.h>

#include "api/analysis/read.h"
#include "supervisor/base/str.h"

/* Paths through the program end in notes of their own. */
static const json_t *
location_of(const json_t *diagnostic)
{
	const json_t *first =
		json_array_get(json_object_get(diagnostic, "locations"), 0);
	const json_t *path = json_object_get(diagnostic, "path");
	const json_t *at = NULL;

	if (first != NULL)
		return json_object_get(first, "caret");
	/* A place that a macro or the optimizer made: the last step to it. */
	for (size_t i = json_array_size(path); i-- > 0 && at == NULL;)
		at = json_object_get(json_array_get(path, i), "location");
	return at;
}

static void
option_name(char *dst, size_t size, const char *option)
{
	size_t n = strcspn(option, "=");

	if (n >= size)
		n = size - 1;
	memcpy(dst, option, n);
	dst[n] = '\0';
}

/* What a source does that other compilers or older standards are fine with. */
static const char *const noise[] = {
	"-Wcpp", /* a #warning */
	"-Wattributes",
	"-Wdeprecated-declarations",
	"-Wpragmas",
	"-Wunknown-pragmas",
	"-Wunused-parameter",
	"-Wformat-security", /* "c" looks where the format comes from */
	"-Wmissing-field-initializers",
	"-Wpointer-sign",
	"-Wanalyzer-too-complex",
	"-Wanalyzer-symbol-too-complex",
	NULL,
};

static int
add_warning(const json_t *diagnostic, json_t *findings, struct err *e)
{
	const json_t *at = location_of(diagnostic);
	const json_t *meta = json_object_get(diagnostic, "metadata");
	char check[64];
	struct read_finding f = {
		.check = check,
		.message = read_string(diagnostic, "message"),
		.cwe = read_integer(meta, "cwe"),
	};

	option_name(check, sizeof(check), read_string(diagnostic, "option"));
	/* Without an option or a place it is about the call, not the text. */
	if (check[0] == '\0' || at == NULL || read_is_one_of(check, noise))
		return 0;
	f.line_start = f.line_end = read_integer(at, "line");
	f.file = read_string(at, "file");
	f.column = read_integer(at, "column");
	return read_add(findings, &f, e);
}

static int
take_diagnostic(const json_t *diagnostic, json_t *findings, struct err *e)
{
	const char *kind = read_string(diagnostic, "kind");
	const json_t *at = location_of(diagnostic);

	if (!json_is_object(diagnostic) || kind[0] == '\0')
		return err_set(e, ERR_PEER, 0,
			       "gcc: printed something that is no diagnostic");
	if (strstr(kind, "error") != NULL || strcmp(kind, "sorry") == 0)
		return read_refused(e, "gcc", read_integer(at, "line"),
				    read_string(diagnostic, "message"));
	if (strcmp(kind, "warning") != 0)
		return 0;
	return add_warning(diagnostic, findings, e);
}

/* A fatal error has a plain line of text before or behind the array. */
static int
find_array(const char *text, size_t len, size_t *ret_at, size_t *ret_len)
{
	size_t start = 0, end = len;

	while (start < len && text[start] != '[')
		start++;
	while (end > start && text[end - 1] != ']')
		end--;
	*ret_at = start;
	*ret_len = end - start;
	return end > start ? 0 : -1;
}

int
read_gcc(const char *text, size_t len, json_t *findings, struct err *e)
{
	size_t at, array_len;
	json_t *all;
	int rc = 0;

	if (find_array(text, len, &at, &array_len) < 0)
		return err_set(e, ERR_PEER, 0, "gcc: printed no diagnostics");
	all = read_json("gcc", text + at, array_len, e);
	if (all == NULL)
		return -1;
	if (!json_is_array(all))
		rc = err_set(e, ERR_PEER, 0, "gcc: printed no diagnostics");
	for (size_t i = 0; rc == 0 && i < json_array_size(all); i++)
		rc = take_diagnostic(json_array_get(all, i), findings, e);
	json_decref(all);
	return rc;
}
