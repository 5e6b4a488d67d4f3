/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding hierarchies in /proc texts, membership, and what the back ends write
 * and read: on plain directories, so it needs no root and tests v2 on a host
 * that has only v1.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/cgroup.h"

/* ---- /proc texts ----------------------------------------------------- */

static const char mounts_v1[] =
	"23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw shared:4 master:1 - "
	"cgroup cgroup rw,memory\n"
	"39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
static const char own_v1[] = "12:pids:/\n"
			     "4:memory:/docker/abc/svc\n"
			     "1:cpu,cpuacct:/a b\n"
			     "0::/user.slice\n";

static void
hierarchies_are_found(void **state)
{
	struct cgroup_place p;

	(void)state;
	assert_true(cgroup_find(mounts_v1, own_v1, "pids", &p));
	assert_string_equal(p.mount, "/sys/fs/cgroup/pids");
	assert_string_equal(p.own, "/");
	/* In a container the mount begins below the hierarchy's root. */
	assert_true(cgroup_find(mounts_v1, own_v1, "memory", &p));
	assert_string_equal(p.own, "/svc");
	assert_string_equal(p.shown, "/docker/abc/svc");
	/* Two controllers on one mount. */
	assert_true(cgroup_find(mounts_v1, own_v1, "cpu", &p));
	assert_true(cgroup_find(mounts_v1, own_v1, "cpuacct", &p));
	assert_string_equal(p.mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(p.own, "/a b");
	assert_true(cgroup_find(mounts_v1, own_v1, NULL, &p));
	assert_string_equal(p.mount, "/sys/fs/cgroup/unified");
	assert_string_equal(p.own, "/user.slice");
}

static void
missing_hierarchies_are_missed(void **state)
{
	struct cgroup_place p;

	(void)state;
	assert_false(cgroup_find(mounts_v1, own_v1, "blkio", &p));
	assert_false(cgroup_find(mounts_v1, own_v1, "mem", &p));
	assert_false(cgroup_find(mounts_v1, "", "memory", &p));
	assert_false(cgroup_find("", own_v1, "memory", &p));
	assert_false(cgroup_find("garbage\n - \n", own_v1, "memory", &p));
	assert_false(cgroup_find("31 23 0:28 / /m rw - cgroup cgroup rw,pids",
				 "4:memory:/x\n", "memory", &p));
}

static void
keys(void **state)
{
	static const char text[] = "oom_kill_disable 0\nunder_oom 1\n"
				   "oom_kill 17\n";
	uint64_t v = 0;

	(void)state;
	assert_true(cgroup_key_u64(text, "oom_kill", &v));
	assert_int_equal(v, 17);
	assert_false(cgroup_key_u64(text, "oom", &v));
	assert_false(cgroup_key_u64("", "oom_kill", &v));
	assert_false(cgroup_key_u64("max x\n", "max", &v));
}

static void
membership(void **state)
{
	struct cgroup cg = {.version = 1,
			    .root = {3, 3, 3, 3},
			    .path = {"/m/pc", "/pc", "/pc", "/pc"}};
	struct cgroup_slot slot = {.index = 12};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cgroup_membership_check(&cg, &slot,
						 "4:memory:/m/pc/slot-12\n"
						 "3:pids:/pc/slot-12\n"
						 "1:cpu,cpuacct:/pc/slot-12\n",
						 &e),
			 0);
	/* One hierarchy is forgotten, another slot, or above the slot. */
	assert_int_equal(cgroup_membership_check(&cg, &slot,
						 "4:memory:/m/pc/slot-12\n"
						 "1:cpu,cpuacct:/pc/slot-12\n",
						 &e),
			 -1);
	assert_int_equal(cgroup_membership_check(&cg, &slot,
						 "4:memory:/m/pc/slot-1\n"
						 "3:pids:/pc/slot-12\n"
						 "1:cpu,cpuacct:/pc/slot-12\n",
						 &e),
			 -1);
	assert_int_equal(cgroup_membership_check(&cg, &slot,
						 "4:memory:/m/pc\n"
						 "3:pids:/pc/slot-12\n"
						 "1:cpu,cpuacct:/pc/slot-12\n",
						 &e),
			 -1);
	assert_int_equal(e.kind, ERR_DENIED);
	cg = (struct cgroup){
		.version = 2, .root = {3, -1, -1, -1}, .path = {"/pc"}};
	assert_int_equal(
		cgroup_membership_check(&cg, &slot, "0::/pc/slot-12\n", &e), 0);
	assert_int_equal(cgroup_membership_check(&cg, &slot, "0::/pc\n", &e),
			 -1);
}

/* ---- a directory of plain files -------------------------------------- */

struct tree {
	char path[32];
	int dir;
};

static const struct {
	const char *name, *text;
} files[] = {
	{"memory.max", "max\n"},
	{"memory.oom.group", "0\n"},
	{"memory.swap.max", "max\n"},
	{"memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\n"},
	{"memory.peak", "8388608\n"},
	{"pids.max", "max\n"},
	{"pids.events", "max 9\n"},
	{"pids.peak", "5\n"},
	{"cpu.max", "max 100000\n"},
	{"cpu.stat", "usage_usec 2500\nuser_usec 1000\n"},
	{"memory.limit_in_bytes", "0\n"},
	{"memory.memsw.limit_in_bytes", "0\n"},
	{"memory.kmem.tcp.limit_in_bytes", "0\n"},
	{"memory.max_usage_in_bytes", "4096\n"},
	{"memory.usage_in_bytes", "2048\n"},
	{"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"},
	{"cpu.cfs_period_us", "100000\n"},
	{"cpu.cfs_quota_us", "-1\n"},
	{"cpuacct.usage", "7000000\n"},
	{"cgroup.procs", "11\n12\n13\n"},
};

static void
put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static int
setup(void **state)
{
	static struct tree tree;

	tree = (struct tree){.path = "/tmp/pc-cgroup-XXXXXX"};
	if (mkdtemp(tree.path) == NULL)
		return -1;
	tree.dir = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_file(tree.dir, files[i].name, files[i].text);
	*state = &tree;
	return 0;
}

static int
teardown(void **state)
{
	struct tree *tree = *state;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlinkat(tree->dir, files[i].name, 0);
	fd_close(&tree->dir);
	return rmdir(tree->path);
}

static void
assert_begins(int dir, const char *name, const char *wanted)
{
	char text[256];
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_read(dir, name, text, sizeof(text), &e), 0);
	if (strncmp(text, wanted, strlen(wanted)) != 0)
		fail_msg("%s: %s, expected %s", name, text, wanted);
}

static const struct cgroup_limits limits = {
	.memory_bytes = 64 << 20,
	.pids = 32,
	.cpu_percent = 150,
};

static void
v2_limits_and_usage(void **state)
{
	const struct tree *tree = *state;
	struct cgroup cg = {.ops = &cgroup_v2_ops, .version = 2};
	struct cgroup_slot slot = {.dir = {tree->dir, -1, -1, -1}};
	struct cgroup_usage u;
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_v2_limits_write(&slot, &limits, &e), 0);
	assert_begins(tree->dir, "memory.max", "67108864");
	assert_begins(tree->dir, "memory.oom.group", "1");
	assert_begins(tree->dir, "memory.swap.max", "0");
	assert_begins(tree->dir, "pids.max", "33");
	assert_begins(tree->dir, "cpu.max", "150000 100000");
	assert_int_equal(cgroup_slot_usage(&cg, &slot, &u, &e), 0);
	assert_int_equal(u.cpu_us, 2500);
	assert_int_equal(u.memory_peak_bytes, 8388608);
	assert_int_equal(u.pids_peak, 4); /* without jail-init */
	assert_int_equal(u.oom_kills, 2);
	assert_int_equal(u.pids_refused, 9);
}

static void
v2_limits_are_read_back(void **state)
{
	const struct tree *tree = *state;
	struct cgroup cg = {.ops = &cgroup_v2_ops, .version = 2};
	struct cgroup_slot slot = {.dir = {tree->dir, -1, -1, -1}};
	static const char *const held[][2] = {
		{"memory.max", "67108864\n"},
		{"memory.oom.group", "1\n"},
		{"pids.max", "33\n"},
		{"cpu.max", "150000 100000\n"},
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		put_file(tree->dir, held[i][0], held[i][1]);
	if (cgroup_limits_check(&cg, &slot, &limits, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < ARRAY_LEN(held); i++) {
		put_file(tree->dir, held[i][0], "max\n");
		assert_int_equal(cgroup_limits_check(&cg, &slot, &limits, &e),
				 -1);
		assert_int_equal(e.kind, ERR_DENIED);
		put_file(tree->dir, held[i][0], held[i][1]);
	}
}

static void
v1_limits_and_usage(void **state)
{
	const struct tree *tree = *state;
	int d = tree->dir;
	struct cgroup cg = {.ops = &cgroup_v1_ops, .version = 1};
	struct cgroup_slot slot = {.dir = {d, d, d, d},
				   .kept = {-1, -1, -1, -1, -1, -1},
				   .base = {.cpu_us = 1000, .oom_kills = 3}};
	const struct cgroup_limits large = {
		.memory_bytes = 1u << 30, .pids = 32, .cpu_percent = 150};
	struct cgroup_usage u;
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_v1_limits_write(&slot, &limits, &e), 0);
	assert_begins(d, "memory.limit_in_bytes", "67108864");
	assert_begins(d, "memory.memsw.limit_in_bytes", "67108864");
	assert_begins(d, "memory.kmem.tcp.limit_in_bytes", "16777216");
	assert_begins(d, "pids.max", "33");
	assert_begins(d, "cpu.cfs_quota_us", "150000");
	assert_int_equal(cgroup_v1_limits_write(&slot, &large, &e), 0);
	assert_begins(d, "memory.limit_in_bytes", "1073741824");
	assert_begins(d, "memory.kmem.tcp.limit_in_bytes", "16777216");
	assert_int_equal(cgroup_slot_limit_cpu(&cg, &slot, 1, &e), 0);
	assert_begins(d, "cpu.cfs_quota_us", "1000");
	for (int part = 0; part < CGROUP_PARTS; part++)
		if (cgroup_v1_keep(&slot, part, &e) < 0)
			fail_msg("%s", e.text);
	assert_int_equal(cgroup_slot_usage(&cg, &slot, &u, &e), 0);
	assert_int_equal(u.cpu_us, 6000); /* since the job began */
	assert_int_equal(u.memory_peak_bytes, 4096);
	assert_int_equal(u.oom_kills, 1);
	put_file(d, "cpuacct.usage", "9000000\n");
	assert_int_equal(cgroup_slot_usage(&cg, &slot, &u, &e), 0);
	assert_int_equal(u.cpu_us, 8000); /* what it says by now */
	for (int i = 0; i < CGROUP_KEPT; i++)
		fd_close(&slot.kept[i]);
}

static void
v1_limits_that_failed_in_part_are_written_anew(void **state)
{
	static const char swap[] = "memory.memsw.limit_in_bytes";
	const struct tree *tree = *state;
	int d = tree->dir;
	struct cgroup cg = {.ops = &cgroup_v1_ops, .version = 1};
	struct cgroup_slot slot = {
		.dir = {d, d, d, d}, .is_clean = true, .has_pids = true};
	const struct cgroup_limits small = {
		.memory_bytes = 8u << 20, .pids = 4, .cpu_percent = 50};
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_slot_prepare(&cg, &slot, &limits, &e), 0);
	assert_int_equal(unlinkat(d, swap, 0), 0);
	assert_int_equal(mkdirat(d, swap, 0700), 0); /* cannot be written */
	slot.is_clean = slot.has_pids = true;
	assert_int_equal(cgroup_slot_prepare(&cg, &slot, &small, &e), -1);
	assert_int_equal(unlinkat(d, swap, AT_REMOVEDIR), 0);
	put_file(d, swap, "-1\n");
	put_file(d, "memory.limit_in_bytes", "8388608\n"); /* in part */
	slot.is_clean = slot.has_pids = true;
	assert_int_equal(cgroup_slot_prepare(&cg, &slot, &limits, &e), 0);
	assert_begins(d, "memory.limit_in_bytes", "67108864");
}

static void
v1_limits_are_read_back(void **state)
{
	const struct tree *tree = *state;
	int d = tree->dir;
	struct cgroup cg = {.ops = &cgroup_v1_ops, .version = 1};
	struct cgroup_slot slot = {.dir = {d, d, d, d}};
	struct err e = ERR_INIT;

	put_file(d, "memory.limit_in_bytes", "67108864\n");
	put_file(d, "memory.kmem.tcp.limit_in_bytes", "16777216\n");
	put_file(d, "pids.max", "33\n");
	put_file(d, "cpu.cfs_quota_us", "150000\n");
	if (cgroup_limits_check(&cg, &slot, &limits, &e) < 0)
		fail_msg("%s", e.text);
	put_file(d, "memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(cgroup_limits_check(&cg, &slot, &limits, &e), -1);
	put_file(d, "memory.limit_in_bytes", "67108864\n");
	put_file(d, "memory.kmem.tcp.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(cgroup_limits_check(&cg, &slot, &limits, &e), -1);
}

static void
pids_of_a_slot(void **state)
{
	const struct tree *tree = *state;
	struct cgroup_slot slot = {.dir = {tree->dir, -1, -1, -1}};
	struct err e = ERR_INIT;
	int pids[8];
	size_t len = 0;

	assert_int_equal(cgroup_slot_pids(&slot, pids, 8, &len, &e), 0);
	assert_int_equal(len, 3);
	assert_int_equal(pids[2], 13);
	assert_int_equal(cgroup_slot_pids(&slot, pids, 2, &len, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void
other_file_systems_are_refused(void **state)
{
	const struct tree *tree = *state;
	struct err e = ERR_INIT;
	int fd = -1;

	assert_int_equal(cgroup_open_dir(AT_FDCWD, tree->path, &fd, &e), -1);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(e.text, "not on a cgroup mount"));
	/* Nor is a link followed, wherever it leads. */
	assert_int_equal(symlinkat(".", tree->dir, "link"), 0);
	assert_int_equal(cgroup_open_dir(tree->dir, "link", &fd, &e), -1);
	assert_int_equal(e.errnum, ELOOP);
	assert_int_equal(cgroup_open_dir(tree->dir, "..", &fd, &e), -1);
	assert_int_equal(e.errnum, EXDEV);
	assert_int_equal(unlinkat(tree->dir, "link", 0), 0);
}

static void
sweep_touches_only_its_own(void **state)
{
	const struct tree *tree = *state;
	char text[128];
	struct stat st;

	/* Not ours by name, and not a cgroup: both must survive. */
	assert_int_equal(str_printf(text, sizeof(text), "%s\n%s/x/../../etc\n",
				    tree->path, tree->path),
			 0);
	cgroup_sweep(text, "abc");
	cgroup_sweep("/\n\n/promptcraft-abc\nrelative/promptcraft-abc", "abc");
	assert_int_equal(stat(tree->path, &st), 0);
}

#define WITH_TREE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hierarchies_are_found),
		cmocka_unit_test(missing_hierarchies_are_missed),
		cmocka_unit_test(keys),
		cmocka_unit_test(membership),
		WITH_TREE(v2_limits_and_usage),
		WITH_TREE(v2_limits_are_read_back),
		WITH_TREE(v1_limits_and_usage),
		WITH_TREE(v1_limits_that_failed_in_part_are_written_anew),
		WITH_TREE(v1_limits_are_read_back),
		WITH_TREE(pids_of_a_slot),
		WITH_TREE(other_file_systems_are_refused),
		WITH_TREE(sweep_touches_only_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
