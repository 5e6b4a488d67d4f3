/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.c - the six sections filled by rules from the request's own words.
 * What the request says binds and is repeated word for word; what it does not
 * say is named as open instead of being made up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/enhance/enhance.h"
#include "api/enhance/reading.h"
#include "supervisor/base/str.h"

/* How much an answer should have, by tier. */
static const struct depth {
	unsigned tier_max;
	size_t steps, examples, checks;
	const char *length;
} depths[] = {
	{2, 2, 1, 2, "brief: at most 150 words beside code or tables"},
	{4, 4, 2, 4, "moderate: 200 to 500 words beside code or tables"},
	{6, 5, 3, 6, "thorough: 500 to 1,000 words beside code or tables"},
	{8, 6, 3, 8,
	 "detailed: 1,000 to 2,000 words, with the alternatives that you "
	 "rejected and why"},
	{ENHANCE_TIER_MAX, 6, 3, 10,
	 "comprehensive: as long as it takes, with alternatives, edge cases, "
	 "risks and sources"},
};

static const struct depth *
depth_of(unsigned tier)
{
	size_t i = 0;

	while (i < ARRAY_LEN(depths) - 1 && tier > depths[i].tier_max)
		i++;
	return &depths[i];
}

struct draft {
	const char *query;
	const struct reading *reading;
	const struct depth *depth;
};

/* ---- the sections ---------------------------------------------------- */

static void
put_role(FILE *out, const struct reading *r)
{
	fputs("You are ", out);
	for (size_t i = 0; i < r->fields_len; i++)
		fprintf(out, "%s%s", i == 0 ? "" : " and ", r->fields[i]->role);
	if (r->fields_len == 0)
		fputs("an expert in the subject below", out);
	fputs(".\n", out);
}

/* What somebody who does this work would ask back. */
static void
put_missing(FILE *out, const struct draft *d)
{
	const char *between = "Not said: ";
	bool is_all_said = true;

	for (size_t i = 0; i < d->reading->fields_len; i++) {
		const struct field_of_work *f = d->reading->fields[i];

		for (size_t k = 0; k < 3 && f->missing[k][0] != NULL; k++) {
			if (reading_find(d->query, f->missing[k][0]) != NULL)
				continue;
			fprintf(out, "%s%s", between, f->missing[k][1]);
			between = "; ";
			is_all_said = false;
		}
	}
	if (d->reading->audience[0] == '\0') {
		fprintf(out, "%swho will use the answer", between);
		is_all_said = false;
	}
	fprintf(out,
		"%sAssume what is usual and say in one line what you assumed; "
		"ask back only if the answer would be worthless otherwise.",
		is_all_said ? "" : ". ");
}

static void
put_context(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;

	put_role(out, r);
	fprintf(out, "The matter: %s.\n",
		r->subject[0] != '\0' ? r->subject : "as in the request");
	if (r->fields_len > 0) {
		fputs("Field: ", out);
		for (size_t i = 0; i < r->fields_len; i++)
			fprintf(out, "%s%s", i == 0 ? "" : ", ",
				r->fields[i]->name);
		fputs(".\n", out);
	}
	if (r->audience[0] != '\0')
		fprintf(out, "The answer is for %s.\n", r->audience);
	if (r->quoted.len > 0) {
		fputs("Quoted, to be used exactly as it stands:", out);
		for (size_t i = 0; i < r->quoted.len; i++)
			fprintf(out, "%s `%s`", i == 0 ? "" : ",",
				r->quoted.text[i]);
		fputs(".\n", out);
	}
	put_missing(out, d);
}

/* As a quotation if it has lines: one of them could look like our headings. */
static void
put_word_for_word(FILE *out, const char *query)
{
	bool has_lines = strpbrk(query, "\r\n") != NULL;

	fputs(has_lines ? "Word for word:" : "Word for word: ", out);
	while (has_lines && *query != '\0') {
		size_t len = strcspn(query, "\r\n");

		fprintf(out, "\n> %.*s", (int)len, query);
		query += len;
		query += strncmp(query, "\r\n", 2) == 0 ? 2 : *query != '\0';
	}
	fprintf(out, "%s\n", query);
}

static void
put_request(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;
	const struct work *w = r->work;

	fprintf(out, "%s %s.\n", w->order,
		r->subject[0] != '\0' ? r->subject : d->query);
	put_word_for_word(out, d->query);
	if (r->asked.len > 1) {
		fputs("All of this is asked for:\n", out);
		for (size_t i = 0; i < r->asked.len; i++)
			fprintf(out, "- %s\n", r->asked.text[i]);
	}
	fputs("Work in this order:", out);
	for (size_t i = 0;
	     i < WORK_LIST_MAX && i < d->depth->steps && w->steps[i] != NULL;
	     i++)
		fprintf(out, "\n%zu. %s", i + 1, w->steps[i]);
}

static void
put_examples(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;

	if (r->examples.len > 0) {
		fputs("Given; the answer must be right for these:\n", out);
		for (size_t i = 0; i < r->examples.len; i++)
			fprintf(out, "- %s\n", r->examples.text[i]);
	}
	fputs("Show in the answer:", out);
	for (size_t i = 0;
	     i < 3 && i < d->depth->examples && r->work->examples[i] != NULL;
	     i++)
		fprintf(out, "\n- %s", r->work->examples[i]);
	if (r->has_numbers)
		fputs("\n- the case at the edge of each number that is named "
		      "above",
		      out);
}

static void
put_augmentations(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;

	if (r->limits.len > 0) {
		fputs("These limits were stated and bind:\n", out);
		for (size_t i = 0; i < r->limits.len; i++)
			fprintf(out, "- %s\n", r->limits.text[i]);
	}
	fputs("Use:", out);
	for (size_t i = 0; i < r->fields_len; i++)
		for (size_t k = 0;
		     k < WORK_LIST_MAX && r->fields[i]->use[k] != NULL; k++)
			fprintf(out, "\n- %s", r->fields[i]->use[k]);
	fputs("\n- what is established; what you are not sure of you mark as "
	      "such, and you invent no source, name or figure",
	      out);
}

/* A length that was stated counts, not the tier's. */
static const char *
length_of(const struct draft *d)
{
	static const char *const units[] = {
		"word",	      "words", "sentence", "sentences", "paragraph",
		"paragraphs", "page",  "pages",	   "lines",	"characters"};
	const struct reading_list *limits = &d->reading->limits;

	for (size_t i = 0; i < limits->len; i++)
		for (size_t k = 0; k < ARRAY_LEN(units); k++)
			if (reading_find(limits->text[i], units[k]) != NULL)
				return limits->text[i];
	return d->depth->length;
}

static void
put_tone(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;

	if (r->audience[0] != '\0')
		fprintf(out,
			"Tone: in words that %s understand%s without looking "
			"them up; friendly, without praise or padding.\n",
			r->audience,
			r->audience[strlen(r->audience) - 1] == 's' ? "" : "s");
	else
		fputs("Tone: matter-of-fact and direct, without praise or "
		      "padding.\n",
		      out);
	fprintf(out, "Format: %s%s%s.\n", r->form[0] != '\0' ? r->form : "",
		r->form[0] != '\0' ? "; inside it " : "", r->work->form);
	fprintf(out, "Length: %s.\n", length_of(d));
	fputs("Language: that of the request.", out);
}

static void
put_check(FILE *out, const struct draft *d, size_t *used, const char *before,
	  const char *text, const char *after)
{
	if (text == NULL || *used >= d->depth->checks + d->reading->limits.len)
		return;
	fprintf(out, "\n- [ ] %s%s%s", before, text, after);
	(*used)++;
}

static void
put_evaluation(FILE *out, const struct draft *d)
{
	const struct reading *r = d->reading;
	size_t used = 0;

	fputs("Before you answer, check each of these and mend what fails:",
	      out);
	for (size_t i = 0; i < r->limits.len; i++)
		put_check(out, d, &used, "Is this kept: ", r->limits.text[i],
			  "?");
	for (size_t i = 0; i < r->quoted.len; i++)
		put_check(out, d, &used, "Does it use `", r->quoted.text[i],
			  "` exactly?");
	if (r->examples.len > 0)
		put_check(out, d, &used, "Is it right for ",
			  r->examples.text[0], "?");
	for (size_t i = 0; i < WORK_LIST_MAX; i++)
		put_check(out, d, &used, "", r->work->checks[i], "");
	for (size_t i = 0; i < r->fields_len; i++)
		for (size_t k = 0; k < 3; k++)
			put_check(out, d, &used, "", r->fields[i]->checks[k],
				  "");
}

/* ---- all of it ------------------------------------------------------- */

static void (*const writers[CREATE_LETTERS])(FILE *out,
					     const struct draft *d) = {
	put_context,	   put_request, put_examples,
	put_augmentations, put_tone,	put_evaluation,
};

static char *
write_section(size_t i, const struct draft *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	writers[i](out, d);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int
enhance_by_template(const struct enhance_task *task, struct create_prompt *ret,
		    struct err *e)
{
	struct reading *reading = malloc(sizeof(*reading));
	struct create_prompt prompt = {0};
	bool is_whole = reading != NULL;
	struct draft draft = {.query = task->query,
			      .reading = reading,
			      .depth = depth_of(task->tier)};

	if (is_whole)
		reading_read(task->query, reading);
	for (size_t i = 0; i < CREATE_LETTERS && is_whole; i++) {
		prompt.section[i] = write_section(i, &draft);
		is_whole = prompt.section[i] != NULL;
	}
	free(reading);
	if (!is_whole) {
		create_prompt_done(&prompt);
		return err_set(e, ERR_IO, 0, "no memory for a prompt");
	}
	*ret = prompt;
	return 0;
}
