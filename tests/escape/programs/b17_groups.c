/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B17: tricks with groups and mapped ids: other ids than the one given, a new
 * id map, ownership of what is root's outside.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"

static long
report(const char *name, long rc)
{
	attempt_call(name, rc);
	return rc;
}

static void
try_map(const char *name, const char *text)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_WRONLY);
	report(name, fd < 0 ? -1 : write(fd, text, strlen(text)));
}

/* Of /proc/self/uid_map: does any line map host uid 0? */
static int
maps_root(const char *path)
{
	unsigned long inner, outer, count;
	FILE *f = fopen(path, "r");
	int found = f == NULL;

	while (f != NULL &&
	       fscanf(f, "%lu %lu %lu", &inner, &outer, &count) == 3)
		found |= outer == 0;
	errno = EPERM;
	return found ? 0 : -1;
}

int
main(void)
{
	const gid_t zero = 0;
	struct stat st;
	int fd;

	setvbuf(stdout, NULL, _IONBF, 0);
	report("host-root-uid-mapped", maps_root("/proc/self/uid_map"));
	report("host-root-gid-mapped", maps_root("/proc/self/gid_map"));
	errno = EPERM;
	report("see-root-owner",
	       stat("/usr/bin", &st) == 0 && st.st_uid == 65534 ? -1 : 0);
	fd = open("/tmp/mine", O_CREAT | O_RDWR, 0600);
	(void)unlink("/tmp/mine"); /* a plain clone's /tmp is the machine's */
	report("chown-0", fchown(fd, 0, (gid_t)-1));
	report("chgrp-0", fchown(fd, (uid_t)-1, 0));
	report("chown-nobody", fchown(fd, 65534, 65534));
	try_map("uid_map", "0 0 1");
	try_map("gid_map", "0 0 1");
	try_map("setgroups", "allow");
	report("setgroups-none", syscall(SYS_setgroups, 0, NULL));
	report("setgroups-0", syscall(SYS_setgroups, 1, &zero));
	report("setresgid", syscall(SYS_setresgid, 0, 0, 0));
	report("setresuid", syscall(SYS_setresuid, 0, 0, 0));
	report("setuid", syscall(SYS_setuid, 0));
	report("setgid", syscall(SYS_setgid, 0));
	report("setreuid", syscall(SYS_setreuid, 0, 0));
	errno = EPERM;
	report("setfsuid",
	       syscall(SYS_setfsuid, 0) < 0 || syscall(SYS_setfsuid, -1) != 0
		       ? -1
		       : 0);
	return 0;
}
