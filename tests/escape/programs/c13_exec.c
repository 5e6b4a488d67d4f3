/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C13: run what was just written: memfd and execveat, a file of a noexec file
 * system, memory that is writable and executable, or becomes so, and the
 * personalities that make all memory executable or all addresses known.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"

/* mov eax, 42; ret */
static const unsigned char code[] = {0xb8, ATTEMPT_GOT_THROUGH, 0, 0, 0, 0xc3};

static int
copy_program(int to)
{
	char buf[65536];
	int from = open("/usr/bin/true", O_RDONLY);
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return -1;
	close(from);
	return n < 0 ? -1 : 0;
}

/* Only the exec counts: the child of an exec that worked exits with 0. */
static void
attempt_exec(const char *name, int fd, const char *path)
{
	char *argv[] = {"true", NULL}, *env[] = {NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (fd >= 0)
			syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		else if (path != NULL)
			execve(path, argv, env);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	attempt_call(name, errno == 0 ? 0 : -1);
}

static void
run(const void *at)
{
	union {
		const void *data;
		int (*fn)(void);
	} both = {.data = at};

	if (both.data != MAP_FAILED)
		_exit(both.fn());
}

static void
write_then_exec(void *arg)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	memcpy(at, code, sizeof(code));
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0)
		run(at);
}

static void
pkey_write_then_exec(void *arg)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	memcpy(at, code, sizeof(code));
	if (syscall(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1) ==
	    0)
		run(at);
}

static void
write_and_exec(void *arg)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (at == MAP_FAILED)
		return;
	memcpy(at, code, sizeof(code));
	run(at);
}

/* The same pages twice: written here, executed there. */
static void
two_mappings(void *arg)
{
	int fd = memfd_create("code", 0);
	void *to, *at;

	(void)arg;
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return;
	to = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (to == MAP_FAILED || at == MAP_FAILED)
		return;
	memcpy(to, code, sizeof(code));
	run(at);
}

int
main(void)
{
	int fd = memfd_create("program", 0), file;

	copy_program(fd);
	attempt_exec("memfd_execveat", fd, NULL);
	file = open("/dev/shm/program", O_RDWR | O_CREAT, 0700);
	copy_program(file);
	close(file);
	attempt_exec("noexec_shm", -1, "/dev/shm/program");
	file = open("program", O_RDWR | O_CREAT, 0700);
	copy_program(file);
	close(file);
	attempt_exec("written_work", -1, "./program");
	attempt_call("noexec_shm_mmap",
		     mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			  open("/dev/shm/program", O_RDONLY), 0) == MAP_FAILED
			     ? -1
			     : 0);
	attempt_child("write_then_exec", write_then_exec, NULL);
	attempt_child("pkey_write_then_exec", pkey_write_then_exec, NULL);
	attempt_child("write_and_exec", write_and_exec, NULL);
	attempt_child("two_mappings", two_mappings, NULL);
	attempt_call("read_implies_exec", personality(READ_IMPLIES_EXEC));
	attempt_call("no_randomize", personality(ADDR_NO_RANDOMIZE));
	attempt_call("no_randomize_high",
		     syscall(SYS_personality, ADDR_NO_RANDOMIZE | 1ul << 32));
	return 0;
}
