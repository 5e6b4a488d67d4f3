/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B14: type into somebody's terminal (CVE-2017-5226), paste with the console's
 * selection, and both with upper bits of the command set, which the kernel
 * drops (CVE-2019-10063).  On all descriptors and on /dev/tty.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "attempt.h"

static const struct {
	const char *name;
	unsigned long command;
} commands[] = {
	{"TIOCSTI", TIOCSTI},
	{"TIOCSTI-bit32", TIOCSTI | 1ul << 32},
	{"TIOCSTI-bit63", TIOCSTI | 1ul << 63},
	{"TIOCLINUX", TIOCLINUX},
	{"TIOCLINUX-bit32", TIOCLINUX | 1ul << 32},
	{"TIOCSCTTY", TIOCSCTTY},
	{"TIOCSETD", TIOCSETD},
};

static void
report(const char *name, const char *where, long rc)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s-%s", name, where);
	attempt_call(text, rc);
}

static void
try_fd(const char *where, int fd)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		/*
		 * What is typed; TIOCLINUX's "unblank"; the usual discipline.
		 */
		int argument = 0;

		if (strncmp(commands[i].name, "TIOCSTI", 7) == 0)
			argument = '!';
		if (strncmp(commands[i].name, "TIOCLINUX", 9) == 0)
			argument = 4;
		report(commands[i].name, where,
		       syscall(SYS_ioctl, fd, commands[i].command, &argument));
	}
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	report("open", "tty", open("/dev/tty", O_RDWR));
	report("open", "ptmx", open("/dev/ptmx", O_RDWR));
	report("open", "pts", open("/dev/pts/0", O_RDWR));
	report("getsid", "foreign", getsid(0) > 0 ? -1 : 0);
	try_fd("stdin", 0);
	try_fd("stderr", 2);
	return 0;
}
