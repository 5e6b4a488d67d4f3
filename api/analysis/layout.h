/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - where a tool that follows #include finds the sources of a task:
 * each header at its own path below /work, and the one that is analysed as
 * "source.c" in its own folder, where the harness goes.  Paths are a client's:
 * what no job may have as a path, or what would stand in the way of the source,
 * is left out, and the tool then says that it cannot open it.
 */
#ifndef PC_API_ANALYSIS_LAYOUT_H
#define PC_API_ANALYSIS_LAYOUT_H

#include <jansson.h>
#include <stddef.h>

#include "api/analysis/analysis.h"
#include "jail/bundle.h"

/* As Code= of the tools that follow #include. */
#define LAYOUT_SOURCE "source.c"

/* {"path", "content"} for the files of a job; NULL: it is no such header. */
json_t *layout_header(const struct analysis_source *source);

/* The source's own path in its job: "src/source.c". */
void layout_code_path(const struct analysis_source *source,
		      char ret[BUNDLE_PATH_MAX + 1]);

/*
 * Those of headers[task->sources_len] (NULL: none) that go beside the code.  A
 * new array of the same objects.
 */
json_t *layout_files(json_t *const *headers, size_t len, const char *code_path);

/*
 * The number of the source that a tool calls `file` in the job of `source`.  A
 * name that is no file's (#line can say anything) is taken for `source`.
 */
size_t layout_source_of(const struct analysis_task *task, size_t source,
			const char *file);

#endif
