/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D04: more bytes and more names than the job's file systems have.  argv[1] is
 * a directory, argv[2] how many MiB, argv[3] how many files are more than it
 * may have.  Each try clears up after itself; that room is there again is
 * shown by the next one, which gets as far.  With an argv[4] it also goes down
 * as deep as there are files; every step is as long as the way to it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "attempt.h"

#define MIB (1L << 20)
#define PIECE (32 * MIB) /* below every limit on one file */

static char chunk[1 << 16];
static long bytes, files;

/* Files of PIECE bytes each, by fn; how far it got is *ret. */
static int
fill(int (*fn)(int fd), int keep_name, long *ret)
{
	int fds[64], count = 0, rc = 0;
	char name[32];

	*ret = 0;
	while (rc == 0 && *ret < bytes && count < 64) {
		snprintf(name, sizeof(name), "piece%d", count);
		fds[count] = open(name, O_RDWR | O_CREAT, 0600);
		if (fds[count] < 0)
			return -1;
		if (!keep_name)
			unlink(name);
		rc = fn(fds[count++]);
		if (rc == 0)
			*ret += PIECE;
	}
	return rc;
}

static void
clear_up(void)
{
	int saved = errno;
	char name[32];

	for (int i = 3; i < 80; i++)
		close(i);
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "piece%d", i);
		unlink(name);
	}
	errno = saved;
}

static int
write_piece(int fd)
{
	for (long done = 0; done < PIECE; done += (long)sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) != (ssize_t)sizeof(chunk)) {
			if (errno == 0)
				errno = ENOSPC;
			return -1;
		}
	return 0;
}

static int
allocate_piece(int fd)
{
	return fallocate(fd, 0, 0, PIECE);
}

static void
attempt_fill(const char *name, int (*fn)(int fd), int keep_name)
{
	long got = 0;
	int rc;

	errno = 0;
	rc = fill(fn, keep_name, &got);
	clear_up();
	if (rc == 0)
		attempt_done(name, "%ld MiB", got / MIB);
	else
		attempt_call(name, -1);
	printf("got %s %ld\n", name, got / MIB);
}

/* A hole costs nothing; its length is what RLIMIT_FSIZE is for. */
static void
sparse(void)
{
	int fd = open("piece0", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	attempt_call("sparse", ftruncate(fd, 32L << 30));
	clear_up();
}

static void
inodes(void)
{
	char name[32];
	long i;
	int rc = 0;

	mkdir("many", 0700);
	for (i = 0; i < files && rc == 0; i++) {
		snprintf(name, sizeof(name), "many/%ld", i);
		rc = mknod(name, S_IFREG | 0600, 0);
	}
	if (rc == 0)
		attempt_done("inodes", "%ld", i);
	else
		attempt_call("inodes", -1);
	printf("got inodes %ld\n", i);
	while (i-- > 0) {
		snprintf(name, sizeof(name), "many/%ld", i);
		unlink(name);
	}
	rmdir("many");
}

static void
symlinks(void)
{
	static char text[4000];
	char name[32];
	long i;
	int rc = 0;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < files && rc == 0; i++) {
		snprintf(name, sizeof(name), "link%ld", i);
		rc = symlink(text, name);
	}
	if (rc == 0)
		attempt_done("symlinks", "%ld", i);
	else
		attempt_call("symlinks", -1);
	while (i-- > 0) {
		snprintf(name, sizeof(name), "link%ld", i);
		unlink(name);
	}
}

/* Names beyond PATH_MAX; it stays, for who has to remove it. */
static void
deep(void)
{
	static char name[NAME_MAX + 1];
	long depth = 0;
	int rc = 0;

	memset(name, 'd', NAME_MAX);
	while (depth < files && rc == 0) {
		rc = mkdir(name, 0700);
		if (rc == 0)
			rc = chdir(name);
		if (rc == 0)
			depth++;
	}
	if (rc == 0)
		attempt_done("deep", "%ld", depth);
	else
		attempt_call("deep", -1);
	printf("got deep %ld\n", depth);
}

int
main(int argc, char **argv)
{
	if (argc < 4 || chdir(argv[1]) < 0)
		return 1;
	bytes = atol(argv[2]) * MIB;
	files = atol(argv[3]);
	attempt_fill("write", write_piece, 1);
	attempt_fill("fallocate", allocate_piece, 1);
	attempt_fill("unlinked", write_piece, 0);
	sparse();
	inodes();
	symlinks();
	if (argc > 4)
		deep();
	return 0;
}
