/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static uint64_t
clock_us(clockid_t id)
{
	struct timespec ts;
	int rc = clock_gettime(id, &ts);

	assert(rc == 0);
	(void)rc;
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t
clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000u;
}

uint64_t
clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

void
clock_iso8601(uint64_t wall_us, char dst[CLOCK_ISO_SIZE])
{
	time_t seconds = (time_t)(wall_us / 1000000u);
	struct tm tm;
	char date[20];

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		dst[0] = '\0';
		return;
	}
	snprintf(dst, CLOCK_ISO_SIZE, "%s.%06uZ", date,
		 (unsigned)(wall_us % 1000000u));
}
