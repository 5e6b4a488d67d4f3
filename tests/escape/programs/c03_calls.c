/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C03, C04, C06, C14: makes the calls that a table asks for and prints what
 * each answered.  The file "calls" beside it has lines of a name, the number
 * and six arguments, all as strtoull(3) reads them; "@" is the address of a
 * zeroed buffer of the caller's, "#" an open file of /work.
 *
 * Each call is made in a child, because some end the process.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>

#include "attempt.h"

#define ARGS 6

static char buffer[65536] __attribute__((aligned(4096)));

struct call {
	long nr;
	unsigned long args[ARGS];
};

static unsigned long
value(const char *word, int file)
{
	unsigned long high = 0;
	char *end;

	/* "@+0x100000000": an address with a bit on top. */
	if (word[0] == '@' || word[0] == '#') {
		if (word[1] == '+')
			high = strtoull(word + 2, NULL, 0);
		return high + (word[0] == '@' ? (unsigned long)buffer
					      : (unsigned long)file);
	}
	high = strtoull(word, &end, 0);
	if (*end != '\0') {
		fprintf(stderr, "bad number %s\n", word);
		exit(1);
	}
	return high;
}

/* What the child found, in shared memory of a pipe. */
struct answer {
	long rc;
	int errnum;
};

static void
make(const struct call *c, int out)
{
	struct answer a;

	alarm(5);
	errno = 0;
	a.rc = syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3],
		       c->args[4], c->args[5]);
	a.errnum = errno;
	if (write(out, &a, sizeof(a)) != (ssize_t)sizeof(a))
		_exit(1);
	_exit(0);
}

static void
report(const char *name, const struct call *c)
{
	struct answer a;
	int ends[2], status = 0;
	char why[32];
	ssize_t n;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0)
		make(c, ends[1]);
	close(ends[1]);
	n = read(ends[0], &a, sizeof(a));
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (n == (ssize_t)sizeof(a)) {
		errno = a.errnum;
		attempt_call(name, a.rc < 0 ? -1 : 0);
		return;
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, sizeof(why), "SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
		attempt_blocked(name, why);
	} else {
		attempt_done(name, "ended");
	}
}

int
main(void)
{
	char name[64], nr[32], word[ARGS][40];
	int file = open("calls.file", O_RDWR | O_CREAT, 0600);
	FILE *table = fopen("calls", "r");
	struct call c;

	if (table == NULL || file < 0) {
		perror("calls");
		return 1;
	}
	/* setpgid, kill and the like act on a group of their own. */
	while (fscanf(table, "%63s %31s %39s %39s %39s %39s %39s %39s", name,
		      nr, word[0], word[1], word[2], word[3], word[4],
		      word[5]) == 8) {
		c.nr = (long)value(nr, file);
		for (int i = 0; i < ARGS; i++)
			c.args[i] = value(word[i], file);
		report(name, &c);
	}
	return 0;
}
