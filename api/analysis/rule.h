/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - what is looked for, as data: one file a rule,
 * PROMPTCRAFT_RULES_DIR/LANGUAGE/NAME.rule; its id is "LANGUAGE/NAME".  The
 * analyzers find; a rule says what the finding means.
 *
 *	; comment
 *	[rule]
 *	title = SQL injection
 *	type = security		; security performance architecture style
 *	severity = high		; low medium high critical
 *	confidence = medium	; where the analyzer says none
 *	cwe = 89		; not for every type
 *	owasp = A03:2021	; of the OWASP Top Ten, where one fits
 *	; another tool's own names for it, "TOOL ID", TOOL as its folder
 *	match = gcc -Wanalyzer-use-after-free
 *	match = cppcheck deallocuse
 *	reference = https://owasp.org/...	; any number
 *	[description]
 *	What is wrong and what an attacker gains.
 *	[recommendation]
 *	What to do.
 *	[bad]
 *	a program in which exactly this rule finds something ...
 *	[good]
 *	... and the same one put right: also the finding's example_fix
 *
 * [bad] and [good] are the rule's tests; of the two only [good] is kept in
 * memory.  A section's text goes to the next line that is one of these five
 * words in brackets.
 */
#ifndef PC_API_ANALYSIS_RULE_H
#define PC_API_ANALYSIS_RULE_H

#include <stddef.h>

#include "supervisor/base/err.h"

#define RULE_ID_SIZE 64
#define RULE_FILE_MAX (32u << 10)
#define RULES_MAX 1024

enum rule_type {
	RULE_SECURITY,
	RULE_PERFORMANCE,
	RULE_ARCHITECTURE,
	RULE_STYLE,
};

/* Severity; confidence has no CRITICAL. */
enum rule_level {
	RULE_LOW,
	RULE_MEDIUM,
	RULE_HIGH,
	RULE_CRITICAL,
};

struct rule {
	char id[RULE_ID_SIZE];
	char *title, *description, *recommendation, *good;
	enum rule_type type;
	enum rule_level severity, confidence;
	unsigned cwe;	/* 0: none */
	char owasp[16]; /* "": none */
	char **references;
	size_t references_len;
};

struct rules;

/* All of a folder; errors say file and line. */
int rules_load(const char *dir, struct rules **ret, struct err *e);
void rules_free(struct rules *rules); /* NULL is ignored */

/* None yet; and one more, of LANGUAGE/NAME.rule with this text. */
struct rules *rules_new(struct err *e);
int rules_add(struct rules *rules, const char *language, const char *name,
	      const char *text, size_t len, struct err *e);

size_t rules_count(const struct rules *rules);

/* "security", ...; "low", ... */
const char *rule_type_name(enum rule_type type);
const char *rule_level_name(enum rule_level level);
/* -1: there is no such level. */
int rule_level_by_name(const char *name, enum rule_level *ret);

/* NULL if there is none.  The rules' to keep. */
const struct rule *rules_find(const struct rules *rules, const char *id);
/* By another tool's own name of a check, for a language. */
const struct rule *rules_match(const struct rules *rules, const char *language,
			       const char *tool, const char *check);

#endif
