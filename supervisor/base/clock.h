/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time.  Durations and deadlines use the monotonic clock; only what
 * a person reads uses the wall clock.
 */
#ifndef PC_BASE_CLOCK_H
#define PC_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);

/* CLOCK_REALTIME, microseconds since 1970. */
uint64_t clock_wall_us(void);

/* "2026-01-31T09:15:02.123456Z" (RFC 3339, UTC), 28 bytes with the NUL. */
#define CLOCK_ISO_SIZE 28
void clock_iso8601(uint64_t wall_us, char dst[CLOCK_ISO_SIZE]);

#endif
