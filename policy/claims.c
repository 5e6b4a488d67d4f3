/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.c - what must hold for the filter of every policy, whatever its text
 * says, each checked for all calls there are.
 *
 * Most claims are rows: a set of calls, and the answers that it may get.  A
 * path that overlaps the set and ends in another answer is a hole; a call of
 * the overlap is the counter-example.
 */
#include <linux/audit.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "policy/draft.h"
#include "policy/prove.h"
#include "supervisor/base/str.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define CLONE_NEW                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define X32_BIT 0x40000000u

#define MAY(answer) (1u << (answer))
#define REFUSED                                                                \
	(MAY(ANSWER_ERRNO) | MAY(ANSWER_ENOSYS) | MAY(ANSWER_AUDIT) |          \
	 MAY(ANSWER_KILL))
#define UNRECORDED (MAY(ANSWER_ERRNO) | MAY(ANSWER_ENOSYS) | MAY(ANSWER_KILL))

#define IS(w, m, low, high)                                                    \
	{                                                                      \
		(m), (low), (high), (w), false                                 \
	}
#define NOT(w, m, low, high)                                                   \
	{                                                                      \
		(m), (low), (high), (w), true                                  \
	}
#define ALL UINT32_MAX
#define NATIVE IS(WORD_ARCH, ALL, AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64)
#define ARG(n, m, low, high) IS(WORD_LOW(n), m, low, high)
#define ARG_NOT(n, m, low, high) NOT(WORD_LOW(n), m, low, high)

static bool
denies_write_exec(const struct policy *p)
{
	return p->denies_write_exec != 0;
}

#define ROW_TESTS 4
static const struct row {
	const char *text;
	const char *call;			      /* or NULL: any */
	bool (*applies)(const struct policy *policy); /* or NULL: always */
	unsigned may;				      /* MAY() | ... */
	struct word_test tests[ROW_TESTS];	      /* unused: mask 0 */
} rows[] = {
	{"other architectures are killed",
	 NULL,
	 NULL,
	 MAY(ANSWER_KILL),
	 {NOT(WORD_ARCH, ALL, AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64)}},
	{"x32 calls are killed",
	 NULL,
	 NULL,
	 MAY(ANSWER_KILL),
	 {NATIVE, IS(WORD_NR, ALL, X32_BIT, UINT32_MAX - 1)}},
	{"number -1 is refused",
	 NULL,
	 NULL,
	 UNRECORDED,
	 {NATIVE, IS(WORD_NR, ALL, UINT32_MAX, UINT32_MAX)}},
	{"numbers above 1023 are refused",
	 NULL,
	 NULL,
	 UNRECORDED,
	 {NATIVE, IS(WORD_NR, ALL, CALL_NR_MAX + 1, X32_BIT - 1)}},
	{"clone makes no namespace",
	 "clone",
	 NULL,
	 REFUSED,
	 {ARG_NOT(0, CLONE_NEW | CLONE_NEWTIME, 0, 0)}},
	{"sockets are AF_UNIX, AF_INET or AF_INET6",
	 "socket",
	 NULL,
	 REFUSED,
	 {ARG_NOT(0, ALL, AF_UNIX, AF_INET),
	  ARG_NOT(0, ALL, AF_INET6, AF_INET6)}},
	{"sockets are not raw",
	 "socket",
	 NULL,
	 REFUSED,
	 {ARG_NOT(1, 0xf, SOCK_STREAM, SOCK_DGRAM),
	  ARG_NOT(1, 0xf, SOCK_SEQPACKET, SOCK_SEQPACKET)}},
	{"socket pairs are AF_UNIX",
	 "socketpair",
	 NULL,
	 REFUSED,
	 {ARG_NOT(0, ALL, AF_UNIX, AF_UNIX)}},
	{"no program is attached to a socket",
	 "setsockopt",
	 NULL,
	 REFUSED,
	 {ARG(1, ALL, SOL_SOCKET, SOL_SOCKET),
	  ARG(2, ALL, SO_ATTACH_FILTER, SO_ATTACH_FILTER)}},
	{"no BPF is attached to a socket",
	 "setsockopt",
	 NULL,
	 REFUSED,
	 {ARG(1, ALL, SOL_SOCKET, SOL_SOCKET),
	  ARG(2, ALL, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF)}},
	{"nothing is typed into a terminal (TIOCSTI)",
	 "ioctl",
	 NULL,
	 REFUSED,
	 {ARG(1, ALL, 0x5412, 0x5412)}},
	{"nothing is pasted into a console (TIOCLINUX)",
	 "ioctl",
	 NULL,
	 REFUSED,
	 {ARG(1, ALL, 0x541c, 0x541c)}},
	{"prctl installs no filter",
	 "prctl",
	 NULL,
	 REFUSED,
	 {ARG(0, ALL, PR_SET_SECCOMP, PR_SET_SECCOMP)}},
	{"prctl does not lay out memory (PR_SET_MM)",
	 "prctl",
	 NULL,
	 REFUSED,
	 {ARG(0, ALL, PR_SET_MM, PR_SET_MM)}},
	{"prctl names no tracer",
	 "prctl",
	 NULL,
	 REFUSED,
	 {ARG(0, ALL, PR_SET_PTRACER, PR_SET_PTRACER)}},
	{"mknod makes no character device",
	 "mknod",
	 NULL,
	 REFUSED,
	 {ARG(1, S_IFMT, S_IFCHR, S_IFCHR)}},
	{"mknod makes no block device",
	 "mknod",
	 NULL,
	 REFUSED,
	 {ARG(1, S_IFMT, S_IFBLK, S_IFBLK)}},
	{"mknodat makes no character device",
	 "mknodat",
	 NULL,
	 REFUSED,
	 {ARG(2, S_IFMT, S_IFCHR, S_IFCHR)}},
	{"mknodat makes no block device",
	 "mknodat",
	 NULL,
	 REFUSED,
	 {ARG(2, S_IFMT, S_IFBLK, S_IFBLK)}},
	{"no memory is mapped writable and executable",
	 "mmap",
	 denies_write_exec,
	 REFUSED,
	 {ARG(2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC,
	      PROT_WRITE | PROT_EXEC)}},
	{"no memory becomes executable",
	 "mprotect",
	 denies_write_exec,
	 REFUSED,
	 {ARG(2, PROT_EXEC, PROT_EXEC, PROT_EXEC)}},
	{"no memory becomes executable by key",
	 "pkey_mprotect",
	 denies_write_exec,
	 REFUSED,
	 {ARG(2, PROT_EXEC, PROT_EXEC, PROT_EXEC)}},
};

struct check {
	const struct policy *policy;
	const struct proof *proof;
	const struct answer_list *list;
	claim_fn *tell; /* or NULL */
	void *user;
	unsigned failed;
};

static void
report_ok(const struct check *c, const char *text)
{
	if (c->tell != NULL)
		c->tell(c->user, text, NULL);
}

static void
print_example(FILE *out, const struct word_tests *tests, uint32_t action)
{
	call_print(tests, out);
	fprintf(out, " is %s\n", answer_text(action));
}

/* other: NULL, or a call that should get the same answer and does not. */
static void
report_hole(struct check *c, const char *text, const struct word_tests *tests,
	    uint32_t action, const struct word_tests *other,
	    uint32_t other_action)
{
	char *examples = NULL;
	size_t len = 0;
	FILE *out;

	c->failed++;
	if (c->tell == NULL)
		return;
	out = open_memstream(&examples, &len);
	if (out == NULL)
		abort();
	print_example(out, tests, action);
	if (other != NULL)
		print_example(out, other, other_action);
	if (fclose(out) != 0)
		abort();
	c->tell(c->user, text, examples);
	free(examples);
}

/* ---- rows ------------------------------------------------------------ */

/* False, and a report, if a call of the set gets an answer it may not get. */
static bool
check_set(struct check *c, const char *text, unsigned may,
	  const struct word_test *set, size_t set_len)
{
	static struct word_tests tests;
	uint32_t words[WORD_COUNT];

	for (size_t i = 0; i < c->proof->len; i++) {
		const struct path *p = &c->proof->paths[i];

		if ((MAY(answer_of(p->action)) & may) != 0)
			continue;
		tests.len = 0;
		path_add_tests(p, -1, &tests);
		for (size_t k = 0; k < set_len; k++)
			if (set[k].mask != 0)
				word_tests_add(&tests, set[k]);
		if (!word_solve_all(&tests, words))
			continue;
		report_hole(c, text, &tests, p->action, NULL, 0);
		return false;
	}
	return true;
}

static bool
check_call(struct check *c, const char *text, unsigned may, uint32_t nr,
	   const struct word_test *extra)
{
	struct word_test set[2 + ROW_TESTS] = {
		NATIVE,
		IS(WORD_NR, ALL, nr, nr),
	};

	if (extra != NULL)
		memcpy(set + 2, extra, ROW_TESTS * sizeof(*extra));
	return check_set(c, text, may, set, ARRAY_LEN(set));
}

static void
check_rows(struct check *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		bool is_ok;

		if (r->applies != NULL && !r->applies(c->policy))
			continue;
		if (r->call != NULL)
			is_ok = check_call(c, r->text, r->may,
					   (uint32_t)call_number(r->call),
					   r->tests);
		else
			is_ok = check_set(c, r->text, r->may, r->tests,
					  ROW_TESTS);
		if (is_ok)
			report_ok(c, r->text);
	}
}

/* ---- calls that no policy may allow; numbers without a name ---------- */

static void
check_never(struct check *c)
{
	char text[64];
	size_t n = 0;
	unsigned before = c->failed;

	for (const char *name; (name = verify_never_allowed(n)) != NULL; n++) {
		(void)str_printf(text, sizeof(text), "%s is never allowed",
				 name);
		check_call(c, text, REFUSED, (uint32_t)call_number(name), NULL);
	}
	(void)str_printf(text, sizeof(text),
			 "%zu calls that open a jail are never allowed", n);
	if (c->failed == before)
		report_ok(c, text);
}

static void
check_unnamed(struct check *c)
{
	static const char text[] = "numbers that no call has are refused";
	char name[CALL_NAME_MAX];
	bool is_ok = true;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		call_name(nr, name);
		if (name[0] < '0' || name[0] > '9')
			continue;
		if (answer_list_find(c->list, nr)->count[ANSWER_ALLOW] > 0)
			is_ok &= check_call(c, text, UNRECORDED, nr, NULL);
	}
	if (is_ok)
		report_ok(c, text);
}

/* ---- what is recorded ------------------------------------------------ */

static bool
is_audited(const struct policy *policy, uint32_t nr)
{
	for (uint32_t i = 0; i < policy->audit_len; i++)
		if (policy->audit[i].nr == nr)
			return true;
	return false;
}

/*
 * The listener is for the audit class: nothing else may wait for it, and what
 * is in the class may be refused by a rule, but not as an unknown call is.
 */
static void
check_recorded(struct check *c)
{
	static const char outside[] = "only the audit class is recorded";
	static const char silent[] = "no call of the audit class is refused as "
				     "an unknown one";
	const unsigned any = ~0u;
	bool is_ok[2] = {true, true};

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		bool is_in = is_audited(c->policy, nr);
		enum answer bad = is_in ? ANSWER_ENOSYS : ANSWER_AUDIT;

		if (answer_list_find(c->list, nr)->count[bad] > 0)
			is_ok[is_in] &= check_call(c, is_in ? silent : outside,
						   any & ~MAY(bad), nr, NULL);
	}
	if (is_ok[0])
		report_ok(c, outside);
	if (is_ok[1])
		report_ok(c, silent);
}

/* ---- calls that do the same ------------------------------------------ */

static bool
may_allow(const struct check *c, const char *name)
{
	const struct answers *a =
		answer_list_find(c->list, (uint32_t)call_number(name));

	return a->count[ANSWER_ALLOW] > 0;
}

static void
check_siblings(struct check *c)
{
	const char *const *row;
	unsigned before = c->failed;
	char text[128];

	for (size_t i = 0; (row = verify_siblings(i)) != NULL; i++) {
		const char *allowed = NULL, *refused = NULL;

		for (size_t k = 0; k < SIBLINGS_MAX && row[k] != NULL; k++)
			*(may_allow(c, row[k]) ? &allowed : &refused) = row[k];
		if (allowed == NULL || refused == NULL)
			continue;
		(void)str_printf(text, sizeof(text),
				 "%s is refused, and so is what does the same",
				 refused);
		check_call(c, text, REFUSED, (uint32_t)call_number(allowed),
			   NULL);
	}
	if (c->failed == before)
		report_ok(c, "calls that do the same are allowed all or none");
}

/* ---- bits that the kernel drops -------------------------------------- */

static bool
tests_word(const struct path *path, unsigned word)
{
	for (uint32_t i = 0; i < path->len; i++)
		if (path->tests[i].word == word)
			return true;
	return false;
}

/* Can a call on path get another answer by a change of this word only? */
static bool
word_decides(struct check *c, const struct answers *range,
	     const struct path *path, unsigned word)
{
	static struct word_tests both, one;
	static const struct word_test native = NATIVE;
	uint32_t words[WORD_COUNT];

	for (size_t i = 0; i < range->len; i++) {
		const struct path *other = range->paths[i];

		if (other->action == path->action || !tests_word(other, word))
			continue;
		both.len = 0;
		word_tests_add(&both, native);
		path_add_tests(path, (int)word, &both);
		path_add_tests(other, (int)word, &both);
		if (!word_solve_all(&both, words))
			continue;
		one = both;
		for (uint32_t k = 0; k < path->len; k++)
			if (path->tests[k].word == word)
				word_tests_add(&one, path->tests[k]);
		for (uint32_t k = 0; k < other->len; k++)
			if (other->tests[k].word == word)
				word_tests_add(&both, other->tests[k]);
		report_hole(c, "no answer depends on bits that do not count",
			    &one, path->action, &both, other->action);
		return true;
	}
	return false;
}

/* One report a call is enough. */
static bool
range_has_bad_word(struct check *c, const struct answers *range)
{
	for (size_t i = 0; i < range->len; i++)
		for (unsigned w = WORD_POINTER; w < WORD_COUNT; w++) {
			if (w >= WORD_ARGS && (w - WORD_ARGS) % 2 == 0)
				continue;
			if (tests_word(range->paths[i], w) &&
			    word_decides(c, range, range->paths[i], w))
				return true;
		}
	return false;
}

static void
check_words(struct check *c)
{
	bool is_ok = true;

	for (size_t i = 0; i < c->list->len; i++)
		if (range_has_bad_word(c, &c->list->ranges[i]))
			is_ok = false;
	if (is_ok)
		report_ok(c, "no answer depends on the upper half of an "
			     "argument, nor on the caller's address");
}

unsigned
claims_check(const struct policy *policy, const struct proof *proof,
	     const struct answer_list *list, claim_fn *tell, void *user)
{
	struct check c = {policy, proof, list, tell, user, 0};
	static const struct word_test none = {0};

	check_rows(&c);
	check_never(&c);
	check_unnamed(&c);
	check_recorded(&c);
	check_siblings(&c);
	check_words(&c);
	if (check_set(&c, "every answer is one that policies give",
		      ~MAY(ANSWER_OTHER), &none, 1))
		report_ok(&c, "every answer is one that policies give");
	return c.failed;
}
