/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As a test's code of a compiled language, whose harness is its parent: read
 * that one's memory, take its descriptors, write to its result pipe.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attempt.h"

static void
try_file(const char *name, pid_t pid, const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	attempt_call(name, open(path, flags));
}

/* The gate would be one. */
static void
try_sockets(pid_t pid)
{
	struct stat st;
	char path[64];
	int found = 0;

	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		found += stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	}
	errno = ENOENT;
	attempt_call("gate", found > 0 ? found : -1);
}

int
main(void)
{
	static char buffer[16];
	struct iovec one = {buffer, sizeof(buffer)};
	pid_t parent = getppid();
	int fd, found = 0;
	struct stat st;

	/* stderr: a test's stdout is the harness's to read. */
	dup2(2, 1);
	for (int i = 3; i < 1024; i++)
		found += fstat(i, &st) == 0;
	errno = EBADF;
	attempt_call("own-fds", found > 0 ? found : -1);
	fd = (int)syscall(SYS_pidfd_open, parent, 0);
	attempt_call("parent-is-pid1", parent == 1 ? 1 : -1);
	try_file("mem-read", parent, "mem", O_RDONLY);
	try_file("mem-write", parent, "mem", O_RDWR);
	try_file("maps", parent, "maps", O_RDONLY);
	try_file("result-pipe-write", parent, "fd/3", O_WRONLY);
	try_file("result-pipe-read", parent, "fd/3", O_RDONLY);
	try_sockets(parent);
	attempt_call("pidfd_getfd", syscall(SYS_pidfd_getfd, fd, 3, 0));
	attempt_call("ptrace", ptrace(PTRACE_SEIZE, parent, 0, 0));
	attempt_call("process_vm_readv", syscall(SYS_process_vm_readv, parent,
						 &one, 1, &one, 1, 0));
	return 0;
}
