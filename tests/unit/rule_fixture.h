/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_fixture.h - a rule that is right, as text, and how one is read.
 */
#ifndef PC_TESTS_RULE_FIXTURE_H
#define PC_TESTS_RULE_FIXTURE_H

#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/analysis/rule.h"

#define RULE                                                                   \
	"; what it is\n[rule]\ntitle = SQL injection\ntype = security ; a\n"   \
	"severity = high\nconfidence = medium\ncwe = 89\nowasp = A03:2021\n"   \
	"match = gcc -Wsql\nmatch = cppcheck sql thing\n"                      \
	"reference = https://example.org/#a\n[description]\nOne\nline.\n\n"    \
	"Two.\n[recommendation]\nDo it.\n[bad]\n  bad()\n[good]\n\ngood()\n\n"

static inline int
read_rule(struct rules **ret, const char *text, struct err *e)
{
	*ret = rules_new(e);
	assert_non_null(*ret);
	return rules_add(*ret, "c", "sql-injection", text, strlen(text), e);
}

#endif
