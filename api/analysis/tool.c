/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.c - see tool.h.  Of two tools that found the same, the first in the
 * table is the one whose words are taken.
 */
#include "api/analysis/tool.h"

#include "supervisor/base/str.h"

static const struct analysis_tool tools[] = {
	{
		.name = "python",
		.language = "python",
		.wall_ms = 15000,
		.is_essential = true,
	},
	{
		.name = "javascript",
		.language = "javascript",
		.wall_ms = 15000,
		.is_essential = true,
	},
	{
		.name = "eslint",
		.language = "javascript",
		.read = read_eslint,
		.wall_ms = 15000,
	},
	{
		.name = "shell",
		.language = "shell",
		.wall_ms = 15000,
		.is_essential = true,
	},
	{
		.name = "shellcheck",
		.language = "shell",
		.read = read_shellcheck,
		.wall_ms = 15000,
		.exit_max = 1,
	},
	{
		.name = "c",
		.language = "c",
		.wall_ms = 15000,
		.is_essential = true,
	},
	{
		.name = "gcc",
		.language = "c",
		.read = read_gcc,
		/* Not without the headers, which a lone file may lack. */
		.wall_ms = 20000,
		.exit_max = 1,
		.is_on_stderr = true,
		.is_following = true,
	},
	{
		.name = "cppcheck",
		.language = "c",
		.read = read_cppcheck,
		.wall_ms = 15000,
		.is_essential = true,
		.is_on_stderr = true,
		.is_following = true,
	},
	{
		.name = "flawfinder",
		.language = "c",
		.read = read_flawfinder,
		.wall_ms = 15000,
	},
};

const struct analysis_tool *
analysis_tools(size_t *ret_len)
{
	*ret_len = ARRAY_LEN(tools);
	return tools;
}
