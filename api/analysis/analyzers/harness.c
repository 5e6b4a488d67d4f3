/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.c - what every analyzer's runtime begins with: wait at the gate, then
 * become the program that runtime.ini names after it.
 *
 *	Exec=/opt/runtime/harness PROGRAM ARGUMENTS... source.py
 *
 * The source has the name that Code= gives it, in /work or in a folder below;
 * the job's manifest says where, and the program begins in that folder, so that
 * it finds what is beside the source.  Findings go to stdout or stderr; the
 * result pipe, which is for tests, is closed.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/runtimes/common/child.h"
#include "jail/runtimes/common/gate.h"
#include "jail/spec.h"

static int
go_to_source(struct err *e)
{
	struct harness_job job;
	char *slash;
	int rc = 0;

	if (harness_job_read(&job, e) < 0)
		return -1;
	slash = strrchr(job.code, '/');
	if (slash != NULL) {
		char *dir = strndup(job.code, (size_t)(slash - job.code));

		if (dir == NULL || chdir(dir) < 0)
			rc = err_sys(e, "harness: the source's folder");
		free(dir);
	}
	harness_job_done(&job);
	return rc;
}

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (harness_gate_wait(&e) < 0 || go_to_source(&e) < 0)
		return harness_broken(&e);
	close(PAYLOAD_FD_RESULT);
	if (argc < 2) {
		err_set(&e, ERR_INVALID, 0, "harness: no program is named");
		return harness_broken(&e);
	}
	(void)harness_exec((const char *const *)argv + 1, &e);
	return harness_broken(&e);
}
