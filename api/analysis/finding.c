/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.c - see finding.h.  What is added is checked: the tools that said it
 * have parsed hostile text.
 */
#include "api/analysis/finding.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/text.h"
#include "api/json.h"
#include "supervisor/base/str.h"

#define MESSAGE_MAX 1000
#define CHECK_MAX 128

static void
forget(struct finding *f)
{
	free(f->rule);
	free(f->message);
	f->rule = f->message = NULL;
}

void
findings_cut(struct findings *findings, size_t len)
{
	while (findings->len > len)
		forget(&findings->at[--findings->len]);
}

void
findings_done(struct findings *findings)
{
	findings_cut(findings, 0);
	free(findings->at);
	*findings = (struct findings){0};
}

/* ---- one more -------------------------------------------------------- */

/* Weaknesses of quality, not of security. */
static const unsigned quality_cwes[] = {398, 477,  484,	 561,  563,
					570, 571,  628,	 687,  758,
					783, 1025, 1126, 1164, 1335};

static bool
is_quality(unsigned cwe)
{
	for (size_t i = 0; i < ARRAY_LEN(quality_cwes); i++)
		if (quality_cwes[i] == cwe)
			return true;
	return cwe == 0;
}

static unsigned
cwe_of(const json_t *raw)
{
	json_int_t cwe = json_integer_value(json_object_get(raw, "cwe"));

	return cwe > 0 && cwe < 10000 ? (unsigned)cwe : 0;
}

/* A check of another's tool that no rule of ours names. */
static void
take_unknown(struct finding *f, const json_t *raw)
{
	f->cwe = cwe_of(raw);
	f->type = is_quality(f->cwe) ? RULE_STYLE : RULE_SECURITY;
	f->severity = f->type == RULE_STYLE ? RULE_LOW : RULE_MEDIUM;
	f->confidence = RULE_MEDIUM;
}

static void
take_known(struct finding *f)
{
	f->type = f->known->type;
	f->severity = f->known->severity;
	f->confidence = f->known->confidence;
	f->cwe = f->known->cwe;
}

static int
take_rule(struct finding *f, const struct rules *rules,
	  const struct analysis_tool *tool, const json_t *raw, struct err *e)
{
	const char *check =
		json_text(raw, tool->read == NULL ? "rule" : "check");
	char id[CHECK_MAX + 64];

	if (check[0] == '\0' || strlen(check) > CHECK_MAX)
		return err_set(e, ERR_PEER, 0,
			       "its output is wrong: a finding without a rule");
	if (tool->read != NULL) {
		f->known =
			rules_match(rules, tool->language, tool->name, check);
	} else {
		f->known = rules_find(rules, check);
		if (f->known == NULL)
			return err_set(e, ERR_PEER, 0,
				       "its output is wrong: a finding of an "
				       "unknown rule");
	}
	if (f->known != NULL)
		take_known(f);
	else
		take_unknown(f, raw);
	(void)snprintf(id, sizeof(id), "%s/%s", tool->name, check);
	f->rule = strdup(f->known != NULL ? f->known->id : id);
	return f->rule != NULL ? 0 : err_sys(e, "keep a finding");
}

/* What it says itself of this one place counts more than the rule. */
static void
take_levels(struct finding *f, const json_t *raw)
{
	enum rule_level level;

	if (rule_level_by_name(json_text(raw, "severity"), &level) == 0 &&
	    f->type == RULE_SECURITY)
		f->severity = level;
	if (rule_level_by_name(json_text(raw, "confidence"), &level) == 0)
		f->confidence = level < RULE_CRITICAL ? level : RULE_HIGH;
}

static int
take_place(struct finding *f, const json_t *raw, uint32_t lines, struct err *e)
{
	json_int_t start =
		json_integer_value(json_object_get(raw, "line_start"));
	json_int_t end = json_integer_value(json_object_get(raw, "line_end"));
	json_int_t column = json_integer_value(json_object_get(raw, "column"));

	if (start < 1)
		return err_set(e, ERR_PEER, 0,
			       "its output is wrong: a finding without a line");
	/* The end of a file is often taken for a line of its own. */
	start = start > lines ? lines : start;
	end = end < start ? start : end;
	f->line_start = (uint32_t)start;
	f->line_end = (uint32_t)(end > lines ? lines : end);
	if (column > 0 && column <= UINT16_MAX)
		f->column = (uint32_t)column;
	return 0;
}

static int
take_message(struct finding *f, const json_t *raw, struct err *e)
{
	char text[MESSAGE_MAX + 1];

	/* Names of the source are in it. */
	read_clean(text, sizeof(text), json_text(raw, "message"));
	f->message = strdup(text);
	return f->message != NULL ? 0 : err_sys(e, "keep a finding");
}

static int
make_room(struct findings *findings, struct err *e)
{
	size_t room = findings->room == 0 ? 64 : findings->room * 2;
	struct finding *more;

	if (findings->len < findings->room)
		return 0;
	more = reallocarray(findings->at, room, sizeof(*more));
	if (more == NULL)
		return err_sys(e, "keep findings");
	findings->at = more;
	findings->room = room;
	return 0;
}

int
findings_add(struct findings *findings, const struct rules *rules,
	     const struct analysis_tool *tool, size_t source, uint32_t lines,
	     const json_t *raw, struct err *e)
{
	size_t row_count;
	const struct analysis_tool *rows = analysis_tools(&row_count);
	struct finding f = {.source = source,
			    .tools = UINT64_C(1) << (tool - rows)};

	if (make_room(findings, e) < 0 || take_place(&f, raw, lines, e) < 0 ||
	    take_rule(&f, rules, tool, raw, e) < 0)
		return -1;
	take_levels(&f, raw);
	if (take_message(&f, raw, e) < 0) {
		free(f.rule);
		return -1;
	}
	findings->at[findings->len++] = f;
	return 0;
}

/* ---- merging --------------------------------------------------------- */

/* Of all else that differs, so that no order of input is left to tell. */
static int
by_detail(const struct finding *f, const struct finding *g)
{
	if (f->cwe != g->cwe)
		return f->cwe < g->cwe ? -1 : 1;
	if (f->severity != g->severity)
		return f->severity > g->severity ? -1 : 1;
	if (f->confidence != g->confidence)
		return f->confidence > g->confidence ? -1 : 1;
	if (f->column != g->column)
		return f->column < g->column ? -1 : 1;
	return strcmp(f->message, g->message);
}

static int
by_place(const void *a, const void *b)
{
	const struct finding *f = a, *g = b;

	if (f->source != g->source)
		return f->source < g->source ? -1 : 1;
	if (f->line_start != g->line_start)
		return f->line_start < g->line_start ? -1 : 1;
	if (f->line_end != g->line_end)
		return f->line_end < g->line_end ? -1 : 1;
	if (f->tools != g->tools)
		return f->tools < g->tools ? -1 : 1;
	if (strcmp(f->rule, g->rule) != 0)
		return strcmp(f->rule, g->rule);
	return by_detail(f, g);
}

/* Both are in the same source. */
static bool
is_same(const struct finding *f, const struct finding *g)
{
	if (g->line_start > f->line_end || f->line_start > g->line_end)
		return false;
	if (strcmp(f->rule, g->rule) == 0)
		return true;
	/* One tool has its reasons to tell two things apart. */
	return f->cwe != 0 && f->cwe == g->cwe && (f->tools & g->tools) == 0;
}

/* Whose words are taken: a rule of ours, else the first tool's. */
static bool
says_more(const struct finding *f, const struct finding *g)
{
	if ((f->known != NULL) != (g->known != NULL))
		return f->known != NULL;
	if (f->severity != g->severity)
		return f->severity > g->severity;
	return (f->tools & -f->tools) <= (g->tools & -g->tools);
}

/* g goes into f; what is left of g is freed with it. */
static void
join(struct finding *f, struct finding *g)
{
	uint64_t tools = f->tools | g->tools;
	enum rule_level severity =
		f->severity > g->severity ? f->severity : g->severity;
	enum rule_level confidence =
		f->confidence > g->confidence ? f->confidence : g->confidence;

	if (!says_more(f, g)) {
		struct finding other = *f;

		*f = *g;
		*g = other;
	}
	if (f->column == 0 && f->line_start == g->line_start)
		f->column = g->column;
	f->tools = tools;
	f->severity = severity;
	f->confidence = confidence;
	forget(g);
}

void
findings_merge(struct findings *findings)
{
	struct finding *at = findings->at;
	size_t kept = 0;

	if (findings->len == 0)
		return;
	qsort(at, findings->len, sizeof(*at), by_place);
	for (size_t i = 0; i < findings->len; i++) {
		struct finding whole = at[i];

		at[i] = (struct finding){0};
		if (whole.rule == NULL)
			continue;
		for (size_t k = i + 1;
		     k < findings->len && at[k].source == whole.source; k++) {
			if (at[k].rule == NULL)
				continue;
			/* Sorted: none that begins later can overlap. */
			if (at[k].line_start > whole.line_end)
				break;
			if (!is_same(&whole, &at[k]))
				continue;
			join(&whole, &at[k]);
			/* It may be the same now as one that was passed. */
			k = i;
		}
		at[kept++] = whole;
	}
	findings->len = kept;
}

static int
worst_first(const void *a, const void *b)
{
	const struct finding *f = a, *g = b;

	if (f->severity != g->severity)
		return f->severity > g->severity ? -1 : 1;
	if ((f->type == RULE_SECURITY) != (g->type == RULE_SECURITY))
		return f->type == RULE_SECURITY ? -1 : 1;
	if (f->confidence != g->confidence)
		return f->confidence > g->confidence ? -1 : 1;
	return by_place(a, b);
}

void
findings_sort(struct findings *findings)
{
	if (findings->len > 0)
		qsort(findings->at, findings->len, sizeof(findings->at[0]),
		      worst_first);
}

/* ---- counting -------------------------------------------------------- */

/* In fourths of a point, by severity and confidence. */
static const unsigned costs[4][3] = {
	[RULE_LOW] = {4, 6, 8},
	[RULE_MEDIUM] = {20, 30, 40},
	[RULE_HIGH] = {50, 75, 100},
	[RULE_CRITICAL] = {80, 120, 160},
};

unsigned
findings_score(const struct findings *findings)
{
	unsigned left = 400;

	for (size_t i = 0; i < findings->len; i++) {
		const struct finding *f = &findings->at[i];
		unsigned cost = costs[f->severity][f->confidence];

		if (f->type == RULE_SECURITY)
			left = left > cost ? left - cost : 0;
	}
	return left / 4;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object as a sorted array. */
static json_t *
sorted_keys(const json_t *object)
{
	size_t len = 0, size = json_object_size(object);
	const char **keys = calloc(size + 1, sizeof(*keys)), *key;
	json_t *array = json_array(), *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (keys != NULL && len < size)
			keys[len++] = key;
	}
	if (len > 0)
		qsort(keys, len, sizeof(*keys), by_text);
	for (size_t i = 0; i < len; i++)
		json_array_append_new(array, json_string(keys[i]));
	free(keys);
	return array;
}

static const char *
owasp_of(const struct finding *f)
{
	return f->known != NULL ? f->known->owasp : "";
}

json_t *
findings_compliance(const struct findings *findings, bool is_analysed)
{
	json_t *owasp = json_object(), *cwes = json_object(), *status;
	char cwe[16];

	for (size_t i = 0; i < findings->len; i++) {
		const struct finding *f = &findings->at[i];

		if (f->type != RULE_SECURITY)
			continue;
		if (owasp_of(f)[0] != '\0')
			json_object_set_new(owasp, owasp_of(f), json_true());
		(void)snprintf(cwe, sizeof(cwe), "CWE-%u", f->cwe);
		if (f->cwe != 0)
			json_object_set_new(cwes, cwe, json_true());
	}
	if (json_object_size(owasp) > 0)
		status = json_false();
	else
		status = is_analysed ? json_true() : json_null();
	status = json_pack("{s:o, s:o, s:o}", "owasp_compliant", status,
			   "owasp_categories", sorted_keys(owasp), "cwes",
			   sorted_keys(cwes));
	json_decref(owasp);
	json_decref(cwes);
	return status;
}

/* ---- as JSON --------------------------------------------------------- */

static void
line_of(const struct analysis_source *source, uint32_t number,
	const char **ret_text, size_t *ret_len)
{
	const char *at = source->text, *end = source->text + source->len;

	for (uint32_t i = 1; i < number; i++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		if (next == NULL)
			break;
		at = next + 1;
	}
	*ret_text = at;
	*ret_len = (size_t)(end - at);
	end = memchr(at, '\n', *ret_len);
	if (end != NULL)
		*ret_len = (size_t)(end - at);
	/* Moved by a level of blocks it is the same line. */
	while (*ret_len > 0 && (**ret_text == ' ' || **ret_text == '\t')) {
		(*ret_text)++;
		(*ret_len)--;
	}
}

/* UUID version 8 (RFC 9562) of a SHA-256. */
static void
uuid_of(const uint8_t sha256[crypto_hash_sha256_BYTES], char ret[37])
{
	uint8_t b[16];
	char hex[33];

	memcpy(b, sha256, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x80);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	(void)snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		       hex + 12, hex + 16, hex + 20);
}

static void
id_of(const struct finding *f, const struct analysis_source *source,
      uint32_t again, char ret[37])
{
	uint8_t sha256[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	const char *line;
	size_t len;
	char number[16];

	line_of(source, f->line_start, &line, &len);
	(void)snprintf(number, sizeof(number), "%u", again);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)f->rule,
				  strlen(f->rule) + 1);
	crypto_hash_sha256_update(&state, (const uint8_t *)source->path,
				  strlen(source->path) + 1);
	crypto_hash_sha256_update(&state, (const uint8_t *)line, len);
	crypto_hash_sha256_update(&state, (const uint8_t *)number,
				  strlen(number) + 1);
	crypto_hash_sha256_final(&state, sha256);
	uuid_of(sha256, ret);
}

static json_t *
tool_names(uint64_t set)
{
	json_t *names = json_array();
	size_t len;
	const struct analysis_tool *rows = analysis_tools(&len);

	for (size_t i = 0; i < len; i++)
		if ((set & UINT64_C(1) << i) != 0)
			json_array_append_new(names, json_string(rows[i].name));
	return names;
}

static json_t *
references_of(const struct finding *f)
{
	json_t *references = json_array();

	for (size_t i = 0; f->known != NULL && i < f->known->references_len;
	     i++)
		json_array_append_new(references,
				      json_string(f->known->references[i]));
	if (json_array_size(references) == 0 && f->cwe != 0)
		json_array_append_new(
			references,
			json_sprintf("https://cwe.mitre.org/data/definitions/"
				     "%u.html",
				     f->cwe));
	return references;
}

static void
set_texts(json_t *object, const struct finding *f)
{
	const char *check = strchr(f->rule, '/') + 1;
	int tool_len = (int)(check - f->rule) - 1;
	json_t *title, *description, *recommendation, *example;

	if (f->known != NULL) {
		title = json_string(f->known->title);
		description = json_sprintf("%s%s%s", f->message,
					   f->message[0] != '\0' ? " " : "",
					   f->known->description);
		recommendation = json_string(f->known->recommendation);
		example = json_string(f->known->good);
	} else {
		title = json_sprintf("%s (%.*s)", check, tool_len, f->rule);
		description = json_string(f->message);
		recommendation = json_sprintf(
			"Change the code so that %.*s has no more reason for "
			"%s.",
			tool_len, f->rule, check);
		example = json_null();
	}
	json_object_set_new(object, "title", title);
	json_object_set_new(object, "description", description);
	json_object_set_new(object, "recommendation", recommendation);
	json_object_set_new(object, "example_fix", example);
}

json_t *
finding_to_json(const struct finding *f, const struct analysis_source *source,
		json_t *ids)
{
	json_t *object, *cwe = json_null(), *owasp = json_null();
	json_int_t again;
	char id[37];

	id_of(f, source, 0, id);
	again = json_integer_value(json_object_get(ids, id));
	json_object_set_new(ids, id, json_integer(again + 1));
	if (again > 0)
		id_of(f, source, (uint32_t)again, id);
	if (f->cwe != 0)
		cwe = json_sprintf("CWE-%u", f->cwe);
	if (owasp_of(f)[0] != '\0')
		owasp = json_string(owasp_of(f));
	object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "id", id,
		"rule", f->rule, "type", rule_type_name(f->type), "severity",
		rule_level_name(f->severity), "confidence",
		rule_level_name(f->confidence), "cwe", cwe, "owasp", owasp,
		"path", source->path, "line_start", (json_int_t)f->line_start,
		"line_end", (json_int_t)f->line_end);
	if (object == NULL)
		return NULL;
	if (f->column > 0)
		json_object_set_new(object, "column",
				    json_integer((json_int_t)f->column));
	set_texts(object, f);
	json_object_set_new(object, "references", references_of(f));
	json_object_set_new(object, "tools", tool_names(f->tools));
	return object;
}
