/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workflow.c - `promptcraft workflow list|show`.
 */
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

static void
print_row(const struct cli *cli, const json_t *w)
{
	const char *status = cli_json_string(w, "status", "?");
	const char *goal = cli_json_string(w, "goal", "");
	size_t len = strcspn(goal, "\n");
	printf("%-36s  ", cli_json_string(w, "workflow_id", "?"));
	cli_styled(cli, show_style(status), "%-17s", status);
	printf(" %.19s  ", cli_json_string(w, "created_at", ""));
	cli_print_untrusted(stdout, goal, len < 60 ? len : 60);
	putchar('\n');
}

int
cli_workflow_list(struct cli *cli, const struct cli_command *self, int argc,
		  char **argv)
{
	uint64_t limit = 50;
	const struct cli_option options[] = {
		{"limit", "N", "at most N (default 50)", CLI_UINT, &limit, 200},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 0, 0, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	char path[64];
	json_t *answer = NULL;
	(void)str_printf(path, sizeof(path), "/api/v3/workflows?limit=%u",
			 (unsigned)limit);
	if (cli_call(cli, "GET", path, NULL, &answer, &e) == -1)
		return cli_fail(&e);
	if (cli->is_json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	const json_t *data = json_object_get(answer, "data");
	size_t i;
	const json_t *w;
	json_array_foreach(json_object_get(data, "workflows"), i, w)
	{
		print_row(cli, w);
	}
	json_decref(answer);
	return CLI_OK;
}

int
cli_workflow_show(struct cli *cli, const struct cli_command *self, int argc,
		  char **argv)
{
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 1, 1, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	char path[256];
	json_t *answer = NULL;
	if (!str_is_name(argv[first], 64)) {
		err_set(&e, ERR_INVALID, 0, "that is not a workflow's id");
		return cli_fail(&e);
	}
	(void)str_printf(path, sizeof(path), "/api/v3/execute/status/%s",
			 argv[first]);
	if (cli_call(cli, "GET", path, NULL, &answer, &e) == -1)
		return cli_fail(&e);
	const json_t *data = json_object_get(answer, "data");
	const char *state = cli_json_string(data, "status", "?");
	bool is_bad =
		strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
	if (cli->is_json) {
		cli_print_json(answer);
	} else {
		show_workflow(cli, data);
		json_decref(answer);
	}
	return is_bad ? CLI_FAILED : CLI_OK;
}
