/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.c - which findings a request is about, and how sure they are.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/ide/ide.h"
#include "api/json.h"
#include "supervisor/base/str.h"

/* Which types of finding belong to which type of analysis. */
static const struct {
	const char *asked, *found;
} types[] = {
	{"security", "security"},
	{"performance", "performance"},
	{"architecture", "architecture"},
	{"architecture", "style"},
	{"general", NULL}, /* any */
};

static const char *const levels[] = {"low", "medium", "high", "critical"};

static bool
is_asked_for(const char *asked, const json_t *finding)
{
	const char *type = json_text(finding, "type");

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].asked, asked) == 0 &&
		    (types[i].found == NULL ||
		     strcmp(types[i].found, type) == 0))
			return true;
	return false;
}

static size_t
level_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (strcmp(levels[i], word) == 0)
			return i;
	return 0;
}

json_t *
ide_findings(const struct ide_request *r, const json_t *report)
{
	const json_t *all = json_object_get(report, "suggestions");
	json_t *findings = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *finding = json_array_get(all, i);

		if (is_asked_for(r->type, finding) &&
		    level_of(json_text(finding, "severity")) >=
			    level_of(r->threshold))
			json_array_append(findings, finding);
	}
	return findings;
}

/* ---- confidence ------------------------------------------------------ */

bool
ide_tool_is_done(const json_t *tool)
{
	return strcmp(json_text(tool, "status"), "completed") == 0;
}

/* Of all analyzers that this text needs, those that came to their end. */
static double
coverage(const json_t *report)
{
	const json_t *tools = json_object_get(report, "tools");
	size_t done = 0, len = json_array_size(tools);

	for (size_t i = 0; i < len; i++)
		done += ide_tool_is_done(json_array_get(tools, i));
	return len > 0 ? (double)done / (double)len : 0;
}

/* A second tool that says the same halves the doubt. */
static double
certainty(const json_t *finding)
{
	static const double sure[] = {0.5, 0.75, 0.95};
	size_t level = level_of(json_text(finding, "confidence"));
	double doubt = 1 - sure[level < 3 ? level : 2];

	if (json_array_size(json_object_get(finding, "tools")) > 1)
		doubt /= 2;
	return 1 - doubt;
}

/* Rules do not see everything: also nothing found is not quite certain. */
#define CERTAINTY_OF_NOTHING 0.9

double
ide_confidence(const json_t *report, const json_t *findings)
{
	size_t len = json_array_size(findings);
	double sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += certainty(json_array_get(findings, i));
	sum = len > 0 ? sum / (double)len : CERTAINTY_OF_NOTHING;
	return (double)(int)(sum * coverage(report) * 100 + 0.5) / 100;
}

/* ---- names ----------------------------------------------------------- */

void
ide_id(const char *text, char ret_id[IDE_ID_SIZE])
{
	unsigned char b[16];
	char hex[2 * sizeof(b) + 1];

	crypto_generichash(b, sizeof(b), (const unsigned char *)text,
			   strlen(text), NULL, 0);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x80); /* version 8: our own */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	(void)snprintf(ret_id, IDE_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
		       hex + 8, hex + 12, hex + 16, hex + 20);
}

const char *
ide_path_name(const char *path)
{
	return path != NULL && path[0] != '\0' ? path : "untitled";
}
