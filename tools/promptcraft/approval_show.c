/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_show.c - what an approval is of, as its approver reads it: program,
 * tests and files whole, results and findings in short, all out of the text
 * that the digest is of, which is hashed here.
 *
 * The program was written by somebody who may want it approved: its lines are
 * numbered, so that none can pass for one of ours.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

#define FINDINGS_SHOWN 20
#define HEX_SIZE (2 * crypto_hash_sha256_BYTES + 1)

/* One line of it. */
static void
show_line(const char *name, const char *text)
{
	printf("  %-8s ", name);
	cli_print_untrusted(stdout, text, strcspn(text, "\n"));
	putchar('\n');
}

static void
show_risk(const struct cli *cli, const json_t *approval)
{
	const char *risk = cli_json_string(approval, "risk_level", "?");
	bool is_risky =
		strcmp(risk, "high") == 0 || strcmp(risk, "critical") == 0;
	const json_t *context = json_object_get(approval, "context"), *one;
	size_t i;

	printf("  risk     ");
	cli_styled(cli, is_risky ? CLI_BAD : CLI_PLAIN, "%s", risk);
	printf(" (%s), until %s\n",
	       cli_json_string(approval, "approval_type", "?"),
	       cli_json_string(approval, "expires_at", "?"));
	json_array_foreach(json_object_get(context, "reasons"), i, one)
	{
		show_line(i == 0 ? "because" : "",
			  cli_json_string(one, "reason", "?"));
	}
}

static void
show_findings(const json_t *analysis)
{
	const json_t *found = json_object_get(analysis, "vulnerabilities");
	const json_t *one;
	char text[512];
	size_t i;

	if (!json_is_true(json_object_get(analysis, "analysed")))
		show_line("analysis", "not, or not all of it, analysed");
	json_array_foreach(found, i, one)
	{
		if (i == FINDINGS_SHOWN) {
			printf("           and %zu more\n",
			       json_array_size(found) - i);
			return;
		}
		(void)snprintf(text, sizeof(text), "%s: %s (%s:%lld)",
			       cli_json_string(one, "severity", "?"),
			       cli_json_string(one, "title", "?"),
			       cli_json_string(one, "path", "?"),
			       (long long)json_integer_value(
				       json_object_get(one, "line_start")));
		show_line("finding", text);
	}
}

static void
show_text(const struct cli *cli, const char *what, const char *path,
	  const char *text)
{
	size_t number = 0;

	if (text == NULL)
		return;
	cli_styled(cli, CLI_BOLD, "%s ", what);
	cli_print_untrusted(stdout, path, strcspn(path, "\n"));
	putchar('\n');
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		cli_styled(cli, CLI_DIM, "%5zu | ", ++number);
		cli_print_untrusted(stdout, text, len);
		putchar('\n');
		text += len + (text[len] == '\n');
	}
}

static void
show_program(const struct cli *cli, const json_t *shown)
{
	const json_t *program = json_object_get(shown, "program"), *file;
	const char *language = cli_json_string(program, "language", "");
	size_t i;

	show_text(cli, "about", "",
		  cli_json_string(shown, "documentation", NULL));
	show_text(cli, "program",
		  cli_json_string(program, "code_path", language),
		  cli_json_string(shown, "code", NULL));
	show_text(cli, "tests",
		  cli_json_string(program, "tests_path", language),
		  cli_json_string(program, "tests", NULL));
	json_array_foreach(json_object_get(program, "files"), i, file)
	{
		show_text(cli, "file", cli_json_string(file, "path", ""),
			  cli_json_string(file, "content", NULL));
	}
	show_text(cli, "stdin", "", cli_json_string(program, "stdin", NULL));
}

static int
check_digest(const json_t *approval, const char *text, struct err *e)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[HEX_SIZE];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	str_hex(hex, hash, sizeof(hash));
	if (strcmp(hex, cli_json_string(approval, "digest", "")) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, 0,
		       "what is there now is not what the approval was asked "
		       "for");
}

int
show_approval(const struct cli *cli, const json_t *approval, struct err *e)
{
	const char *text = cli_json_string(approval, "document", "");
	json_t *shown, *args;
	char counts[128], *words;

	if (check_digest(approval, text, e) < 0)
		return -1;
	shown = json_loads(text, JSON_ALLOW_NUL, NULL);
	if (shown == NULL)
		return err_set(e, ERR_INVALID, 0,
			       "what the approval is of is no JSON");
	show_line("goal", cli_json_string(shown, "goal", "?"));
	show_line("owner", cli_json_string(approval, "username", "?"));
	show_risk(cli, approval);
	show_line("source", cli_json_string(json_object_get(shown, "sources"),
					    "code", "?"));
	show_line("policy", cli_json_string(json_object_get(shown, "policy"),
					    "name", "?"));
	show_counts(json_object_get(json_object_get(shown, "results"), "tests"),
		    counts, sizeof(counts));
	show_line("tests", counts[0] != '\0' ? counts : "none");
	show_findings(json_object_get(shown, "analysis"));
	args = json_object_get(json_object_get(shown, "program"), "args");
	words = json_array_size(args) > 0 ? json_dumps(args, 0) : NULL;
	if (words != NULL)
		show_line("args", words);
	free(words);
	show_line("digest", cli_json_string(approval, "digest", "?"));
	show_program(cli, shown);
	json_decref(shown);
	return 0;
}
