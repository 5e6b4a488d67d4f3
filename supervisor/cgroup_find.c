/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_find.c - where this process's cgroups are: /proc/self/mountinfo says
 * where a hierarchy is mounted, /proc/self/cgroup which part of it is ours
 * (proc(5), cgroups(7)).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/cgroup.h"

#define PROC_TEXT_MAX (256u << 10)

/* Is name one of the comma-separated words? */
static bool
has_word(const char *words, size_t len, const char *name)
{
	size_t want = strlen(name);

	while (len > 0) {
		const char *comma = memchr(words, ',', len);
		size_t word = comma != NULL ? (size_t)(comma - words) : len;

		if (word == want && memcmp(words, name, want) == 0)
			return true;
		if (comma == NULL)
			return false;
		words += word + 1;
		len -= word + 1;
	}
	return false;
}

static bool
copy_span(char *dst, size_t size, const char *src, size_t len)
{
	/* A mount point with spaces is octal-escaped: not one of ours. */
	if (len >= size || memchr(src, '\\', len) != NULL)
		return false;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return true;
}

bool
cgroup_line(const char *proc_cgroup, const char *controller, char *dst,
	    size_t size)
{
	for (const char *at = proc_cgroup; *at != '\0';) {
		size_t line = strcspn(at, "\n");
		const char *names = memchr(at, ':', line);
		const char *path = NULL;

		if (names != NULL) {
			names++;
			path = memchr(names, ':', line - (size_t)(names - at));
		}
		if (path != NULL) {
			size_t len = (size_t)(path - names);
			bool is_it = controller == NULL
					     ? strncmp(at, "0::", 3) == 0
					     : has_word(names, len, controller);

			path++;
			if (is_it)
				return copy_span(dst, size, path,
						 line - (size_t)(path - at));
		}
		at += line + (at[line] == '\n');
	}
	return false;
}

/* The fields of one mountinfo line that matter here. */
struct mount_line {
	const char *root, *point, *type, *super;
	size_t root_len, point_len, type_len, super_len;
};

static bool
parse_mount_line(const char *at, size_t len, struct mount_line *ret)
{
	const char *field[5], *end = at + len, *dash;
	size_t size[5];

	for (int i = 0; i < 5; i++) {
		field[i] = at;
		while (at < end && *at != ' ')
			at++;
		size[i] = (size_t)(at - field[i]);
		if (at == end)
			return false;
		at++;
	}
	dash = memmem(at, (size_t)(end - at), " - ", 3);
	if (dash == NULL)
		return false;
	ret->root = field[3];
	ret->root_len = size[3];
	ret->point = field[4];
	ret->point_len = size[4];
	at = dash + 3;
	ret->type = at;
	while (at < end && *at != ' ')
		at++;
	ret->type_len = (size_t)(at - ret->type);
	while (end > at && end[-1] != ' ') /* super options come last */
		end--;
	ret->super = end;
	ret->super_len = len - (size_t)(end - field[0]);
	return true;
}

static bool
is_hierarchy(const struct mount_line *m, const char *controller)
{
	if (controller == NULL)
		return m->type_len == 7 && memcmp(m->type, "cgroup2", 7) == 0;
	return m->type_len == 6 && memcmp(m->type, "cgroup", 6) == 0 &&
	       has_word(m->super, m->super_len, controller);
}

bool
cgroup_find(const char *mountinfo, const char *proc_cgroup,
	    const char *controller, struct cgroup_place *ret)
{
	struct mount_line m;

	if (!cgroup_line(proc_cgroup, controller, ret->shown,
			 sizeof(ret->shown)))
		return false;
	for (const char *at = mountinfo; *at != '\0';) {
		size_t line = strcspn(at, "\n");

		if (parse_mount_line(at, line, &m) &&
		    is_hierarchy(&m, controller)) {
			/* A container sees a subtree mounted at the top. */
			const char *own = ret->shown;
			size_t skip = m.root_len == 1 ? 0 : m.root_len;

			if (strncmp(own, m.root, skip) == 0 &&
			    (own[skip] == '/' || own[skip] == '\0'))
				own += skip;
			return copy_span(ret->mount, sizeof(ret->mount),
					 m.point, m.point_len) &&
			       str_copy(ret->own, sizeof(ret->own), own) == 0;
		}
		at += line + (at[line] == '\n');
	}
	return false;
}

static int
read_proc(const char *path, char **ret, struct err *e)
{
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	owned_mem char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	text = malloc(PROC_TEXT_MAX);
	if (text == NULL)
		return err_sys(e, "read %s", path);
	n = fd_read_full(fd, text, PROC_TEXT_MAX - 1);
	if (n < 0)
		return err_sys(e, "read %s", path);
	text[n] = '\0';
	*ret = text;
	text = NULL;
	return 0;
}

int
cgroup_locate(const char *controller, struct cgroup_place *ret, struct err *e)
{
	owned_mem char *mounts = NULL, *own = NULL;
	const char *label = controller != NULL ? controller : "v2";

	if (read_proc("/proc/self/mountinfo", &mounts, e) < 0 ||
	    read_proc("/proc/self/cgroup", &own, e) < 0)
		return -1;
	if (!cgroup_find(mounts, own, controller, ret))
		return err_set(e, ERR_NOT_FOUND, 0,
			       "cgroup hierarchy %s is not mounted", label);
	return 0;
}
