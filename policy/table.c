/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - what a filter answers, as a table for people: read off its paths,
 * not off the rules that it was made from.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/jsonout.h"
#include "policy/prove.h"
#include "supervisor/base/str.h"

static const char *const whole_title[ANSWER_COUNT] = {
	[ANSWER_ALLOW] = "allowed, with any arguments",
	[ANSWER_ERRNO] = "refused with an error of their own, unrecorded",
	[ANSWER_AUDIT] = "refused with EPERM and recorded",
	[ANSWER_ENOSYS] = NULL, /* the rest */
	[ANSWER_KILL] = "killed",
	[ANSWER_OTHER] = "an answer that no policy gives",
};
static const char *const part_title[ANSWER_COUNT] = {
	[ANSWER_ALLOW] = "  allowed",
	[ANSWER_ERRNO] = "  refused with an error of its own, unrecorded",
	[ANSWER_AUDIT] = "  refused with EPERM and recorded",
	[ANSWER_ENOSYS] = "  ENOSYS",
	[ANSWER_KILL] = "  killed",
	[ANSWER_OTHER] = "  an answer that no policy gives",
};

static void
show_whole(const struct answer_list *list, enum answer answer, FILE *out)
{
	char name[CALL_NAME_MAX];
	size_t column = 0, n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		n += answers_is_only(answer_list_find(list, nr), answer);
	if (n == 0)
		return;
	fprintf(out, "%s: %zu\n", whole_title[answer], n);
	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		if (answers_is_only(answer_list_find(list, nr), answer)) {
			call_name(nr, name);
			policy_show_word(out, name, &column);
		}
	fputc('\n', out);
}

static bool
is_conditional(const struct answers *a)
{
	for (int i = 0; i < ANSWER_COUNT; i++)
		if (answers_is_only(a, (enum answer)i))
			return false;
	return true;
}

/* The last answer is what all other arguments get. */
static void
show_conditional(const struct answers *a, uint32_t nr, FILE *out)
{
	int last = ANSWER_COUNT - 1;
	char name[CALL_NAME_MAX];

	while (last > 0 && a->count[last] == 0)
		last--;
	call_name(nr, name);
	fprintf(out, " %s\n", name);
	for (int i = 0; i < last; i++) {
		if (a->count[i] == 0)
			continue;
		fprintf(out, " %s\n", part_title[i]);
		answers_print(a, nr, (enum answer)i, "      ", out);
	}
	fprintf(out, " %s: otherwise\n", part_title[last]);
}

static size_t
count_conditional(const struct answer_list *list)
{
	size_t n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		n += is_conditional(answer_list_find(list, nr));
	return n;
}

static const char *
text_of_all(const struct answers *a)
{
	for (size_t i = 1; i < a->len; i++)
		if (a->paths[i]->action != a->paths[0]->action)
			return "decided by its arguments";
	return answer_text(a->paths[0]->action);
}

/* Numbers above those that can be named, by ranges with the same answer. */
static void
show_beyond(const struct answer_list *list, FILE *out)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct answers *a = &list->ranges[i];
		uint32_t first = a->first;
		const char *text = text_of_all(a);

		if (a->last <= CALL_NR_MAX)
			continue;
		if (first <= CALL_NR_MAX)
			first = CALL_NR_MAX + 1;
		while (i + 1 < list->len &&
		       strcmp(text_of_all(&list->ranges[i + 1]), text) == 0)
			i++;
		fprintf(out, "  %#010x..%#010x  %s\n", first,
			list->ranges[i].last, text);
	}
}

static size_t
count_reachable(const struct answer_list *list)
{
	size_t n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		n += answer_list_find(list, nr)->count[ANSWER_ALLOW] > 0;
	return n;
}

static void
show_reach(const struct answer_list *list, FILE *out)
{
	fprintf(out,
		"%zu of %zu system calls of the x86_64 table reachable "
		"(Docker's default profile: %d names allowed, 32-bit calls "
		"included)\n",
		count_reachable(list), call_count(), CALL_DOCKER_DEFAULT);
}

static void
show_claim(void *user, const char *claim, const char *examples)
{
	const char *word = "but";
	FILE *out = user;

	fprintf(out, "  %-4s  %s\n", examples == NULL ? "ok" : "HOLE", claim);
	for (size_t len; examples != NULL && *examples != '\0';
	     examples += len + 1) {
		len = strcspn(examples, "\n");
		fprintf(out, "        %s %.*s\n", word, (int)len, examples);
		word = "and";
	}
}

unsigned
prove_show(const struct policy *policy, const struct proof *proof,
	   const struct answer_list *list, FILE *out)
{
	char hex[2 * POLICY_SHA256_SIZE + 1];
	unsigned failed;

	str_hex(hex, policy->bpf_sha256, sizeof(policy->bpf_sha256));
	fprintf(out,
		"policy %s: %s\nfilter of %u instructions, sha256 %s\n"
		"%zu paths, all walked\n",
		policy->name, policy->description, policy->bpf_len, hex,
		proof->len);
	for (int i = 0; i < ANSWER_COUNT; i++)
		if (whole_title[i] != NULL)
			show_whole(list, (enum answer)i, out);
	fprintf(out, "decided by their arguments: %zu\n",
		count_conditional(list));
	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		if (is_conditional(answer_list_find(list, nr)))
			show_conditional(answer_list_find(list, nr), nr, out);
	fputs("all other numbers up to 1023: ENOSYS; beyond\n", out);
	show_beyond(list, out);
	fputs("claims\n", out);
	failed = claims_check(policy, proof, list, show_claim, out);
	show_reach(list, out);
	if (failed > 0)
		fprintf(out, "NOT PROVEN: %u claim%s not hold\n", failed,
			failed == 1 ? " does" : "s do");
	else
		fputs("proven\n", out);
	return failed;
}

/* ---- the same for programs ------------------------------------------- */

/* Each answer that the number can get, once, in the order of enum answer. */
static void
json_answers(struct jsonout *j, const struct answers *a)
{
	jsonout_open(j, "answers", '[');
	for (int kind = 0; kind < ANSWER_COUNT; kind++) {
		for (size_t i = 0; i < a->len; i++) {
			uint32_t action = a->paths[i]->action;
			bool is_new = answer_of(action) == (enum answer)kind;

			for (size_t k = 0; k < i; k++)
				is_new &= a->paths[k]->action != action;
			if (is_new)
				jsonout_text(j, NULL, answer_word(action));
		}
	}
	jsonout_close(j, '[');
}

static void
json_call(struct jsonout *j, const struct answers *a, uint32_t nr)
{
	char name[CALL_NAME_MAX], *text = NULL;
	size_t len = 0;
	FILE *lines;

	call_name(nr, name);
	jsonout_open(j, NULL, '{');
	jsonout_number(j, "nr", nr);
	jsonout_text(j, "name", call_is_named(nr) ? name : NULL);
	json_answers(j, a);
	if (a->count[ANSWER_ALLOW] > 0 && !answers_is_only(a, ANSWER_ALLOW)) {
		lines = open_memstream(&text, &len);
		if (lines == NULL)
			abort();
		answers_print(a, nr, ANSWER_ALLOW, "", lines);
		if (fclose(lines) != 0)
			abort();
		jsonout_lines(j, "allowed_when", text);
		free(text);
	}
	jsonout_close(j, '{');
}

/* As show_beyond(). */
static void
json_ranges(struct jsonout *j, const struct answer_list *list)
{
	jsonout_open(j, "ranges", '[');
	for (size_t i = 0; i < list->len; i++) {
		const struct answers *a = &list->ranges[i];

		if (a->last <= CALL_NR_MAX)
			continue;
		jsonout_open(j, NULL, '{');
		jsonout_number(j, "first",
			       a->first <= CALL_NR_MAX ? CALL_NR_MAX + 1
						       : a->first);
		jsonout_number(j, "last", a->last);
		json_answers(j, a);
		jsonout_close(j, '{');
	}
	jsonout_close(j, '[');
}

static void
json_claim(void *user, const char *claim, const char *examples)
{
	struct jsonout *j = user;

	jsonout_open(j, NULL, '{');
	jsonout_text(j, "claim", claim);
	jsonout_bool(j, "holds", examples == NULL);
	jsonout_lines(j, "counterexamples", examples != NULL ? examples : "");
	jsonout_close(j, '{');
}

unsigned
prove_json(const struct policy *policy, const struct proof *proof,
	   const struct answer_list *list, FILE *out)
{
	char hex[2 * POLICY_SHA256_SIZE + 1];
	struct jsonout j = {.out = out};
	unsigned failed;

	jsonout_open(&j, NULL, '{');
	jsonout_text(&j, "policy", policy->name);
	str_hex(hex, policy->sha256, sizeof(policy->sha256));
	jsonout_text(&j, "sha256", hex);
	str_hex(hex, policy->bpf_sha256, sizeof(policy->bpf_sha256));
	jsonout_text(&j, "bpf_sha256", hex);
	jsonout_number(&j, "instructions", policy->bpf_len);
	jsonout_number(&j, "paths", proof->len);
	jsonout_number(&j, "reachable", count_reachable(list));
	jsonout_number(&j, "named", call_count());
	jsonout_number(&j, "docker_default", CALL_DOCKER_DEFAULT);
	jsonout_open(&j, "calls", '[');
	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		json_call(&j, answer_list_find(list, nr), nr);
	jsonout_close(&j, '[');
	json_ranges(&j, list);
	jsonout_open(&j, "claims", '[');
	failed = claims_check(policy, proof, list, json_claim, &j);
	jsonout_close(&j, '[');
	jsonout_bool(&j, "proven", failed == 0);
	jsonout_close(&j, '{');
	fputc('\n', out);
	return failed;
}
