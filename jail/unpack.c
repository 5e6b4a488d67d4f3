/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpack a client's bundle below /work.
 *
 * The bytes are hostile.  They are read in the jail, after jail-init has given
 * up all that it could be tricked into using; every path is checked and then
 * walked one component at a time without following links or leaving /work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"

/* As proto.h has it; this side must not need the client protocol. */
#define BUNDLE_BYTES_MAX (16u << 20)

static int
open_below(int dirfd, const char *name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve =
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* Directory `name` in dirfd, made if missing. */
static int
enter(int dirfd, const char *name)
{
	if (mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return open_below(dirfd, name, O_PATH | O_DIRECTORY, 0);
}

static int
create_file(int work_fd, const char *path)
{
	char part[BUNDLE_PATH_MAX + 1];
	owned_fd int dirfd = open_below(work_fd, ".", O_PATH | O_DIRECTORY, 0);
	const char *slash;

	while (dirfd >= 0 && (slash = strchr(path, '/')) != NULL) {
		size_t len = (size_t)(slash - path);
		int next;

		memcpy(part, path, len);
		part[len] = '\0';
		next = enter(dirfd, part);
		fd_close(&dirfd);
		dirfd = next;
		path = slash + 1;
	}
	if (dirfd < 0)
		return -1;
	return open_below(dirfd, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
}

static int
unpack_file(const struct jail *jail, const struct bundle_entry *entry,
	    struct err *e)
{
	owned_fd int fd = create_file(jail->work_fd, entry->path);

	if (fd < 0 || fd_write_all(fd, entry->data, entry->len) < 0)
		return err_sys(e, "%s", entry->path);
	return 0;
}

/* The manifest is the harness's to understand; here it is only delivered. */
static int
unpack_manifest(struct jail *jail, const struct bundle_entry *entry,
		struct err *e)
{
	if (entry->len == 0 || entry->data[entry->len - 1] != '\0')
		return err_set(e, ERR_INVALID, EINVAL,
			       "bundle: manifest is not terminated");
	if (fd_write_all(jail->job_fd, entry->data, entry->len) < 0)
		return err_sys(e, JAIL_JOB_FILE);
	fd_close(&jail->job_fd);
	return 0;
}

static int
note_collect(struct jail *jail, const struct bundle_entry *entry, struct err *e)
{
	size_t n = jail->collect_len;
	void *grown = realloc(jail->collect, (n + 1) * sizeof(*jail->collect));

	if (grown == NULL)
		return err_sys(e, "paths to collect");
	jail->collect = grown;
	memcpy(jail->collect[n], entry->path, sizeof(*jail->collect));
	jail->collect_len = n + 1;
	return 0;
}

static int
unpack_entry(struct jail *jail, const struct bundle_entry *entry, bool is_first,
	     struct err *e)
{
	/* The reader lets a manifest be first only. */
	if (is_first != (entry->kind == BUNDLE_MANIFEST))
		return err_set(e, ERR_INVALID, EINVAL,
			       "bundle: no manifest at its head");
	if (entry->status != BUNDLE_OK)
		return err_set(e, ERR_INVALID, EINVAL,
			       "bundle: status in a request");
	switch (entry->kind) {
	case BUNDLE_MANIFEST:
		return unpack_manifest(jail, entry, e);
	case BUNDLE_FILE:
		return unpack_file(jail, entry, e);
	case BUNDLE_COLLECT:
		return note_collect(jail, entry, e);
	}
	return err_set(e, ERR_INVALID, EINVAL, "bundle: unknown kind");
}

static int
unpack_bytes(struct jail *jail, const void *bytes, size_t len, struct err *e)
{
	struct bundle_reader reader;
	struct bundle_entry entry;
	bool is_first = true;
	int more;

	if (bundle_reader_init(&reader, bytes, len, e) < 0)
		return -1;
	while ((more = bundle_reader_next(&reader, &entry, e)) == 1) {
		if (unpack_entry(jail, &entry, is_first, e) < 0)
			return -1;
		is_first = false;
	}
	if (more == 0 && is_first)
		return err_set(e, ERR_INVALID, EINVAL, "bundle: empty");
	return more;
}

int
unpack_bundle(struct jail *jail, int bundle_fd, struct err *e)
{
	struct stat st;
	size_t len;
	void *bytes;
	int rc;

	/* Sealed, or its owner could change or cut it under the mapping. */
	if (!fd_is_sealed_memfd(bundle_fd))
		return err_set(e, ERR_INVALID, EINVAL, "bundle: not sealed");
	if (fstat(bundle_fd, &st) < 0)
		return err_sys(e, "bundle");
	if (st.st_size <= 0 || st.st_size > (off_t)BUNDLE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, EFBIG, "bundle: bad size");
	len = (size_t)st.st_size;
	bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, bundle_fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(e, "bundle");
	rc = unpack_bytes(jail, bytes, len, e);
	(void)munmap(bytes, len); /* nothing of the job stays in PID 1 */
	return rc;
}
