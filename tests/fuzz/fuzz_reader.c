/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_reader.c - what analyzers print, ours and other people's, and the one
 * report that is made of it, with the rules of the tree.
 *
 * Input: up to four outputs with a byte 0x1e between them; the first byte of
 * each picks the tool (its low four bits) and one of two sources (0x40).  A
 * finding that is taken lies within its source and can be reported in full; ids
 * are unique; the same weakness is there once, in whatever order the tools
 * ended; an output that is refused is refused with one line of text.
 */
#include <sodium.h>

#include "api/analysis/finding.h"
#include "api/jobs/text.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define OUTPUTS_MAX 4
#define OUTPUT_END '\x1e'

static const char text[] =
	"int f(char *s)\n{\n\tchar b[4];\n\n\tstrcpy(b, s);\n"
	"\tstrcpy(b, s);\n\treturn system(s);\n}\n\n\n\n\n"
	"eval(x)\neval(x)\n";
static const struct analysis_source sources[] = {
	{.path = "a.c", .language = "c", .text = text, .len = sizeof(text) - 1},
	{.path = "", .language = "c", .text = "x", .len = 1},
};
static const uint32_t lines[] = {14, 1};

static struct rules *rules;

/* What one tool printed, read. */
struct output {
	const struct analysis_tool *tool;
	size_t source;
	json_t *found; /* NULL: refused */
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e = ERR_INIT;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(sodium_init() >= 0);
	if (rules_load("api/analysis/rules", &rules, &e) < 0) {
		fprintf(stderr, "%s (run it in the top folder)\n", e.text);
		abort();
	}
	return 0;
}

/* It is told to clients as the reason. */
static void
check_reason(const struct err *e)
{
	FUZZ_CHECK(e->kind != ERR_NONE && e->text[0] != '\0');
	FUZZ_CHECK(text_is_utf8(e->text, strlen(e->text)));
	for (const char *p = e->text; *p != '\0'; p++)
		FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void
check_read(const json_t *found)
{
	FUZZ_CHECK(json_array_size(found) <= READ_FINDINGS_MAX);
	for (size_t i = 0; i < json_array_size(found); i++) {
		const json_t *one = json_array_get(found, i);
		json_int_t start = read_integer(one, "line_start");
		json_int_t end = read_integer(one, "line_end");
		const char *level = read_string(one, "severity");
		enum rule_level ignored;

		FUZZ_CHECK(json_is_string(json_object_get(one, "check")));
		FUZZ_CHECK(start >= 1 && start <= end && end <= READ_LINE_MAX);
		FUZZ_CHECK(strlen(read_string(one, "message")) <
			   READ_MESSAGE_MAX);
		FUZZ_CHECK(level[0] == '\0' ||
			   rule_level_by_name(level, &ignored) == 0);
	}
}

static void
read_output(struct fuzz_input *in, struct output *ret)
{
	size_t tools_len, len;
	const struct analysis_tool *tools = analysis_tools(&tools_len);
	uint8_t which = fuzz_u8(in);
	char *printed = fuzz_text_until(in, OUTPUT_END, &len);
	struct own_output own = {0};
	struct err e = ERR_INIT;
	int rc;

	*ret = (struct output){.tool = &tools[(which & 15) % tools_len],
			       .source = which >> 6 & 1,
			       .found = json_array()};
	if (ret->tool->read != NULL)
		rc = ret->tool->read(printed, len, ret->found, &e);
	else
		rc = read_own(printed, len, ret->found, &own, &e);
	free(printed);
	FUZZ_CHECK(memchr(own.version, '\0', sizeof(own.version)) != NULL);
	FUZZ_CHECK(text_is_utf8(own.version, strlen(own.version)));
	if (rc == 0 && ret->tool->read != NULL)
		check_read(ret->found);
	if (rc == 0)
		return;
	check_reason(&e);
	json_decref(ret->found);
	ret->found = NULL;
}

/* As analysis.c takes what a tool found: all of it or nothing. */
static void
add_output(struct findings *all, const struct output *o)
{
	size_t before = all->len;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < json_array_size(o->found); i++) {
		if (findings_add(all, rules, o->tool, o->source,
				 lines[o->source], json_array_get(o->found, i),
				 &e) == 0)
			continue;
		check_reason(&e);
		findings_cut(all, before);
		return;
	}
	FUZZ_CHECK(all->len == before + json_array_size(o->found));
}

static void
check_finding(const struct finding *f)
{
	FUZZ_CHECK(f->line_start >= 1 && f->line_start <= f->line_end);
	FUZZ_CHECK(f->line_end <= lines[f->source]);
	FUZZ_CHECK(f->tools != 0 && f->rule != NULL);
	FUZZ_CHECK(f->confidence <= RULE_HIGH && f->severity <= RULE_CRITICAL);
	FUZZ_CHECK(f->cwe < 10000);
}

static bool
is_told_twice(const struct finding *f, const struct finding *g)
{
	return f->source == g->source && strcmp(f->rule, g->rule) == 0 &&
	       f->line_start <= g->line_end && g->line_start <= f->line_end;
}

static void
check_merged(const struct findings *all, uint64_t tools)
{
	for (size_t i = 0; i < all->len; i++) {
		check_finding(&all->at[i]);
		tools &= ~all->at[i].tools;
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(!is_told_twice(&all->at[i], &all->at[k]));
	}
	FUZZ_CHECK(tools == 0);
	FUZZ_CHECK(findings_score(all) <= 100);
}

static void
merge(struct findings *all)
{
	uint64_t tools = 0;

	for (size_t i = 0; i < all->len; i++) {
		check_finding(&all->at[i]);
		tools |= all->at[i].tools;
	}
	findings_merge(all);
	findings_sort(all);
	check_merged(all, tools);
}

static void
check_same(const struct findings *a, const struct findings *b)
{
	FUZZ_CHECK(a->len == b->len);
	for (size_t i = 0; i < a->len; i++) {
		const struct finding *f = &a->at[i], *g = &b->at[i];

		FUZZ_CHECK(strcmp(f->rule, g->rule) == 0);
		FUZZ_CHECK(f->source == g->source && f->tools == g->tools);
		FUZZ_CHECK(f->line_start == g->line_start);
		FUZZ_CHECK(f->severity == g->severity);
	}
}

static void
check_report(const struct findings *all)
{
	static const char *const members[] = {
		"id",	 "rule", "type",	"severity",	 "confidence",
		"title", "path", "description", "recommendation"};
	json_t *ids = json_object(), *seen = json_object();
	json_t *compliance = findings_compliance(all, true);

	for (size_t i = 0; i < all->len; i++) {
		const struct finding *f = &all->at[i];
		json_t *one = finding_to_json(f, &sources[f->source], ids);
		const char *id = read_string(one, "id");

		for (size_t k = 0; k < ARRAY_LEN(members); k++)
			FUZZ_CHECK(json_is_string(
				json_object_get(one, members[k])));
		FUZZ_CHECK(json_array_size(json_object_get(one, "tools")) > 0);
		FUZZ_CHECK(json_object_get(one, "example_fix") != NULL);
		FUZZ_CHECK(json_object_get(seen, id) == NULL);
		json_object_set_new(seen, id, json_true());
		json_decref(one);
	}
	FUZZ_CHECK(json_object_get(compliance, "cwes") != NULL);
	json_decref(compliance);
	json_decref(seen);
	json_decref(ids);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	struct output outputs[OUTPUTS_MAX];
	struct findings all = {0}, reversed = {0};
	size_t n = 0;

	if (len > 1u << 16)
		return -1;
	while (n < OUTPUTS_MAX && in.left > 0)
		read_output(&in, &outputs[n++]);
	for (size_t i = 0; i < n; i++) {
		add_output(&all, &outputs[i]);
		add_output(&reversed, &outputs[n - 1 - i]);
	}
	merge(&all);
	merge(&reversed);
	check_same(&all, &reversed);
	check_report(&all);
	for (size_t i = 0; i < n; i++)
		json_decref(outputs[i].found);
	findings_done(&all);
	findings_done(&reversed);
	return 0;
}
