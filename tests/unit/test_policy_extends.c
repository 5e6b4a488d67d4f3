/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_extends.c - Extends= and Loosens=: a child may tighten without a
 * word, and loosen only what it names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "supervisor/base/str.h"
#include "tests/unit/policy_fixture.h"

#define CHILD "[Policy]\nDescription=child\nExtends=base\n"

static const struct {
	const char *text;
	const char *error; /* NULL: compiles */
} children[] = {
	{CHILD, NULL},
	/* tightening */
	{CHILD "[Limits]\nMemoryMax=128M\nTasksMax=8\n", NULL},
	{CHILD "[Limits]\nMemoryMax=256M\n", NULL},
	{CHILD "[SystemCalls]\nLandlockMinABI=3\nMemoryDenyWriteExecute=yes\n",
	 NULL},
	{CHILD "[SystemCalls]\nRestrictAddressFamilies=none\n", NULL},
	{CHILD "[SystemCalls]\nSystemCallAudit=getpid ptrace\n"
	       "[Examples]\nAudit=getpid()\n",
	 NULL},
	{CHILD "[Filesystem]\nTemporaryFileSystem=/work:size=512K,"
	       "nr_inodes=64,mode=0700,noexec\n",
	 NULL},
	/* loosening without a word */
	{CHILD "[Limits]\nMemoryMax=257M\n",
	 ":5: MemoryMax=: 257M is looser than what this policy extends: if "
	 "that is meant, name MemoryMax in Loosens= of [Policy]"},
	{CHILD "[Network]\nLoopback=yes\n", "name Loopback in Loosens="},
	{CHILD "[SystemCalls]\nSystemCallFilter=getppid\n",
	 "getppid is more than what this policy extends"},
	{CHILD "[SystemCalls]\nRestrictAddressFamilies=AF_UNIX\n",
	 "AF_UNIX is more than"},
	{CHILD "[Filesystem]\nBindReadOnlyPaths=/usr/lib\n",
	 "/usr/lib is more than"},
	{CHILD "[Filesystem]\nDeviceAllow=/dev/null\n", "/dev/null is more"},
	{CHILD "[Filesystem]\nSymlinks=usr/bin:/bin\n", "/bin is more than"},
	{CHILD "[Filesystem]\nTemporaryFileSystem=/tmp:size=1M,nr_inodes=1,"
	       "mode=1777\n",
	 "/tmp is more than"},
	{CHILD "[Filesystem]\nTemporaryFileSystem=/work:size=2M,nr_inodes=1,"
	       "mode=0700\n",
	 "/work is looser than"},
	{CHILD "[Filesystem]\nTemporaryFileSystem=/work:size=1M,nr_inodes=1,"
	       "mode=0755\n",
	 "/work is looser than"},
	{CHILD "[Environment]\nB=c\n", "B is other or more than"},
	{CHILD "[Environment]\nA=c\n", "A is other or more than"},
	/* with a word */
	{CHILD "Loosens=MemoryMax\n[Limits]\nMemoryMax=1G\n", NULL},
	{CHILD "Loosens=SystemCallFilter\n[SystemCalls]\n"
	       "SystemCallFilter=getppid\n",
	 NULL},
	{CHILD "Loosens=Environment\n[Environment]\nA=c\nB=d\n", NULL},
	{CHILD "Loosens=RestrictAddressFamilies\nLoosens=Loopback\n"
	       "[Network]\nLoopback=yes\n[SystemCalls]\n"
	       "RestrictAddressFamilies=AF_INET\n",
	 NULL},
	/* words without a deed, and nonsense */
	{CHILD "Loosens=MemoryMax\n",
	 ":4: Loosens=: names MemoryMax, but nothing in this file"},
	{CHILD "Loosens=MemoryMax\n[Limits]\nMemoryMax=128M\n",
	 "names MemoryMax, but nothing"},
	{CHILD "Loosens=Memory\n", ":4: Loosens=: \"Memory\" is no directive"},
	{CHILD "Loosens=MemoryMax MemoryMax\n", "MemoryMax is named twice"},
	{CHILD "Extends=base\n", ":4: Extends=: given twice, first at line 3"},
	{"[Policy]\nDescription=x\nExtends=none\n",
	 ":3: Extends=: none has the errors above"},
	{"[Policy]\nDescription=x\nExtends=../base\n",
	 ":3: Extends=: \"../base\" is not the name of a policy"},
	{"[Policy]\nDescription=x\nExtends=child\n",
	 ":3: Extends=: child extends itself"},
	{"[Policy]\nDescription=x\nExtends=loop\n", "child extends itself"},
	{CHILD "[SystemCalls]\nRestrictAddressFamilies=AF_UNIX none\n",
	 "or none alone"},
};

static void
children_tighten_or_name_what_they_loosen(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "base.policy",
		      FIXTURE_POLICY "SystemCallFilter=getpid\n"
				     "[Environment]\nA=b\n"
				     "[Examples]\nAllow=getpid()\n");
	fixture_write(f, "loop.policy",
		      "[Policy]\nDescription=x\nExtends=child\n");
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int rc;

		fixture_write(f, "child.policy", children[i].text);
		rc = fixture_compile(f, "child.policy");
		if (children[i].error == NULL
			    ? rc != 0
			    : rc == 0 || strstr(f->errors, children[i].error) ==
						 NULL)
			fail_msg("%s gives \"%s\" instead of \"%s\"",
				 children[i].text,
				 f->errors != NULL ? f->errors : "",
				 children[i].error != NULL ? children[i].error
							   : "nothing");
	}
}

static void
a_child_inherits_and_overrides(void **state)
{
	struct fixture *f = *state;
	const struct policy *p;

	fixture_write(f, "base.policy", FIXTURE_POLICY "[Environment]\nA=b\n");
	fixture_write(f, "child.policy",
		      CHILD "Loosens=SystemCallFilter Environment\n"
			    "[Limits]\nMemoryMax=64M\n"
			    "[SystemCalls]\nSystemCallFilter=getpid\n"
			    "[Environment]\nA=c\n");
	assert_int_equal(fixture_compile(f, "child.policy"), 0);
	p = &f->draft->out;
	assert_string_equal(p->name, "child");
	assert_string_equal(p->description, "child");
	assert_true(p->limits.memory_bytes == 64u << 20);
	assert_true(p->limits.wall_ms == 30000);
	assert_int_equal(p->syscalls_allowed, 16);
	assert_int_equal(p->env_len, 1);
	assert_string_equal(p->env[0], "A=c");
	assert_int_equal(p->mounts_len, 1);
}

static void
errors_of_the_parent_are_shown_with_its_name(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "base.policy", FIXTURE_POLICY "What=1\n");
	fixture_write(f, "child.policy", CHILD);
	assert_int_equal(fixture_compile(f, "child.policy"), -1);
	assert_non_null(
		strstr(f->errors, "/base.policy:24: unknown directive"));
	assert_non_null(strstr(f->errors, "/child.policy:3: Extends=: base"));
}

static void
depth_is_bounded(void **state)
{
	struct fixture *f = *state;
	char name[32], text[128];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "p%d.policy", i);
		snprintf(text, sizeof(text),
			 "[Policy]\nDescription=x\nExtends=p%d\n", i + 1);
		fixture_write(f, name, text);
	}
	assert_int_equal(fixture_compile(f, "p0.policy"), -1);
	assert_non_null(strstr(f->errors, "more than 4 files deep"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			children_tighten_or_name_what_they_loosen,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_child_inherits_and_overrides,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			errors_of_the_parent_are_shown_with_its_name,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(depth_is_bounded, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("policy_extends", tests, NULL, NULL);
}
