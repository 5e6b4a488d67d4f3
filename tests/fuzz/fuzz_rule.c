/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rule.c - a rule file.
 *
 * Input: the file.  A rule that is taken is whole, all of its texts are UTF-8
 * (else a report would leave them out), and written down and read again it is
 * the same; an error is one line that names the file.
 */
#include "api/analysis/rule.h"
#include "api/jobs/text.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(const char *text)
{
	FUZZ_CHECK(text != NULL && text[0] != '\0');
	FUZZ_CHECK(text_is_utf8(text, strlen(text)));
}

static void
check_rule(const struct rule *rule)
{
	check_text(rule->title);
	check_text(rule->description);
	check_text(rule->recommendation);
	check_text(rule->good);
	FUZZ_CHECK(strchr(rule->title, '\n') == NULL);
	FUZZ_CHECK(rule->good[strlen(rule->good) - 1] == '\n');
	FUZZ_CHECK(rule->confidence < RULE_CRITICAL);
	FUZZ_CHECK(rule->type != RULE_SECURITY || rule->cwe != 0);
	for (size_t i = 0; i < rule->references_len; i++) {
		check_text(rule->references[i]);
		FUZZ_CHECK(strncmp(rule->references[i], "https://", 8) == 0);
	}
}

/* Between paragraphs is a blank line. */
static void
write_text(FILE *out, const char *name, const char *text)
{
	fprintf(out, "[%s]\n", name);
	for (; *text != '\0'; text++)
		fputs(*text == '\n' ? "\n\n" : (char[]){*text, '\0'}, out);
	fputc('\n', out);
}

static char *
write_rule(const struct rule *rule, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	FUZZ_CHECK(out != NULL);
	/* After a blank a semicolon would begin a comment. */
	fprintf(out, "[rule]\ntitle=%s\ntype=%s\nseverity=%s\n", rule->title,
		rule_type_name(rule->type), rule_level_name(rule->severity));
	fprintf(out, "confidence=%s\n", rule_level_name(rule->confidence));
	if (rule->cwe != 0)
		fprintf(out, "cwe = %u\n", rule->cwe);
	if (rule->owasp[0] != '\0')
		fprintf(out, "owasp=%s\n", rule->owasp);
	for (size_t i = 0; i < rule->references_len; i++)
		fprintf(out, "reference = %s\n", rule->references[i]);
	write_text(out, "description", rule->description);
	write_text(out, "recommendation", rule->recommendation);
	fprintf(out, "[bad]\nx\n[good]\n%s", rule->good);
	fclose(out);
	return text;
}

static void
check_same(const struct rule *a, const struct rule *b)
{
	FUZZ_CHECK(strcmp(a->title, b->title) == 0);
	FUZZ_CHECK(strcmp(a->description, b->description) == 0);
	FUZZ_CHECK(strcmp(a->recommendation, b->recommendation) == 0);
	FUZZ_CHECK(strcmp(a->good, b->good) == 0);
	FUZZ_CHECK(a->type == b->type && a->severity == b->severity);
	FUZZ_CHECK(a->confidence == b->confidence && a->cwe == b->cwe);
	FUZZ_CHECK(strcmp(a->owasp, b->owasp) == 0);
	FUZZ_CHECK(a->references_len == b->references_len);
}

static void
check_again(struct rules *rules)
{
	struct err e = ERR_INIT;
	size_t len;
	char *text = write_rule(rules_find(rules, "c/one"), &len);

	FUZZ_CHECK(rules_add(rules, "c", "again", text, len, &e) == 0);
	check_same(rules_find(rules, "c/one"), rules_find(rules, "c/again"));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = ERR_INIT;
	struct rules *rules = rules_new(&e);

	FUZZ_CHECK(rules != NULL);
	if (len > RULE_FILE_MAX) {
		rules_free(rules);
		return -1;
	}
	if (rules_add(rules, "c", "one", (const char *)data, len, &e) < 0) {
		FUZZ_CHECK(e.kind == ERR_INVALID);
		FUZZ_CHECK(strncmp(e.text, "c/one.rule:", 11) == 0);
		FUZZ_CHECK(strchr(e.text, '\n') == NULL);
	} else {
		check_rule(rules_find(rules, "c/one"));
		check_again(rules);
	}
	rules_free(rules);
	return 0;
}
