/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - one release as a directory: staged beside its place, forced to the
 * disk, named in one step, compared, read.
 *
 * Paths come from clients.  They are checked as text, and every one is opened
 * beneath the release's own directory, over no symbolic link (openat2).
 */
#ifndef PC_API_RELEASE_TREE_H
#define PC_API_RELEASE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/base/err.h"

struct release_file {
	const char *path; /* "files/solution.py" */
	const char *data;
	size_t len;
};

/* The directory of all releases; *ret_fd is the caller's. */
int release_root_open(const char *dir, int *ret_fd, struct err *e);

/* ERR_BUSY: less than so many bytes are free for the API's user. */
int release_check_room(int root, uint64_t min_free_bytes, struct err *e);

/*
 * Nobody else stages or publishes this workflow's release as long as *ret_fd is
 * open, in this process or in another on the same directory.  ERR_BUSY.
 */
int release_lock(int root, const char *workflow_id, int *ret_fd, struct err *e);

/*
 * With the lock.  Write all files, as a directory that no reader looks at;
 * what a crash left there is removed first.  ERR_BUSY: no room; nothing stays.
 */
int release_stage(int root, const char *workflow_id,
		  const struct release_file *files, size_t len, struct err *e);
/* Give the staged one its name; ERR_CONFLICT if there is one of that name. */
int release_publish(int root, const char *workflow_id, struct err *e);
void release_discard(int root, const char *workflow_id);

/*
 * *ret_is_there: a release of this name is published, and has exactly these
 * files; ERR_CONFLICT: others, or other bytes.
 */
int release_compare(int root, const char *workflow_id,
		    const struct release_file *files, size_t len,
		    bool *ret_is_there, struct err *e);

/* One file of a published release, with a NUL behind it; malloc'd. */
int release_read(int root, const char *workflow_id, const char *path,
		 size_t max, char **ret_data, size_t *ret_len, struct err *e);

#endif
