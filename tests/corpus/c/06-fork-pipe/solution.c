#define _GNU_SOURCE
#include "process.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int in_child(int (*function)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -1;
	if (pid == 0)
		_exit(function());
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What a command prints, NUL-terminated. */
ssize_t capture(const char *command, char *buf, size_t size)
{
	int pair[2];
	ssize_t n, len = 0;
	pid_t pid;

	if (pipe(pair) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(pair[1], 1);
		close(pair[0]);
		close(pair[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	while ((n = read(pair[0], buf + len, size - 1 - (size_t)len)) > 0)
		len += n;
	buf[len] = '\0';
	close(pair[0]);
	waitpid(pid, NULL, 0);
	return len;
}
