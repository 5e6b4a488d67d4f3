/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.c - `promptcraft demo`: the main job from an account to a released
 * artifact, and two attacks, on a private stack.
 *
 * Each act checks what it shows; the first one that is not as it must be ends
 * the demo with an error, and the stack is taken down in any case.
 */
#include "tools/promptcraft/demo.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"

#define WORKFLOW_DEADLINE_MS 120000u
#define POLL_MS 100

static volatile sig_atomic_t is_interrupted;

static void
on_signal(int number)
{
	(void)number;
	is_interrupted = 1;
}

static int
check_interrupted(struct err *e)
{
	return is_interrupted != 0 ? err_set(e, ERR_CONFLICT, 0, "interrupted")
				   : 0;
}

static void
pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000,
				   .tv_nsec = ms % 1000 * 1000000};
	(void)nanosleep(&t, NULL);
}

/* ---- acts ------------------------------------------------------------ */

static int
act_start(struct demo *d, struct err *e)
{
	if (demo_stack_up(d, e) == -1)
		return -1;
	printf("  API        %s\n  supervisor %s\n  state      %s\n",
	       d->as_admin.url,
	       cli_json_string(d->stack, "supervisor_socket", "?"), d->dir);
	return 0;
}

static int
act_account(struct demo *d, struct err *e)
{
	if (demo_account(d, e) == -1)
		return -1;
	printf("  account    " DEMO_USER " (role user), signed in with POST "
	       "/auth/token\n");
	return 0;
}

static int
act_submit(struct demo *d, struct err *e)
{
	json_t *answer = NULL;
	json_t *body = json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:b, s:s}}}", "goal", demo_goal,
		"context", "language", "python", "code", demo_code, "tests",
		demo_tests, "execution_preferences", "require_approval", 1,
		"security_level", "strict");
	int rc = cli_call(&d->as_user, "POST", "/api/v3/execute", body, &answer,
			  e);
	json_decref(body);
	if (rc == -1)
		return -1;
	const json_t *data = json_object_get(answer, "data");
	rc = str_copy(d->workflow_id, sizeof(d->workflow_id),
		      cli_json_string(data, "workflow_id", ""));
	printf("  workflow   %s\n", d->workflow_id);
	size_t i;
	const json_t *step;
	json_array_foreach(json_object_get(data, "execution_plan"), i, step)
	{
		printf("  %zu. %s\n", i + 1,
		       cli_json_string(step, "description", "?"));
	}
	json_decref(answer);
	if (rc == -1 || d->workflow_id[0] == '\0')
		return err_set(e, ERR_PEER, 0, "no workflow id came back");
	return 0;
}

static int
get_status(struct demo *d, json_t **ret_data, struct err *e)
{
	char path[160];
	json_t *answer = NULL;
	(void)str_printf(path, sizeof(path), "/api/v3/execute/status/%s",
			 d->workflow_id);
	if (cli_call(&d->as_user, "GET", path, NULL, &answer, e) == -1)
		return -1;
	*ret_data = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	return 0;
}

static void
show_progress(const struct demo *d, const json_t *data, struct demo_progress *p)
{
	const json_t *plan = json_object_get(data, "execution_plan");
	for (size_t i = 0; i < json_array_size(plan) && i < DEMO_STEPS_MAX;
	     i++) {
		const json_t *step = json_array_get(plan, i);
		const char *status = cli_json_string(step, "status", "?");
		if (strcmp(status, "pending") == 0 ||
		    strcmp(status, p->shown[i]) == 0)
			continue;
		(void)str_copy(p->shown[i], sizeof(p->shown[i]), status);
		printf("  step %zu     ", i + 1);
		cli_styled(d->cli, show_style(status), "%-10s", status);
		printf(" %s\n", cli_json_string(step, "description", "?"));
	}
	fflush(stdout);
}

/* Poll until the workflow is `wanted`; another end of it is an error. */
static int
wait_for_status(struct demo *d, const char *wanted, json_t **ret_data,
		struct err *e)
{
	uint64_t deadline = clock_mono_ms() + WORKFLOW_DEADLINE_MS;
	for (;;) {
		json_t *data = NULL;
		if (check_interrupted(e) == -1 || get_status(d, &data, e) == -1)
			return -1;
		const char *status = cli_json_string(data, "status", "?");
		show_progress(d, data, &d->progress);
		if (strcmp(status, wanted) == 0) {
			printf("  status     %s\n", status);
			*ret_data = data;
			return 0;
		}
		bool is_over = strcmp(status, "failed") == 0 ||
			       strcmp(status, "cancelled") == 0 ||
			       strcmp(status, "completed") == 0;
		if (is_over)
			err_set(e, ERR_CONFLICT, 0, "the workflow is %s: %s",
				status, cli_json_string(data, "error", ""));
		else if (clock_mono_ms() > deadline)
			err_set(e, ERR_BUSY, 0, "the workflow is still %s",
				status);
		json_decref(data);
		if (is_over || clock_mono_ms() > deadline)
			return -1;
		pause_ms(POLL_MS);
	}
}

static int
check_results(const json_t *results, struct err *e)
{
	const json_t *tests = json_object_get(results, "tests");
	json_int_t passed =
		json_integer_value(json_object_get(tests, "passed"));
	json_int_t failed =
		json_integer_value(json_object_get(tests, "failed"));
	if (strcmp(cli_json_string(results, "outcome", ""), "passed") != 0 ||
	    passed != 6 || failed != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "not all of the program's 6 tests passed");
	return 0;
}

static int
act_run(struct demo *d, struct err *e)
{
	json_t *data = NULL;
	if (wait_for_status(d, "waiting_approval", &data, e) == -1)
		return -1;
	const json_t *results = json_object_get(
		json_object_get(data, "artifacts"), "test_results");
	show_job_summary(d->cli, results);
	int rc = check_results(results, e);
	json_decref(data);
	return rc;
}

static int
act_approve(struct demo *d, struct err *e)
{
	json_t *data = NULL, *answer = NULL;
	char path[160];
	if (get_status(d, &data, e) == -1)
		return -1;
	const json_t *approval =
		json_array_get(json_object_get(data, "pending_approvals"), 0);
	const char *id = cli_json_string(approval, "approval_id", "");
	printf("  asked      %s\n  of digest  %s\n",
	       cli_json_string(approval, "description", "?"),
	       cli_json_string(approval, "digest", "?"));
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "workflow_id",
				 d->workflow_id, "approval_id", id, "decision",
				 "approved", "comment", "tests seen");
	(void)str_printf(path, sizeof(path), "/api/v3/execute/approve/%s",
			 d->workflow_id);
	int rc = cli_call(&d->as_admin, "POST", path, body, &answer, e);
	json_decref(body);
	json_decref(answer);
	json_decref(data);
	if (rc == -1)
		return -1;
	printf("  decided    approved by %s\n",
	       cli_json_string(d->stack, "admin_user", "?"));
	return wait_for_status(d, "completed", &d->result, e);
}

/* Do not take the service's word for it: hash what came back. */
static int
act_release(struct demo *d, struct err *e)
{
	const json_t *artifacts = json_object_get(d->result, "artifacts");
	const json_t *evidence = json_object_get(artifacts, "evidence");
	const char *code = cli_json_string(artifacts, "generated_code", "");
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];
	crypto_hash_sha256(hash, (const unsigned char *)code, strlen(code));
	str_hex(hex, hash, sizeof(hash));
	printf("  code       %zu bytes, sha256 %s\n", strlen(code), hex);
	printf("  digest     %s\n", cli_json_string(evidence, "digest", "?"));
	printf("  policy     %s\n",
	       cli_json_string(json_object_get(evidence, "policy"), "sha256",
			       "?"));
	printf("  released   %s\n",
	       cli_json_string(evidence, "released_at", "?"));
	if (strcmp(code, demo_code) != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "the released code is not what was submitted");
	if (strcmp(hex, cli_json_string(evidence, "code_sha256", "")) != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "the evidence names another hash");
	return 0;
}

/* ---- attacks --------------------------------------------------------- */

static bool
has_denial(const json_t *data, const char *call)
{
	size_t i;
	const json_t *denial;
	json_array_foreach(json_object_get(data, "denials"), i, denial)
	{
		if (strcmp(cli_json_string(denial, "syscall", ""), call) == 0)
			return true;
	}
	return false;
}

static int
check_contained(const struct demo_attack *a, const json_t *data, struct err *e)
{
	const char *said = cli_json_string(data, "stdout", "");
	const char *reason = cli_json_string(data, "reason", "none");
	if (strcmp(reason, a->reason) != 0)
		return err_set(e, ERR_CONFLICT, 0, "the reason is %s, not %s",
			       reason, a->reason);
	if (a->denied_call != NULL && !has_denial(data, a->denied_call))
		return err_set(e, ERR_CONFLICT, 0, "no denial of %s",
			       a->denied_call);
	if (strstr(said, "SUCCEEDED") != NULL)
		return err_set(e, ERR_DENIED, 0, "an attack succeeded");
	if (a->said != NULL && strstr(said, a->said) == NULL)
		return err_set(e, ERR_CONFLICT, 0,
			       "the attack did not come to its end");
	return 0;
}

static void
show_said(const struct demo *d, const char *text)
{
	while (*text != '\0') {
		size_t line = strcspn(text, "\n");
		cli_styled(d->cli, CLI_DIM, "  | ");
		cli_print_untrusted(stdout, text, line);
		putchar('\n');
		text += line + (text[line] == '\n');
	}
}

static int
run_attack(struct demo *d, const struct demo_attack *a, struct err *e)
{
	json_t *answer = NULL;
	json_t *body = json_pack("{s:s, s:s, s:s, s:{s:i}}", "language",
				 "python", "code", a->code, "security_level",
				 "standard", "limits", "timeout_seconds", 3);
	cli_styled(d->cli, CLI_BOLD, "  attack: %s\n", a->title);
	int rc =
		cli_call(&d->as_user, "POST", "/api/v3/jobs", body, &answer, e);
	json_decref(body);
	if (rc == -1)
		return -1;
	const json_t *data = json_object_get(answer, "data");
	show_said(d, cli_json_string(data, "stdout", ""));
	show_job_summary(d->cli, data);
	rc = check_contained(a, data, e);
	json_decref(answer);
	return rc;
}

static int
act_attacks(struct demo *d, struct err *e)
{
	for (size_t i = 0; i < demo_attacks_len; i++) {
		if (check_interrupted(e) == -1 ||
		    run_attack(d, &demo_attacks[i], e) == -1)
			return -1;
	}
	json_t *health = NULL;
	if (cli_call(&d->as_user, "GET", "/health", NULL, &health, e) == -1)
		return -1;
	const char *status = cli_json_string(health, "status", "?");
	bool is_healthy = strcmp(status, "healthy") == 0;
	printf("  afterwards the service is %s\n", status);
	json_decref(health);
	return is_healthy
		       ? 0
		       : err_set(e, ERR_CONFLICT, 0, "it is no longer healthy");
}

static int
act_stop(struct demo *d, struct err *e)
{
	if (demo_stack_down(d, e) == -1)
		return -1;
	printf("  stopped; no process, mount or cgroup is left\n");
	return 0;
}

/* ---- the journey ----------------------------------------------------- */

static const struct {
	const char *title;
	int (*play)(struct demo *d, struct err *e);
} acts[] = {
	{"Start a private supervisor and API", act_start},
	{"Make an account", act_account},
	{"Submit a program with its tests (POST /api/v3/execute)", act_submit},
	{"Run the tests in a jail", act_run},
	{"A person approves exactly what was shown", act_approve},
	{"The artifact is released with its evidence", act_release},
	{"Hostile programs (POST /api/v3/jobs)", act_attacks},
	{"Stop", act_stop},
};

static const char what_next[] =
	"\nNext:\n"
	"  sudo tools/stack up /tmp/my-stack            a stack that stays; "
	"prints url and token\n"
	"  promptcraft doctor                           what this machine "
	"gives to a jail\n"
	"  promptcraft jail run --policy strict FILE    one program in one "
	"jail\n"
	"  sudo make check                              all tests\n";

static int
play(struct demo *d, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		cli_styled(d->cli, CLI_BOLD, "%zu. %s", i + 1, acts[i].title);
		putchar('\n');
		fflush(stdout);
		if (check_interrupted(e) == -1 || acts[i].play(d, e) == -1)
			return err_wrap(e, "%s", acts[i].title);
	}
	return 0;
}

static void
catch_signals(void)
{
	/* No SA_RESTART: a pause or a wait ends at once. */
	const struct sigaction action = {.sa_handler = on_signal};
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

int
cli_demo(struct cli *cli, const struct cli_command *self, int argc, char **argv)
{
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 0, 0, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	struct err down = ERR_INIT;
	if (geteuid() != 0) {
		err_set(&e, ERR_DENIED, 0,
			"the demo starts a supervisor: run it as root "
			"(sudo make demo)");
		return cli_fail(&e);
	}
	struct demo d = {.cli = cli};
	catch_signals();
	status = play(&d, &e) == 0 ? CLI_OK : CLI_FAILED;
	if (status != CLI_OK)
		(void)cli_fail(&e);
	if (demo_stack_down(&d, &down) == -1) {
		status = CLI_FAILED;
		(void)cli_fail(&down);
	}
	if (status == CLI_OK)
		fputs(what_next, stdout);
	json_decref(d.result);
	free(d.user_token);
	return status;
}
