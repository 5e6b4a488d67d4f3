/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promptcraft - one program for the people who run and use the service.
 *
 * Theory of operation: argv[1] (and argv[2]) name a command of the table
 * below; the command parses its own options by table, does its work through
 * one of the three doors there are, and returns its exit status:
 *
 *   HTTP API              token, workflow, analyze,    (--url, --token)
 *                         notify, job, demo
 *   supervisor socket     jail run, doctor             (--socket)
 *   state directories     user, audit, release verify  (--state-dir; admin)
 *
 * and `policy`, which needs none: promptcraft-policyc does it.
 *
 * It holds no privilege of its own: it can do what its caller can do.
 * stdout carries the answer, stderr progress and complaints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/promptcraft/cli.h"

#define DEFAULT_URL "http://127.0.0.1:8000"
#define DEFAULT_SOCKET "/run/promptcraft/supervisor.sock"
#define DEFAULT_STATE_DIR "/var/lib/promptcraft/api"

#define POLICY_OPERAND                                                         \
	"POLICY is the name of an installed policy or a file (with a / or a ." \
	")."

const struct cli_command cli_commands[] = {
	{
		.name = "demo",
		.operands = "",
		.summary = "show the whole journey on a private stack",
		.details =
			"Starts a supervisor and an API with their state in a "
			"temporary directory,\nsubmits a real program with its "
			"tests, approves it, contains hostile ones, and\nstops "
			"again.  Needs root.  Exit: 0 only if all of it really "
			"happened.",
		.run = cli_demo,
	},
	{
		.name = "doctor",
		.operands = "",
		.summary = "probe every layer that a jail needs",
		.details =
			"Each layer is ok, degraded or missing; what is not ok "
			"has its cause and its fix.\nRun it as root, where the "
			"supervisor runs.\nExit: 0 jails can run, 1 a required "
			"layer is missing.",
		.run = cli_doctor,
	},
	{
		.name = "jail run",
		.operands = "FILE [-- ARG...]",
		.summary = "run one program, or its tests, in one jail",
		.details =
			"Talks to the supervisor directly.  The program's "
			"output goes to stdout and\nstderr as it comes, the "
			"summary to stderr (with --json: everything as one\n"
			"object on stdout).\nExit: the program's own status; "
			"with --tests 0 all passed, 1 not all passed;\n124 "
			"timeout, 137 killed by a limit or a signal, 125 not "
			"run (stderr says why).",
		.run = cli_jail_run,
	},
	{
		.name = "policy show",
		.operands = "POLICY",
		.summary = "show what a policy gives",
		.details = POLICY_OPERAND,
		.run = cli_policy,
	},
	{
		.name = "policy check",
		.operands = "POLICY",
		.summary = "errors of a policy text, and bad habits",
		.details = POLICY_OPERAND
		"\nExit: 0 nothing, 1 file:line: message lines on "
		"stderr.",
		.run = cli_policy,
	},
	{
		.name = "policy prove",
		.operands = "POLICY",
		.summary = "derive all that a policy's filter allows",
		.details = POLICY_OPERAND
		"\nEvery path of the compiled filter is walked; what "
		"must hold for every policy\nis checked, with a call "
		"as counter-example where it does not.\n"
		"Exit: 0 proven, 1 not.",
		.run = cli_policy,
	},
	{
		.name = "policy diff",
		.operands = "POLICY POLICY",
		.summary = "compare two policies by what they mean",
		.details = POLICY_OPERAND
		"\nExit: 0 the same, 1 different, 2 one does not "
		"compile.",
		.run = cli_policy,
	},
	{
		.name = "analyze",
		.operands = "FILE...",
		.summary = "look for weaknesses in source files",
		.details =
			"Each finding is file:line:column: severity: title "
			"[rule], with the line and what\nto do; --json and "
			"--sarif print one document.  - is stdin (say "
			"--language).\nExit: 0 nothing found, 1 findings, 125 "
			"something was not analysed, or no answer.",
		.run = cli_analyze,
	},
	{
		.name = "user add",
		.operands = "NAME",
		.summary = "make an account",
		.details = "Works on the state directory itself, as the API's "
			   "user or root.  Without\n--password-file a password "
			   "is made up and printed once.",
		.run = cli_user_add,
	},
	{
		.name = "user passwd",
		.operands = "NAME",
		.summary = "give an account a new password",
		.details = "Every token that the account has got so far ends "
			   "with it.",
		.run = cli_user_passwd,
	},
	{
		.name = "user list",
		.operands = "",
		.summary = "list the accounts",
		.details = "",
		.run = cli_user_list,
	},
	{
		.name = "token",
		.operands = "NAME",
		.summary = "get a token for the API, on stdout",
		.details = "Asks for the password on the terminal unless "
			   "--password-file is given.\n"
			   "  export PROMPTCRAFT_TOKEN=$(promptcraft token me)",
		.run = cli_token,
	},
	{
		.name = "workflow list",
		.operands = "",
		.summary = "list your workflows, newest first",
		.details = "",
		.run = cli_workflow_list,
	},
	{
		.name = "workflow show",
		.operands = "ID",
		.summary = "show a workflow: steps, results, artifacts",
		.details = "Exit: 0 it is completed or on its way, 1 it "
			   "failed or was cancelled.",
		.run = cli_workflow_show,
	},
	{
		.name = "workflow watch",
		.operands = "ID",
		.summary = "follow a workflow until it ends",
		.details = "A progress bar on a terminal, else a line for each "
			   "event; with --json its data.\nComes back by itself "
			   "when the connection is lost.\n"
			   "Exit: 0 it was completed, 1 it failed or was "
			   "cancelled.",
		.run = cli_workflow_watch,
	},
	{
		.name = "workflow approvals",
		.operands = "",
		.summary = "list what waits for an approval",
		.details = "",
		.run = cli_workflow_approvals,
	},
	{
		.name = "workflow approve",
		.operands = "ID",
		.summary = "approve what a workflow waits with",
		.details = "Shows what the digest is of, which is hashed here: "
			   "goal, "
			   "risk, results,\nfindings, program and tests; then "
			   "asks.  Without a terminal --digest or\n--yes must "
			   "be given.",
		.run = cli_workflow_approve,
	},
	{
		.name = "workflow reject",
		.operands = "ID",
		.summary = "reject it; the workflow fails",
		.details = "",
		.run = cli_workflow_reject,
	},
	{
		.name = "release verify",
		.operands = "DIR",
		.summary = "check a release against its manifest and the "
			   "audit log",
		.details = "DIR is RELEASE_DIR/{workflow id}.  Reads the "
			   "supervisor's "
			   "state directory as root\nunless --without-audit is "
			   "given.\nExit: 0 it is as it was released and "
			   "recorded, 1 not (each line says what).",
		.run = cli_release_verify,
	},
	{
		.name = "notify list",
		.operands = "",
		.summary = "notifications: on their way, delivered, given up",
		.details = "For admins.  A dead one was given up; notify retry "
			   "sends it again.",
		.run = cli_notify_list,
	},
	{
		.name = "notify retry",
		.operands = "DELIVERY",
		.summary = "send a dead notification again",
		.details = "For admins.  The receiver sees the same delivery "
			   "id as before.",
		.run = cli_notify_retry,
	},
	{
		.name = "notify secret",
		.operands = "",
		.summary = "the key that signs what your webhooks get",
		.details = "An admin is also told the key of "
			   "PROMPTCRAFT_WEBHOOK_URL.",
		.run = cli_notify_secret,
	},
	{
		.name = "audit verify",
		.operands = "",
		.summary = "check that the audit log is whole and unchanged",
		.details =
			"Reads the supervisor's state directory as root; the "
			"supervisor may run or not.\nOnly an anchor and a key "
			"that are kept elsewhere (`promptcraft audit head`) "
			"show\nthat the whole directory was put back or made "
			"anew.\nExit: 0 intact, 1 not (each line says where "
			"and what).",
		.run = cli_audit_verify,
	},
	{
		.name = "audit show",
		.operands = "ID",
		.summary = "show all records of a job or a workflow",
		.details = "Shows what stands there; `audit verify` says "
			   "whether to believe it.",
		.run = cli_audit_show,
	},
	{
		.name = "audit tail",
		.operands = "",
		.summary = "show the last records",
		.details = "",
		.letters = "nf",
		.run = cli_audit_tail,
	},
	{
		.name = "audit head",
		.operands = "",
		.summary = "print anchor and key, to be kept elsewhere",
		.details = "The anchor is how far the log goes now.  A later "
			   "log that does not contain it was cut,\nput back "
			   "or rewritten: promptcraft audit verify --anchor "
			   "COUNT:HASH --key KEY",
		.run = cli_audit_head,
	},
	{
		.name = "job",
		.operands = "ID",
		.summary = "show one job: outcome, usage, denials",
		.details = "",
		.run = cli_job,
	},
	{0},
};

static void
print_commands(FILE *out)
{
	fputs("usage: promptcraft COMMAND [OPTION...]\n\n", out);
	for (const struct cli_command *c = cli_commands; c->name != NULL; c++)
		fprintf(out, "  %-18s %s\n", c->name, c->summary);
	fputs("\nEach command takes --help.  Exit: 0 done, 1 the answer is no, "
	      "2 wrong usage,\n125 could not be done.\n",
	      out);
}

/* How many of argv[1..] name c: 0 if it is another command. */
static int
count_name_words(const struct cli_command *c, int argc, char **argv)
{
	const char *rest = c->name;
	int words = 0;
	for (int i = 1; i < argc; i++) {
		size_t len = strlen(argv[i]);
		if (strncmp(rest, argv[i], len) != 0 ||
		    (rest[len] != '\0' && rest[len] != ' '))
			return 0;
		words++;
		if (rest[len] == '\0')
			return words;
		rest += len + 1;
	}
	return 0;
}

static const char *
env_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : fallback;
}

static struct cli
cli_from_environment(void)
{
	return (struct cli){
		.url = env_or("PROMPTCRAFT_URL", DEFAULT_URL),
		.token = env_or("PROMPTCRAFT_TOKEN", NULL),
		.socket =
			env_or("PROMPTCRAFT_SUPERVISOR_SOCKET", DEFAULT_SOCKET),
		.state_dir = env_or("PROMPTCRAFT_STATE_DIR", DEFAULT_STATE_DIR),
		.is_socket_named =
			env_or("PROMPTCRAFT_SUPERVISOR_SOCKET", NULL) != NULL,
		.has_color = isatty(STDOUT_FILENO) &&
			     env_or("NO_COLOR", NULL) == NULL,
		.has_progress = isatty(STDERR_FILENO),
	};
}

/* Lost output is a failure: `promptcraft token > /dev/full` must not be 0. */
static int
flush_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "promptcraft: write output: %s\n",
		strerrordesc_np(errno));
	return CLI_ERROR;
}

int
main(int argc, char **argv)
{
	struct cli cli = cli_from_environment();
	for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
		int words = count_name_words(c, argc, argv);
		if (words > 0)
			return flush_output(
				c->run(&cli, c, argc - words, argv + words));
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("promptcraft " PROMPTCRAFT_VERSION);
		return flush_output(CLI_OK);
	}
	bool is_help = argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
				     strcmp(argv[1], "help") == 0);
	print_commands(is_help ? stdout : stderr);
	if (!is_help && argc > 1)
		fprintf(stderr, "promptcraft: no command '%s'\n", argv[1]);
	return flush_output(is_help ? CLI_OK : CLI_USAGE);
}
