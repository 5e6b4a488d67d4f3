/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workflow_crash.c - a process that dies at each of its writes, before and
 * after it, and a store that fails at each of them.  The journey has an author,
 * a fix loop, an analysis, an approval and a notification at the end.
 *
 * The functions of the .wrap file go through this one first.
 */
#include "tests/unit/workflow_fixture.h"

#include <errno.h>

#include "api/notify/notify.h"

/* ---- what is put in front of store and clock ------------------------- */

enum fault {
	FAULT_NONE,
	FAULT_DIE_BEFORE,
	FAULT_DIE_AFTER,
	FAULT_FAIL,   /* this once */
	FAULT_OUTAGE, /* for longer than a lease lasts */
};

static struct {
	atomic_int writes; /* so many were begun */
	int at;		   /* the fault comes at this one, from 1 */
	enum fault kind;
} fault;

#define DEAD 77
#define UNHURT 78

/* True: this write is to fail. */
static bool
before_write(bool *ret_die_after)
{
	static atomic_ullong outage_end_ms;
	int n = ++fault.writes;

	if (fault.kind == FAULT_OUTAGE) {
		*ret_die_after = false;
		if (n == fault.at)
			outage_end_ms = clock_mono_ms() + 1500;
		return n >= fault.at && clock_mono_ms() < outage_end_ms;
	}
	*ret_die_after = n == fault.at && fault.kind == FAULT_DIE_AFTER;
	if (n != fault.at)
		return false;
	if (fault.kind == FAULT_DIE_BEFORE)
		_exit(DEAD);
	return fault.kind == FAULT_FAIL;
}

#define WRITE(call)                                                            \
	do {                                                                   \
		bool die_after;                                                \
		int rc;                                                        \
                                                                               \
		if (before_write(&die_after))                                  \
			return err_set(e, ERR_IO, ENOSPC, "planted");          \
		rc = (call);                                                   \
		if (die_after)                                                 \
			_exit(DEAD);                                           \
		return rc;                                                     \
	} while (0)

/* NOLINTBEGIN(bugprone-reserved-identifier): ld names them so */
int __real_store_workflow_update(struct store *s,
				 struct store_workflow_meta *meta,
				 const char *summary, const char *document,
				 const struct store_outgoing *out,
				 size_t out_len, uint64_t lease_token,
				 struct err *e);
int __wrap_store_workflow_update(struct store *s,
				 struct store_workflow_meta *meta,
				 const char *summary, const char *document,
				 const struct store_outgoing *out,
				 size_t out_len, uint64_t lease_token,
				 struct err *e);
int
__wrap_store_workflow_update(struct store *s, struct store_workflow_meta *meta,
			     const char *summary, const char *document,
			     const struct store_outgoing *out, size_t out_len,
			     uint64_t lease_token, struct err *e)
{
	WRITE(__real_store_workflow_update(s, meta, summary, document, out,
					   out_len, lease_token, e));
}

int __real_store_workflow_create(struct store *s,
				 const struct store_workflow_meta *meta,
				 const char *summary, const char *document,
				 struct err *e);
int __wrap_store_workflow_create(struct store *s,
				 const struct store_workflow_meta *meta,
				 const char *summary, const char *document,
				 struct err *e);
int
__wrap_store_workflow_create(struct store *s,
			     const struct store_workflow_meta *meta,
			     const char *summary, const char *document,
			     struct err *e)
{
	bool die_after = false;
	int rc;

	/* A client sees that it fails; nothing to be tried here. */
	if (fault.kind == FAULT_DIE_BEFORE || fault.kind == FAULT_DIE_AFTER)
		(void)before_write(&die_after);
	rc = __real_store_workflow_create(s, meta, summary, document, e);
	if (die_after)
		_exit(DEAD);
	return rc;
}

int __real_store_job_put(struct store *s, const char *job_id,
			 const char *user_id, const char *status,
			 const char *document, struct err *e);
int __wrap_store_job_put(struct store *s, const char *job_id,
			 const char *user_id, const char *status,
			 const char *document, struct err *e);
int
__wrap_store_job_put(struct store *s, const char *job_id, const char *user_id,
		     const char *status, const char *document, struct err *e)
{
	WRITE(__real_store_job_put(s, job_id, user_id, status, document, e));
}

int __real_store_workflow_claim(struct store *s, const char *worker,
				uint64_t lease_ms, char ret_workflow_id[40],
				uint64_t *ret_lease_token, struct err *e);
int __wrap_store_workflow_claim(struct store *s, const char *worker,
				uint64_t lease_ms, char ret_workflow_id[40],
				uint64_t *ret_lease_token, struct err *e);
int
__wrap_store_workflow_claim(struct store *s, const char *worker,
			    uint64_t lease_ms, char ret_workflow_id[40],
			    uint64_t *ret_lease_token, struct err *e)
{
	int rc = __real_store_workflow_claim(
		s, worker, lease_ms, ret_workflow_id, ret_lease_token, e);
	bool die_after = false;

	/* Counted only when there was something to claim. */
	if (rc == 0 && before_write(&die_after))
		return err_set(e, ERR_IO, ENOSPC, "planted");
	if (die_after)
		_exit(DEAD);
	return rc;
}

int __real_store_workflow_lease_release(struct store *s,
					const char *workflow_id,
					uint64_t lease_token, struct err *e);
int __wrap_store_workflow_lease_release(struct store *s,
					const char *workflow_id,
					uint64_t lease_token, struct err *e);
int
__wrap_store_workflow_lease_release(struct store *s, const char *workflow_id,
				    uint64_t lease_token, struct err *e)
{
	WRITE(__real_store_workflow_lease_release(s, workflow_id, lease_token,
						  e));
}

int __wrap_notify_prepare(const struct api *api,
			  const struct notify_event *event,
			  struct store_outgoing **ret, size_t *ret_len,
			  struct err *e);
/* One delivery for each end of a workflow, however often that is tried. */
int
__wrap_notify_prepare(const struct api *api, const struct notify_event *event,
		      struct store_outgoing **ret, size_t *ret_len,
		      struct err *e)
{
	struct store_outgoing *out;

	(void)api;
	(void)e;
	if (event->kind != NOTIFY_WORKFLOW_COMPLETED &&
	    event->kind != NOTIFY_WORKFLOW_FAILED)
		return 0;
	assert_non_null(json_object_get(event->completion, "metadata"));
	out = realloc(*ret, (*ret_len + 1) * sizeof(*out));
	assert_non_null(out);
	memset(&out[*ret_len], 0, sizeof(*out));
	str_copy(out[*ret_len].delivery.delivery_id, 40, event->workflow_id);
	str_copy(out[*ret_len].delivery.workflow_id, 40, event->workflow_id);
	str_copy(out[*ret_len].delivery.status, 12, "pending");
	out[*ret_len].document = strdup("{}");
	*ret = out;
	++*ret_len;
	return 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- the journey ----------------------------------------------------- */

static const char journey_id[] = "00000000-0000-4000-8000-00000000000a";

static void
set_journey(void)
{
	fx.has_author = fx.has_analyst = true;
	fx.answers_by_iteration = true;
	fx.answers[0] = (struct answer){.code = "fail=a", .tests = "t"};
	fx.answers[1] = (struct answer){.code = "high=1", .tests = "t"};
	fx.answers[2] = (struct answer){.code = "v=2", .tests = "t"};
	fx.api.config.lease_seconds = 1;
}

/* Ask for it, if need be, approve it, and wait for its end. */
static void
drive(void)
{
	const struct plan_facts facts = {
		.has_tests = true, .needs_approval = true, .may_ask = true};
	char id[40];

	fx_create_as(journey_id, "{}", facts, id);
	for (int i = 0; i < 12000; i++) {
		struct workflow_state s;
		enum workflow_status status;

		fx_load(id, &s);
		status = workflow_state_status(&s);
		if (status == WORKFLOW_WAITING_APPROVAL)
			fx_decide(&s, true);
		workflow_state_done(&s);
		if (workflow_status_is_terminal(status))
			return;
		usleep(5000);
	}
	fail_msg("the workflow does not end");
}

static int
count_one(void *arg, const struct store_delivery *d, const char *document)
{
	(void)d;
	(void)document;
	++*(int *)arg;
	return 0;
}

static int
count_running(void *arg, const char *job_id, const char *document)
{
	(void)job_id;
	(void)document;
	++*(int *)arg;
	return 0;
}

/* A result that was on disk was taken, not made again. */
static void
check_attempts(const struct workflow_state *s)
{
	const json_t *attempts =
		json_object_get(workflow_state_step(s, 1), "attempts");

	for (size_t i = 0; i < json_array_size(attempts); i++) {
		const json_t *attempt = json_array_get(attempts, i);
		char user[40], status[20];
		json_t *data;
		struct err e;

		/* Died between the attempt's record and the job's. */
		if (job_row_get(fx.api.store, json_text(attempt, "job_id"),
				user, status, &data, &e) < 0)
			continue;
		assert_string_equal(status, JOB_ROW_DONE);
		assert_string_equal(json_text(data, "outcome"),
				    json_text(attempt, "outcome"));
		json_decref(data);
	}
}

/* The right end; each job and each call under an identity of its own. */
static void
check_journey(void)
{
	size_t calls, identities, jobs, job_ids;
	int deliveries = 0, running = 0;
	struct workflow_state s;
	struct err e;

	fx_load(journey_id, &s);
	if (strcmp(s.meta.status, "completed") != 0)
		fail_msg("%s: %s", s.meta.status, json_text(s.doc, "error"));
	assert_string_equal(fx_code(&s), "v=2");
	assert_int_equal(json_array_size(workflow_state_part(&s, "iterations")),
			 3);
	assert_int_equal(json_array_size(workflow_state_part(&s, "approvals")),
			 1);
	assert_non_null(json_object_get(workflow_state_part(&s, "artifacts"),
					"evidence"));
	assert_true(json_number_value(
			    json_object_get(workflow_state_part(&s, "metrics"),
					    "total_cost")) == 0.75);
	assert_int_equal(json_number(workflow_state_step(&s, 0), "attempt"), 3);
	/* Three questions; one may have been put twice, as the same call. */
	calls = fx_count("write ", &identities);
	assert_int_equal(identities, 3);
	assert_in_range(calls, 3, 4);
	assert_false(fx_has_paid_twice());
	/*
	 * Under a new number after a crash: the supervisor knows the release.
	 */
	assert_in_range(fx_count("publish ", &identities), 1, 2);
	assert_int_equal(fx_count("publish ", NULL), identities);
	/* A job that was submitted is never submitted again under its name. */
	jobs = fx_count("run ", NULL);
	job_ids = (size_t)json_number(workflow_state_step(&s, 1), "attempt");
	assert_in_range(jobs, 3, 4);
	assert_in_range(job_ids, jobs, 4);
	assert_int_equal(store_delivery_list(fx.api.store, NULL, 100, count_one,
					     &deliveries, &e),
			 0);
	assert_int_equal(deliveries, 1);
	store_job_list_running(fx.api.store, count_running, &running, &e);
	assert_int_equal(running, 0);
	check_attempts(&s);
	workflow_state_done(&s);
}

/* The process that meets the fault; returns its exit status. */
static int
run_victim(void)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fx_open();
		fx_start();
		drive();
		fx_stop(); /* the last lease is given back after the end */
		_exit(fault.writes < fault.at ? UNHURT : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
prepare(void)
{
	fx_init();
	set_journey();
	fx_open();
	fx_add_approver();
	store_close(fx.api.store);
}

/*
 * A round is this program once more, as "round KIND AT": a failed assertion of
 * a forked child would go on with its parent's tests.
 */
static struct {
	enum fault kind;
	int at;
} round_to_run;
static bool fault_never_came;

static void
test_round(void **state)
{
	int status;

	(void)state;
	prepare();
	fault.kind = round_to_run.kind;
	fault.at = round_to_run.at;
	status = run_victim();
	fault.kind = FAULT_NONE;
	fault_never_came = status == UNHURT;
	/* Dead it must be, or alive with nothing but a write that failed. */
	if (!fault_never_came &&
	    status != (round_to_run.kind >= FAULT_FAIL ? 0 : DEAD))
		fail_msg("it ended with %d", status);
	fx_open();
	fx_start();
	drive();
	fx_stop();
	check_journey();
	fx_teardown(NULL);
}

#define NEVER_CAME 3

static int
run_round(char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round)};

	round_to_run.kind = (enum fault)atoi(argv[2]);
	round_to_run.at = atoi(argv[3]);
	if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
		return 1;
	return fault_never_came ? NEVER_CAME : 0;
}

static void
start_round(enum fault kind, int at)
{
	char kind_text[16], at_text[16];
	char *const argv[] = {(char[]){"test_workflow_crash"},
			      (char[]){"round"}, kind_text, at_text, NULL};
	pid_t pid;

	snprintf(kind_text, sizeof(kind_text), "%d", (int)kind);
	snprintf(at_text, sizeof(at_text), "%d", at);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(126);
	}
}

#define PARALLEL 6

static int
reap(void)
{
	int status;

	assert_true(wait(&status) > 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Every write of the journey, until there is no such write any more. */
static void
all_rounds(enum fault kind)
{
	int at = 0, under_way = 0, met = 0, wrong = 0;
	bool is_over = false;

	while (!is_over || under_way > 0) {
		int status;

		while (!is_over && under_way < PARALLEL) {
			start_round(kind, ++at);
			under_way++;
		}
		status = reap();
		under_way--;
		met += status == 0;
		wrong += status != 0 && status != NEVER_CAME;
		is_over |= status == NEVER_CAME || wrong > 0;
	}
	print_message("%d of %d writes\n", met, at);
	assert_int_equal(wrong, 0);
	assert_true(met >= 25);
}

static void
test_dies_before_each_write(void **state)
{
	(void)state;
	all_rounds(FAULT_DIE_BEFORE);
}

static void
test_dies_after_each_write(void **state)
{
	(void)state;
	all_rounds(FAULT_DIE_AFTER);
}

static void
test_store_fails_at_each_write(void **state)
{
	(void)state;
	all_rounds(FAULT_FAIL);
}

/* It is asked again until the lease is over, then somebody takes it up anew. */
static void
test_store_is_away_for_longer(void **state)
{
	static const int at[] = {3, 6, 9, 12, 18, 24};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		start_round(FAULT_OUTAGE, at[i]);
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		assert_int_equal(reap(), 0);
}

/* Nothing is repeated where nothing goes wrong. */
static void
test_undisturbed(void **state)
{
	(void)state;
	set_journey();
	fx.api.config.lease_seconds = 60; /* of which nothing is lost */
	fx_start();
	drive();
	check_journey();
	assert_int_equal(fx_count("write ", NULL), 3);
	assert_int_equal(fx_count("run ", NULL), 3);
	assert_int_equal(fx_count("publish ", NULL), 1);
	assert_int_equal(fx_count("analyse ", NULL), 2);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_undisturbed, fx_setup,
						fx_teardown),
		cmocka_unit_test(test_dies_before_each_write),
		cmocka_unit_test(test_dies_after_each_write),
		cmocka_unit_test(test_store_fails_at_each_write),
		cmocka_unit_test(test_store_is_away_for_longer),
	};

	if (argc == 4 && strcmp(argv[1], "round") == 0)
		return run_round(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
