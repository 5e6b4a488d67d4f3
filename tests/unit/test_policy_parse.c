/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_parse.c - policy text: what is read, and what is refused with
 * file, line and a text that says what would be right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/values.h"
#include "supervisor/base/str.h"
#include "tests/unit/policy_fixture.h"

static void
sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},	    {"4096", 4096},
		{"64K", 65536},	    {"256M", 268435456},
		{"1G", 1073741824},
	};
	static const char *const bad[] = {
		"",
		"K",
		"1k",
		"1KB",
		"1 M",
		"-1",
		"+1",
		"1.5M",
		"0x10M",
		"infinity",
		"1T",
		"99999999999999999999",
		"9223372036854775807K",
	};
	struct err e = ERR_INIT;
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(value_size(good[i].text, &n, &e), 0);
		assert_true(n == good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(value_size(bad[i], &n, &e), -1);
		assert_non_null(strstr(e.text, "256M"));
	}
}

static void
times_and_shares(void **state)
{
	struct err e = ERR_INIT;
	uint64_t n;

	(void)state;
	assert_int_equal(value_time("500ms", &n, &e), 0);
	assert_true(n == 500);
	assert_int_equal(value_time("30", &n, &e), 0);
	assert_true(n == 30000);
	assert_int_equal(value_time("30s", &n, &e), 0);
	assert_true(n == 30000);
	assert_int_equal(value_time("5min", &n, &e), 0);
	assert_true(n == 300000);
	assert_int_equal(value_time("1h", &n, &e), 0);
	assert_true(n == 3600000);
	assert_int_equal(value_time("5m", &n, &e), -1);
	assert_int_equal(value_time("1min 30s", &n, &e), -1);
	assert_int_equal(value_percent("150%", &n, &e), 0);
	assert_true(n == 150);
	assert_int_equal(value_percent("150", &n, &e), -1);
	assert_int_equal(value_bool("yes", &n, &e), 0);
	assert_int_equal(value_bool("Yes", &n, &e), -1);
	assert_int_equal(value_bool("1", &n, &e), -1);
}

static void
paths(void **state)
{
	static const char *const bad[] = {
		"usr",	     "/",	   "/usr/",	  "//usr",
		"/usr//bin", "/usr/./bin", "/usr/../bin", "/..",
		"/.",	     "/us r",	   "/us\x7fr",	  "/\xc3\xa9",
	};
	struct err e = ERR_INIT;
	char dst[16];

	(void)state;
	assert_int_equal(value_path("/usr/.hid..den", dst, sizeof(dst), &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(value_path(bad[i], dst, sizeof(dst), &e), -1);
	assert_int_equal(value_path("/123456789012345", dst, sizeof(dst), &e),
			 -1);
	assert_non_null(strstr(e.text, "longer than 15"));
	assert_int_equal(value_path_relative("a/b", dst, sizeof(dst), &e), 0);
	assert_int_equal(value_path_relative("/a", dst, sizeof(dst), &e), -1);
	assert_int_equal(value_path_relative("a/..", dst, sizeof(dst), &e), -1);
}

static void
a_policy_is_read(void **state)
{
	struct fixture *f = *state;
	const struct policy *p;

	fixture_write(f, "a.policy",
		      "# comment\n; comment\n\n[Policy]\nDescription = a test "
		      "\n" FIXTURE_LIMITS FIXTURE_REST
		      "SystemCallFilter=getpid getppid\n"
		      "SystemCallFilter=ioctl(*, {FIONREAD FIONBIO})\n"
		      "SystemCallAudit=ptrace\n"
		      "[Environment]\nPATH=/usr/bin:/bin\nA=b=c\n");
	assert_int_equal(fixture_compile(f, "a.policy"), 0);
	p = &f->draft->out;
	assert_string_equal(p->name, "a");
	assert_string_equal(p->description, "a test");
	assert_true(p->limits.wall_ms == 30000);
	assert_true(p->limits.memory_bytes == 256u << 20);
	assert_int_equal(p->limits.pids, 64);
	assert_int_equal(p->limits.cpu_percent, 100);
	assert_int_equal(p->env_len, 2);
	assert_string_equal(p->env[0], "PATH=/usr/bin:/bin");
	assert_string_equal(p->env[1], "A=b=c");
	assert_string_equal(p->mounts[0].target, "/usr/bin");
	assert_int_equal(p->tmpfs[0].mode, 0700);
	assert_int_equal(p->syscalls_allowed, 15 + 3);
	assert_int_equal(p->audit_len, 2); /* ptrace, and always socket */
}

/* Text behind a good policy, and the error that it must give. */
static const struct {
	const char *text;
	const char *error;
} refused[] = {
	/* ini */
	{"[Policy2]\n", ":24: unknown section [Policy2]"},
	{"[Limits]\n", ":24: section [Limits] comes twice, first at line 3"},
	{"[Limits] x\n", ":24: a section header is [Name] alone"},
	{"[Limits\n", ":24: a section header is"},
	{"nonsense\n", ":24: expected Name=value"},
	{"SystemCallFilter: getpid\n", ":24: expected Name=value"},
	{" getpid\n", ":24: a line must not begin with a blank"},
	{"SystemCallFilter=getpid \\\n", ":24: a line is not continued"},
	{"SystemCallFilter=\n", ":24: SystemCallFilter= has no value"},
	{"SystemCallFilter=get\x01pid\n", ":24: control character \\x01"},
	{"SystemCallFilter=getpid ; no comment\n",
	 ":24: SystemCallFilter=: unknown system call \";\""},
	{"Nice=1\n", ":24: unknown directive Nice= in [SystemCalls]"},
	{"MemoryMax=1G\n", ":24: MemoryMax=: belongs to [Limits]"},
	{"LandlockMinABI=2\n", ":24: LandlockMinABI=: given twice, first at"},
	{"[Examples]\nPermit=read\n", ":25: Permit=: an example is Allow="},
	/* system calls */
	{"SystemCallFilter=~ptrace\n", ":24: SystemCallFilter=: ~ (all but"},
	{"SystemCallFilter=nonsense\n",
	 ":24: SystemCallFilter=: unknown system call \"nonsense\""},
	{"SystemCallFilter=@nonsense\n",
	 ":24: SystemCallFilter=: unknown set @nonsense: there is no file"},
	{"SystemCallFilter=@../x\n", "is not the name of a set"},
	{"SystemCallFilter=@bad\n", "sets/bad:3: expected RULE # reason"},
	{"SystemCallFilter=@bad2\n", "sets/bad2:1: one rule a line"},
	{"SystemCallFilter=read\n",
	 ":24: SystemCallFilter=: read is allowed already"},
	{"SystemCallFilter=socket\n",
	 ":24: SystemCallFilter=: socket is allowed by RestrictAddress"},
	{"SystemCallFilter=ioctl(*\n", "lacks its )"},
	{"SystemCallFilter=ioctl(*, NOSUCH)\n",
	 "argument 2: \"NOSUCH\" is neither a number nor a known constant"},
	{"SystemCallFilter=ioctl(*, 0x100000001)\n", "more than 32 bits"},
	{"SystemCallFilter=ioctl(*, &1=2)\n", "outside of the mask"},
	{"SystemCallFilter=ioctl(*, {})\n", "{} is empty"},
	{"SystemCallFilter=ioctl(*, {1 1})\n", "\"1\" is listed twice"},
	{"SystemCallFilter=ioctl(*, *)\n", "tests nothing: write ioctl"},
	{"SystemCallFilter=ioctl(*,,1)\n", "argument 2 is empty"},
	{"SystemCallFilter=ioctl(1,2,3,4,5,6,7)\n", "more than 6 arguments"},
	{"SystemCallFilter=mount\n", "allows mount, which no policy may"},
	{"SystemCallFilter=clone3\n", "allows clone3, which no policy may"},
	{"SystemCallFilter=open\n", "allows open but not"},
	{"SystemCallFilter=fchmod chmod fchmodat\n",
	 "allows fchmodat but not fchmodat2"},
	{"SystemCallFilter=getpid\nSystemCallAudit=getpid\n",
	 "getpid is both allowed and audited"},
	{"SystemCallAudit=ioctl(*, 1)\n", "name the call alone"},
	{"SystemCallAudit=ptrace ptrace\n", "ptrace is audited already"},
	{"RestrictAddressFamilies=AF_NETLINK\n",
	 "a jail can have AF_UNIX, AF_INET and AF_INET6"},
	{"RestrictAddressFamilies=AF_INET\n", "Loopback=yes and AF_INET"},
	/* environment */
	{"[Environment]\nLD_PRELOAD=/x\n", ":25: LD_PRELOAD=: would run code"},
	{"[Environment]\nA B=x\n", "is not NAME=value"},
	{"[Environment]\nA=x\nA=y\n", ":26: A=: given twice"},
	/* examples */
	{"[Examples]\nAllow=getpid()\n",
	 ":25: Allow=: getpid() does not hold: the filter's answer is Deny"},
	{"[Examples]\nDeny=read(0)\n", ":25: Deny=: read(0) does not hold"},
	{"[Examples]\nAudit=getpid()\n", "the filter's answer is Deny"},
	{"[Examples]\nKill=read(0)\n", "the filter's answer is Allow"},
	{"[Examples]\nDeny=nonsense(0)\n", ":25: Deny=: unknown system call"},
};

static void
errors_name_file_line_and_cause(void **state)
{
	struct fixture *f = *state;
	char text[4096], where[160];

	fixture_write(f, "sets/bad", "# ok\ngetpid # ok\ngetppid\n");
	fixture_write(f, "sets/bad2", "getpid getppid # two\n");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_int_equal(str_printf(text, sizeof(text), "%s%s",
					    FIXTURE_POLICY, refused[i].text),
				 0);
		fixture_write(f, "a.policy", text);
		if (fixture_compile(f, "a.policy") != -1 || f->count == 0 ||
		    strstr(f->errors, refused[i].error) == NULL)
			fail_msg("%s gives \"%s\" instead of \"%s\"",
				 refused[i].text,
				 f->errors != NULL ? f->errors : "",
				 refused[i].error);
		str_printf(where, sizeof(where), "%s/", f->dir);
		assert_memory_equal(f->errors, where, strlen(where));
	}
}

/* One line of the good policy replaced. */
static const struct {
	const char *line, *instead, *error;
} changed[] = {
	{"MemoryMax=256M", "MemoryMax=256", "is not within 16777216.."},
	{"MemoryMax=256M", "MemoryMax=lots", ":5: MemoryMax=: \"lots\" is not"},
	{"MemoryMax=256M", "MemoryMax=1G\nMemoryMax=1G",
	 ":6: MemoryMax=: given"},
	{"MemoryMax=256M\n", "", "MemoryMax= is missing in [Limits]"},
	{"RuntimeMaxSec=30s", "RuntimeMaxSec=2h", "is not within 100..3600000"},
	{"TasksMax=64", "TasksMax=1", "is not within 4..32768"},
	{"CollectMax=4M", "CollectMax=17M", "is not within"},
	{"Description=test\n", "", "Description= is missing"},
	{"Description=test", "Description=test\nName=x",
	 ":3: unknown directive Name= in [Policy]"},
	{"Description=test", "Description=test\nLoosens=MemoryMax",
	 ":3: Loosens=: has no meaning without Extends="},
	{"PrivateNetwork=yes", "PrivateNetwork=no",
	 "PrivateNetwork=: \"no\": the only legal value is yes"},
	{"PrivateNetwork=yes\n", "", "PrivateNetwork= is missing"},
	{"RestrictAddressFamilies=none\n", "",
	 "RestrictAddressFamilies= is missing"},
	{"SystemCallFilter=@launch\n", "", "SystemCallFilter= is missing"},
	{"@launch", "getpid", "must allow read, with any arguments"},
	{"=/usr/bin", "=usr/bin", "path \"usr/bin\" is not absolute"},
	{"=/usr/bin", "=/usr/../bin", "is not normalised"},
	{"=/usr/bin", "=/usr", "/usr is never bound as a whole"},
	{"=/usr/bin", "=/etc", "/etc is never bound as a whole"},
	{"=/usr/bin", "=/home/x", "nothing of /home is ever bound"},
	{"=/usr/bin", "=/proc/sys", "nothing of /proc is ever bound"},
	{"=/usr/bin", "=/usr/bin:/proc/x", "/proc of the jail is made by"},
	{"=/usr/bin", "=/usr/bin:/opt/runtime", "is made by jail-init"},
	{"=/usr/bin", "=/usr/bin /usr/bin/x", "overlaps with /usr/bin"},
	{"=/usr/bin", "=/usr/bin:/x:exec", "unknown option \"exec\""},
	{"=/usr/bin", "=/usr/bin\nDeviceAllow=/dev/kvm", "a jail can have"},
	{"=/usr/bin", "=/usr/bin\nSymlinks=/bin", "write what:where"},
	{"=/usr/bin", "=/usr/bin\nSymlinks=../x:/y", "is not normalised"},
	{"size=1M", "size=1X", "\"1X\" is not a size"},
	{"size=1M,", "", "needs size=, nr_inodes= and mode="},
	{"mode=0700", "mode=999", "a mode is octal"},
	{"mode=0700", "mode=0700,suid", "unknown option \"suid\""},
};

static void
errors_in_the_middle(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
		const char *at = strstr(FIXTURE_POLICY, changed[i].line);
		char text[4096];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s",
			 (int)(at - FIXTURE_POLICY), FIXTURE_POLICY,
			 changed[i].instead, at + strlen(changed[i].line));
		fixture_write(f, "a.policy", text);
		if (fixture_compile(f, "a.policy") != -1 ||
		    strstr(f->errors, changed[i].error) == NULL)
			fail_msg("%s gives \"%s\" instead of \"%s\"",
				 changed[i].instead,
				 f->errors != NULL ? f->errors : "",
				 changed[i].error);
	}
}

static void
all_errors_of_a_file_at_once(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "a.policy",
		      FIXTURE_POLICY "SystemCallFilter=~x\nWhat=1\n"
				     "SystemCallFilter=nonsense\n");
	assert_int_equal(fixture_compile(f, "a.policy"), -1);
	assert_int_equal(f->count, 3);
}

static void
long_lines_and_odd_files(void **state)
{
	struct fixture *f = *state;
	char text[4096] = "[Policy]\nDescription=";

	memset(text + strlen(text), 'x', 3000);
	fixture_write(f, "a.policy", text);
	assert_int_equal(fixture_compile(f, "a.policy"), -1);
	assert_non_null(strstr(f->errors, ":2: line is longer than"));
	text[9 + 12 + 128] = '\0';
	fixture_write(f, "a.policy", text);
	assert_int_equal(fixture_compile(f, "a.policy"), -1);
	assert_non_null(strstr(f->errors, ":2: Description=: longer than 127"));
	assert_int_equal(fixture_compile(f, "none.policy"), -1);
	assert_non_null(strstr(f->errors, "No such file"));
	fixture_write(f, "a.txt", FIXTURE_POLICY);
	assert_int_equal(fixture_compile(f, "a.txt"), -1);
	assert_non_null(strstr(f->errors, "the file's name is the policy's"));
	fixture_write(f, "a b.policy", FIXTURE_POLICY);
	assert_int_equal(fixture_compile(f, "a b.policy"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times_and_shares),
		cmocka_unit_test(paths),
		cmocka_unit_test_setup_teardown(a_policy_is_read, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(errors_name_file_line_and_cause,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			errors_in_the_middle, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(all_errors_of_a_file_at_once,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(long_lines_and_odd_files,
						fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("policy_parse", tests, NULL, NULL);
}
