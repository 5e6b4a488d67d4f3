/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "supervisor/base/clock.h"

#define LINE_MAX_BYTES 1024
#define LIMIT_MS 60000

static enum log_level max_level = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	enum log_level level;
} level_names[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

void
log_set_level(enum log_level level)
{
	max_level = level;
}

int
log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]);
	     i++) {
		if (strcasecmp(name, level_names[i].name) == 0) {
			*ret_level = level_names[i].level;
			return 0;
		}
	}
	return -1;
}

void
log_event(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	int saved = errno;
	size_t used = 0;
	va_list ap;
	int n;

	if (level > max_level)
		return;
	if (!isatty(STDERR_FILENO)) {
		n = snprintf(line, sizeof(line), "<%d>", (int)level);
		used = n > 0 ? (size_t)n : 0;
	}
	va_start(ap, fmt);
	n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	used += (size_t)n;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	for (size_t i = 0; i < used; i++) /* one event is one line */
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[used++] = '\n';
	/* One write, so that lines of threads do not mix. */
	if (write(STDERR_FILENO, line, used) < 0) {
		/* Nowhere left to say it. */
	}
	errno = saved;
}

bool
log_may(struct log_limit *limit, const char *event)
{
	uint64_t now = clock_mono_ms();

	if (limit->lines > 0 && now - limit->since_ms >= LIMIT_MS) {
		if (limit->dropped > 0)
			log_warning("log_dropped event=%s lines=%lu", event,
				    limit->dropped);
		*limit = (struct log_limit){0};
	}
	if (limit->lines == 0)
		limit->since_ms = now;
	if (limit->lines < LOG_LIMIT_LINES) {
		limit->lines++;
		return true;
	}
	limit->dropped++;
	return false;
}
