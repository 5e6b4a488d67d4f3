/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - see clock.h.  CLOCK_BOOTTIME goes on while the machine sleeps, and
 * nobody can set it.
 */
#include "api/workflow/clock.h"

#include <pthread.h>
#include <time.h>

#include "supervisor/base/clock.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int64_t offset_us; /* from the steady clock to ours */
static int64_t known_us;  /* the wall clock's offset, seen last */

static int64_t
steady_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
wall_offset_us(void)
{
	return (int64_t)clock_wall_us() - steady_us();
}

static void
start(void)
{
	offset_us = known_us = wall_offset_us();
}

uint64_t
workflow_clock_us(void)
{
	(void)pthread_once(&once, start);
	return (uint64_t)(steady_us() + offset_us);
}

uint64_t
workflow_clock_to_wall_us(uint64_t us)
{
	int64_t wall_us;

	(void)pthread_once(&once, start);
	wall_us = (int64_t)us + wall_offset_us() - offset_us;
	return wall_us > 0 ? (uint64_t)wall_us : 1;
}

int64_t
workflow_clock_take_jump_us(void)
{
	int64_t now_us, jump_us;

	(void)pthread_once(&once, start);
	now_us = wall_offset_us();
	jump_us = now_us - known_us;
	if (jump_us > -CLOCK_JUMP_US && jump_us < CLOCK_JUMP_US)
		return 0;
	known_us = now_us;
	return jump_us;
}
