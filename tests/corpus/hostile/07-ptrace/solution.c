/* Tries to take over PID 1; says ALLOWED or READ if something worked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char *what, long pid, long rc)
{
	printf("%s %ld: %s\n", what, pid, rc < 0 ? strerror(errno) : "ALLOWED");
	fflush(stdout);
}

static void files_of(long pid)
{
	static const char *const names[] = {"mem", "maps", "environ", "auxv",
					    "stack", "syscall", "pagemap", "io"};
	char path[64], byte[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%ld/%s", pid, names[i]);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			printf("%s: %s\n", path, strerror(errno));
		else if (read(fd, byte, sizeof(byte)) > 0)
			printf("%s: READ\n", path);
		if (fd >= 0)
			close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%ld/mem", pid);
	report("write its memory of", pid, open(path, O_RDWR));
}

static void attack(long pid)
{
	char buf[64];
	struct iovec mine = {buf, sizeof(buf)};
	struct iovec theirs = {(void *)0x400000, sizeof(buf)};
	long fd;

	report("attach", pid, ptrace(PTRACE_ATTACH, pid, 0, 0));
	report("seize", pid, ptrace(PTRACE_SEIZE, pid, 0, 0));
	report("process_vm_readv", pid,
	       syscall(SYS_process_vm_readv, pid, &mine, 1, &theirs, 1, 0));
	report("process_vm_writev", pid,
	       syscall(SYS_process_vm_writev, pid, &mine, 1, &theirs, 1, 0));
	report("kcmp", pid, syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
	fd = syscall(SYS_pidfd_open, pid, 0);
	for (int i = 0; fd >= 0 && i < 8; i++)
		report("pidfd_getfd", pid, syscall(SYS_pidfd_getfd, fd, i, 0));
}

int main(void)
{
	pid_t child;

	attack(1);
	files_of(1);
	for (int signo = 1; signo <= 64; signo += 7)
		report("signal", 1, kill(1, signo));
	child = fork();
	if (child == 0) {
		report("traceme by", getpid(), ptrace(PTRACE_TRACEME, 0, 0, 0));
		_exit(0);
	}
	waitpid(child, NULL, 0);
	puts("end");
	return 0;
}
