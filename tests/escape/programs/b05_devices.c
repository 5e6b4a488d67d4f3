/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B05: get at a device: make a node for it, or find one.  Devices are named by
 * number; a node that could be made is opened, too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "attempt.h"

static const struct {
	const char *name;
	unsigned major, minor, type;
} devices[] = {
	{"mem", 1, 1, S_IFCHR},	      {"null", 1, 3, S_IFCHR},
	{"kmsg", 1, 11, S_IFCHR},     {"tty", 5, 0, S_IFCHR},
	{"console", 5, 1, S_IFCHR},   {"ptmx", 5, 2, S_IFCHR},
	{"kvm", 10, 232, S_IFCHR},    {"fuse", 10, 229, S_IFCHR},
	{"uinput", 10, 223, S_IFCHR}, {"tun", 10, 200, S_IFCHR},
	{"loop0", 7, 0, S_IFBLK},     {"sda", 8, 0, S_IFBLK},
	{"vda", 254, 0, S_IFBLK},     {"nvidia0", 195, 0, S_IFCHR},
};

static void
report(const char *call, const char *name, long rc)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s-%s", call, name);
	attempt_call(text, rc);
}

static void
try_nodes(void)
{
	char path[64];

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		dev_t dev = makedev(devices[i].major, devices[i].minor);

		(void)snprintf(path, sizeof(path), "/dev/%s", devices[i].name);
		if (strcmp(devices[i].name, "null") != 0)
			report("open", devices[i].name, open(path, O_RDONLY));
		(void)snprintf(path, sizeof(path), "/tmp/%s", devices[i].name);
		report("mknod", devices[i].name,
		       syscall(SYS_mknod, path, devices[i].type | 0600, dev));
		(void)unlink(path);
	}
	report("mknodat", "null",
	       syscall(SYS_mknodat, AT_FDCWD, "/tmp/null", S_IFCHR | 0600,
		       makedev(1, 3)));
	(void)unlink("/tmp/null");
	/* The kernel takes 16 bits of the mode and 32 of the device. */
	report("mknod", "null-bit32",
	       syscall(SYS_mknod, "/tmp/null", S_IFCHR | 0600 | 1ul << 32,
		       makedev(1, 3)));
	(void)unlink("/tmp/null");
	report("mknod", "null-bit16",
	       syscall(SYS_mknod, "/tmp/null", S_IFCHR | 0600 | 1ul << 16,
		       makedev(1, 3)));
	(void)unlink("/tmp/null");
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is in /dev, with numbers: the test knows the exact list. */
static void
list_dev(void)
{
	char *names[256];
	size_t len = 0;
	struct dirent *entry;
	DIR *dir = opendir("/dev");

	while (dir != NULL && len < 256 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			names[len++] = strdup(entry->d_name);
	qsort(names, len, sizeof(names[0]), by_name);
	printf("attempt list-dev done");
	for (size_t i = 0; i < len; i++) {
		struct stat st;
		char path[300];

		(void)snprintf(path, sizeof(path), "/dev/%s", names[i]);
		if (lstat(path, &st) == 0 && S_ISCHR(st.st_mode))
			printf(" %s=%u:%u", names[i], major(st.st_rdev),
			       minor(st.st_rdev));
		else
			printf(" %s", names[i]);
	}
	printf("\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	try_nodes();
	list_dev();
	return 0;
}
