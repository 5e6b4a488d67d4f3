/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgrun.c - run a command in a new cgroup with a memory and a process limit,
 * for sandboxes that make none: cgrun NAME MEMORY_BYTES PIDS COMMAND...
 *
 * Does what such a wrapper has to do and no more: make the group (v2, or one in
 * each of memory and pids of v1), write two limits, vfork, join by
 * cgroup.procs, exec, wait, remove.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

/* {folder, limit file, index of the limit's argument} */
static const char *const v1[][2] = {
	{ROOT "/memory", "memory.limit_in_bytes"},
	{ROOT "/pids", "pids.max"},
};
static const char *const v2_files[] = {"memory.max", "pids.max"};

static int procs[2] = {-1, -1};
static char folders[2][256];
static size_t count;

static void
fail(const char *what)
{
	fprintf(stderr, "cgrun: %s: %s\n", what, strerror(errno));
	exit(126);
}

static void
put(const char *folder, const char *file, const char *value)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail(path);
	(void)close(fd);
}

static void
make(const char *root, const char *name)
{
	char path[512];

	(void)snprintf(folders[count], sizeof(folders[0]), "%s/%s", root, name);
	if (mkdir(folders[count], 0755) < 0)
		fail(folders[count]);
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", folders[count]);
	procs[count] = open(path, O_WRONLY | O_CLOEXEC);
	if (procs[count++] < 0)
		fail(path);
}

/* What the command left behind may still be on its way out. */
static void
take_away(const char *folder)
{
	const struct timespec t = {.tv_nsec = 100000};

	for (int i = 0; rmdir(folder) < 0; i++) {
		if (errno != EBUSY || i == 10000)
			fail(folder);
		(void)nanosleep(&t, NULL);
	}
}

int
main(int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	if (argc < 5)
		return 2;
	if (access(ROOT "/cgroup.controllers", F_OK) == 0) {
		make(ROOT, argv[1]);
		for (size_t i = 0; i < 2; i++)
			put(folders[0], v2_files[i], argv[2 + i]);
	} else {
		for (size_t i = 0; i < 2; i++) {
			make(v1[i][0], argv[1]);
			put(folders[i], v1[i][1], argv[2 + i]);
		}
	}
	/* What the cheapest wrapper costs.  NOLINTBEGIN(*.vfork,*.Vfork) */
	pid = vfork();
	if (pid == 0) {
		if (write(procs[0], "0", 1) != 1 ||
		    (count > 1 && write(procs[1], "0", 1) != 1))
			_exit(125);
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	/* NOLINTEND(*.vfork,*.Vfork) */
	if (pid < 0)
		fail("vfork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < count; i++)
		take_away(folders[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
