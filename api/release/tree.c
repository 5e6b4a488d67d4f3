/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - see tree.h.
 *
 * Order: files, then their directories from the leaves up, then the name, then
 * the directory that has the name.  So a release that can be seen is whole,
 * also after a power cut.
 */
#include "api/release/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define DIR_MODE 0750
#define FILE_MODE 0640
#define LOCK_FILE ".lock"
#define DEPTH_MAX (BUNDLE_PATH_MAX / 2 + 4)
#define NAME_SIZE 64

/* Remove it, or force its directories to the disk. */
enum walk { WALK_REMOVE, WALK_SYNC };

static int
open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	const struct open_how how = {
		.flags = (uint32_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY),
		.mode = mode,
		.resolve = (uint64_t)RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int
open_dir(int dir, const char *path)
{
	return open_beneath(dir, path, O_RDONLY | O_DIRECTORY, 0);
}

/* A full disk may pass. */
static int
failed(struct err *e, const char *what, const char *path)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT;

	return err_set(e, is_full ? ERR_BUSY : ERR_IO, errno,
		       "release directory: %s %s", what, path);
}

/* As of a job's files; "files/" stands before what a client may name. */
static int
check_path(const char *path, struct err *e)
{
	static const char prefix[] = "files/";

	if (strncmp(path, prefix, sizeof(prefix) - 1) == 0)
		path += sizeof(prefix) - 1;
	return bundle_path_check(path, strlen(path), e);
}

static void
staged_name(const char *workflow_id, char ret[NAME_SIZE])
{
	(void)snprintf(ret, NAME_SIZE, ".%s.new", workflow_id);
}

int
release_root_open(const char *dir, int *ret_fd, struct err *e)
{
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? failed(e, "open", dir) : 0;
}

int
release_check_room(int root, uint64_t min_free_bytes, struct err *e)
{
	struct statvfs fs;
	uint64_t free_bytes;

	if (fstatvfs(root, &fs) < 0)
		return failed(e, "look at", "");
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= min_free_bytes)
		return 0;
	return err_set(e, ERR_BUSY, 0,
		       "no space for a release: %" PRIu64 " KiB are free, "
		       "%" PRIu64 " KiB must stay so "
		       "(PROMPTCRAFT_RELEASE_MIN_FREE)",
		       free_bytes / 1024, min_free_bytes / 1024);
}

/* One byte of one file a workflow; two that share it wait for each other. */
int
release_lock(int root, const char *workflow_id, int *ret_fd, struct err *e)
{
	owned_fd int fd = open_beneath(root, LOCK_FILE, O_RDWR | O_CREAT, 0600);
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	if (fd < 0)
		return failed(e, "open", LOCK_FILE);
	for (const char *c = workflow_id; *c != '\0'; c++)
		lock.l_start = (lock.l_start * 31 + *c) & 0xffffff;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES
			       ? err_set(e, ERR_BUSY, 0,
					 "somebody else releases it right now")
			       : failed(e, "lock", LOCK_FILE);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* ---- walking --------------------------------------------------------- */

static int walk(int parent, const char *name, enum walk what, unsigned depth,
		struct err *e);

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int
visit(int dir, const struct dirent *entry, enum walk what, unsigned depth,
      struct err *e)
{
	struct stat st;

	if (is_dots(entry->d_name))
		return 0;
	if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(e, "look at", entry->d_name);
	if (S_ISDIR(st.st_mode))
		return walk(dir, entry->d_name, what, depth + 1, e);
	if (what == WALK_REMOVE && unlinkat(dir, entry->d_name, 0) < 0)
		return failed(e, "remove", entry->d_name);
	return 0;
}

static int
walk_entries(int fd, enum walk what, unsigned depth, struct err *e)
{
	int again = dup(fd);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		fd_close(&again);
		return failed(e, "list", "");
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = visit(dirfd(dir), entry, what, depth, e);
	(void)closedir(dir);
	return rc;
}

/* Deepest first. */
static int
walk(int parent, const char *name, enum walk what, unsigned depth,
     struct err *e)
{
	owned_fd int fd = open_dir(parent, name);

	if (fd < 0)
		return failed(e, "open", name);
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "release directory: %s: too deep", name);
	if (walk_entries(fd, what, depth, e) < 0)
		return -1;
	if (what == WALK_SYNC)
		return fsync(fd) < 0 ? failed(e, "sync", name) : 0;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0
		       ? failed(e, "remove", name)
		       : 0;
}

static int
remove_staged(int root, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(e, "look at", name);
	if (!S_ISDIR(st.st_mode))
		return unlinkat(root, name, 0) < 0 ? failed(e, "remove", name)
						   : 0;
	return walk(root, name, WALK_REMOVE, 0, e);
}

void
release_discard(int root, const char *workflow_id)
{
	char name[NAME_SIZE];
	struct err e;

	staged_name(workflow_id, name);
	if (remove_staged(root, name, &e) < 0)
		log_error("event=release_discard workflow=%s error=\"%s\"",
			  workflow_id, e.text);
}

/* ---- writing --------------------------------------------------------- */

static int
make_dir(int parent, const char *name)
{
	owned_fd int fd = -1;

	if (mkdirat(parent, name, DIR_MODE) < 0)
		return errno == EEXIST ? 0 : -1;
	fd = open_dir(parent, name); /* the umask is stricter */
	return fd < 0 ? -1 : fchmod(fd, DIR_MODE);
}

/* The directories above a file; `path` was checked. */
static int
make_parents(int top, const char *path, struct err *e)
{
	char part[BUNDLE_PATH_MAX + 16];

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		char *last;
		owned_fd int parent = -1;

		memcpy(part, path, len);
		part[len] = '\0';
		last = strrchr(part, '/');
		if (last != NULL)
			*last++ = '\0';
		parent = open_dir(top, last != NULL ? part : ".");
		if (parent < 0 ||
		    make_dir(parent, last != NULL ? last : part) < 0)
			return failed(e, "make directory for", path);
	}
	return 0;
}

static int
write_file(int top, const struct release_file *file, struct err *e)
{
	owned_fd int fd = -1;

	if (check_path(file->path, e) < 0)
		return err_wrap(e, "release");
	if (make_parents(top, file->path, e) < 0)
		return -1;
	fd = open_beneath(top, file->path, O_WRONLY | O_CREAT | O_EXCL,
			  FILE_MODE);
	if (fd < 0 || fd_write_all(fd, file->data, file->len) < 0 ||
	    fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0)
		return failed(e, "write", file->path);
	return 0;
}

static int
write_all(int root, const char *name, const struct release_file *files,
	  size_t len, struct err *e)
{
	owned_fd int top = -1;

	if (make_dir(root, name) < 0)
		return failed(e, "make", name);
	top = open_dir(root, name);
	if (top < 0)
		return failed(e, "open", name);
	for (size_t i = 0; i < len; i++)
		if (write_file(top, &files[i], e) < 0)
			return -1;
	if (walk_entries(top, WALK_SYNC, 0, e) < 0)
		return -1;
	return fsync(top) < 0 ? failed(e, "sync", name) : 0;
}

int
release_stage(int root, const char *workflow_id,
	      const struct release_file *files, size_t len, struct err *e)
{
	char name[NAME_SIZE];

	staged_name(workflow_id, name);
	if (remove_staged(root, name, e) < 0)
		return -1;
	if (write_all(root, name, files, len, e) == 0)
		return 0;
	release_discard(root, workflow_id);
	return -1;
}

int
release_publish(int root, const char *workflow_id, struct err *e)
{
	char name[NAME_SIZE];

	staged_name(workflow_id, name);
	if (syscall(SYS_renameat2, root, name, root, workflow_id,
		    1u /* RENAME_NOREPLACE */) < 0)
		return errno == EEXIST
			       ? err_set(e, ERR_CONFLICT, 0,
					 "release directory: %s is there "
					 "already",
					 workflow_id)
			       : failed(e, "name", workflow_id);
	return fsync(root) < 0 ? failed(e, "sync", workflow_id) : 0;
}

/* ---- reading --------------------------------------------------------- */

static int
read_fd(int fd, const char *path, size_t max, char **ret_data, size_t *ret_len,
	struct err *e)
{
	owned_mem char *data = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return failed(e, "look at", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, ERR_INVALID, 0,
			       "release directory: %s is no file of ours",
			       path);
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return err_set(e, ERR_LIMIT, 0,
			       "release directory: %s is too large", path);
	data = malloc((size_t)st.st_size + 1);
	if (data == NULL)
		return failed(e, "read", path);
	n = fd_read_full(fd, data, (size_t)st.st_size);
	if (n < 0)
		return failed(e, "read", path);
	data[n] = '\0';
	*ret_len = (size_t)n;
	*ret_data = data;
	data = NULL;
	return 0;
}

static int
read_in(int top, const char *path, size_t max, char **ret_data, size_t *ret_len,
	struct err *e)
{
	owned_fd int fd = -1;

	if (check_path(path, e) < 0)
		return -1;
	fd = open_beneath(top, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? err_set(e, ERR_NOT_FOUND, 0,
					 "the release has no such file")
			       : failed(e, "open", path);
	return read_fd(fd, path, max, ret_data, ret_len, e);
}

int
release_read(int root, const char *workflow_id, const char *path, size_t max,
	     char **ret_data, size_t *ret_len, struct err *e)
{
	owned_fd int top = open_dir(root, workflow_id);

	if (top < 0)
		return errno == ENOENT
			       ? err_set(e, ERR_NOT_FOUND, 0,
					 "there is no release of this workflow")
			       : failed(e, "open", workflow_id);
	return read_in(top, path, max, ret_data, ret_len, e);
}

static int
compare_file(int top, const struct release_file *file, struct err *e)
{
	owned_mem char *data = NULL;
	size_t len = 0;

	if (read_in(top, file->path, file->len, &data, &len, e) < 0 &&
	    e->kind == ERR_IO)
		return -1;
	if (data == NULL || len != file->len ||
	    memcmp(data, file->data, len) != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "release directory: %s is not as it was "
			       "released",
			       file->path);
	return 0;
}

static int
count_files(int fd, unsigned depth, size_t *count)
{
	int again = dup(fd);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		fd_close(&again);
		return -1;
	}
	rewinddir(dir);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		owned_fd int sub = -1;

		if (is_dots(entry->d_name))
			continue;
		sub = open_dir(fd, entry->d_name);
		if (sub < 0)
			(*count)++;
		else
			rc = depth > DEPTH_MAX
				     ? -1
				     : count_files(sub, depth + 1, count);
	}
	(void)closedir(dir);
	return rc;
}

int
release_compare(int root, const char *workflow_id,
		const struct release_file *files, size_t len,
		bool *ret_is_there, struct err *e)
{
	owned_fd int top = open_dir(root, workflow_id);
	size_t count = 0;

	*ret_is_there = false;
	if (top < 0)
		return errno == ENOENT ? 0 : failed(e, "open", workflow_id);
	for (size_t i = 0; i < len; i++)
		if (compare_file(top, &files[i], e) < 0)
			return -1;
	if (count_files(top, 0, &count) < 0)
		return failed(e, "list", workflow_id);
	if (count != len)
		return err_set(e, ERR_CONFLICT, 0,
			       "release directory: %s has files that were not "
			       "released",
			       workflow_id);
	*ret_is_there = true;
	return 0;
}
