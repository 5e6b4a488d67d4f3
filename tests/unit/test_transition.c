/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transition.c - the table of transitions and the diagrams of
 * docs/ARCHITECTURE.md agree row by row, and no status is a dead end that the
 * diagram does not call an end.  Run from the top of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/workflow/transition.h"
#include "supervisor/base/str.h"

#define DIAGRAM "docs/ARCHITECTURE.md"
#define ARROWS_MAX 64

struct arrow {
	enum transition_subject subject;
	char from[32], to[32], event[32]; /* "": [*] or none */
};

static struct arrow arrows[ARROWS_MAX];
static size_t arrows_len;

static void
take_name(char dst[32], const char *name)
{
	assert_int_equal(
		str_copy(dst, 32, strcmp(name, "[*]") == 0 ? "" : name), 0);
}

static void
take_arrow(enum transition_subject subject, const char *line)
{
	char from[64], to[64], event[64] = "";
	int n = sscanf(line, " %63s --> %63s : %63s", from, to, event);

	if (n < 2)
		fail_msg("not an arrow: %s", line);
	assert_true(arrows_len < ARROWS_MAX);
	arrows[arrows_len].subject = subject;
	take_name(arrows[arrows_len].from, from);
	take_name(arrows[arrows_len].to, to);
	take_name(arrows[arrows_len].event, event);
	arrows_len++;
}

/* Of each block the line after its first says what it is about. */
static int
setup(void **state)
{
	enum transition_subject subject = TRANSITION_SUBJECT_COUNT;
	FILE *f = fopen(DIAGRAM, "re");
	bool is_diagram = false;
	char line[512];

	(void)state;
	if (f == NULL)
		fail_msg("%s: run from the top of the tree", DIAGRAM);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "```", 3) == 0)
			is_diagram = false;
		else if (strncmp(line, "stateDiagram-v2", 15) == 0)
			is_diagram = true;
		else if (is_diagram && strstr(line, "%% workflow") != NULL)
			subject = TRANSITION_WORKFLOW;
		else if (is_diagram && strstr(line, "%% step") != NULL)
			subject = TRANSITION_STEP;
		else if (is_diagram)
			take_arrow(subject, line);
	}
	(void)fclose(f);
	return 0;
}

static bool
is_row(const struct arrow *a, const struct transition *t)
{
	return a->subject == t->subject && strcmp(a->from, t->from) == 0 &&
	       strcmp(a->to, t->to) == 0 && strcmp(a->event, t->event) == 0;
}

static void
test_rows_are_drawn(void **state)
{
	size_t len;
	const struct transition *rows = transition_table(&len);

	(void)state;
	assert_true(len > 0);
	for (size_t i = 0; i < len; i++) {
		size_t drawn = 0;

		for (size_t k = 0; k < arrows_len; k++)
			drawn += is_row(&arrows[k], &rows[i]);
		if (drawn != 1)
			fail_msg("%s -> %s (%s) is drawn %zu times in %s",
				 rows[i].from, rows[i].to, rows[i].event, drawn,
				 DIAGRAM);
		assert_true(strlen(rows[i].why) > 0);
	}
}

static bool
has_way_out(const struct arrow *a, const struct transition *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (rows[i].subject == a->subject &&
		    strcmp(rows[i].from, a->from) == 0)
			return true;
	}
	return false;
}

static void
test_drawn_is_in_the_table(void **state)
{
	size_t len;
	const struct transition *rows = transition_table(&len);

	(void)state;
	for (size_t k = 0; k < arrows_len; k++) {
		const struct arrow *a = &arrows[k];
		bool is_there = false;

		for (size_t i = 0; i < len; i++)
			is_there |= is_row(a, &rows[i]);
		/* X --> [*]: an end, from which nothing may lead on. */
		if (a->to[0] == '\0')
			is_there = !has_way_out(a, rows, len);
		if (!is_there)
			fail_msg("%s -> %s (%s) is drawn, but not so in the "
				 "table",
				 a->from, a->to, a->event);
	}
}

static void
test_pairs_are_unique(void **state)
{
	size_t len;
	const struct transition *rows = transition_table(&len);

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_ptr_equal(transition_find(rows[i].subject, rows[i].from,
						 rows[i].to),
				 &rows[i]);
	assert_null(
		transition_find(TRANSITION_WORKFLOW, "completed", "running"));
	assert_null(transition_find(TRANSITION_STEP, "created", "running"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_drawn),
		cmocka_unit_test(test_drawn_is_in_the_table),
		cmocka_unit_test(test_pairs_are_unique),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
