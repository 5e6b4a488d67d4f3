/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_check.c - policy_check() and runtime_check() on damaged structs,
 * and runtime.ini.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "supervisor/base/str.h"
#include "tests/unit/policy_fixture.h"

#define DAMAGE(name, statement)                                                \
	static void damage_##name(struct policy *p)                            \
	{                                                                      \
		statement;                                                     \
	}
DAMAGE(magic, p->magic ^= 1)
DAMAGE(size, p->size--)
DAMAGE(name_empty, p->name[0] = '\0')
DAMAGE(name_slash, p->name[0] = '/')
DAMAGE(name_end, memset(p->name, 'x', sizeof(p->name)))
DAMAGE(description, memset(p->description, 'x', sizeof(p->description)))
DAMAGE(wall, p->limits.wall_ms = 0)
DAMAGE(memory, p->limits.memory_bytes = 0)
DAMAGE(pids, p->limits.pids = 0)
DAMAGE(limit_zero, p->limits.zero = 1)
DAMAGE(loopback, p->has_loopback = 2)
DAMAGE(mounts, p->mounts_len = POLICY_MOUNTS_MAX + 1)
DAMAGE(mount_relative, p->mounts[0].source[0] = 'x')
DAMAGE(mount_dots, str_copy(p->mounts[0].target, 16, "/usr/../x"))
DAMAGE(mount_slash, str_copy(p->mounts[0].target, 16, "/usr/"))
DAMAGE(mount_end, memset(p->mounts[0].target, '/', POLICY_PATH_MAX))
DAMAGE(mount_flags, p->mounts[0].flags = 1u << 9)
DAMAGE(tmpfs, p->tmpfs_len = POLICY_TMPFS_MAX + 1)
DAMAGE(tmpfs_bytes, p->tmpfs[0].bytes = 0)
DAMAGE(tmpfs_mode, p->tmpfs[0].mode = 010000)
DAMAGE(symlinks, p->symlinks_len = POLICY_SYMLINKS_MAX + 1)
DAMAGE(symlink_dots, str_copy(p->symlinks[0].target, 16, "../bin"))
DAMAGE(env, p->env_len = POLICY_ENV_MAX + 1)
DAMAGE(env_equals, p->env[0][1] = 'x')
DAMAGE(env_end, memset(p->env[0], 'x', POLICY_ENV_SIZE))
DAMAGE(audit, p->audit_len = POLICY_AUDIT_MAX + 1)
DAMAGE(audit_errno, p->audit[0].errnum = 0)
DAMAGE(audit_name, memset(p->audit[0].name, 'x', 32))
DAMAGE(bpf_none, p->bpf_len = 0)
DAMAGE(bpf_long, p->bpf_len = POLICY_BPF_MAX + 1)
DAMAGE(bpf_end, p->bpf_len--; p->bpf[p->bpf_len - 1].code = BPF_LD)
DAMAGE(bpf_jump, p->bpf[1].jt = 255)
DAMAGE(bpf_far,
       p->bpf[1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX))
DAMAGE(bpf_load, p->bpf[0].k = 64)
DAMAGE(bpf_code, p->bpf[0].code = BPF_LD | BPF_W | BPF_IND)

static void (*const damages[])(struct policy *) = {
	damage_magic,	       damage_size,	   damage_name_empty,
	damage_name_slash,     damage_name_end,	   damage_description,
	damage_wall,	       damage_memory,	   damage_pids,
	damage_limit_zero,     damage_loopback,	   damage_mounts,
	damage_mount_relative, damage_mount_dots,  damage_mount_slash,
	damage_mount_end,      damage_mount_flags, damage_tmpfs,
	damage_tmpfs_bytes,    damage_tmpfs_mode,  damage_symlinks,
	damage_symlink_dots,   damage_env,	   damage_env_equals,
	damage_env_end,	       damage_audit,	   damage_audit_errno,
	damage_audit_name,     damage_bpf_none,	   damage_bpf_long,
	damage_bpf_end,	       damage_bpf_jump,	   damage_bpf_far,
	damage_bpf_load,       damage_bpf_code,
};

static void
damaged_policies_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct policy *p;

	fixture_write(f, "a.policy",
		      FIXTURE_POLICY "SystemCallAudit=ptrace\n"
				     "[Environment]\nA=b\n");
	fixture_write(f, "b.policy",
		      "[Policy]\nDescription=x\nExtends=a\nLoosens=Symlinks\n"
		      "[Filesystem]\nSymlinks=usr/bin:/bin\n");
	assert_int_equal(fixture_compile(f, "b.policy"), 0);
	assert_int_equal(policy_check(&f->draft->out, &e), 0);
	p = malloc(sizeof(*p));
	assert_non_null(p);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		*p = f->draft->out;
		damages[i](p);
		if (policy_check(p, &e) != -1)
			fail_msg("damage %zu passes", i);
		assert_true(e.text[0] != '\0');
	}
	free(p);
}

#define GOOD_RUNTIME                                                           \
	"[Runtime]\nName=good\nDescription=a runtime\nAliases=g  gd\n"         \
	"Code=solution.x\nTests=test_solution.x\n"                             \
	"Exec=/bin/sh /opt/runtime/harness.sh -x\n"                            \
	"Environment=A=b\nEnvironment=C=d e\nRequires=/bin/sh\n"               \
	"RequiresHint=dash\n"

static int
compile_runtime(struct fixture *f, const char *text, struct runtime *ret)
{
	struct diag diag = {0};
	char dir[160];
	int rc;

	fixture_reset(f);
	/* A slash at the end is no part of the name. */
	snprintf(dir, sizeof(dir), "%s/good/", f->dir);
	mkdir(dir, 0700);
	fixture_write(f, "good/harness.sh", "true\n");
	fixture_write(f, "good/runtime.ini", text);
	diag.out = open_memstream(&f->errors, &f->errors_len);
	if (diag.out == NULL)
		abort();
	rc = runtime_compile(dir, ret, &diag);
	fclose(diag.out);
	return rc;
}

static void
a_runtime_is_read(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct runtime r;

	assert_int_equal(compile_runtime(f, GOOD_RUNTIME, &r), 0);
	assert_string_equal(r.name, "good");
	assert_string_equal(r.aliases, "g gd");
	assert_string_equal(r.code_path, "solution.x");
	assert_int_equal(r.argv_len, 3);
	assert_string_equal(r.argv[1], "/opt/runtime/harness.sh");
	assert_int_equal(r.env_len, 2);
	assert_string_equal(r.env[1], "C=d e");
	assert_int_equal(r.requires_len, 1);
	assert_int_equal(runtime_check(&r, &e), 0);
	assert_string_equal(r.policy, "");
	memset(r.policy, 'x', sizeof(r.policy));
	assert_int_equal(runtime_check(&r, &e), -1);
	memset(r.policy, 0, sizeof(r.policy));
	r.argv_len = RUNTIME_ARGV_MAX + 1;
	assert_int_equal(runtime_check(&r, &e), -1);
	r.argv_len = 3;
	r.requires_len = 9;
	assert_int_equal(runtime_check(&r, &e), -1);
	r.requires_len = 1;
	str_copy(r.code_path, sizeof(r.code_path), "../x");
	assert_int_equal(runtime_check(&r, &e), -1);
}

/* A tool that the host need not have, of a policy of its own, without tests. */
static void
an_analyzer_is_read(void **state)
{
	struct fixture *f = *state;
	struct runtime r;

	assert_int_equal(compile_runtime(f,
					 "[Runtime]\nName=good\n"
					 "Description=a tool\nPolicy=own\n"
					 "Code=source.x\nExec=/bin/sh\n"
					 "Requires=-/nonexistent/x /bin/sh\n",
					 &r),
			 0);
	assert_string_equal(r.policy, "own");
	assert_string_equal(r.tests_path, "tests");
	assert_int_equal(r.requires_len, 2);
	assert_string_equal(r.requires_path[0], "/nonexistent/x");
}

static const struct {
	const char *line, *instead, *error;
} runtimes[] = {
	{"Name=good", "Name=other",
	 ":2: Name=: \"other\" must equal the folder's name, good"},
	{"Name=good\n", "", "Name= is missing in [Runtime]"},
	{"Exec=/bin/sh /opt/runtime/harness.sh -x\n", "", "Exec= is missing"},
	{"Exec=/bin/sh", "Exec=sh", ":7: Exec=: path \"sh\" is not absolute"},
	{"harness.sh", "none.sh", "there is no file none.sh in"},
	{"Exec=/bin/sh", "Exec=/opt/runtime/none", "no program none in"},
	{"Code=solution.x", "Code=/solution.x", "must be relative"},
	{"Tests=test", "Tests=../test", "is not normalised"},
	{"Environment=C=d e", "Environment=C", "is not NAME=value"},
	{"Environment=C=d e", "Environment=A=c", "A=b is given already"},
	{"Requires=/bin/sh", "Requires=/nonexistent/x",
	 ":10: Requires=: runtime good needs /nonexistent/x, which this host "
	 "lacks: install dash"},
	{"Requires=/bin/sh", "Requires=-/bin/sh /nonexistent/x",
	 ":10: Requires=: runtime good needs /nonexistent/x"},
	{"Aliases=g  gd", "Policy=no/name",
	 ":4: Policy=: \"no/name\" is not a"},
	{"Aliases=g", "Aliases=g/", "\"g/\" is not a name"},
	{"Aliases=g", "What=1", ":4: unknown directive What= in [Runtime]"},
	{"Aliases=g", "Name=good", ":4: Name=: given twice, first at line 2"},
};

static void
runtime_errors_name_file_line_and_cause(void **state)
{
	struct fixture *f = *state;
	struct runtime r;

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		const char *at = strstr(GOOD_RUNTIME, runtimes[i].line);
		char text[1024];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s",
			 (int)(at - GOOD_RUNTIME), GOOD_RUNTIME,
			 runtimes[i].instead, at + strlen(runtimes[i].line));
		if (compile_runtime(f, text, &r) != -1 ||
		    strstr(f->errors, runtimes[i].error) == NULL)
			fail_msg("%s gives \"%s\" instead of \"%s\"",
				 runtimes[i].instead, f->errors,
				 runtimes[i].error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(damaged_policies_are_refused,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_runtime_is_read, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			an_analyzer_is_read, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			runtime_errors_name_file_line_and_cause, fixture_setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests_name("policy_check", tests, NULL, NULL);
}
