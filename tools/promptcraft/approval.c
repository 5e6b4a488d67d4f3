/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval.c - `promptcraft workflow approvals|approve|reject`.
 *
 * A decision names the digest of what the API shows at this moment, so that it
 * is for that and nothing else.  Who approves is shown it first, and asked.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"
#include "tools/promptcraft/show.h"

/* ---- approvals ------------------------------------------------------- */

static void
print_approval(const struct cli *cli, const json_t *a)
{
	const char *risk = cli_json_string(a, "risk_level", "?");
	const char *goal = cli_json_string(a, "goal", "");
	bool is_risky =
		strcmp(risk, "high") == 0 || strcmp(risk, "critical") == 0;
	size_t len = strcspn(goal, "\n");

	printf("%-36s  ", cli_json_string(a, "workflow_id", "?"));
	cli_styled(cli, is_risky ? CLI_BAD : CLI_PLAIN, "%-8s", risk);
	printf(" %-9s %-17s until %.19s  ", cli_json_string(a, "status", "?"),
	       cli_json_string(a, "approval_type", "?"),
	       cli_json_string(a, "expires_at", ""));
	cli_print_untrusted(stdout, goal, len < 50 ? len : 50);
	if (json_is_false(json_object_get(a, "may_decide")))
		cli_styled(cli, CLI_DIM, "  (not yours to decide)");
	putchar('\n');
}

int
cli_workflow_approvals(struct cli *cli, const struct cli_command *self,
		       int argc, char **argv)
{
	const char *status = "pending";
	uint64_t limit = 50;
	const struct cli_option options[] = {
		{"status", "WORD", "pending (default), decided or all",
		 CLI_STRING, &status, 0},
		{"limit", "N", "at most N (default 50)", CLI_UINT, &limit, 200},
	};
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	const json_t *a;
	char path[96];
	size_t i;
	int first, done = cli_parse(cli, self, options, ARRAY_LEN(options),
				    argc, argv, 0, 0, &first);

	if (done >= 0)
		return done;
	if (!str_is_name(status, 16)) {
		err_set(&e, ERR_INVALID, 0,
			"--status is pending, decided or all");
		return cli_fail(&e);
	}
	(void)str_printf(path, sizeof(path),
			 "/api/v3/approvals?status=%s&limit=%u", status,
			 (unsigned)limit);
	if (cli_call(cli, "GET", path, NULL, &answer, &e) < 0)
		return cli_fail(&e);
	if (cli->is_json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	json_array_foreach(
		json_object_get(json_object_get(answer, "data"), "approvals"),
		i, a)
	{
		print_approval(cli, a);
	}
	json_decref(answer);
	return CLI_OK;
}

/* ---- approve, reject ------------------------------------------------- */

/* With all that the digest is of; a new reference, or NULL. */
static json_t *
fetch_shown(const struct cli *cli, const json_t *pending, struct err *e)
{
	json_t *answer = NULL, *approval;
	char path[256];

	(void)str_printf(path, sizeof(path), "/api/v3/approvals/%s",
			 cli_json_string(pending, "approval_id", ""));
	if (cli_call(cli, "GET", path, NULL, &answer, e) < 0)
		return NULL;
	approval = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	return approval;
}

static bool
is_answered_yes(void)
{
	char line[16];

	printf("Approve exactly this? [y/N] ");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* Nobody approves what nobody has looked at, or says to have. */
static int
look_and_ask(const struct cli *cli, const json_t *pending, bool is_sure,
	     struct err *e)
{
	bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	json_t *approval;
	int rc;

	if (!is_sure && (!is_terminal || cli->is_json))
		return err_set(
			e, ERR_INVALID, 0,
			"nobody has seen what this would approve: look at it "
			"in a terminal, which asks, or say --digest HEX of "
			"what you looked at, or --yes");
	if (cli->is_json)
		return 0;
	approval = fetch_shown(cli, pending, e);
	if (approval == NULL)
		return -1;
	rc = show_approval(cli, approval, e);
	json_decref(approval);
	if (rc == 0 && !is_sure && !is_answered_yes())
		return err_set(e, ERR_DENIED, 0,
			       "not approved; it still waits (promptcraft "
			       "workflow reject)");
	return rc;
}

/* The one that waits; a new reference. */
static json_t *
find_pending(const struct cli *cli, const char *workflow_id, struct err *e)
{
	json_t *answer = NULL, *pending, *approval = NULL;
	char path[256];

	(void)str_printf(path, sizeof(path), "/api/v3/execute/status/%s",
			 workflow_id);
	if (cli_call(cli, "GET", path, NULL, &answer, e) < 0)
		return NULL;
	pending = json_object_get(json_object_get(answer, "data"),
				  "pending_approvals");
	if (json_array_size(pending) == 1)
		approval = json_incref(json_array_get(pending, 0));
	else
		err_set(e, ERR_CONFLICT, 0,
			"the workflow waits for no approval");
	json_decref(answer);
	return approval;
}

static int
send_decision(const struct cli *cli, const char *workflow_id,
	      const json_t *approval, const char *decision, const char *comment,
	      const char *digest, json_t **ret_answer, struct err *e)
{
	json_t *body = json_pack(
		"{s:s, s:s, s:s, s:s?, s:s}", "workflow_id", workflow_id,
		"approval_id", cli_json_string(approval, "approval_id", ""),
		"decision", decision, "comment", comment, "digest",
		digest != NULL ? digest
			       : cli_json_string(approval, "digest", ""));
	char path[256];
	int rc;

	if (body == NULL)
		return err_set(e, ERR_INVALID, 0, "the comment is not UTF-8");
	(void)str_printf(path, sizeof(path), "/api/v3/execute/approve/%s",
			 workflow_id);
	rc = cli_call(cli, "POST", path, body, ret_answer, e);
	json_decref(body);
	return rc;
}

static void
print_decision(const json_t *approval, const json_t *answer)
{
	const json_t *after = json_object_get(answer, "approval");

	printf("%s: %s risk, digest %s; now %s, the workflow is %s\n",
	       cli_json_string(answer, "message", ""),
	       cli_json_string(approval, "risk_level", "?"),
	       cli_json_string(approval, "digest", "?"),
	       cli_json_string(after, "status", "?"),
	       cli_json_string(answer, "workflow_status", "?"));
}

static int
decide(struct cli *cli, const struct cli_command *self, int argc, char **argv,
       const char *decision)
{
	const char *comment = NULL, *digest = NULL;
	bool is_sure = false, is_approval = strcmp(decision, "approved") == 0;
	/* The last is of approvals only. */
	const struct cli_option options[] = {
		{"comment", "TEXT", "why, for the record", CLI_STRING, &comment,
		 0},
		{"digest", "HEX",
		 "of what you looked at (default: of what is "
		 "shown now)",
		 CLI_STRING, &digest, 0},
		{"yes", NULL, "approve without being asked", CLI_FLAG, &is_sure,
		 0},
	};
	json_t *approval, *answer = NULL;
	struct err e = ERR_INIT;
	int rc, first,
		done = cli_parse(cli, self, options,
				 ARRAY_LEN(options) - !is_approval, argc, argv,
				 1, 1, &first);

	if (done >= 0)
		return done;
	if (!str_is_name(argv[first], 64)) {
		err_set(&e, ERR_INVALID, 0, "that is not a workflow's id");
		return cli_fail(&e);
	}
	approval = find_pending(cli, argv[first], &e);
	if (approval == NULL)
		return cli_fail(&e);
	rc = is_approval && digest == NULL
		     ? look_and_ask(cli, approval, is_sure, &e)
		     : 0;
	if (rc == 0)
		rc = send_decision(cli, argv[first], approval, decision,
				   comment, digest, &answer, &e);
	if (rc == 0 && !cli->is_json)
		print_decision(approval, answer);
	json_decref(approval);
	if (rc < 0)
		return cli_fail(&e);
	if (cli->is_json)
		cli_print_json(answer);
	else
		json_decref(answer);
	return CLI_OK;
}

int
cli_workflow_approve(struct cli *cli, const struct cli_command *self, int argc,
		     char **argv)
{
	return decide(cli, self, argc, argv, "approved");
}

int
cli_workflow_reject(struct cli *cli, const struct cli_command *self, int argc,
		    char **argv)
{
	return decide(cli, self, argc, argv, "rejected");
}
