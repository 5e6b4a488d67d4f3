/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_proc.c - see gate_proc.h.
 */
#include "supervisor/gate_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"

int
gate_open_process(const struct gate_self *self, pid_t pid, int *ret_dir,
		  struct err *e)
{
	char name[GATE_NAME_SIZE];
	int dir;

	snprintf(name, sizeof(name), "%d", (int)pid);
	dir = openat(self->proc_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return err_sys(e, "open /proc/%d", (int)pid);
	*ret_dir = dir;
	return 0;
}

int
gate_read_text(int dir, const char *name, char *dst, size_t size, struct err *e)
{
	owned_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open %s", name);
	n = fd_read_full(fd, dst, size - 1);
	if (n < 0)
		return err_sys(e, "read %s", name);
	if ((size_t)n == size - 1)
		return err_set(e, ERR_LIMIT, 0, "%s is too long", name);
	dst[n] = '\0';
	return 0;
}

int
gate_inode_at(int dir, const char *name, struct gate_inode *ret, struct err *e)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) < 0)
		return err_sys(e, "stat %s", name);
	*ret = (struct gate_inode){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

bool
gate_is_same(const struct gate_inode *a, const struct gate_inode *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* A readable copy of dir/name for readdir; closedir closes it. */
static DIR *
open_listing(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;

	if (listing == NULL) {
		err_sys(e, "list %s", name);
		fd_close(&fd);
	}
	return listing;
}

int
gate_each_number(int dir, const char *name,
		 int (*check)(const struct gate_entry *entry, void *arg,
			      struct err *e),
		 void *arg, struct err *e)
{
	DIR *listing = open_listing(dir, name, e);
	const struct dirent *entry;
	int rc = 0;

	if (listing == NULL)
		return -1;
	for (;;) {
		errno = 0;
		entry = readdir(listing);
		if (entry == NULL)
			break;
		if (entry->d_name[0] == '.')
			continue;
		rc = check(&(struct gate_entry){dir, dirfd(listing),
						entry->d_name},
			   arg, e);
		if (rc < 0)
			break;
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "list %s", name);
	(void)closedir(listing);
	return rc;
}
