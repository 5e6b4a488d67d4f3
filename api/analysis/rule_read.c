/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_read.c - reads one rule file.  An unknown key, one that is there twice,
 * a missing section: all are errors with file and line, so that no file means
 * less than its author thinks.
 */
#include "api/analysis/rule_impl.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ini.h"
#include "api/jobs/text.h"
#include "supervisor/base/str.h"

#define REFERENCES_MAX 16

enum section {
	SECTION_RULE,
	SECTION_DESCRIPTION,
	SECTION_RECOMMENDATION,
	SECTION_BAD,
	SECTION_GOOD,
	SECTION_COUNT, /* before the first */
};

static const char *const section_names[SECTION_COUNT] = {
	"[rule]", "[description]", "[recommendation]", "[bad]", "[good]"};

struct reader {
	struct rules *rules;
	struct rule *rule;
	struct ini ini;
	enum section section;
	unsigned seen_keys; /* by index in the table of keys */
};

/* ---- keys ------------------------------------------------------------ */

static int
keep(struct reader *r, char **ret, const char *text)
{
	*ret = strdup(text);
	return *ret != NULL ? 0 : err_sys(r->ini.e, "read %s", r->ini.file);
}

static int
read_title(struct reader *r, char *value)
{
	return keep(r, &r->rule->title, value);
}

static int
read_word(struct reader *r, const char *value, const char *const *words,
	  size_t len, int *ret)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(words[i], value) == 0) {
			*ret = (int)i;
			return 0;
		}
	return ini_fail(&r->ini,
			"\"%.32s\" is not one of the words that are known here",
			value);
}

static const char *const type_names[] = {
	[RULE_SECURITY] = "security",
	[RULE_PERFORMANCE] = "performance",
	[RULE_ARCHITECTURE] = "architecture",
	[RULE_STYLE] = "style",
};

static const char *const level_names[] = {
	[RULE_LOW] = "low",
	[RULE_MEDIUM] = "medium",
	[RULE_HIGH] = "high",
	[RULE_CRITICAL] = "critical",
};

const char *
rule_type_name(enum rule_type type)
{
	return type_names[type];
}

const char *
rule_level_name(enum rule_level level)
{
	return level_names[level];
}

int
rule_level_by_name(const char *name, enum rule_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (strcmp(level_names[i], name) == 0) {
			*ret = (enum rule_level)i;
			return 0;
		}
	return -1;
}

static int
read_type(struct reader *r, char *value)
{
	int i = 0;

	if (read_word(r, value, type_names, ARRAY_LEN(type_names), &i) < 0)
		return -1;
	r->rule->type = (enum rule_type)i;
	return 0;
}

static int
read_severity(struct reader *r, char *value)
{
	int i = 0;

	if (read_word(r, value, level_names, ARRAY_LEN(level_names), &i) < 0)
		return -1;
	r->rule->severity = (enum rule_level)i;
	return 0;
}

static int
read_confidence(struct reader *r, char *value)
{
	int i = 0;

	if (read_word(r, value, level_names, RULE_CRITICAL, &i) < 0)
		return -1;
	r->rule->confidence = (enum rule_level)i;
	return 0;
}

static int
read_cwe(struct reader *r, char *value)
{
	uint64_t number;

	if (str_to_u64(value, 9999, &number) < 0 || number == 0)
		return ini_fail(&r->ini,
				"cwe is a number from 1 to 9999, like 89");
	r->rule->cwe = (unsigned)number;
	return 0;
}

static int
read_owasp(struct reader *r, char *value)
{
	if (strlen(value) != 8 || value[0] != 'A' ||
	    !isdigit((unsigned char)value[1]) ||
	    !isdigit((unsigned char)value[2]) ||
	    strcmp(value + 3, ":2021") != 0)
		return ini_fail(&r->ini, "owasp is like A03:2021");
	return str_copy(r->rule->owasp, sizeof(r->rule->owasp), value);
}

static int
read_reference(struct reader *r, char *value)
{
	struct rule *rule = r->rule;
	char **more;

	if (strncmp(value, "https://", 8) != 0)
		return ini_fail(&r->ini, "a reference begins with https://");
	if (rule->references_len == REFERENCES_MAX)
		return ini_fail(&r->ini, "more than %d references",
				REFERENCES_MAX);
	more = reallocarray(rule->references, rule->references_len + 1,
			    sizeof(*more));
	if (more == NULL)
		return err_sys(r->ini.e, "read %s", r->ini.file);
	rule->references = more;
	if (keep(r, &more[rule->references_len], value) < 0)
		return -1;
	rule->references_len++;
	return 0;
}

static int
read_match(struct reader *r, char *value)
{
	struct rules *rules = r->rules;
	struct rule_match *m = &rules->matches[rules->matches_len];
	char name[RULE_MATCH_SIZE];
	char *check = value + strcspn(value, " \t");
	size_t tool_len = (size_t)(check - value);

	check += strspn(check, " \t");
	if (tool_len == 0 || check[0] == '\0')
		return ini_fail(&r->ini,
				"match is a tool and its name of the check, "
				"like cppcheck deallocuse");
	if (rules->matches_len == RULE_MATCHES_MAX)
		return ini_fail(&r->ini, "more than %d matches in all rules",
				RULE_MATCHES_MAX);
	(void)snprintf(name, sizeof(name), "%.*s %.*s %s",
		       (int)strcspn(r->ini.file, "/"), r->ini.file,
		       (int)tool_len, value, check);
	for (size_t i = 0; i < rules->matches_len; i++)
		if (strcmp(rules->matches[i].name, name) == 0)
			return ini_fail(&r->ini, "%.*s %.64s is %s's already",
					(int)tool_len, value, check,
					rules->at[rules->matches[i].rule].id);
	m->rule = (size_t)(r->rule - rules->at);
	if (keep(r, &m->name, name) < 0)
		return -1;
	rules->matches_len++;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct reader *r, char *value);
	bool is_required, is_repeatable;
} keys[] = {
	{"title", read_title, true, false},
	{"type", read_type, true, false},
	{"severity", read_severity, true, false},
	{"confidence", read_confidence, true, false},
	{"cwe", read_cwe, false, false},
	{"owasp", read_owasp, false, false},
	{"match", read_match, false, true},
	{"reference", read_reference, false, true},
};

static int
read_key(struct reader *r, char *text)
{
	char *value;

	if (!ini_pair(text, &text, &value))
		return ini_fail(&r->ini, "expected key = value");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, text) != 0)
			continue;
		if ((r->seen_keys & 1u << i) != 0 && !keys[i].is_repeatable)
			return ini_fail(&r->ini, "%s is there twice", text);
		if (value[0] == '\0')
			return ini_fail(&r->ini, "%s has no value", text);
		r->seen_keys |= 1u << i;
		return keys[i].read(r, value);
	}
	return ini_fail(&r->ini, "unknown key %.32s", text);
}

static int
read_rule_line(struct reader *r, const char *bytes, size_t len)
{
	char *text = ini_line(&r->ini, bytes, len);

	if (text == NULL)
		return -1;
	if (text[0] == '\0')
		return 0;
	if (r->section == SECTION_COUNT)
		return ini_fail(&r->ini, "a file begins with [rule]");
	return read_key(r, text);
}

/* ---- texts ----------------------------------------------------------- */

/* Lines of a paragraph become one line. */
static void
join_lines(char *text)
{
	size_t len = strlen(text), at = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_end = text[i] == '\n' && text[i + 1] == '\n';

		if (text[i] == '\n' && !is_end)
			text[i] = ' ';
		text[at++] = text[i];
		if (is_end)
			while (text[i + 1] == '\n')
				i++;
	}
	text[at] = '\0';
}

static char **
text_of(struct rule *rule, enum section section)
{
	switch (section) {
	case SECTION_DESCRIPTION:
		return &rule->description;
	case SECTION_RECOMMENDATION:
		return &rule->recommendation;
	case SECTION_GOOD:
		return &rule->good;
	default:
		return NULL; /* [bad] is for the tests of the rules alone */
	}
}

/* A section of text has ended. */
static int
keep_text(struct reader *r, const char *text, size_t len)
{
	bool is_program = r->section == SECTION_GOOD;
	char **ret = text_of(r->rule, r->section);

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (len > 0 && (text[0] == '\n' || text[0] == '\r')) {
		text++;
		len--;
	}
	if (len == 0)
		return ini_fail(&r->ini, "%s has no text",
				section_names[r->section]);
	if (ret == NULL)
		return 0;
	*ret = malloc(len + 2);
	if (*ret == NULL)
		return err_sys(r->ini.e, "read %s", r->ini.file);
	memcpy(*ret, text, len);
	memcpy(*ret + len, is_program ? "\n" : "", is_program ? 2 : 1);
	if (!is_program)
		join_lines(*ret);
	return 0;
}

static enum section
section_of_line(const char *line, size_t len)
{
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	for (int i = 0; i < SECTION_COUNT; i++)
		if (strlen(section_names[i]) == len &&
		    memcmp(section_names[i], line, len) == 0)
			return (enum section)i;
	return SECTION_COUNT;
}

static bool
is_text_section(const struct reader *r)
{
	return r->section != SECTION_RULE && r->section != SECTION_COUNT;
}

static int
begin_section(struct reader *r, enum section section)
{
	enum section expected = r->section == SECTION_COUNT
					? SECTION_RULE
					: (enum section)(r->section + 1);

	if (section != expected)
		return ini_fail(&r->ini,
				"the sections are [rule], [description], "
				"[recommendation], [bad] and [good], once each "
				"and in this order");
	r->section = section;
	return 0;
}

static int
read_lines(struct reader *r)
{
	const char *start = r->ini.text; /* of the section's text */
	const char *line;
	size_t len;

	while (ini_next(&r->ini, &line, &len)) {
		enum section next = section_of_line(line, len);

		if (next == SECTION_COUNT) {
			if (!is_text_section(r) &&
			    read_rule_line(r, line, len) < 0)
				return -1;
			continue;
		}
		if ((is_text_section(r) &&
		     keep_text(r, start, (size_t)(line - start)) < 0) ||
		    begin_section(r, next) < 0)
			return -1;
		start = r->ini.text + r->ini.at;
	}
	if (r->section != SECTION_GOOD)
		return ini_fail(&r->ini, "there is no [good]");
	return keep_text(r, start, (size_t)(r->ini.text + r->ini.len - start));
}

static int
check_whole(const struct reader *r)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].is_required && (r->seen_keys & 1u << i) == 0)
			return ini_fail(&r->ini, "[rule] has no %s",
					keys[i].name);
	if (r->rule->type == RULE_SECURITY && r->rule->cwe == 0)
		return ini_fail(&r->ini, "a rule of type security has a cwe");
	return 0;
}

int
rules_add(struct rules *rules, const char *language, const char *name,
	  const char *text, size_t len, struct err *e)
{
	char file[2 * RULE_ID_SIZE];
	struct reader r = {
		.rules = rules,
		.section = SECTION_COUNT,
		.ini = {.file = file, .text = text, .len = len, .e = e}};

	(void)snprintf(file, sizeof(file), "%s/%s" RULE_SUFFIX, language, name);
	if (rules->len == RULES_MAX)
		return err_set(e, ERR_LIMIT, 0, "%s: more than %d rules", file,
			       RULES_MAX);
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_INVALID, 0, "%s: has a NUL byte", file);
	/* A report in JSON could not have its texts. */
	if (!text_is_utf8(text, len))
		return err_set(e, ERR_INVALID, 0, "%s: is not UTF-8", file);
	r.rule = &rules->at[rules->len];
	*r.rule = (struct rule){0};
	rules->len++; /* rules_free() frees what is there */
	if (str_printf(r.rule->id, sizeof(r.rule->id), "%s/%s", language,
		       name) < 0)
		return ini_fail(&r.ini, "its name is too long");
	if (read_lines(&r) < 0)
		return -1;
	return check_whole(&r);
}
