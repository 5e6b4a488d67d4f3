/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bring back the declared result files.
 *
 * Untrusted code has had /work to itself, but every process of it is dead by
 * now.  A path may have become anything: only a regular file with one link
 * that is reached without a symlink or another file system is read, through an
 * fd that cannot block, up to the policy's limit over all files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define COPY_BYTES 16384

static enum bundle_status
status_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return BUNDLE_MISSING;
	case ELOOP:
	case EXDEV:
	case ENXIO:
	case ENODEV:
		return BUNDLE_NOT_REGULAR;
	default:
		return BUNDLE_UNREADABLE;
	}
}

static enum bundle_status
open_result(int work_fd, const char *path, uint64_t room, int *ret_fd,
	    size_t *ret_len)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
			 O_NOCTTY,
		.resolve =
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	owned_fd int fd =
		(int)syscall(SYS_openat2, work_fd, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return status_of_errno(errno);
	if (fstat(fd, &st) < 0)
		return BUNDLE_UNREADABLE;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return BUNDLE_NOT_REGULAR;
	if (st.st_size < 0 || (uint64_t)st.st_size > room ||
	    (uint64_t)st.st_size > UINT32_MAX)
		return BUNDLE_TOO_LARGE;
	*ret_len = (size_t)st.st_size;
	*ret_fd = fd_take(&fd);
	return BUNDLE_OK;
}

static int
write_head(int out, const char *path, enum bundle_status status, size_t len,
	   struct err *e)
{
	unsigned char head[BUNDLE_ENTRY_HEAD_SIZE];
	size_t path_len = strlen(path);

	bundle_entry_head_encode(head, BUNDLE_FILE, status, (uint16_t)path_len,
				 (uint32_t)len);
	if (fd_write_all(out, head, sizeof(head)) < 0 ||
	    fd_write_all(out, path, path_len) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

/* 1: all len bytes copied; 0: the source failed; -1: we did. */
static int
copy_data(int out, int in, size_t len, struct err *e)
{
	unsigned char buf[COPY_BYTES];

	while (len > 0) {
		size_t want = len < sizeof(buf) ? len : sizeof(buf);
		ssize_t n = fd_read_full(in, buf, want);

		if (n != (ssize_t)want)
			return 0;
		if (fd_write_all(out, buf, want) < 0)
			return err_sys(e, "write collected files");
		len -= want;
	}
	return 1;
}

/* Append one entry; *room is what the policy still lets through. */
static int
collect_one(const struct jail *jail, int out, const char *path, uint64_t *room,
	    struct err *e)
{
	off_t start = lseek(out, 0, SEEK_CUR);
	enum bundle_status status;
	owned_fd int in = -1;
	size_t len = 0;
	int copied;

	if (start < 0)
		return err_sys(e, "collected files");
	status = open_result(jail->work_fd, path, *room, &in, &len);
	if (write_head(out, path, status, len, e) < 0)
		return -1;
	if (status != BUNDLE_OK)
		return 0;
	copied = copy_data(out, in, len, e);
	if (copied < 0)
		return -1;
	if (copied == 1) {
		*room -= len;
		return 0;
	}
	if (ftruncate(out, start) < 0 || lseek(out, start, SEEK_SET) < 0)
		return err_sys(e, "collected files");
	return write_head(out, path, BUNDLE_UNREADABLE, 0, e);
}

int
collect_files(struct jail *jail, int *ret_fd, struct err *e)
{
	uint64_t room = jail->policy->limits.collect_bytes;
	unsigned char head[BUNDLE_HEAD_SIZE];
	owned_fd int out = -1;

	*ret_fd = -1;
	if (jail->collect_len == 0)
		return 0;
	out = memfd_create("collected", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (out < 0)
		return err_sys(e, "make memfd");
	bundle_head_encode(head, (uint32_t)jail->collect_len);
	if (fd_write_all(out, head, sizeof(head)) < 0)
		return err_sys(e, "write collected files");
	for (size_t i = 0; i < jail->collect_len; i++)
		if (collect_one(jail, out, jail->collect[i], &room, e) < 0)
			return -1;
	if (lseek(out, 0, SEEK_SET) < 0 || fcntl(out, F_ADD_SEALS, SEALS) < 0)
		return err_sys(e, "seal collected files");
	*ret_fd = fd_take(&out);
	return 0;
}
