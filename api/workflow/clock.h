/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the workflows' own clock: wall-clock time that goes on evenly when
 * somebody sets the wall clock, so that no deadline is missed or put off by it.
 * Deadlines and waits are on this clock; what people read and what the store
 * compares is wall-clock time.  A new process starts with the wall clock as it
 * finds it.
 */
#ifndef PC_API_WORKFLOW_CLOCK_H
#define PC_API_WORKFLOW_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970. */
uint64_t workflow_clock_us(void);

/* When the wall clock, as it stands now, will show that moment. */
uint64_t workflow_clock_to_wall_us(uint64_t us);

/*
 * By how far the wall clock was set (by more than CLOCK_JUMP_US) since this
 * was last asked.  One caller.
 */
#define CLOCK_JUMP_US 1000000
int64_t workflow_clock_take_jump_us(void);

#endif
