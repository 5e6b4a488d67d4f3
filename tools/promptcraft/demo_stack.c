/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_stack.c - the demo's private supervisor and API, by tools/stack, and
 * its accounts, by this program's own `user add`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/auth/password.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/demo.h"

#define OUTPUT_MAX 8192
#define LEVELS_UP 5

static _Noreturn void
exec_tool(const char *const argv[], int in, int out, int err_out)
{
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(err_out, STDERR_FILENO) == -1)
		_exit(126);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
read_back(int fd, char *dst, size_t size)
{
	ssize_t len = pread(fd, dst, size - 1, 0);
	dst[len > 0 ? len : 0] = '\0';
}

/*
 * Run argv with `input` as stdin; its stdout into out.  A failure carries its
 * stderr, as much as fits.
 */
static int
run_tool(const char *const argv[], const char *input, char *out,
	 size_t out_size, struct err *e)
{
	owned_fd int in = -1;
	owned_fd int out_fd = memfd_create("demo-stdout", MFD_CLOEXEC);
	owned_fd int err_fd = memfd_create("demo-stderr", MFD_CLOEXEC);
	int status = 0;
	if (out_fd == -1 || err_fd == -1)
		return err_sys(e, "memfd");
	if (fd_memfd_sealed("demo-stdin", input, strlen(input), &in, e) == -1)
		return -1;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == -1)
		return err_sys(e, "fork");
	if (pid == 0)
		exec_tool(argv, in, out_fd, err_fd);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		read_back(out_fd, out, out_size);
		return 0;
	}
	char text[4096];
	read_back(err_fd, text, sizeof(text));
	fputs(text, stderr);
	return err_set(e, ERR_PEER, 0, "%s %s failed", argv[0], argv[1]);
}

static int
find_exe_dir(struct demo *d, struct err *e)
{
	ssize_t len =
		readlink("/proc/self/exe", d->exe_dir, sizeof(d->exe_dir) - 1);
	if (len <= 0)
		return err_sys(e, "read /proc/self/exe");
	d->exe_dir[len] = '\0';
	*strrchr(d->exe_dir, '/') = '\0';
	return 0;
}

/* The build tree lies in the source tree, a few levels below tools/. */
static int
find_stack_tool(struct demo *d, struct err *e)
{
	char dir[DEMO_PATH_SIZE];
	if (str_copy(dir, sizeof(dir), d->exe_dir) == -1)
		return err_set(e, ERR_LIMIT, 0, "the path is too long");
	for (int i = 0; i < LEVELS_UP && dir[0] != '\0'; i++) {
		if (str_printf(d->stack_tool, sizeof(d->stack_tool),
			       "%s/tools/stack", dir) == 0 &&
		    access(d->stack_tool, X_OK) == 0)
			return 0;
		*strrchr(dir, '/') = '\0';
	}
	return err_set(e, ERR_NOT_FOUND, 0,
		       "the demo needs tools/stack of the source tree: run it "
		       "by `sudo make demo`");
}

static int
make_dir(struct demo *d, struct err *e)
{
	(void)str_copy(d->dir, sizeof(d->dir), "/tmp/promptcraft-demo.XXXXXX");
	if (mkdtemp(d->dir) == NULL) {
		d->dir[0] = '\0';
		return err_sys(e, "make a directory in /tmp");
	}
	/* The API's own user must be able to walk through. */
	return chmod(d->dir, 0711) == -1 ? err_sys(e, "chmod %s", d->dir) : 0;
}

static int
take_addresses(struct demo *d, struct err *e)
{
	const char *url = cli_json_string(d->stack, "url", NULL);
	const char *token = cli_json_string(d->stack, "token", NULL);
	if (url == NULL || token == NULL)
		return err_set(e, ERR_PEER, 0, "tools/stack said no url");
	d->as_admin = *d->cli;
	d->as_admin.url = url;
	d->as_admin.token = token;
	d->as_user = d->as_admin;
	d->as_user.token = NULL;
	return 0;
}

int
demo_stack_up(struct demo *d, struct err *e)
{
	char out[OUTPUT_MAX];
	if (find_exe_dir(d, e) == -1 || find_stack_tool(d, e) == -1 ||
	    make_dir(d, e) == -1)
		return -1;
	const char *const argv[] = {d->stack_tool, "up",       d->dir,
				    "--build",	   d->exe_dir, NULL};
	if (run_tool(argv, "", out, sizeof(out), e) == -1)
		return -1;
	d->stack = json_loads(out, 0, NULL);
	return take_addresses(d, e);
}

int
demo_stack_down(struct demo *d, struct err *e)
{
	char out[1024];
	int rc = 0;
	if (d->dir[0] == '\0')
		return 0;
	if (d->stack != NULL) {
		const char *const argv[] = {d->stack_tool, "down", "--purge",
					    d->dir, NULL};
		rc = run_tool(argv, "", out, sizeof(out), e);
	} else if (rmdir(d->dir) == -1) {
		/* It did not come up; the logs stay for who wants to know. */
		fprintf(stderr, "the logs are in %s\n", d->dir);
	}
	json_decref(d->stack);
	d->stack = NULL;
	d->dir[0] = '\0';
	return rc;
}

int
demo_account(struct demo *d, struct err *e)
{
	char exe[DEMO_PATH_SIZE + 16], out[1024];
	char password[PASSWORD_GENERATED_SIZE];
	if (str_printf(exe, sizeof(exe), "%s/promptcraft", d->exe_dir) == -1)
		return err_set(e, ERR_LIMIT, 0, "the path is too long");
	const char *const argv[] = {
		exe,
		"user",
		"add",
		DEMO_USER,
		"--role",
		"user",
		"--state-dir",
		cli_json_string(d->stack, "state_dir", ""),
		"--password-file",
		"-",
		NULL,
	};
	int rc = password_generate(password, e);
	if (rc == 0)
		rc = run_tool(argv, password, out, sizeof(out), e);
	if (rc == 0)
		rc = cli_fetch_token(&d->as_user, DEMO_USER, password,
				     &d->user_token, e);
	explicit_bzero(password, sizeof(password));
	d->as_user.token = d->user_token;
	return rc;
}
