/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a release: hostile paths, links that somebody put in the
 * way, leftovers, names that are taken, two at once.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/release/tree.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define ID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define STAGED "." ID ".new"

static char dir[64], outside[64];
static int root = -1;

static const struct release_file good[] = {
	{"files/solution.py", "x = 1\n", 6},
	{"files/a/b/c", "", 0},
	{"manifest.json", "{}\n", 3},
};

static int
setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	str_copy(dir, sizeof(dir), "/tmp/pc-test-release.XXXXXX");
	str_copy(outside, sizeof(outside), "/tmp/pc-test-outside.XXXXXX");
	if (mkdtemp(dir) == NULL || mkdtemp(outside) == NULL)
		return -1;
	return release_root_open(dir, &root, &e);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	fd_close(&root);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 &&
			       nftw(outside, remove_one, 16,
				    FTW_DEPTH | FTW_PHYS) == 0
		       ? 0
		       : -1;
}

static bool
is_there(const char *name)
{
	struct stat st;

	return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
stage_good(void)
{
	struct err e = ERR_INIT;

	if (release_stage(root, ID, good, ARRAY_LEN(good), &e) < 0)
		fail_msg("%s", e.text);
}

static void
staged_published_compared_read(void **state)
{
	struct err e = ERR_INIT;
	owned_mem char *data = NULL;
	bool there = true;
	size_t len = 0;

	(void)state;
	assert_int_equal(release_compare(root, ID, good, 3, &there, &e), 0);
	assert_false(there);
	stage_good();
	assert_true(is_there(STAGED) && !is_there(ID));
	assert_int_equal(release_publish(root, ID, &e), 0);
	assert_true(!is_there(STAGED) && is_there(ID));
	assert_int_equal(release_compare(root, ID, good, 3, &there, &e), 0);
	assert_true(there);
	assert_int_equal(release_read(root, ID, "files/solution.py", 100, &data,
				      &len, &e),
			 0);
	assert_int_equal(len, 6);
	assert_string_equal(data, "x = 1\n");
}

static void
room_is_kept(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(release_check_room(root, 0, &e), 0);
	assert_int_equal(release_check_room(root, 1, &e), 0);
	assert_int_equal(release_check_room(root, UINT64_MAX, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_non_null(strstr(e.text, "PROMPTCRAFT_RELEASE_MIN_FREE"));
	assert_int_equal(release_check_room(-1, 1, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
}

static void
hostile_paths_are_refused(void **state)
{
	static const char *const paths[] = {
		"/etc/x",
		"../x",
		"files/../../x",
		"files/",
		"files",
		"",
		"a//b",
		"./a",
		"files//etc/x",
		"files/./x",
		"files/a/..",
		"a\nb",
		"files/x/../../../y",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct release_file files[] = {
			{paths[i], "evil", 4},
			/* "files" is a good name, but of a directory. */
			{"files/x", "", 0},
		};
		struct err e = ERR_INIT;

		if (release_stage(root, ID, files, 2, &e) == 0)
			fail_msg("staged: %s", paths[i]);
		assert_false(is_there(STAGED));
	}
}

/* Whoever can write to the directory cannot make us write elsewhere. */
static void
links_are_not_followed(void **state)
{
	struct err e = ERR_INIT;
	owned_mem char *data = NULL;
	char path[160];
	size_t len = 0;
	bool there = false;

	(void)state;
	assert_int_equal(symlinkat(outside, root, STAGED), 0);
	stage_good(); /* the link is removed, not what it names */
	assert_int_equal(release_publish(root, ID, &e), 0);
	snprintf(path, sizeof(path), "%s/files", outside);
	assert_int_equal(access(path, F_OK), -1);

	assert_int_equal(unlinkat(root, ID "/manifest.json", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", root, ID "/manifest.json"),
			 0);
	assert_int_equal(release_read(root, ID, "manifest.json", 1 << 20, &data,
				      &len, &e),
			 -1);
	assert_int_equal(release_compare(root, ID, good, 3, &there, &e), -1);
	assert_false(there);
}

static void
a_hard_link_or_pipe_is_no_file(void **state)
{
	struct err e = ERR_INIT;
	owned_mem char *data = NULL;
	size_t len = 0;

	(void)state;
	stage_good();
	assert_int_equal(release_publish(root, ID, &e), 0);
	assert_int_equal(
		linkat(root, ID "/manifest.json", root, ID "/files/other", 0),
		0);
	assert_int_equal(mkfifoat(root, ID "/files/pipe", 0600), 0);
	assert_int_equal(
		release_read(root, ID, "files/other", 100, &data, &len, &e),
		-1);
	assert_int_equal(
		release_read(root, ID, "files/pipe", 100, &data, &len, &e), -1);
	assert_int_equal(
		release_read(root, ID, "files/solution.py", 5, &data, &len, &e),
		-1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void
what_differs_is_a_conflict(void **state)
{
	struct release_file other[ARRAY_LEN(good)];
	struct err e = ERR_INIT;
	bool there;

	(void)state;
	stage_good();
	assert_int_equal(release_publish(root, ID, &e), 0);
	memcpy(other, good, sizeof(good));
	other[0].data = "x = 2\n";
	assert_int_equal(release_compare(root, ID, other, 3, &there, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(release_compare(root, ID, good, 2, &there, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT); /* one file more is there */
	stage_good();
	assert_int_equal(release_publish(root, ID, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	release_discard(root, ID);
	assert_false(is_there(STAGED));
	assert_int_equal(release_compare(root, ID, good, 3, &there, &e), 0);
	assert_true(there);
}

static void
leftovers_go(void **state)
{
	struct err e = ERR_INIT;
	bool there;

	(void)state;
	assert_int_equal(mkdirat(root, STAGED, 0700), 0);
	assert_int_equal(mkdirat(root, STAGED "/files", 0700), 0);
	assert_int_equal(mkdirat(root, STAGED "/files/old", 0700), 0);
	assert_int_equal(symlinkat("/etc", root, STAGED "/files/old/etc"), 0);
	stage_good();
	assert_int_equal(release_publish(root, ID, &e), 0);
	assert_int_equal(release_compare(root, ID, good, 3, &there, &e), 0);
	assert_true(there);
}

static void
one_at_a_time(void **state)
{
	struct err e = ERR_INIT;
	int first = -1, second = -1, other = -1;

	(void)state;
	assert_int_equal(release_lock(root, ID, &first, &e), 0);
	assert_int_equal(release_lock(root, ID, &second, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(release_lock(root,
				      "1f8fad5b-d9cb-469f-a165-70867728950e",
				      &other, &e),
			 0);
	fd_close(&first);
	assert_int_equal(release_lock(root, ID, &second, &e), 0);
	fd_close(&second);
	fd_close(&other);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(staged_published_compared_read),
		WITH_DIR(room_is_kept),
		WITH_DIR(hostile_paths_are_refused),
		WITH_DIR(links_are_not_followed),
		WITH_DIR(a_hard_link_or_pipe_is_no_file),
		WITH_DIR(what_differs_is_a_conflict),
		WITH_DIR(leftovers_go),
		WITH_DIR(one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
