/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd.h - ownership of file descriptors and whole-buffer I/O.
 *
 * -1 means "no fd".  An `owned_fd int fd = -1;` is closed when it leaves
 * scope; fd_take() hands it on.  close(2) is never retried.
 */
#ifndef PC_BASE_FD_H
#define PC_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "supervisor/base/err.h"

/* Close *fd if it is one and set it to -1; errno is kept. */
void fd_close(int *fd);

/* Return *fd and set it to -1: the caller owns it now. */
int fd_take(int *fd);

#define owned_fd __attribute__((cleanup(fd_close)))

/* For malloc'd pointers: `owned_mem char *p = NULL;`. */
void mem_free(void *pointer_to_pointer);
#define owned_mem __attribute__((cleanup(mem_free)))

/* Read until EOF or max bytes; returns bytes read or -1 with errno. */
ssize_t fd_read_full(int fd, void *buf, size_t max);

/* Write all of buf; returns 0 or -1 with errno. */
int fd_write_all(int fd, const void *buf, size_t len);

/*
 * A memfd with these bytes, sealed against write, grow, shrink and further
 * seals (memfd_create(2)).  *ret_fd is owned by the caller, CLOEXEC, offset 0.
 */
int fd_memfd_sealed(const char *name, const void *buf, size_t len, int *ret_fd,
		    struct err *e);

/* The four seals on a memfd; -1 with errno. */
int fd_seal(int fd);

/* Does fd refer to a memfd that carries all four seals above? */
int fd_is_sealed_memfd(int fd);

/*
 * Make the file if need be, 0600, and lock it for writing; *ret_fd is to be
 * kept while it is to be locked.  ERR_CONFLICT: another process has it.  The
 * lock is the process's, not the open file's (fcntl_locking(2)): no child that
 * outlives the process keeps it, but any close of that file by the process lets
 * go of it, so nothing else there may open it.
 */
int fd_lock_file(int dirfd, const char *path, int *ret_fd, struct err *e);

/*
 * Read a whole regular file of at most max bytes, by the size that stat(2)
 * tells: not for files of procfs, whose size is 0.  *ret_buf is malloc'd with
 * one NUL after the *ret_len bytes; the caller frees it.
 */
int fd_read_file(int dirfd, const char *path, size_t max, char **ret_buf,
		 size_t *ret_len, struct err *e);

#endif
