/* SPDX-License-Identifier: Apache-2.0 */
/*
 * E04: a connected socket that came with us is a way out that no socket() was
 * asked for.  Try to send on every descriptor, also on those of our parent.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/stat.h>

#include "attempt.h"

static void
report(const char *name, int count)
{
	if (count > 0)
		attempt_done(name, "%d", count);
	else
		attempt_blocked(name, "none");
}

int
main(void)
{
	int sent = 0, sockets = 0, opened = 0, others = 0;
	struct stat st;
	char path[64];

	for (int fd = 0; fd < 4096; fd++) {
		sent += send(fd, "leak", 4, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
		if (fstat(fd, &st) < 0)
			continue;
		sockets += S_ISSOCK(st.st_mode);
		/* stdin, stdout, stderr, the result pipe; /work itself? */
		others += !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode);
	}
	for (int fd = 0; fd < 256; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d",
			       (int)getppid(), fd);
		if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			opened++;
	}
	report("send", sent);
	report("socket-fds", sockets);
	report("other-fds", others);
	report("parents-sockets", opened);
	return 0;
}
