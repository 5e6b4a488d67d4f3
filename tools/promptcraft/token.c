/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - `promptcraft token`: exchange a password for a token.
 */
#include <string.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

int
cli_token(struct cli *cli, const struct cli_command *self, int argc,
	  char **argv)
{
	const char *password_file = NULL;
	const struct cli_option options[] = {
		{"password-file", "FILE", "its first line; - for stdin",
		 CLI_STRING, &password_file, 0},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 1, 1, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	char password[CLI_PASSWORD_MAX];
	owned_mem char *token = NULL;
	if (cli_read_password(password_file, true, password, &e) == -1)
		return cli_fail(&e);
	int rc = cli_fetch_token(cli, argv[first], password, &token, &e);
	explicit_bzero(password, sizeof(password));
	if (rc == -1)
		return cli_fail(&e);
	if (cli->is_json)
		cli_print_json(json_pack("{s:s}", "access_token", token));
	else
		puts(token);
	return CLI_OK;
}
