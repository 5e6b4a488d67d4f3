/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - what the attacks in C share: each try is one line on stdout,
 * "attempt NAME blocked WHY" or "attempt NAME done DETAIL", printed after it
 * was made and by nothing else.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child of attempt_child says that it got through. */
#define ATTEMPT_GOT_THROUGH 42

static inline void __attribute__((format(printf, 2, 3)))
attempt_done(const char *name, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("attempt %s done %s\n", name, text);
	fflush(stdout);
}

static inline void
attempt_blocked(const char *name, const char *why)
{
	printf("attempt %s blocked %s\n", name, why);
	fflush(stdout);
}

/* A system call's result: -1 is blocked by errno. */
static inline void
attempt_call(const char *name, long rc)
{
	const char *why = rc == -1 ? strerrorname_np(errno) : NULL;

	if (rc == -1)
		attempt_blocked(name, why != NULL ? why : "errno?");
	else
		attempt_done(name, "%ld", rc);
}

/*
 * Run fn(arg) in a child, for what may kill its process.  It got through if it
 * exits with ATTEMPT_GOT_THROUGH; another exit code is an errno.
 */
static inline void
attempt_child(const char *name, void (*fn)(void *arg), void *arg)
{
	char why[32];
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fn(arg);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror(name);
		exit(1);
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, sizeof(why), "SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
		attempt_blocked(name, why);
	} else if (WEXITSTATUS(status) == ATTEMPT_GOT_THROUGH) {
		attempt_done(name, "-");
	} else {
		const char *text = strerrorname_np(WEXITSTATUS(status));
		attempt_blocked(name, text != NULL ? text : "exit");
	}
}

#endif
