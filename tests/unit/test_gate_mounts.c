/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The posture check of mounts: a good mountinfo passes, and each single
 * deviation is caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/base/str.h"
#include "supervisor/gate.h"

#define TEXT_SIZE 2048

/* Read-only binds, a device, an absent optional path, one tmpfs. */
static const struct policy policy = {
	.mounts_len = 4,
	.mounts =
		{
			{.target = "/usr/lib"},
			{.target = "/etc/x", .flags = POLICY_MOUNT_NOEXEC},
			{.target = "/dev/null",
			 .flags = POLICY_MOUNT_DEVICE | POLICY_MOUNT_NOEXEC},
			{.target = "/usr/lib64",
			 .flags = POLICY_MOUNT_OPTIONAL},
		},
	.tmpfs_len = 1,
	.tmpfs = {{.target = "/tmp", .bytes = 65537, .inodes = 77}},
};

static const char good[] =
	"9 1 254:0 /usr/lib /usr/lib ro,nosuid,nodev,relatime - ext4 /dev/vda "
	"rw,discard\n"
	"10 1 254:0 /etc/x /etc/x ro,nosuid,nodev,noexec shared:1 master:2 - "
	"ext4 /dev/vda rw\n"
	"11 1 0:6 /null /dev/null ro,nosuid,noexec - devtmpfs dev rw\n"
	"12 1 0:7 / /opt/runtime ro,nosuid,nodev - ext4 /dev/vda rw\n"
	"1 0 0:40 / / ro,nosuid,nodev,noexec - tmpfs none rw,size=64k\n"
	"13 1 0:41 / /tmp rw,nosuid,nodev - tmpfs none "
	"rw,size=68k,nr_inodes=77,mode=700\n"
	"14 1 0:42 / /run rw,nosuid,nodev,noexec - tmpfs none rw\n"
	"15 1 0:43 / /proc ro,nosuid,nodev,noexec - proc none "
	"rw,hidepid=invisible,subset=pid\n";

static const struct {
	const char *from, *to, *said;
} rows[] = {
	{"/usr/lib ro,", "/usr/lib rw,", "mount /usr/lib: not ro"},
	{"/usr/lib ro,nosuid", "/usr/lib ro,nosuidx", "not nosuid"},
	{"/usr/lib ro,nosuid,nodev", "/usr/lib ro,nosuid", "not nodev"},
	{"nodev,noexec shared", "nodev shared", "mount /etc/x: not noexec"},
	{"null ro,nosuid", "null ro", "mount /dev/null: not nosuid"},
	{" /opt/runtime ro", " /opt/runtime rw", "not ro"},
	{" / / ro", " / / rw", "mount /: not ro"},
	{" - tmpfs none rw,size=64k", " - ext4 none rw", "mount /: not tmpfs"},
	{"size=68k", "size=72k", "its size"},
	{"size=68k,", "", "its size"},
	{"nr_inodes=77,", "nr_inodes=770,", "its size"},
	{"/tmp rw,nosuid", "/tmp rw", "mount /tmp: not nosuid"},
	{"/proc ro", "/proc rw", "mount /proc: not ro"},
	{"hidepid=invisible", "hidepid=off", "more than own processes"},
	{",subset=pid", "", "more than own processes"},
	{" - proc none", " - tmpfs none", "mount /proc: not proc"},
	{" /run rw", " /home rw", "mount /home is not the policy's"},
	{" /usr/lib ro", " /usr/libx ro", "mount /usr/libx is not the"},
	{"/etc/x /etc/x", "/etc/x /usr/lib", "mount /usr/lib: twice"},
	{"14 1 0:42 / /run rw,nosuid,nodev,noexec - tmpfs none rw\n", "",
	 "mount /run is missing"},
	{"11 1 0:6 /null /dev/null ro,nosuid,noexec - devtmpfs dev rw\n", "",
	 "mount /dev/null is missing"},
	{" - ext4 /dev/vda rw,discard", "", "malformed"},
	{"9 1 254:0 /usr/lib /usr/lib", "9 1", "malformed"},
};

static void
good_mounts_pass(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (gate_mounts_check(&policy, good, &e) < 0)
		fail_msg("%s", e.text);
}

static void
each_deviation_is_caught(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *at = strstr(good, rows[i].from);
		struct err e = ERR_INIT;
		char text[TEXT_SIZE];

		assert_non_null(at);
		assert_int_equal(str_printf(text, sizeof(text), "%.*s%s%s",
					    (int)(at - good), good, rows[i].to,
					    at + strlen(rows[i].from)),
				 0);
		if (gate_mounts_check(&policy, text, &e) == 0)
			fail_msg("row %zu accepted: %s", i, rows[i].to);
		if (strstr(e.text, rows[i].said) == NULL)
			fail_msg("row %zu: %s", i, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_mounts_pass),
		cmocka_unit_test(each_deviation_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
