/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The posture check's reading of /proc: a good status passes, and each single
 * deviation is caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/base/str.h"
#include "supervisor/gate.h"

#define ID 1879048193u

/* As a 6.x kernel writes it for a payload. */
static const char good[] =
	"Name:\tpython3\n"
	"Umask:\t0022\n"
	"State:\tS (sleeping)\n"
	"Tgid:\t4711\n"
	"Pid:\t4711\n"
	"PPid:\t4710\n"
	"TracerPid:\t0\n"
	"Uid:\t1879048193\t1879048193\t1879048193\t1879048193\n"
	"Gid:\t1879048193\t1879048193\t1879048193\t1879048193\n"
	"FDSize:\t64\n"
	"Groups:\t \n"
	"NStgid:\t4711\t2\n"
	"NSpid:\t4711\t2\n"
	"Threads:\t1\n"
	"CapInh:\t0000000000000000\n"
	"CapPrm:\t0000000000000000\n"
	"CapEff:\t0000000000000000\n"
	"CapBnd:\t0000000000000000\n"
	"CapAmb:\t0000000000000000\n"
	"NoNewPrivs:\t1\n"
	"Seccomp:\t2\n"
	"Seccomp_filters:\t1\n";

/* good with the first `from` replaced by `to`. */
static void
change(char dst[2048], const char *from, const char *to)
{
	const char *at = strstr(good, from);

	assert_non_null(at);
	assert_int_equal(str_printf(dst, 2048, "%.*s%s%s", (int)(at - good),
				    good, to, at + strlen(from)),
			 0);
}

static int
check(const char *text, struct err *e)
{
	struct gate_status s;

	if (gate_status_parse(text, &s, e) < 0)
		return -1;
	return gate_status_check(&s, ID, e);
}

static void
good_status_passes(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (check(good, &e) < 0)
		fail_msg("%s", e.text);
}

static void
each_deviation_is_caught(void **state)
{
	static const struct {
		const char *from, *to;
		uint32_t kind;
	} rows[] = {
		{"TracerPid:\t0", "TracerPid:\t1", ERR_DENIED},
		{"Uid:\t1879048193", "Uid:\t0", ERR_DENIED},
		{"1879048193\nGid", "0\nGid", ERR_DENIED}, /* file system */
		{"Gid:\t1879048193", "Gid:\t1879048192", ERR_DENIED},
		{"1879048193\nFDSize", "5\nFDSize", ERR_DENIED},
		{"Groups:\t \n", "Groups:\t27 \n", ERR_DENIED},
		{"NSpid:\t4711\t2\n", "NSpid:\t4711\n", ERR_DENIED},
		{"CapInh:\t0000000000000000", "CapInh:\t0000000000000001",
		 ERR_DENIED},
		{"CapPrm:\t0000000000000000", "CapPrm:\t8000000000000000",
		 ERR_DENIED},
		{"CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff",
		 ERR_DENIED},
		{"CapBnd:\t0000000000000000", "CapBnd:\t0000000000000020",
		 ERR_DENIED},
		{"CapAmb:\t0000000000000000", "CapAmb:\t0000000000000400",
		 ERR_DENIED},
		{"NoNewPrivs:\t1", "NoNewPrivs:\t0", ERR_DENIED},
		{"Seccomp:\t2", "Seccomp:\t0", ERR_DENIED},
		{"Seccomp:\t2", "Seccomp:\t1", ERR_DENIED},
		{"filters:\t1", "filters:\t0", ERR_DENIED},
		{"filters:\t1", "filters:\t2", ERR_DENIED},
		{"Seccomp_filters:\t1\n", "", ERR_INVALID},
		{"Threads:\t1\n", "", ERR_INVALID},
		/* Missing, doubled and malformed fields. */
		{"NoNewPrivs:\t1\n", "", ERR_INVALID},
		{"Seccomp:\t2\n", "Seccomp:\t2\nSeccomp:\t0\n", ERR_INVALID},
		{"Seccomp:\t2\n", "Seccomp:\t\n", ERR_INVALID},
		{"Seccomp:\t2\n", "Seccomp:\t-2\n", ERR_INVALID},
		{"Seccomp:\t2\n", "Seccomp:\t2x\n", ERR_INVALID},
		{"CapEff:\t0000000000000000\n", "", ERR_INVALID},
		{"Groups:\t \n", "", ERR_INVALID},
		{"Uid:\t1879048193\t", "Uid:\t", ERR_INVALID},
		{"Uid:\t1879048193", "Uid:\t99999999999", ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2048];
		struct err e = ERR_INIT;

		change(text, rows[i].from, rows[i].to);
		if (check(text, &e) == 0)
			fail_msg("accepted: %s", rows[i].to);
		if (e.kind != rows[i].kind)
			fail_msg("%s: kind %u: %s", rows[i].to, e.kind, e.text);
	}
}

static void
fields_by_base(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(
		gate_field_u64("pos:\t0\nflags:\t02000001\n", "flags", 8, &v),
		0);
	assert_int_equal(v, 02000001);
	assert_int_equal(gate_field_u64("a:\t1 2\n", "a", 10, &v), -1);
	assert_int_equal(gate_field_u64("ab:\t1\n", "a", 10, &v), -1);
	assert_int_equal(gate_field_u64("", "a", 10, &v), -1);
	assert_int_equal(gate_field_u64("a:\t-1\n", "a", 10, &v), -1);
	assert_int_equal(gate_field_u64("a:\v-1\n", "a", 10, &v), -1);
}

static void
mounts_by_id(void **state)
{
	static const char text[] = "523 522 0:1 / / ro - tmpfs none rw\n"
				   "60 523 0:2 / /work rw - tmpfs none rw\n";

	(void)state;
	assert_true(gate_has_mount(text, 523));
	assert_true(gate_has_mount(text, 60));
	assert_false(gate_has_mount(text, 52));
	assert_false(gate_has_mount(text, 522));
	assert_false(gate_has_mount("", 0));
}

/* Ourselves, who are in no jail: the real /proc, and a refusal. */
static void
own_process_is_no_jail(void **state)
{
	char text[8192] = "";
	struct err e = ERR_INIT;
	FILE *f = fopen("/proc/self/status", "re");

	(void)state;
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	(void)fclose(f);
	assert_int_equal(check(text, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_status_passes),
		cmocka_unit_test(each_deviation_is_caught),
		cmocka_unit_test(fields_by_base),
		cmocka_unit_test(mounts_by_id),
		cmocka_unit_test(own_process_is_no_jail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
