/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.c - two policies by what they mean, not by their text.
 *
 * System calls: two calls of A and B that get another answer exist where a
 * path of A's filter and one of B's overlap and end differently; the proofs
 * hold all paths, so what is not listed is the same.  Everything else of a
 * policy is written as one line a fact, and the lines are compared as sets.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/jsonout.h"
#include "policy/prove.h"

/* ---- facts ----------------------------------------------------------- */

struct facts {
	char *text;
	char **lines; /* into text, sorted */
	size_t len;
};

static const struct limit {
	const char *directive;
	size_t offset;
	bool is_64;
} limits[] = {
#define LIMIT(directive, field)                                                \
	{                                                                      \
		(directive), offsetof(struct policy_limits, field),            \
			sizeof(((struct policy_limits *)NULL)->field) == 8     \
	}
	LIMIT("RuntimeMaxSec (ms)", wall_ms),
	LIMIT("MemoryMax (bytes)", memory_bytes),
	LIMIT("TasksMax", pids),
	LIMIT("CPUQuota (%)", cpu_percent),
	LIMIT("LimitNOFILE", nofile),
	LIMIT("LimitFSIZE (bytes)", file_bytes),
	LIMIT("LimitSTACK (bytes)", stack_bytes),
	LIMIT("OutputMax (bytes)", output_bytes),
	LIMIT("CollectMax (bytes)", collect_bytes),
};

static void
write_limits(FILE *out, const struct policy_limits *l)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const char *at = (const char *)l + limits[i].offset;
		uint64_t value = 0;
		uint32_t narrow;

		if (limits[i].is_64) {
			memcpy(&value, at, sizeof(value));
		} else {
			memcpy(&narrow, at, sizeof(narrow));
			value = narrow;
		}
		fprintf(out, "limit %s: %llu\n", limits[i].directive,
			(unsigned long long)value);
	}
}

static void
write_files(FILE *out, const struct policy *p)
{
	for (uint32_t i = 0; i < p->mounts_len; i++) {
		const struct policy_mount *m = &p->mounts[i];

		fprintf(out, "mount %s at %s%s%s%s\n", m->source, m->target,
			(m->flags & POLICY_MOUNT_OPTIONAL) ? ", if there" : "",
			(m->flags & POLICY_MOUNT_NOEXEC) ? ", noexec" : "",
			(m->flags & POLICY_MOUNT_DEVICE) ? ", device" : "");
	}
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		const struct policy_tmpfs *t = &p->tmpfs[i];

		fprintf(out, "tmpfs %s: %llu bytes, %llu inodes, mode %04o%s\n",
			t->target, (unsigned long long)t->bytes,
			(unsigned long long)t->inodes, t->mode,
			t->is_noexec ? ", noexec" : "");
	}
	for (uint32_t i = 0; i < p->symlinks_len; i++)
		fprintf(out, "symlink %s -> %s\n", p->symlinks[i].path,
			p->symlinks[i].target);
}

static int
compare_lines(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
facts_init(struct facts *f, const struct policy *p)
{
	size_t size = 0;
	FILE *out = open_memstream(&f->text, &size);
	char *save = NULL;

	if (out == NULL)
		abort();
	write_limits(out, &p->limits);
	write_files(out, p);
	fprintf(out, "loopback: %s\n", p->has_loopback ? "yes" : "no");
	fprintf(out, "writable and executable memory: %s\n",
		p->denies_write_exec ? "refused" : "allowed");
	fprintf(out, "landlock: version %u or later\n", p->landlock_abi_min);
	for (uint32_t i = 0; i < p->env_len; i++)
		fprintf(out, "environment %s\n", p->env[i]);
	if (fclose(out) != 0)
		abort();
	f->lines = calloc(size + 1, sizeof(*f->lines));
	if (f->lines == NULL)
		abort();
	for (char *line = strtok_r(f->text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		f->lines[f->len++] = line;
	qsort(f->lines, f->len, sizeof(*f->lines), compare_lines);
}

static void
facts_done(struct facts *f)
{
	free(f->lines);
	free(f->text);
}

/* Lines that only one of the two has: '-' a, '+' b. */
typedef void fact_fn(void *user, char sign, const char *line);

static unsigned
diff_facts(const struct policy *a, const struct policy *b, fact_fn *tell,
	   void *user)
{
	struct facts fa = {0}, fb = {0};
	size_t i = 0, k = 0;
	unsigned n = 0;

	facts_init(&fa, a);
	facts_init(&fb, b);
	while (i < fa.len || k < fb.len) {
		int order = i == fa.len	  ? 1
			    : k == fb.len ? -1
					  : strcmp(fa.lines[i], fb.lines[k]);

		if (order < 0)
			tell(user, '-', fa.lines[i]);
		else if (order > 0)
			tell(user, '+', fb.lines[k]);
		n += order != 0;
		i += order <= 0;
		k += order >= 0;
	}
	facts_done(&fa);
	facts_done(&fb);
	return n;
}

/* ---- system calls ---------------------------------------------------- */

#define CHANGES_MAX 16 /* kinds of change that one call can have */
struct change {
	uint32_t from, to; /* actions */
	char *example;	   /* NULL: whatever the arguments */
};
struct changes {
	struct change list[CHANGES_MAX];
	size_t len;
};

static void
changes_done(struct changes *c)
{
	for (size_t i = 0; i < c->len; i++)
		free(c->list[i].example);
}

static bool
is_known(const struct changes *c, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < c->len; i++)
		if (c->list[i].from == from && c->list[i].to == to)
			return true;
	return c->len == CHANGES_MAX;
}

static char *
example_of(const struct word_tests *tests)
{
	bool is_whole = true;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	for (size_t i = 0; i < tests->len; i++)
		if (tests->test[i].word >= WORD_POINTER)
			is_whole = false;
	if (is_whole)
		return NULL;
	out = open_memstream(&text, &len);
	if (out == NULL)
		abort();
	call_print(tests, out);
	if (fclose(out) != 0)
		abort();
	return text;
}

static void
find_changes(const struct answers *a, const struct answers *b, uint32_t nr,
	     struct changes *c)
{
	static struct word_tests tests;
	uint32_t words[WORD_COUNT];

	*c = (struct changes){0};
	for (size_t i = 0; i < a->len; i++)
		for (size_t k = 0; k < b->len; k++) {
			const struct path *from = a->paths[i];
			const struct path *to = b->paths[k];

			if (from->action == to->action ||
			    is_known(c, from->action, to->action))
				continue;
			tests.len = 0;
			word_tests_add(&tests,
				       (struct word_test){UINT32_MAX, nr, nr,
							  WORD_NR, false});
			path_add_tests(from, WORD_NR, &tests);
			path_add_tests(to, WORD_NR, &tests);
			if (word_solve_all(&tests, words))
				c->list[c->len++] = (struct change){
					from->action, to->action,
					example_of(&tests)};
		}
}

static bool
is_partly_allowed(const struct answers *a)
{
	return a->count[ANSWER_ALLOW] > 0 && !answers_is_only(a, ANSWER_ALLOW);
}

/* A call that changed. */
typedef void call_fn(void *user, uint32_t nr, const struct changes *c,
		     const struct answers *from, const struct answers *to);

static unsigned
diff_calls(const struct answer_list *a, const struct answer_list *b,
	   call_fn *tell, void *user)
{
	unsigned n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		const struct answers *from = answer_list_find(a, nr);
		const struct answers *to = answer_list_find(b, nr);
		struct changes c;

		find_changes(from, to, nr, &c);
		if (c.len > 0) {
			tell(user, nr, &c, from, to);
			n++;
		}
		changes_done(&c);
	}
	return n;
}

/* ---- for people ------------------------------------------------------ */

static void
print_fact(void *user, char sign, const char *line)
{
	fprintf(user, "%c %s\n", sign, line);
}

static void
print_call(void *user, uint32_t nr, const struct changes *c,
	   const struct answers *from, const struct answers *to)
{
	char name[CALL_NAME_MAX];
	FILE *out = user;

	call_name(nr, name);
	fprintf(out, "  %s\n", name);
	for (size_t i = 0; i < c->len; i++)
		fprintf(out, "    %s -> %s%s%s\n", answer_text(c->list[i].from),
			answer_text(c->list[i].to),
			c->list[i].example != NULL ? ", such as " : "",
			c->list[i].example != NULL ? c->list[i].example : "");
	if (is_partly_allowed(from))
		answers_print(from, nr, ANSWER_ALLOW, "    - ", out);
	if (is_partly_allowed(to))
		answers_print(to, nr, ANSWER_ALLOW, "    + ", out);
}

unsigned
policy_diff(const struct policy *a, const struct answer_list *a_list,
	    const struct policy *b, const struct answer_list *b_list, FILE *out)
{
	unsigned facts, calls;

	fprintf(out, "--- %s\n+++ %s\n", a->name, b->name);
	facts = diff_facts(a, b, print_fact, out);
	fputs("system calls\n", out);
	calls = diff_calls(a_list, b_list, print_call, out);
	fprintf(out, "%u calls and %u other lines differ\n", calls, facts);
	return facts + calls;
}

/* ---- for programs ---------------------------------------------------- */

struct json_facts {
	struct jsonout *j;
	char sign; /* of those to write */
};

static void
json_fact(void *user, char sign, const char *line)
{
	const struct json_facts *f = user;

	if (sign == f->sign)
		jsonout_text(f->j, NULL, line);
}

static void
json_allowed(struct jsonout *j, const char *key, const struct answers *a,
	     uint32_t nr)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	answers_print(a, nr, ANSWER_ALLOW, "", out);
	if (fclose(out) != 0)
		abort();
	jsonout_lines(j, key, text);
	free(text);
}

static void
json_call(void *user, uint32_t nr, const struct changes *c,
	  const struct answers *from, const struct answers *to)
{
	char name[CALL_NAME_MAX];
	struct jsonout *j = user;

	call_name(nr, name);
	jsonout_open(j, NULL, '{');
	jsonout_number(j, "nr", nr);
	jsonout_text(j, "name", name);
	jsonout_open(j, "changes", '[');
	for (size_t i = 0; i < c->len; i++) {
		jsonout_open(j, NULL, '{');
		jsonout_text(j, "from", answer_word(c->list[i].from));
		jsonout_text(j, "to", answer_word(c->list[i].to));
		jsonout_text(j, "example", c->list[i].example);
		jsonout_close(j, '{');
	}
	jsonout_close(j, '[');
	json_allowed(j, "allowed_before", from, nr);
	json_allowed(j, "allowed_now", to, nr);
	jsonout_close(j, '{');
}

unsigned
policy_diff_json(const struct policy *a, const struct answer_list *a_list,
		 const struct policy *b, const struct answer_list *b_list,
		 FILE *out)
{
	struct jsonout j = {.out = out};
	struct json_facts removed = {&j, '-'}, added = {&j, '+'};
	unsigned facts, calls;

	jsonout_open(&j, NULL, '{');
	jsonout_text(&j, "before", a->name);
	jsonout_text(&j, "now", b->name);
	jsonout_open(&j, "removed", '[');
	facts = diff_facts(a, b, json_fact, &removed);
	jsonout_close(&j, '[');
	jsonout_open(&j, "added", '[');
	(void)diff_facts(a, b, json_fact, &added);
	jsonout_close(&j, '[');
	jsonout_open(&j, "calls", '[');
	calls = diff_calls(a_list, b_list, json_call, &j);
	jsonout_close(&j, '[');
	jsonout_bool(&j, "same", facts + calls == 0);
	jsonout_close(&j, '{');
	fputc('\n', out);
	return facts + calls;
}
