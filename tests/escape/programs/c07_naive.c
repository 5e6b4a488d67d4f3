/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C07, without a jail: a listener that makes the mistake.  It reads the path
 * of openat(2) out of the caller's memory, allows "/dev/null" and lets the
 * kernel go on, which reads it again.  Meanwhile the caller's peer has written
 * "/etc/passwd" there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "attempt.h"

#define SECONDS 40
static const char good[] = "/dev/null\0\0", bad[] = "/etc/passwd";

static char path[sizeof(bad)];
static atomic_bool stop;

static void *
rewrite(void *arg)
{
	for (unsigned i = 0; !atomic_load(&stop); i++)
		for (size_t at = 0; at < sizeof(bad); at++)
			((volatile char *)path)[at] = (i & 1 ? good : bad)[at];
	return arg;
}

static int
install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

/* The program under the filter; how often it got what was not allowed. */
static void __attribute__((noreturn)) caller(int tell)
{
	int listener = install(), got = 0, fd;
	const time_t end = time(NULL) + SECONDS;
	char byte;
	pthread_t id;

	if (listener < 0 ||
	    write(tell, &listener, sizeof(listener)) != sizeof(listener))
		_exit(1);
	/* Until it is taken; threads open files of their own. */
	if (read(tell, &byte, 1) != 1)
		_exit(1);
	close(listener);
	pthread_create(&id, NULL, rewrite, NULL);
	while (got == 0 && time(NULL) < end) {
		char text[5] = "";

		fd = openat(AT_FDCWD, path, O_RDONLY);
		if (fd < 0)
			continue;
		got += read(fd, text, 4) > 0;
		close(fd);
	}
	atomic_store(&stop, true);
	pthread_join(id, NULL);
	if (got > 0)
		attempt_done("looked_then_continued", "%s", bad);
	else
		attempt_blocked("looked_then_continued", "never_in_time");
	_exit(0);
}

static void
answer(int listener, pid_t pid)
{
	struct seccomp_notif call = {0};
	struct seccomp_notif_resp reply = {0};
	char text[sizeof(bad)] = "";
	struct iovec here = {.iov_base = text, .iov_len = sizeof(text)};
	struct iovec there = {.iov_len = sizeof(text)};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return;
	there.iov_base = (void *)(unsigned long)call.data.args[1];
	(void)process_vm_readv(pid, &here, 1, &there, 1, 0);
	reply.id = call.id;
	if (strcmp(text, good) == 0)
		reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		reply.error = -EPERM;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

int
main(void)
{
	int ends[2], listener, theirs;
	pid_t pid;

	memcpy(path, good, sizeof(path));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 1;
	pid = fork();
	if (pid == 0)
		caller(ends[1]);
	if (read(ends[0], &theirs, sizeof(theirs)) != sizeof(theirs))
		return 1;
	listener =
		(int)syscall(SYS_pidfd_getfd,
			     (int)syscall(SYS_pidfd_open, pid, 0), theirs, 0);
	if (listener < 0 || write(ends[0], "x", 1) != 1)
		return 1;
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		alarm(20);
		answer(listener, pid);
	}
	return 0;
}
