/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_files.c - which files an audit log has, and their lines.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "tools/promptcraft/audit.h"

#define BUFFER_SIZE ((size_t)4 * AUDIT_LINE_MAX)

void
audit_file_name(uint64_t number, char ret[AUDIT_NAME_SIZE])
{
	(void)snprintf(ret, AUDIT_NAME_SIZE, AUDIT_FILE_FORMAT,
		       (unsigned long long)number);
}

/* Of "audit.000012.log" the 12; 0 if it is another file. */
static uint64_t
number_of(const char *name)
{
	char again[AUDIT_NAME_SIZE];
	uint64_t number;

	if (strncmp(name, "audit.", 6) != 0)
		return 0;
	number = strtoull(name + 6, NULL, 10);
	audit_file_name(number, again);
	return strcmp(name, again) == 0 ? number : 0;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
append_number(struct audit_files *files, uint64_t number, struct err *e)
{
	uint64_t *more = reallocarray(files->numbers, files->len + 1,
				      sizeof(files->numbers[0]));

	if (more == NULL)
		return err_sys(e, "list files");
	more[files->len++] = number;
	files->numbers = more;
	return 0;
}

int
audit_files_list(struct audit_files *files, struct err *e)
{
	int fd = files->dir < 0 ? -1
				: openat(files->dir, ".",
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;
	const struct dirent *entry;
	int rc = 0;

	files->len = 0;
	if (files->dir < 0)
		return 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		fd_close(&fd);
		return err_sys(e, "list " AUDIT_DIR);
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		uint64_t number = number_of(entry->d_name);

		if (number > 0)
			rc = append_number(files, number, e);
	}
	(void)closedir(dir);
	if (files->len > 0)
		qsort(files->numbers, files->len, sizeof(files->numbers[0]),
		      compare_numbers);
	return rc;
}

int
audit_files_open(const char *state_dir, struct audit_files *ret, struct err *e)
{
	struct audit_files files = {.dir = -1};

	files.state_dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files.state_dir < 0)
		return err_sys(e, "open %s", state_dir);
	files.dir = openat(files.state_dir, AUDIT_DIR,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((files.dir < 0 && errno != ENOENT &&
	     err_sys(e, "open %s/" AUDIT_DIR, state_dir) < 0) ||
	    audit_files_list(&files, e) < 0) {
		audit_files_close(&files);
		return -1;
	}
	*ret = files;
	return 0;
}

void
audit_files_close(struct audit_files *files)
{
	fd_close(&files->state_dir);
	fd_close(&files->dir);
	free(files->numbers);
	files->numbers = NULL;
	files->len = 0;
}

int
audit_file_open(const struct audit_files *files, uint64_t number,
		struct audit_file *ret, struct err *e)
{
	char name[AUDIT_NAME_SIZE];
	struct audit_file f = {.number = number};

	audit_file_name(number, name);
	f.fd = openat(files->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f.fd < 0)
		return err_sys(e, "open %s", name);
	f.buf = malloc(BUFFER_SIZE);
	if (f.buf == NULL) {
		fd_close(&f.fd);
		return err_sys(e, "open %s", name);
	}
	*ret = f;
	return 0;
}

/* Skip to after the next newline; false if there is none yet. */
static bool
take_line(struct audit_file *f)
{
	char *start = f->buf + f->used;
	const char *end = memchr(start, '\n', f->len - f->used);

	if (end == NULL)
		return false;
	f->text = start;
	f->text_len = (size_t)(end - start);
	f->used += f->text_len + 1;
	f->line++;
	return true;
}

/*
 * What has no end yet is read anew the next time: the next start of a killed
 * supervisor puts something else in its place.
 */
static enum audit_line_status
unread(struct audit_file *f)
{
	if (lseek(f->fd, -(off_t)f->len, SEEK_CUR) < 0)
		return AUDIT_LINE_FAILED;
	f->len = 0;
	return AUDIT_LINE_TORN;
}

enum audit_line_status
audit_file_next(struct audit_file *f)
{
	while (!take_line(f)) {
		size_t left = f->len - f->used;
		ssize_t n;

		memmove(f->buf, f->buf + f->used, left);
		f->used = 0;
		f->len = left;
		f->text = f->buf;
		f->text_len = left;
		if (left == BUFFER_SIZE)
			return AUDIT_LINE_LONG;
		n = read(f->fd, f->buf + left, BUFFER_SIZE - left);
		if (n < 0)
			return AUDIT_LINE_FAILED;
		if (n == 0 && left == 0)
			return AUDIT_LINE_END;
		if (n == 0)
			return unread(f);
		f->len += (size_t)n;
	}
	return f->text_len >= AUDIT_LINE_MAX ? AUDIT_LINE_LONG : AUDIT_LINE_OK;
}

void
audit_file_close(struct audit_file *f)
{
	fd_close(&f->fd);
	free(f->buf);
	f->buf = NULL;
}
