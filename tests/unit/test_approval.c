/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals without an engine: ids, the digest's text, what makes work risky
 * and of which type, expiry, votes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/workflow/approval.h"
#include "api/workflow/approval_assess.h"
#include "api/workflow/digest.h"
#include "supervisor/base/str.h"

#define WORKFLOW "0f8fad5b-d9cb-469f-a165-70867728950e"
#define MINUTE 60000000ull

static struct workflow_state
state_of(const char *doc)
{
	struct workflow_state s = {.doc = json_loads(doc, 0, NULL)};

	assert_non_null(s.doc);
	assert_int_equal(str_copy(s.meta.workflow_id,
				  sizeof(s.meta.workflow_id), WORKFLOW),
			 0);
	return s;
}

static void
ids_lead_back_to_the_workflow(void **state)
{
	char seen[DIGEST_APPROVAL_STEPS * DIGEST_APPROVAL_ROUNDS][40];
	size_t count = 0;

	(void)state;
	for (uint32_t step = 1; step <= DIGEST_APPROVAL_STEPS; step++) {
		for (uint32_t round = 1; round <= DIGEST_APPROVAL_ROUNDS;
		     round++) {
			char id[40], back[40];

			digest_approval_id(WORKFLOW, step, round, id);
			digest_approval_workflow(id, step, round, back);
			assert_string_equal(back, WORKFLOW);
			assert_int_equal(id[14], '4'); /* still a UUID */
			assert_non_null(strchr("89ab", id[19]));
			for (size_t i = 0; i < count; i++)
				assert_string_not_equal(seen[i], id);
			memcpy(seen[count++], id, sizeof(id));
		}
	}
}

static void
assert_assessed(const char *doc, const char *type, enum approval_risk risk)
{
	struct workflow_state s = state_of(doc);
	struct approval_assessment a;

	approval_assess(&s, &a);
	if (strcmp(a.type, type) != 0 || a.risk != risk)
		fail_msg("%s %s for %s", a.type, approval_risk_name(a.risk),
			 doc);
	assert_true(json_array_size(a.reasons) > 0);
	assert_true(json_string_length(a.impact) > 0);
	approval_assessment_done(&a);
	json_decref(s.doc);
}

#define DOC(goal, level, source, results, report)                              \
	"{\"goal\":\"" goal "\",\"program\":{\"security_level\":\"" level      \
	"\",\"language\":\"python\"},\"sources\":{\"code\":\"" source          \
	"\"},\"artifacts\":{\"generated_code\":\"x\",\"test_"                  \
	"results\":" results ",\"security_report\":" report "}}"
#define PASSED                                                                 \
	"{\"outcome\":\"passed\",\"tests\":{\"passed\":2,\"failed\":0,"        \
	"\"errors\":0,\"skipped\":0}}"
#define SKIPPED                                                                \
	"{\"outcome\":\"passed\",\"tests\":{\"passed\":1,\"skipped\":1}}"
#define FAILED "{\"outcome\":\"failed\",\"tests\":{\"passed\":1,\"failed\":1}}"
#define DENIED                                                                 \
	"{\"outcome\":\"passed\",\"denials_total\":1,\"tests\":{\"passed\":1}" \
	"}"
#define CLEAN "{\"analysed\":true,\"overall_score\":95,\"vulnerabilities\":[]}"
#define FOUND(severity)                                                        \
	"{\"analysed\":true,\"overall_score\":50,\"vulnerabilities\":["        \
	"{\"severity\":\"low\"},{\"severity\":\"" severity "\"}]}"

static void
risk_is_the_worst_of_what_is_known(void **state)
{
	static const struct {
		const char *doc, *type;
		enum approval_risk risk;
	} rows[] = {
		{DOC("Add numbers", "strict", "context.code", PASSED, CLEAN),
		 "code_deployment", APPROVAL_RISK_LOW},
		{DOC("Add numbers", "standard", "context.code", PASSED, CLEAN),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "permissive", "context.code", PASSED,
		     CLEAN),
		 "code_deployment", APPROVAL_RISK_HIGH},
		{DOC("Add numbers", "mine", "context.code", PASSED, CLEAN),
		 "code_deployment", APPROVAL_RISK_HIGH},
		{DOC("Add numbers", "strict", "model", PASSED, CLEAN),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "strict", "context.code", SKIPPED, CLEAN),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "strict", "context.code", FAILED, CLEAN),
		 "code_deployment", APPROVAL_RISK_HIGH},
		{DOC("Add numbers", "strict", "context.code", DENIED, CLEAN),
		 "code_deployment", APPROVAL_RISK_HIGH},
		{DOC("Add numbers", "strict", "context.code", "{}", CLEAN),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "strict", "context.code", PASSED, "{}"),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "strict", "context.code", PASSED,
		     FOUND("medium")),
		 "code_deployment", APPROVAL_RISK_MEDIUM},
		{DOC("Add numbers", "strict", "context.code", PASSED,
		     FOUND("high")),
		 "security_override", APPROVAL_RISK_HIGH},
		{DOC("Add numbers", "strict", "context.code", PASSED,
		     FOUND("critical")),
		 "security_override", APPROVAL_RISK_CRITICAL},
		/* What nobody knows is no low risk. */
		{DOC("Add numbers", "strict", "context.code", PASSED,
		     FOUND("weird")),
		 "security_override", APPROVAL_RISK_CRITICAL},
		{DOC("Delete all users", "strict", "context.code", PASSED,
		     CLEAN),
		 "code_deployment", APPROVAL_RISK_HIGH},
		{DOC("Undeletes and sudoku", "strict", "context.code", PASSED,
		     CLEAN),
		 "code_deployment", APPROVAL_RISK_LOW},
		{DOC("Query the DATABASE", "strict", "context.code", PASSED,
		     CLEAN),
		 "data_access", APPROVAL_RISK_LOW},
		{DOC("Post to a webhook", "strict", "context.code", PASSED,
		     CLEAN),
		 "external_api", APPROVAL_RISK_LOW},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_assessed(rows[i].doc, rows[i].type, rows[i].risk);
}

static void
only_what_was_analysed_is_clean(void **state)
{
	static const struct {
		const char *doc;
		bool is_clean;
	} rows[] = {
		{DOC("g", "strict", "c", PASSED, CLEAN), true},
		{DOC("g", "strict", "c", PASSED, FOUND("low")), false},
		{DOC("g", "strict", "c", PASSED, "{}"), false},
		{DOC("g", "strict", "c", FAILED, CLEAN), false},
		{DOC("g", "strict", "c", PASSED,
		     "{\"analysed\":true,\"overall_score\":null}"),
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct workflow_state s = state_of(rows[i].doc);

		assert_int_equal(approval_is_clean(&s, 90), rows[i].is_clean);
		assert_false(approval_is_clean(&s, 96));
		json_decref(s.doc);
	}
}

/* Each part of what is shown changes the digest; storing it does not. */
static void
the_digest_covers_all_that_is_shown(void **state)
{
	static const char *const parts[] = {"artifacts", "program", "sources",
					    "goal"};
	char before[DIGEST_HEX_SIZE], after[DIGEST_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct workflow_state s =
			state_of(DOC("g", "strict", "c", PASSED, CLEAN));
		char *text = json_dumps(s.doc, JSON_INDENT(4));
		struct workflow_state again = state_of(text);

		digest_workflow(&s, before);
		digest_workflow(&again, after);
		assert_string_equal(before, after);
		json_object_del(again.doc, parts[i]);
		digest_workflow(&again, after);
		assert_string_not_equal(before, after);
		again.meta.workflow_id[0] = '1';
		free(text);
		json_decref(s.doc);
		json_decref(again.doc);
	}
}

static void
expiry(void **state)
{
	json_t *a = json_pack("{s:I, s:I}", "requested_us",
			      (json_int_t)(100 * MINUTE), "expires_us",
			      (json_int_t)(160 * MINUTE));

	(void)state;
	assert_false(approval_is_expired(a, 100 * MINUTE));
	assert_false(approval_is_expired(a, 160 * MINUTE - 1));
	assert_true(approval_is_expired(a, 160 * MINUTE));
	assert_false(approval_is_expired(a, 96 * MINUTE)); /* corrected */
	assert_true(approval_is_expired(a, 94 * MINUTE));  /* set back */
	json_decref(a);
}

static void
who_may_decide(void **state)
{
	struct api_config config = {.approval_allow_self = false};

	(void)state;
	for (int role = USER_ROLE_USER; role <= USER_ROLE_ADMIN; role++) {
		config.approval_allow_self = false;
		assert_false(approval_may_decide(&config, "u",
						 (enum user_role)role, "u"));
		assert_int_equal(approval_may_decide(&config, "v",
						     (enum user_role)role, "u"),
				 role != USER_ROLE_USER);
		config.approval_allow_self = true;
		assert_true(approval_may_decide(&config, "u",
						(enum user_role)role, "u"));
	}
}

static void
how_many_must_approve(void **state)
{
	static struct api api;
	json_t *a = json_pack("{s:s, s:{s:i}}", "risk_level", "high", "options",
			      "required_approvers", 2);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		api.config.approval_required[i] = 1;
	assert_int_equal(approval_required(&api, a), 2);
	api.config.approval_required[APPROVAL_RISK_HIGH] = 3;
	assert_int_equal(approval_required(&api, a), 3);
	json_object_del(a, "options");
	api.config.approval_required[APPROVAL_RISK_HIGH] = 1;
	assert_int_equal(approval_required(&api, a), 1);
	/* A risk that somebody wrote into the store is not a lower one. */
	api.config.approval_required[APPROVAL_RISK_CRITICAL] = 4;
	json_object_set_new(a, "risk_level", json_string("none"));
	assert_int_equal(approval_required(&api, a), 4);
	json_decref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_lead_back_to_the_workflow),
		cmocka_unit_test(risk_is_the_worst_of_what_is_known),
		cmocka_unit_test(only_what_was_analysed_is_clean),
		cmocka_unit_test(the_digest_covers_all_that_is_shown),
		cmocka_unit_test(expiry),
		cmocka_unit_test(who_may_decide),
		cmocka_unit_test(how_many_must_approve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
