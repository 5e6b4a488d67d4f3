/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - where a password comes from: a file, a pipe, or a person.  Never
 * the command line, which every process of the machine can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "tools/promptcraft/cli.h"

/* The first line of fd, without its newline. */
static int
read_line(int fd, const char *name, char dst[CLI_PASSWORD_MAX], struct err *e)
{
	/* One byte more than fits, so that too long is seen. */
	char text[CLI_PASSWORD_MAX + 1];
	ssize_t len = fd_read_full(fd, text, sizeof(text));
	if (len == -1)
		return err_sys(e, "read the password from %s", name);
	const char *end = memchr(text, '\n', (size_t)len);
	size_t line_len = end != NULL ? (size_t)(end - text) : (size_t)len;
	int rc = 0;
	if (line_len == 0)
		rc = err_set(e, ERR_INVALID, 0, "%s holds no password", name);
	else if (line_len >= CLI_PASSWORD_MAX)
		rc = err_set(e, ERR_INVALID, 0,
			     "the password in %s is longer than %d bytes", name,
			     CLI_PASSWORD_MAX - 1);
	else if (memchr(text, '\0', line_len) != NULL)
		rc = err_set(e, ERR_INVALID, 0,
			     "the password in %s has a NUL byte", name);
	if (rc == 0) {
		memcpy(dst, text, line_len);
		dst[line_len] = '\0';
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* A terminal gives one line a read; echo is off while it is typed. */
static int
ask_person(char dst[CLI_PASSWORD_MAX], struct err *e)
{
	owned_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios normal;
	if (tty == -1 || tcgetattr(tty, &normal) == -1)
		return err_set(e, ERR_INVALID, 0,
			       "no terminal to ask for the password: use "
			       "--password-file");
	struct termios silent = normal;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	static const char prompt[] = "Password: ";
	if (fd_write_all(tty, prompt, sizeof(prompt) - 1) == -1 ||
	    tcsetattr(tty, TCSAFLUSH, &silent) == -1)
		return err_sys(e, "ask for the password");
	ssize_t len = read(tty, dst, CLI_PASSWORD_MAX);
	int read_errno = errno;
	tcsetattr(tty, TCSAFLUSH, &normal);
	(void)fd_write_all(tty, "\n", 1);
	if (len < 0)
		return err_set(e, ERR_IO, read_errno, "read the password");
	if (len == CLI_PASSWORD_MAX && dst[len - 1] != '\n')
		return err_set(e, ERR_INVALID, 0, "the password is too long");
	if (len > 0 && dst[len - 1] == '\n')
		len--;
	if (len == 0)
		return err_set(e, ERR_INVALID, 0, "no password was given");
	dst[len] = '\0';
	return 0;
}

int
cli_read_password(const char *path, bool may_ask, char dst[CLI_PASSWORD_MAX],
		  struct err *e)
{
	if (path == NULL) {
		if (may_ask)
			return ask_person(dst, e);
		return err_set(e, ERR_INVALID, 0, "no password was given");
	}
	if (strcmp(path, "-") == 0)
		return read_line(STDIN_FILENO, "stdin", dst, e);
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open %s", path);
	return read_line(fd, path, dst, e);
}
