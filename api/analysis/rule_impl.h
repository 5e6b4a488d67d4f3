/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_impl.h - what rule.c and rule_read.c share: how the rules are held.
 */
#ifndef PC_API_ANALYSIS_RULE_IMPL_H
#define PC_API_ANALYSIS_RULE_IMPL_H

#include "api/analysis/rule.h"
#include "api/ini.h"

#define RULE_SUFFIX ".rule"
#define RULE_MATCHES_MAX 4096
/* "LANGUAGE TOOL CHECK" */
#define RULE_MATCH_SIZE (INI_LINE_SIZE + RULE_ID_SIZE)

/* A tool's own name of a check. */
struct rule_match {
	char *name;
	size_t rule;
};

struct rules {
	struct rule at[RULES_MAX];
	size_t len;
	struct rule_match matches[RULE_MATCHES_MAX];
	size_t matches_len;
};

#endif
