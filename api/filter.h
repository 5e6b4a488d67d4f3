/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - system call filters of the API's processes, as tables.
 */
#ifndef PC_API_FILTER_H
#define PC_API_FILTER_H

#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

/* (argument & mask) == value */
struct filter_compare {
	unsigned arg;
	uint64_t mask, value;
};

#define FILTER_COMPARE_MAX 3

/* Allowed if all comparisons hold; several rows are alternatives. */
struct filter_condition {
	int nr;
	size_t compare_len;
	struct filter_compare compare[FILTER_COMPARE_MAX];
};

/* int arguments are compared on 32 bits: the kernel looks at no more. */
#define FILTER_INT UINT64_C(0xffffffff)

/* The CLONE_NEW flags: a process that asks for one is refused. */
#define FILTER_NAMESPACES                                                      \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct filter {
	const char *name;
	const int *allowed; /* whatever the arguments */
	size_t allowed_len;
	const struct filter_condition *conditions;
	size_t conditions_len;
	/* Returns 0 if something that must be refused is; or NULL. */
	int (*check)(struct err *e);
};

/* The API process itself. */
extern const struct filter filter_api;

/*
 * no_new_privs must be set; threads and children started later inherit it.
 * What an intruder wants first kills, else what is not listed gets ENOSYS.
 */
int filter_install(const struct filter *filter, struct err *e);

#endif
