/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_plan.c - the steps into which a model breaks a goal down.
 *
 * Input: the answer.  Steps are lines of text within the bounds, and read again
 * from the object that they make they are the same; each refusal is one line.
 */
#include "api/agents/plan.h"
#include "api/jobs/text.h"
#include "tests/fuzz/fuzz.h"

static void
check_step(const json_t *step)
{
	const char *text = json_string_value(step);

	FUZZ_CHECK(text != NULL);
	FUZZ_CHECK(text_is_utf8(text, json_string_length(step)));
	FUZZ_CHECK(text_length(text) >= PLAN_STEP_MIN);
	FUZZ_CHECK(text_length(text) <= PLAN_STEP_MAX);
	FUZZ_CHECK(text[strcspn(text, "\t\r\n\033\177")] == '\0');
}

static void
check_again(const json_t *steps, const char *fmt)
{
	json_t *plan = json_pack("{s:O}", "steps", steps), *again = NULL;
	char *text = json_dumps(plan, JSON_COMPACT), *answer = NULL;
	struct err e = ERR_INIT;
	int len = asprintf(&answer, "%s%s%s", fmt, text,
			   fmt[0] != '\0' ? "\n```" : "");

	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(plan_read(answer, (size_t)len, &again, &e) == 0);
	FUZZ_CHECK(json_equal(steps, again));
	free(answer);
	free(text);
	json_decref(again);
	json_decref(plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = ERR_INIT;
	json_t *steps = NULL;

	if (len > 1u << 16)
		return -1;
	if (plan_read((const char *)data, len, &steps, &e) < 0) {
		FUZZ_CHECK(e.kind == ERR_INVALID && steps == NULL);
		FUZZ_CHECK(strstr(e.text, "the model's ") != NULL);
		FUZZ_CHECK(strchr(e.text, '\n') == NULL);
		return 0;
	}
	FUZZ_CHECK(json_array_size(steps) >= 1);
	FUZZ_CHECK(json_array_size(steps) <= AUTHOR_STEPS_MAX);
	for (size_t i = 0; i < json_array_size(steps); i++)
		check_step(json_array_get(steps, i));
	check_again(steps, "");
	check_again(steps, "```json\n");
	json_decref(steps);
	return 0;
}
