/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transition.h - every way in which the status of a workflow or of one of its
 * steps can change, as one table.  state.c changes a status through it and in
 * no other way; docs/ARCHITECTURE.md shows the same table as a diagram, and a
 * unit test compares the two.
 */
#ifndef PC_API_WORKFLOW_TRANSITION_H
#define PC_API_WORKFLOW_TRANSITION_H

#include <stdbool.h>
#include <stddef.h>

enum transition_subject {
	TRANSITION_WORKFLOW,
	TRANSITION_STEP,
	TRANSITION_SUBJECT_COUNT
};

struct transition {
	enum transition_subject subject;
	const char *from;  /* "": it did not exist */
	const char *event; /* its name in the workflow's history */
	const char *to;
	const char *why;
};

/* The whole table; *ret_len rows. */
const struct transition *transition_table(size_t *ret_len);

/*
 * The row that leads from one status to another; NULL if there is none, which
 * is a bug of the caller: it is logged, and the caller must change nothing.
 */
const struct transition *transition_find(enum transition_subject subject,
					 const char *from, const char *to);

/* Tests: a transition that is not in the table ends the process. */
void transition_set_fatal(bool is_fatal);

#endif
