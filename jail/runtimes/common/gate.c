/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - see gate.h.  The manifest is trusted as far as its syntax goes
 * (jail-init wrote it); the paths in it have been checked there.
 */
#include "jail/runtimes/common/gate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "jail/spec.h"
#include "supervisor/base/fd.h"

int
harness_gate_wait(struct err *e)
{
	char word = GATE_READY;
	ssize_t n;

	if (write(PAYLOAD_FD_GATE, &word, 1) != 1)
		return err_sys(e, "harness: write to the gate");
	n = read(PAYLOAD_FD_GATE, &word, 1);
	if (n < 0)
		return err_sys(e, "harness: read from the gate");
	if (n == 0 || word != GATE_GO)
		return err_set(e, ERR_PEER, 0, "harness: the gate was closed");
	close(PAYLOAD_FD_GATE);
	/* After the gate: posture is read from /proc, too. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "harness: set undumpable");
	return 0;
}

static int
job_field(struct harness_job *job, char *field, struct err *e)
{
	char *value = strchr(field, '=');

	if (value == NULL)
		return err_set(e, ERR_INVALID, 0, "manifest: no '=' in a line");
	*value++ = '\0';
	if (strcmp(field, "mode") == 0)
		job->is_test = strcmp(value, "test") == 0;
	else if (strcmp(field, "code") == 0)
		job->code = value;
	else if (strcmp(field, "tests") == 0)
		job->tests = value;
	else if (strcmp(field, "arg") == 0)
		job->args[job->args_len++] = value;
	return 0;
}

int
harness_job_parse(char *text, size_t len, struct harness_job *ret,
		  struct err *e)
{
	struct harness_job job = {.text = text};
	size_t fields = 0;

	for (size_t i = 0; i < len; i++)
		fields += text[i] == '\0';
	job.args = calloc(fields + 1, sizeof(*job.args));
	if (job.args == NULL) {
		harness_job_done(&job);
		return err_sys(e, "manifest");
	}
	for (char *at = text; at < text + len;) {
		char *next = at + strlen(at) + 1;

		if (job_field(&job, at, e) < 0) {
			harness_job_done(&job);
			return -1;
		}
		at = next;
	}
	if (job.code == NULL || (job.is_test && job.tests == NULL)) {
		harness_job_done(&job);
		return err_set(e, ERR_INVALID, 0, "manifest: no code or tests");
	}
	*ret = job;
	return 0;
}

int
harness_job_read(struct harness_job *ret, struct err *e)
{
	/*
	 * The tests of the harnesses run them without a jail, where /run is
	 * not theirs.  Inside a jail nobody can set this: the environment
	 * consists of what the policy and runtime.ini say.
	 */
	const char *path = getenv("PROMPTCRAFT_JOB_FILE");
	char *text = NULL;
	size_t len = 0;

	if (path == NULL)
		path = JAIL_JOB_FILE;
	if (fd_read_file(AT_FDCWD, path, BUNDLE_MANIFEST_MAX, &text, &len, e) <
	    0)
		return -1;
	unsetenv("PROMPTCRAFT_JOB_FILE");
	return harness_job_parse(text, len, ret, e);
}

void
harness_job_done(struct harness_job *job)
{
	free(job->args);
	free(job->text);
	*job = (struct harness_job){0};
}

int
harness_broken(const struct err *e)
{
	(void)fprintf(stderr, "%s\n", e->text);
	return HARNESS_EXIT_BROKEN;
}
