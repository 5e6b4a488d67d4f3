/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.c - see layout.h.
 */
#include "api/analysis/layout.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/base/str.h"

/* So that the files of a task need fewer folders than a job may ask for. */
#define DEPTH_MAX 15
#define WORK_DIR "/work/"

/* From where it begins to be below a folder: "../a/b.h" is "a/b.h" to us. */
static const char *
below(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (strncmp(path, "./", 2) == 0)
			path += 2;
		else if (strncmp(path, "../", 3) == 0)
			path += 3;
		else
			return path;
	}
}

/* NULL: no file of a job can be called so. */
static const char *
plain_path(const char *path)
{
	struct err ignored = ERR_INIT;
	size_t depth = 0;

	path = below(path);
	for (const char *at = path; *at != '\0'; at++)
		depth += *at == '/';
	return depth <= DEPTH_MAX && bundle_path_check(path, strlen(path),
						       &ignored) == 0
		       ? path
		       : NULL;
}

static bool
is_header(const char *path)
{
	size_t len = strlen(path);

	return len > 2 && strcmp(path + len - 2, ".h") == 0;
}

json_t *
layout_header(const struct analysis_source *source)
{
	const char *path = plain_path(source->path);

	if (path == NULL || !is_header(path) ||
	    memchr(source->text, '\0', source->len) != NULL)
		return NULL;
	return json_pack("{s:s, s:s%}", "path", path, "content", source->text,
			 source->len);
}

void
layout_code_path(const struct analysis_source *source,
		 char ret[BUNDLE_PATH_MAX + 1])
{
	const char *path = plain_path(source->path);
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	int dir_len = slash != NULL ? (int)(slash - path) + 1 : 0;

	if (str_printf(ret, BUNDLE_PATH_MAX + 1, "%.*s%s", dir_len,
		       dir_len > 0 ? path : "", LAYOUT_SOURCE) < 0)
		(void)str_copy(ret, BUNDLE_PATH_MAX + 1, LAYOUT_SOURCE);
}

/* Is one of them the other, or a folder above it? */
static bool
collides(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t len = a_len < b_len ? a_len : b_len;

	return strncmp(a, b, len) == 0 &&
	       (a_len == b_len || (a_len < b_len ? b : a)[len] == '/');
}

static const char *
path_of(const json_t *file)
{
	return json_string_value(json_object_get(file, "path"));
}

static bool
is_taken(const json_t *files, const char *path)
{
	for (size_t i = 0; i < json_array_size(files); i++)
		if (collides(path, path_of(json_array_get(files, i))))
			return true;
	return false;
}

json_t *
layout_files(json_t *const *headers, size_t len, const char *code_path)
{
	json_t *files = json_array();

	for (size_t i = 0; i < len; i++)
		if (headers[i] != NULL &&
		    !collides(path_of(headers[i]), code_path) &&
		    !is_taken(files, path_of(headers[i])))
			json_array_append(files, headers[i]);
	return files;
}

/* What a tool calls it, seen from /work: "src/../a.h" is "a.h". */
static int
resolve(const char *dir, int dir_len, const char *file,
	char ret[BUNDLE_PATH_MAX + 1])
{
	char joined[2 * BUNDLE_PATH_MAX + 2], *save = NULL;
	size_t len = 0;

	if (str_printf(joined, sizeof(joined), "%.*s%s", dir_len, dir, file) <
	    0)
		return -1;
	ret[0] = '\0';
	for (char *part = strtok_r(joined, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save)) {
		size_t part_len = strlen(part);

		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (len > 0 && ret[--len] != '/')
				;
			ret[len] = '\0';
			continue;
		}
		if (len + part_len + 2 > BUNDLE_PATH_MAX + 1)
			return -1;
		if (len > 0)
			ret[len++] = '/';
		memcpy(ret + len, part, part_len + 1);
		len += part_len;
	}
	return 0;
}

size_t
layout_source_of(const struct analysis_task *task, size_t source,
		 const char *file)
{
	char code_path[BUNDLE_PATH_MAX + 1], path[BUNDLE_PATH_MAX + 1];
	size_t work_len = strlen(WORK_DIR);
	int dir_len;

	layout_code_path(&task->sources[source], code_path);
	dir_len = (int)(strlen(code_path) - strlen(LAYOUT_SOURCE));
	if (strncmp(file, WORK_DIR, work_len) == 0) {
		file += work_len;
		dir_len = 0;
	}
	if (file[0] == '/' || resolve(code_path, dir_len, file, path) < 0 ||
	    strcmp(path, code_path) == 0)
		return source;
	for (size_t i = 0; i < task->sources_len; i++) {
		const char *own = plain_path(task->sources[i].path);

		if (own != NULL && is_header(own) && strcmp(own, path) == 0)
			return i;
	}
	return source;
}
