/* SPDX-License-Identifier: Apache-2.0 */
/*
 * letters.c - the six letters, and a prompt as one text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/enhance/enhance.h"
#include "supervisor/base/fd.h"

const struct create_letter create_letters[CREATE_LETTERS] = {
	{"context", "C - Context",
	 "who answers (a role with the right experience), for whom, the "
	 "situation, what is known, and which facts are missing"},
	{"request", "R - Request",
	 "exactly what is to be done, as an order with its steps"},
	{"examples", "E - Examples",
	 "examples of input and of the wanted answer; those that were given, "
	 "or which ones the answer must contain"},
	{"augmentations", "A - Augmentations",
	 "constraints that were stated, and knowledge, standards and methods "
	 "of the field that the answer must use"},
	{"tone_format", "T - Tone & Format",
	 "tone, structure, length and form of the answer"},
	{"evaluation", "E - Evaluation",
	 "how to check the answer before it is given: one question for each "
	 "thing that can be wrong"},
};

void
create_prompt_done(struct create_prompt *prompt)
{
	for (size_t i = 0; i < CREATE_LETTERS; i++)
		free(prompt->section[i]);
	*prompt = (struct create_prompt){0};
}

char *
create_prompt_text(const struct create_prompt *prompt)
{
	owned_mem char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	char *whole;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < CREATE_LETTERS; i++)
		fprintf(out, "%s## %s\n\n%s\n", i > 0 ? "\n" : "",
			create_letters[i].heading, prompt->section[i]);
	if (fclose(out) != 0)
		return NULL;
	whole = text;
	text = NULL;
	return whole;
}
