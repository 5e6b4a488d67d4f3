/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.c - `promptcraft notify list|retry|secret`: notifications on their
 * way, delivered and given up, and the keys that webhooks are signed with.
 */
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

static enum cli_style
style_of(const char *status)
{
	if (strcmp(status, "dead") == 0)
		return CLI_BAD;
	return strcmp(status, "delivered") == 0 ? CLI_GOOD : CLI_WARN;
}

static void
print_row(const struct cli *cli, const json_t *n)
{
	const char *status = cli_json_string(n, "status", "?");
	const char *error = cli_json_string(n, "error", "");

	printf("%-32s  ", cli_json_string(n, "delivery_id", "?"));
	cli_styled(cli, style_of(status), "%-9s", status);
	printf("  %-8s %-18s %.19s  %" JSON_INTEGER_FORMAT " ",
	       cli_json_string(n, "channel", "?"),
	       cli_json_string(n, "event", "?"),
	       cli_json_string(n, "updated_at", ""),
	       json_integer_value(json_object_get(n, "attempts")));
	cli_print_untrusted(stdout, error, strlen(error));
	putchar('\n');
}

int
cli_notify_list(struct cli *cli, const struct cli_command *self, int argc,
		char **argv)
{
	const char *wanted = NULL;
	uint64_t limit = 50;
	const struct cli_option options[] = {
		{"status", "STATUS", "only pending, delivered or dead ones",
		 CLI_STRING, &wanted, 0},
		{"limit", "N", "at most N (default 50)", CLI_UINT, &limit, 200},
	};
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	const json_t *n;
	char path[128];
	size_t i;
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 0, 0, &first);

	if (status >= 0)
		return status;
	if (wanted != NULL && !str_is_name(wanted, 16)) {
		err_set(&e, ERR_INVALID, 0,
			"--status is pending, delivered or dead");
		return cli_fail(&e);
	}
	(void)str_printf(path, sizeof(path),
			 "/api/v3/notifications?limit=%u%s%s", (unsigned)limit,
			 wanted != NULL ? "&status=" : "",
			 wanted != NULL ? wanted : "");
	if (cli_call(cli, "GET", path, NULL, &answer, &e) == -1)
		return cli_fail(&e);
	if (cli->is_json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(json_object_get(answer, "data"),
					   "notifications"),
			   i, n)
	{
		print_row(cli, n);
	}
	json_decref(answer);
	return CLI_OK;
}

int
cli_notify_retry(struct cli *cli, const struct cli_command *self, int argc,
		 char **argv)
{
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	char path[128];
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 1, 1, &first);

	if (status >= 0)
		return status;
	if (!str_is_name(argv[first], 40)) {
		err_set(&e, ERR_INVALID, 0, "that is not a delivery's id");
		return cli_fail(&e);
	}
	(void)str_printf(path, sizeof(path), "/api/v3/notifications/%s/retry",
			 argv[first]);
	if (cli_call(cli, "POST", path, NULL, &answer, &e) == -1)
		return cli_fail(&e);
	if (cli->is_json)
		cli_print_json(answer);
	else
		json_decref(answer);
	return CLI_OK;
}

int
cli_notify_secret(struct cli *cli, const struct cli_command *self, int argc,
		  char **argv)
{
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	const json_t *data;
	const char *operators;
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 0, 0, &first);

	if (status >= 0)
		return status;
	if (cli_call(cli, "GET", "/api/v3/notifications/secret", NULL, &answer,
		     &e) == -1)
		return cli_fail(&e);
	if (cli->is_json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	data = json_object_get(answer, "data");
	printf("webhook_secret %s\n",
	       cli_json_string(data, "webhook_secret", "?"));
	operators = cli_json_string(data, "operator_webhook_secret", NULL);
	if (operators != NULL)
		printf("operator_webhook_secret %s\n", operators);
	json_decref(answer);
	return CLI_OK;
}
