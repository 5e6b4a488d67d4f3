/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.c - the shell runtime: run a script with the interpreter that its
 * first line names, /bin/sh if none.
 *
 * Tests are run with bats if they are its kind of file (*.bats or a line that
 * begins with @test), otherwise like any script; TAP in their output is
 * recognised, else their exit code is one test.  Scripts of the job are made
 * executable first, so that tests can call ./solution.sh.  Tests run under a
 * guard (common/shguard.h) that says whether they came to their end.
 *
 * Runs inside the jail with the rights of the script.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "jail/runtimes/common/child.h"
#include "jail/runtimes/common/gate.h"
#include "jail/runtimes/common/result.h"
#include "jail/runtimes/common/shguard.h"
#include "jail/runtimes/common/testrun.h"
#include "jail/spec.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define BATS "/usr/bin/bats"
#define SCRIPT_BYTES_MAX (16u << 20)
#define DEPTH_MAX 16

/* As execve(2) does it: one path, and the rest of the line is one argument. */
struct shebang {
	char interpreter[BUNDLE_PATH_MAX + 1];
	char argument[BUNDLE_PATH_MAX + 1]; /* "" if none */
};

static void
shebang_read(const char *path, struct shebang *ret)
{
	char line[512];
	char *at = line + 2, *end;
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, line, sizeof(line) - 1);

	*ret = (struct shebang){.interpreter = "/bin/sh"};
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	at += strspn(at, " \t");
	if (*at == '\0')
		return;
	end = at + strcspn(at, " \t");
	if (*end != '\0') {
		*end++ = '\0';
		end += strspn(end, " \t");
		for (size_t len = strlen(end);
		     len > 0 && (end[len - 1] == ' ' || end[len - 1] == '\t');)
			end[--len] = '\0';
	}
	/* Longer ones cannot exist in a jail; the exec then says so. */
	(void)str_copy(ret->interpreter, sizeof(ret->interpreter), at);
	(void)str_copy(ret->argument, sizeof(ret->argument), end);
}

static bool
is_script(const char *path)
{
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(path);
	char start[2];

	if (fd < 0)
		return false;
	if (n > 3 && strcmp(path + n - 3, ".sh") == 0)
		return true;
	return fd_read_full(fd, start, 2) == 2 && start[0] == '#' &&
	       start[1] == '!';
}

/* What cannot be made executable stays as it is; whoever calls it will see. */
static void
make_executable(const char *folder, int depth)
{
	DIR *dir = opendir(*folder ? folder : ".");
	const struct dirent *entry;
	char path[BUNDLE_PATH_MAX + 1];
	struct stat st;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    str_printf(path, sizeof(path), "%s%s%s", folder,
			       *folder ? "/" : "", entry->d_name) < 0 ||
		    fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			make_executable(path, depth + 1);
		else if (S_ISREG(st.st_mode) && is_script(path))
			(void)chmod(path, st.st_mode | 0111);
	}
	closedir(dir);
}

static bool
has_bats_tests(const char *path)
{
	owned_mem char *text = NULL;
	struct err ignored = ERR_INIT; /* the run will say what is wrong */
	size_t n = strlen(path), len;

	if (n > 5 && strcmp(path + n - 5, ".bats") == 0)
		return true;
	if (fd_read_file(AT_FDCWD, path, SCRIPT_BYTES_MAX, &text, &len,
			 &ignored) < 0)
		return false;
	return strncmp(text, "@test ", 6) == 0 ||
	       memmem(text, len, "\n@test ", 7) != NULL;
}

/*
 * argv for a script; ret has room for 4 + args_len.  Its path gets a "./" if
 * it could be taken for an option.
 */
static void
script_command(const struct shebang *shebang, const char *path, char **args,
	       size_t args_len, const char **ret)
{
	size_t n = 0;

	ret[n++] = shebang->interpreter;
	if (shebang->argument[0] != '\0')
		ret[n++] = shebang->argument;
	ret[n++] = path;
	for (size_t i = 0; i < args_len; i++)
		ret[n++] = args[i];
	ret[n] = NULL;
}

static int
run_script(const struct harness_job *job, const char *path)
{
	owned_mem const char **argv = calloc(job->args_len + 4, sizeof(*argv));
	struct shebang shebang;
	struct err e = ERR_INIT;

	close(PAYLOAD_FD_RESULT);
	if (argv == NULL)
		return HARNESS_EXIT_BROKEN;
	shebang_read(path, &shebang);
	script_command(&shebang, path, job->args, job->args_len, argv);
	(void)harness_exec(argv, &e);
	(void)harness_broken(&e);
	return 127; /* as a shell does for a missing command */
}

/* Get the tests ready and run them under the guard. */
static int
run_guarded(struct shguard *guard, struct testrun *run, const char *path,
	    struct harness_end *ret, struct err *e)
{
	const char *argv[5] = {BATS, "--tap", path, NULL};
	struct shebang shebang;

	/* What bats' own processes say to each other goes through pipes that
	 * any process of the jail can open. */
	run->result->is_separate =
		guard->is_separate && run->format != TESTRUN_BATS;
	if (run->format == TESTRUN_BATS) {
		if (shguard_arm_bats(guard, run->result, run, e) < 0)
			return -1;
		return harness_child_run_quiet(argv, shguard_bats_output, guard,
					       ret, e);
	}
	shebang_read(path, &shebang);
	script_command(&shebang, path, NULL, 0, argv);
	if (shguard_knows(shebang.interpreter, shebang.argument) &&
	    shguard_arm_script(guard, e) < 0)
		return -1;
	return harness_child_run(argv, testrun_output, run, ret, e);
}

static int
run_tests(const struct harness_job *job, const char *path)
{
	static struct testrun run;
	static struct shguard guard;
	struct harness_result result;
	struct err e = ERR_INIT;
	struct harness_end end;
	int status;

	if (fcntl(PAYLOAD_FD_RESULT, F_SETFD, FD_CLOEXEC) < 0)
		return HARNESS_EXIT_BROKEN;
	harness_result_init(&result, PAYLOAD_FD_RESULT);
	testrun_init(&run, &result, job->tests,
		     has_bats_tests(path) ? TESTRUN_BATS : TESTRUN_UNKNOWN);
	/* Or a program could have the script's own lines passed over. */
	run.is_tap_only = true;
	if (shguard_init(&guard, path, &e) < 0 ||
	    run_guarded(&guard, &run, path, &end, &e) < 0) {
		shguard_done(&guard);
		(void)harness_broken(&e);
		harness_result_test(&result, job->tests, HARNESS_ERROR, 0,
				    e.text, strlen(e.text));
		return harness_result_end(&result);
	}
	status = shguard_finish(&guard, &run, end.status);
	testrun_finish(&run, status);
	/* Then not all lines that count are the script's own. */
	result.is_shared =
		end.have_others_written && run.format != TESTRUN_UNKNOWN;
	shguard_done(&guard);
	return harness_result_end(&result);
}

int
main(void)
{
	struct harness_job job;
	struct err e = ERR_INIT;
	char path[BUNDLE_PATH_MAX + 3];
	const char *file;
	int code;

	if (harness_gate_wait(&e) < 0 || harness_job_read(&job, &e) < 0)
		return harness_broken(&e);
	file = job.is_test ? job.tests : job.code;
	(void)snprintf(path, sizeof(path), "%s%s", file[0] == '-' ? "./" : "",
		       file);
	make_executable("", 0);
	code = job.is_test ? run_tests(&job, path) : run_script(&job, path);
	harness_job_done(&job);
	return code;
}
