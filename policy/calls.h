/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - system calls as policies write them: names, constants, rules.
 *
 *   read                                      any arguments
 *   ioctl(*, {FIONREAD FIONBIO})              second one of these
 *   socketpair(AF_UNIX, &0xf={SOCK_STREAM})   second, masked with 0xf, ...
 *   clone(&CLONE_NEWNS|CLONE_NEWPID=0)        none of these flags
 *
 * Only the low 32 bits of an argument are ever compared.  Every argument that
 * a rule may test is an int or a set of low flags for the kernel, which drops
 * the rest: a 64-bit comparison would decide on bits that do not count.
 */
#ifndef PC_POLICY_CALLS_H
#define PC_POLICY_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

#define CALL_ARGS 6
#define CALL_VALUES_MAX 32
#define CALL_NR_MAX 1023 /* no number above is ever named */
#define CALL_NAME_MAX 32

struct call_test {
	uint32_t mask;
	uint32_t count; /* of values; 0: any argument passes */
	uint32_t values[CALL_VALUES_MAX];
};

struct call_rule {
	uint32_t nr;
	uint32_t errnum; /* 0: allow; else refuse with it, unrecorded */
	struct call_test tests[CALL_ARGS];
};

/* The number on this architecture, or -1. */
int call_number(const char *name);
/* The name, or "1000" if it has none. */
void call_name(uint32_t nr, char ret_name[CALL_NAME_MAX]);
bool call_is_named(uint32_t nr);
/* How many numbers have a name here. */
size_t call_count(void);
/*
 * For comparison: names in Docker's default profile, about 60 of which no call
 * of x86_64 has.
 */
#define CALL_DOCKER_DEFAULT 380

/* "AF_UNIX", "O_RDONLY|O_CREAT", "0x10", "-1" */
int call_value(const char *text, uint64_t *ret, struct err *e);

/* text is cut in place. */
int call_rule_parse(char *text, struct call_rule *ret, struct err *e);

bool call_rule_is_conditional(const struct call_rule *rule);
bool call_rule_matches(const struct call_rule *rule, uint32_t nr,
		       const uint64_t args[CALL_ARGS]);
/* "ioctl(*, {FIONREAD FIONBIO})"; -1 if it does not fit. */
int call_rule_format(const struct call_rule *rule, char *dst, size_t size);

/* A call of [Examples]: constants, or * for any. */
struct call_example {
	uint32_t nr;
	bool is_any[CALL_ARGS]; /* also of arguments not written */
	uint64_t args[CALL_ARGS];
};
int call_example_parse(char *text, struct call_example *ret, struct err *e);

/* constants.c: -1 if there is no such constant. */
int constant_find(const char *name, uint64_t *ret);
/*
 * Prefixes of the names that argument arg of a call is written with, NULL if
 * it is a number; before: a value of the argument before it.
 */
const char *constant_prefixes(const char *call, unsigned arg, uint32_t before);
/* NULL if no name with one of the prefixes has that value. */
const char *constant_name(const char *prefixes, uint32_t value);

#endif
