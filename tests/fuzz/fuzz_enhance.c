/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_enhance.c - a request as rules read it, and a model's answer to it.
 *
 * Input: the tier, then a text that is taken for both.  A request that is UTF-8
 * gives six sections that are UTF-8, not empty, bounded, and the same each
 * time; an answer gives six bounded sections or one line that says why not.
 */
#include <stdlib.h>

#include "api/enhance/enhance.h"
#include "api/jobs/text.h"
#include "tests/fuzz/fuzz.h"

#define RULES_MAX (24u << 10) /* what the rules add to a request */

static void
check_prompt(struct create_prompt *prompt, size_t section_max)
{
	char *text = create_prompt_text(prompt);

	FUZZ_CHECK(text != NULL);
	for (size_t i = 0; i < CREATE_LETTERS; i++) {
		size_t len = strlen(prompt->section[i]);

		FUZZ_CHECK(len > 0 && len <= section_max);
		FUZZ_CHECK(text_is_utf8(prompt->section[i], len));
		FUZZ_CHECK(strstr(text, prompt->section[i]) != NULL);
	}
	free(text);
}

static void
check_template(const struct enhance_task *task, size_t len)
{
	struct create_prompt prompt, again;
	struct err e;

	FUZZ_CHECK(enhance_by_template(task, &prompt, &e) == 0);
	FUZZ_CHECK(enhance_by_template(task, &again, &e) == 0);
	check_prompt(&prompt, len + RULES_MAX);
	for (size_t i = 0; i < CREATE_LETTERS; i++)
		FUZZ_CHECK(strcmp(prompt.section[i], again.section[i]) == 0);
	create_prompt_done(&prompt);
	create_prompt_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	struct enhance_task task = {.tier = 1 +
					    fuzz_u8(&in) % ENHANCE_TIER_MAX};
	struct create_prompt prompt;
	struct err e = ERR_INIT;
	char *text;

	if (in.left == 0 || in.left > (size_t)4 * ENHANCE_QUERY_MAX ||
	    memchr(in.at, '\0', in.left) != NULL)
		return -1;
	if (enhance_read_answer((const char *)in.at, in.left, &prompt, &e) ==
	    0) {
		check_prompt(&prompt, ENHANCE_SECTION_MAX);
		create_prompt_done(&prompt);
	} else {
		FUZZ_CHECK(e.kind == ERR_INVALID);
		FUZZ_CHECK(strchr(e.text, '\n') == NULL);
	}
	if (!text_is_utf8(in.at, in.left))
		return 0;
	text = strndup((const char *)in.at, in.left);
	FUZZ_CHECK(text != NULL);
	task.query = text;
	check_template(&task, in.left);
	free(text);
	return 0;
}
