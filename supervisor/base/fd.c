/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

void
mem_free(void *pointer_to_pointer)
{
	void **p = pointer_to_pointer;

	free(*p);
	*p = NULL;
}

ssize_t
fd_read_full(int fd, void *buf, size_t max)
{
	size_t done = 0;

	while (done < max) {
		ssize_t n = read(fd, (char *)buf + done, max - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
fd_write_all(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int
fd_memfd_sealed(const char *name, const void *buf, size_t len, int *ret_fd,
		struct err *e)
{
	owned_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "create memfd %s", name);
	if (fd_write_all(fd, buf, len) < 0)
		return err_sys(e, "write memfd %s", name);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind memfd %s", name);
	if (fd_seal(fd) < 0)
		return err_sys(e, "seal memfd %s", name);
	*ret_fd = fd_take(&fd);
	return 0;
}

int
fd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS);
}

int
fd_lock_file(int dirfd, const char *path, int *ret_fd, struct err *e)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	owned_fd int fd = openat(
		dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fcntl(fd, F_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES
			       ? err_set(e, ERR_CONFLICT, 0,
					 "%s: locked by another process", path)
			       : err_sys(e, "lock %s", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

int
fd_is_sealed_memfd(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

int
fd_read_file(int dirfd, const char *path, size_t max, char **ret_buf,
	     size_t *ret_len, struct err *e)
{
	owned_fd int fd = openat(dirfd, path,
				 O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	owned_mem char *buf = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			       errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, 0, "%s: not a regular file",
			       path);
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return err_set(e, ERR_LIMIT, 0, "%s: larger than %zu bytes",
			       path, max);
	buf = malloc(max < (size_t)st.st_size + 1 ? max + 1
						  : (size_t)st.st_size + 1);
	if (buf == NULL)
		return err_sys(e, "read %s", path);
	n = fd_read_full(fd, buf, (size_t)st.st_size);
	if (n < 0)
		return err_sys(e, "read %s", path);
	buf[n] = '\0';
	*ret_len = (size_t)n;
	*ret_buf = buf;
	buf = NULL;
	return 0;
}
