/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B02: a cgroup file system to write to.  Mount one in a namespace of our own
 * (CVE-2022-0492: then its release_agent runs as root), or find one that is
 * there; and learn our place in the host's tree.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "attempt.h"

static void
report(const char *name, int is_done)
{
	attempt_call(name, is_done ? 0 : -1);
}

/* A line of /proc/self/<file> that has `word`. */
static int
has_line(const char *file, const char *word, char line[1024])
{
	FILE *f = fopen(file, "r");
	int found = 0;

	while (f != NULL && !found && fgets(line, 1024, f) != NULL)
		found = strstr(line, word) != NULL;
	if (f != NULL)
		fclose(f);
	errno = ENOENT;
	return found;
}

/* Every line of /proc/self/cgroup ends in ":/". */
static int
sees_own_place(void)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[1024];
	int lines = 0, told = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		lines++;
		told |= strstr(line, ":/\n") == NULL;
	}
	if (f != NULL)
		fclose(f);
	errno = ENODATA;
	return told || lines == 0;
}

static int
can_write(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
main(void)
{
	char line[1024];

	setvbuf(stdout, NULL, _IONBF, 0);
	report("cgroup-mounted",
	       has_line("/proc/self/mountinfo", " - cgroup", line));
	report("cgroup-place", sees_own_place());
	report("sys-fs-cgroup", access("/sys/fs/cgroup", F_OK) == 0);
	report("proc-cgroup-write", can_write("/proc/self/cgroup"));
	/* With or without the first step: the tries stand alone. */
	report("namespaces",
	       unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) == 0);
	mkdir("/tmp/cg", 0700);
	report("mount-v2", mount("none", "/tmp/cg", "cgroup2", 0, NULL) == 0);
	report("mount-v1",
	       mount("none", "/tmp/cg", "cgroup", 0, "memory") == 0 ||
		       mount("none", "/tmp/cg", "cgroup", 0, "pids") == 0);
	report("release-agent", can_write("/tmp/cg/release_agent"));
	return 0;
}
