/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - what a filter answers, as a table for people: read off its paths,
 * not off the rules that it was made from.
 */
#include <string.h>

#include "policy/compile.h"
#include "policy/prove.h"
#include "supervisor/base/str.h"

/*
 * For comparison: names in its default profile, about 60 of which no call of
 * x86_64 has.
 */
#define DOCKER_ALLOWED 380

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

static bool
is_named(uint32_t nr)
{
	char name[CALL_NAME_MAX];

	call_name(nr, name);
	return name[0] < '0' || name[0] > '9';
}

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

static void
show_reach(const struct answer_list *list, FILE *out)
{
	size_t reachable = 0, named = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		reachable +=
			answer_list_find(list, nr)->count[ANSWER_ALLOW] > 0;
		named += is_named(nr);
	}
	fprintf(out,
		"%zu of %zu system calls of the x86_64 table reachable "
		"(Docker's default profile: %d names allowed, 32-bit calls "
		"included)\n",
		reachable, named, DOCKER_ALLOWED);
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
	failed = claims_check(policy, proof, list, out);
	show_reach(list, out);
	if (failed > 0)
		fprintf(out, "NOT PROVEN: %u claim%s not hold\n", failed,
			failed == 1 ? " does" : "s do");
	else
		fputs("proven\n", out);
	return failed;
}
