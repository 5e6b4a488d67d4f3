/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_api.h - the store, the engine and the supervisor's host as the handlers
 * see them, without any of them: fixed answers, nothing kept.
 *
 * One user (FAKE_USER_ID), one workflow that waits for an approval, one job,
 * two runtimes.  The real objects are left out of the program because these
 * define all that they would be linked for.
 */
#ifndef PC_TESTS_FAKE_API_H
#define PC_TESTS_FAKE_API_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/http/monitor.h"
#include "api/jobs/host.h"
#include "api/store/store.h"
#include "api/workflow/engine.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define FAKE_USER_ID "11111111-1111-4111-8111-111111111111"
#define FAKE_WORKFLOW_ID "22222222-2222-4222-8222-222222222222"
#define FAKE_JOB_ID "33333333-3333-4333-8333-333333333333"

static atomic_uint fake_submitted; /* jobs that got as far as a slot */
static atomic_uint fake_created;   /* workflows written */
/* As the engine leaves it when it has asked for an approval. */
static const char fake_document[] =
	"{\"workflow_id\":\"" FAKE_WORKFLOW_ID "\",\"user_id\":\"" FAKE_USER_ID
	"\",\"username\":\"fuzz\",\"version\":3,\"status\":\"waiting_approval\""
	",\"goal\":\"a goal that is long enough\",\"context\":{},\"options\":{}"
	",\"artifacts\":{},\"sources\":{},\"current_step\":1,\"error\":null"
	",\"deadline_us\":4102444800000000,\"timeout_minutes\":30.0"
	",\"created_at\":\"2025-01-01T00:00:00Z\""
	",\"updated_at\":\"2025-01-01T00:00:00Z\""
	",\"execution_plan\":[{\"step_id\":1,\"type\":\"approval\","
	"\"description\":\"d\",\"agent\":\"a\",\"status\":\"running\","
	"\"estimate_s\":60,\"started_at\":\"2025-01-01T00:00:00Z\"}]"
	",\"metrics\":{\"steps_completed\":0,\"security_issues_found\":0,"
	"\"security_issues_resolved\":0,\"test_success_rate\":0.0,"
	"\"total_cost\":0.0,\"total_duration_minutes\":0.0}"
	",\"history\":[{\"id\":1,\"at\":\"2025-01-01T00:00:00Z\","
	"\"event\":\"approval_requested\",\"step_id\":1,"
	"\"status\":\"waiting_approval\",\"progress_percentage\":0.0,"
	"\"message\":null}]"
	",\"approvals\":[{\"approval_id\":\"a1\",\"step_id\":1,"
	"\"description\":\"d\",\"approval_type\":\"code_deployment\","
	"\"status\":\"pending\",\"risk_level\":\"low\",\"digest\":\"00\","
	"\"requested_us\":1,\"expires_us\":4102444800000000}]}";

/* ---- engine and host ------------------------------------------------- */

static const struct proto_runtime_info fake_runtimes[] = {
	{.name = "python",
	 .aliases = "py python3",
	 .code_path = "solution.py",
	 .tests_path = "test_solution.py"},
	{.name = "shell",
	 .aliases = "sh bash",
	 .code_path = "solution.sh",
	 .tests_path = "test_solution.sh"},
};

struct job_host *
workflow_engine_host(struct workflow_engine *engine)
{
	return (struct job_host *)engine;
}

void
workflow_engine_kick(struct workflow_engine *engine)
{
	(void)engine;
}

bool
workflow_engine_has_analyst(const struct workflow_engine *engine)
{
	(void)engine;
	return false;
}

void
workflow_engine_interrupt(struct workflow_engine *engine, const char *id)
{
	(void)engine;
	(void)id;
}

const char *
job_host_socket(const struct job_host *host)
{
	(void)host;
	return "/nonexistent/supervisor.sock";
}

int
job_host_refresh(struct job_host *host, struct proto_hello_reply *ret,
		 struct err *e)
{
	(void)host;
	(void)ret;
	return err_set(e, ERR_PEER, 0, "no supervisor here");
}

int
job_host_check_ready(struct job_host *host, struct err *e)
{
	(void)host;
	(void)e;
	return 0;
}

void
job_host_instance(struct job_host *host, uint8_t ret_instance[16])
{
	(void)host;
	memset(ret_instance, 1, 16);
}

bool
job_host_has_runtimes(struct job_host *host)
{
	(void)host;
	return true;
}

int
job_host_runtime(struct job_host *host, const char *language,
		 struct proto_runtime_info *ret, struct err *e)
{
	(void)host;
	for (size_t i = 0; i < ARRAY_LEN(fake_runtimes); i++)
		if (strcmp(fake_runtimes[i].name, language) == 0) {
			*ret = fake_runtimes[i];
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, 0, "there are python and shell");
}

bool
job_host_runtime_of_policy(struct job_host *host, const char *policy,
			   const char *name, struct proto_runtime_info *ret)
{
	(void)host;
	(void)policy;
	(void)name;
	(void)ret;
	return false;
}

bool
job_host_runtime_by_path(struct job_host *host, const char *path,
			 struct proto_runtime_info *ret)
{
	(void)host;
	if (strstr(path, ".py") == NULL)
		return false;
	*ret = fake_runtimes[0];
	return true;
}

int
job_host_check_policy(struct job_host *host, const char *name,
		      const char *sha256, struct err *e)
{
	(void)host;
	(void)name;
	(void)sha256;
	(void)e;
	return 0;
}

int
job_host_slot_acquire(struct job_host *host, uint32_t wait_ms, int stop_fd,
		      struct err *e)
{
	(void)host;
	(void)wait_ms;
	(void)stop_fd;
	atomic_fetch_add(&fake_submitted, 1);
	return err_set(e, ERR_BUSY, 0, "no jail here");
}

void
job_host_slot_release(struct job_host *host)
{
	(void)host;
}

bool
job_host_slot_is_wanted(struct job_host *host)
{
	(void)host;
	return false;
}

int
job_host_slot_yield(struct job_host *host, uint32_t wait_ms, int stop_fd,
		    struct err *e)
{
	(void)host;
	(void)wait_ms;
	(void)stop_fd;
	(void)e;
	return 0;
}

struct monitor_state
monitor_state(struct monitor *monitor)
{
	(void)monitor;
	return (struct monitor_state){true, true, true};
}

/* ---- store ----------------------------------------------------------- */

const char *
store_backend_name(const struct store *s)
{
	(void)s;
	return "fake";
}

int
store_ping(struct store *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static struct store_user
fake_user(void)
{
	return (struct store_user){
		.user_id = FAKE_USER_ID,
		.username = "fuzz",
		/* No password has this hash. */
		.password_hash = "*",
		.role = USER_ROLE_ADMIN,
		.token_version = 1,
	};
}

int
store_user_get(struct store *s, const char *username, struct store_user *ret,
	       struct err *e)
{
	(void)s;
	if (strcmp(username, "fuzz") != 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such user");
	*ret = fake_user();
	return 0;
}

int
store_user_get_by_id(struct store *s, const char *user_id,
		     struct store_user *ret, struct err *e)
{
	(void)s;
	if (strcmp(user_id, FAKE_USER_ID) != 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such user");
	*ret = fake_user();
	return 0;
}

/* A document that is written must be JSON and the goal in it a text. */
static void
fake_check_document(const char *summary, const char *document)
{
	json_t *json = json_loads(document, 0, NULL);

	FUZZ_CHECK(json_is_object(json));
	FUZZ_CHECK(json_is_string(json_object_get(json, "goal")));
	json_decref(json);
	FUZZ_CHECK(summary != NULL);
}

int
store_workflow_create(struct store *s, const struct store_workflow_meta *meta,
		      const char *summary, const char *document, struct err *e)
{
	(void)s;
	(void)e;
	FUZZ_CHECK(strcmp(meta->user_id, FAKE_USER_ID) == 0);
	fake_check_document(summary, document);
	atomic_fetch_add(&fake_created, 1);
	return 0;
}

int
store_workflow_peek(struct store *s, const char *id,
		    struct store_workflow_meta *ret, struct err *e)
{
	(void)s;
	if (strcmp(id, FAKE_WORKFLOW_ID) != 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such workflow");
	*ret = (struct store_workflow_meta){
		.workflow_id = FAKE_WORKFLOW_ID,
		.user_id = FAKE_USER_ID,
		.status = "waiting_approval",
		.version = 3,
		.created_us = 1,
		.updated_us = 2,
	};
	return 0;
}

int
store_glance(struct store *s, const char *user_id, uint32_t token_version,
	     const char *workflow_id, const char *counter_key,
	     uint32_t window_s, struct store_glance *ret, struct err *e)
{
	struct err ignored;

	(void)token_version;
	*ret = (struct store_glance){0};
	(void)store_user_get_by_id(s, user_id, &ret->user, &ignored);
	(void)store_workflow_peek(s, workflow_id, &ret->meta, &ignored);
	return counter_key != NULL
		       ? store_counter_hit(s, counter_key, window_s, &ret->hits,
					   &ret->reset_s, e)
		       : 0;
}

int
store_workflow_get(struct store *s, const char *id,
		   struct store_workflow_meta *ret, char **ret_document,
		   struct err *e)
{
	if (store_workflow_peek(s, id, ret, e) < 0)
		return -1;
	*ret_document = strdup(fake_document);
	return 0;
}

int
store_workflow_update(struct store *s, struct store_workflow_meta *meta,
		      const char *summary, const char *document,
		      const struct store_outgoing *out, size_t out_len,
		      uint64_t lease_token, struct err *e)
{
	(void)s;
	(void)out;
	(void)out_len;
	(void)lease_token;
	(void)e;
	fake_check_document(summary, document);
	meta->version++;
	return 0;
}

int
store_workflow_list(struct store *s, const struct store_workflow_query *query,
		    int (*fn)(void *arg, const struct store_workflow_meta *meta,
			      const char *summary),
		    void *arg, struct err *e)
{
	(void)s;
	(void)query;
	(void)fn;
	(void)arg;
	(void)e;
	return 0;
}

int
store_idempotency_claim(struct store *s, const char *user_id, const char *key,
			const char *fingerprint, uint64_t expires_us,
			bool *ret_is_new, char ret_fingerprint[65],
			char **ret_answer, struct err *e)
{
	(void)s;
	(void)expires_us;
	(void)e;
	FUZZ_CHECK(strcmp(user_id, FAKE_USER_ID) == 0);
	FUZZ_CHECK(strlen(key) <= 255);
	FUZZ_CHECK(str_copy(ret_fingerprint, 65, fingerprint) == 0);
	*ret_is_new = true;
	*ret_answer = NULL;
	return 0;
}

int
store_idempotency_answer(struct store *s, const char *user_id, const char *key,
			 const char *answer, struct err *e)
{
	(void)s;
	(void)user_id;
	(void)key;
	(void)answer;
	(void)e;
	return 0;
}

int
store_idempotency_release(struct store *s, const char *user_id, const char *key,
			  struct err *e)
{
	(void)s;
	(void)user_id;
	(void)key;
	(void)e;
	return 0;
}

/* What the sender and its settings call, which no request reaches. */
int
store_delivery_claim(struct store *s, uint64_t lease_ms,
		     struct store_delivery *ret, char **ret_document,
		     uint64_t *ret_lease_token, struct err *e)
{
	(void)s;
	(void)lease_ms;
	(void)ret;
	(void)ret_document;
	(void)ret_lease_token;
	return err_set(e, ERR_NOT_FOUND, 0, "no delivery is due");
}

int
store_delivery_update(struct store *s, const struct store_delivery *d,
		      const char *document, uint64_t lease_token, struct err *e)
{
	(void)s;
	(void)d;
	(void)document;
	(void)lease_token;
	return err_set(e, ERR_CONFLICT, 0, "the lease is lost");
}

int
store_delivery_retry(struct store *s, const char *delivery_id, uint64_t due_us,
		     struct err *e)
{
	(void)s;
	(void)due_us;
	return err_set(e, ERR_NOT_FOUND, 0, "no dead delivery %s", delivery_id);
}

int
store_delivery_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		      struct err *e)
{
	(void)s;
	(void)before_us;
	(void)e;
	*ret_count = 0;
	return 0;
}

int
store_setting_get(struct store *s, const char *key, char **ret_value,
		  struct err *e)
{
	(void)s;
	(void)ret_value;
	return err_set(e, ERR_NOT_FOUND, 0, "no setting %s", key);
}

int
store_setting_put(struct store *s, const char *key, const char *value,
		  bool replace, struct err *e)
{
	(void)s;
	(void)value;
	(void)replace;
	return err_set(e, ERR_CONFLICT, 0, "%s is there", key);
}

int
store_delivery_put(struct store *s, const struct store_outgoing *out,
		   struct err *e)
{
	(void)s;
	(void)e;
	FUZZ_CHECK(out->document != NULL);
	return 0;
}

int
store_delivery_list(struct store *s, const char *status, uint32_t limit,
		    int (*fn)(void *arg, const struct store_delivery *d,
			      const char *document),
		    void *arg, struct err *e)
{
	(void)s;
	(void)status;
	(void)limit;
	(void)fn;
	(void)arg;
	(void)e;
	return 0;
}

int
store_usage_add(struct store *s, const char *date, const char *entry,
		struct err *e)
{
	(void)s;
	(void)e;
	FUZZ_CHECK(strlen(date) == 10);
	FUZZ_CHECK(entry != NULL);
	return 0;
}

int
store_usage_expire(struct store *s, const char *before_date, struct err *e)
{
	(void)s;
	(void)before_date;
	(void)e;
	return 0;
}

int
store_user_list(struct store *s,
		int (*fn)(void *arg, const struct store_user *user), void *arg,
		struct err *e)
{
	(void)s;
	(void)fn;
	(void)arg;
	(void)e;
	return 0;
}

int
store_usage_list(struct store *s, const char *date, uint32_t limit,
		 int (*fn)(void *arg, const char *entry), void *arg,
		 struct err *e)
{
	(void)s;
	(void)date;
	(void)limit;
	(void)fn;
	(void)arg;
	(void)e;
	return 0;
}

int
store_spend_reserve(struct store *s, const struct store_spend *spend,
		    uint64_t day_limit_micros, uint64_t workflow_limit_micros,
		    struct store_spend_totals *ret_totals, struct err *e)
{
	(void)s;
	(void)day_limit_micros;
	(void)workflow_limit_micros;
	(void)e;
	*ret_totals = (struct store_spend_totals){spend->micros, spend->micros};
	return 0;
}

int
store_spend_settle(struct store *s, const char *spend_id, uint64_t micros,
		   struct store_spend_totals *ret_totals, struct err *e)
{
	(void)s;
	(void)spend_id;
	(void)e;
	*ret_totals = (struct store_spend_totals){micros, micros};
	return 0;
}

int
store_spend_sum(struct store *s, const char *date, const char *user_id,
		const char *workflow_id, uint64_t *ret_micros, struct err *e)
{
	(void)s;
	(void)date;
	(void)user_id;
	(void)workflow_id;
	(void)e;
	*ret_micros = 0;
	return 0;
}

int
store_job_put(struct store *s, const char *job_id, const char *user_id,
	      const char *status, const char *document, struct err *e)
{
	(void)s;
	(void)job_id;
	(void)user_id;
	(void)status;
	(void)document;
	(void)e;
	return 0;
}

int
store_job_get(struct store *s, const char *job_id, char ret_user_id[40],
	      char ret_status[20], char **ret_document, struct err *e)
{
	(void)s;
	if (strcmp(job_id, FAKE_JOB_ID) != 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no such job");
	(void)str_copy(ret_user_id, 40, FAKE_USER_ID);
	(void)str_copy(ret_status, 20, "done");
	*ret_document = strdup("{\"job_id\":\"" FAKE_JOB_ID "\"}");
	return 0;
}

int
store_job_list_running(struct store *s,
		       int (*fn)(void *arg, const char *job_id,
				 const char *document),
		       void *arg, struct err *e)
{
	(void)s;
	(void)fn;
	(void)arg;
	(void)e;
	return 0;
}

int
store_counter_hit(struct store *s, const char *key, uint32_t window_s,
		  uint64_t *ret_count, uint32_t *ret_reset_s, struct err *e)
{
	(void)s;
	(void)e;
	FUZZ_CHECK(strlen(key) < 128);
	*ret_count = 1;
	*ret_reset_s = window_s;
	return 0;
}

int
store_counter_clear(struct store *s, const char *key, struct err *e)
{
	(void)s;
	(void)key;
	(void)e;
	return 0;
}

static inline void
fake_config(struct api_config *c)
{
	*c = (struct api_config){
		.jwt_expiration_hours = 24,
		.max_workflows = 1,
		.job_timeout_seconds = 30,
		.job_memory_bytes = 512u << 20,
		.execution_timeout_minutes = 30,
		.max_execution_retries = 3,
		.state_ttl_hours = 24,
		.approval_timeout_minutes = 60,
		.rate_execute = 5,
		.rate_status = 5,
		.rate_jobs = 5,
		.login_attempts = 10,
		.max_body_bytes = 1u << 20,
		.http_threads = 1,
		.job_threads = 1,
		.max_connections = 64,
		.max_connections_per_address = 64,
		.max_streams = 64,
		.max_streams_per_user = 64,
		.request_timeout_seconds = 30,
	};
	(void)str_copy(c->host, sizeof(c->host), "127.0.0.1");
	(void)str_copy(c->jwt_secret, sizeof(c->jwt_secret),
		       "the-key-of-this-fuzz-target-0123456789");
	c->jwt_secret_len = strlen(c->jwt_secret);
	(void)str_copy(c->jwt_algorithm, sizeof(c->jwt_algorithm), "HS256");
	(void)str_copy(c->supervisor_socket, sizeof(c->supervisor_socket),
		       "/nonexistent/supervisor.sock");
}

#endif
