/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memfds that the supervisor takes: result files from a jail.  None is read
 * before its size is known to be small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>

#include "supervisor/base/fd.h"
#include "supervisor/job.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int
sealed_hole(off_t size)
{
	int fd = memfd_create("hole", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

static void
collected_size(void **state)
{
	static const struct policy policy = {.limits.collect_bytes = 1u << 20};
	static const struct {
		off_t size;
		int rc;
	} rows[] = {{1u << 20, 0}, {2u << 20, -1}, {(off_t)1 << 50, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		owned_fd int fd = sealed_hole(rows[i].size);
		struct err e = ERR_INIT;
		uint8_t hash[32];

		assert_int_equal(job_check_collected(fd, &policy, hash, &e),
				 rows[i].rc);
		if (rows[i].rc < 0)
			assert_int_equal(e.kind, ERR_PEER);
	}
}

static void
must_be_sealed(void **state)
{
	static const struct policy policy = {.limits.collect_bytes = 1u << 20};
	owned_fd int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct err e = ERR_INIT;
	uint8_t hash[32];

	(void)state;
	assert_int_equal(ftruncate(fd, 8), 0);
	assert_int_equal(job_check_collected(fd, &policy, hash, &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collected_size),
		cmocka_unit_test(must_be_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
