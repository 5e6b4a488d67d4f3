/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line an event on stderr, with the level prefix of sd-daemon(3).
 *
 * The format is `event key=value key=value`.  Untrusted bytes go through
 * str_quote() first; secrets and code bodies are never logged.  No prefix is
 * written when stderr is a terminal.
 */
#ifndef PC_BASE_LOG_H
#define PC_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 3, /* the values of syslog(3) */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines above this level are dropped; the default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* "error", "warning", "info" or "debug" (any case); -1 if none of these. */
int log_level_parse(const char *name, enum log_level *ret_level);

void log_event(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For events that a client can cause as often as it likes: after
 * LOG_LIMIT_LINES in a minute they are counted only, and the count is a line of
 * its own with the first event after that minute.
 */
#define LOG_LIMIT_LINES 30
struct log_limit {
	uint64_t since_ms;
	unsigned lines;
	unsigned long dropped;
};
bool log_may(struct log_limit *limit, const char *event);

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_event(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
