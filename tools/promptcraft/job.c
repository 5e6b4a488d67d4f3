/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - `promptcraft job ID`: one job of the API.
 */
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

static void
print_stream(const json_t *data, const char *name)
{
	const char *text = cli_json_string(data, name, "");
	if (text[0] == '\0')
		return;
	printf("--- %s\n", name);
	cli_print_untrusted(stdout, text, strlen(text));
	if (text[strlen(text) - 1] != '\n')
		putchar('\n');
}

int
cli_job(struct cli *cli, const struct cli_command *self, int argc, char **argv)
{
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 1, 1, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	char path[256];
	json_t *answer = NULL;
	if (!str_is_name(argv[first], 64)) {
		err_set(&e, ERR_INVALID, 0, "that is not a job's id");
		return cli_fail(&e);
	}
	(void)str_printf(path, sizeof(path), "/api/v3/jobs/%s", argv[first]);
	if (cli_call(cli, "GET", path, NULL, &answer, &e) == -1)
		return cli_fail(&e);
	if (cli->is_json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	const json_t *data = json_object_get(answer, "data");
	printf("job %s\n", cli_json_string(data, "job_id", argv[first]));
	show_job_summary(cli, data);
	show_failed_tests(cli, json_object_get(data, "tests"), 20);
	print_stream(data, "stdout");
	print_stream(data, "stderr");
	json_decref(answer);
	return CLI_OK;
}
