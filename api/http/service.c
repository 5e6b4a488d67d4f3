/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.c - what the API says of itself: health, installed policies and
 * runtimes.
 *
 * GET /health is public, so it tells states and no causes; those are in the
 * log.  Everything fine is 200 "healthy".  Without the supervisor (or if it
 * refuses jobs) requests that need no jail still work: 200 "degraded".
 * Without the store nothing works: 503 "unhealthy".
 */
#include "api/http/handlers.h"

#include <string.h>

#include "api/http/monitor.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"

/* More than this many policies or runtimes is a supervisor gone mad. */
#define LIST_MAX 1024

static const char *
overall_status(const struct monitor_state *state)
{
	if (!state->is_store_up)
		return "unhealthy";
	return state->is_supervisor_ready ? "healthy" : "degraded";
}

static const char *
redis_state(const struct api *api, const struct monitor_state *state)
{
	if (strcmp(store_backend_name(api->store), "redis") != 0)
		return "disabled";
	return state->is_store_up ? "connected" : "disconnected";
}

/*
 * The specification's keys keep their place: zen_mcp (the orchestrator) is
 * part of this process.
 */
static json_t *
make_services(struct api *api, const struct monitor_state *state)
{
	bool is_ready = state->is_store_up && state->is_supervisor_ready &&
			api->engine != NULL;

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "zen_mcp", "embedded",
			 "execution_engine", is_ready ? "ready" : "degraded",
			 "redis", redis_state(api, state), "store",
			 state->is_store_up ? store_backend_name(api->store)
					    : "unavailable",
			 "supervisor",
			 state->is_supervisor_reachable ? "connected"
							: "unreachable");
}

void
health_get(struct api *api, const struct http_request *req,
	   struct http_response *res)
{
	struct monitor_state state = monitor_state(api->monitor);
	char timestamp[CLOCK_ISO_SIZE];

	(void)req;
	clock_iso8601(clock_wall_us(), timestamp);
	http_json(res, state.is_store_up ? 200 : 503,
		  json_pack("{s:s, s:s, s:s, s:o}", "status",
			    overall_status(&state), "timestamp", timestamp,
			    "version", API_VERSION, "services",
			    make_services(api, &state)));
}

/* ---- lists ----------------------------------------------------------- */

static json_t *
make_limits(const struct proto_limits *limits)
{
	return json_pack("{s:f, s:I, s:I, s:i, s:i}", "timeout_seconds",
			 (double)limits->wall_ms / 1000.0, "memory_mb",
			 (json_int_t)(limits->memory_bytes >> 20),
			 "output_bytes", (json_int_t)limits->output_bytes,
			 "pids", (int)limits->pids, "cpu_percent",
			 (int)limits->cpu_percent);
}

static json_t *
make_policy(const struct proto_policy_info *info)
{
	char policy_hex[2 * PROTO_SHA256_SIZE + 1];
	char bpf_hex[2 * PROTO_SHA256_SIZE + 1];

	str_hex(policy_hex, info->policy_sha256, PROTO_SHA256_SIZE);
	str_hex(bpf_hex, info->bpf_sha256, PROTO_SHA256_SIZE);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:b}", "name",
			 info->name, "description", info->description, "sha256",
			 policy_hex, "bpf_sha256", bpf_hex, "limits",
			 make_limits(&info->ceiling), "syscalls_allowed",
			 (int)info->syscalls_allowed, "has_loopback",
			 (int)info->has_loopback);
}

static json_t *
make_runtime(const struct proto_runtime_info *info)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", info->name,
			 "aliases", info->aliases, "code_path", info->code_path,
			 "tests_path", info->tests_path, "description",
			 info->description);
}

/* *ret_item NULL: past the end. */
static int
get_policy(const char *socket_path, uint32_t index, json_t **ret_item,
	   struct err *e)
{
	struct proto_policy_info info;

	if (client_policy_get(socket_path, index, &info, e) < 0)
		return -1;
	if (info.name[0] == '\0') {
		*ret_item = NULL;
		return 0;
	}
	*ret_item = make_policy(&info);
	return *ret_item != NULL
		       ? 0
		       : err_set(e, ERR_PEER, 0, "describe policy %u", index);
}

static int
get_runtime(const char *socket_path, uint32_t index, json_t **ret_item,
	    struct err *e)
{
	struct proto_runtime_info info;

	if (client_runtime_get(socket_path, index, &info, e) < 0)
		return -1;
	if (info.name[0] == '\0') {
		*ret_item = NULL;
		return 0;
	}
	*ret_item = make_runtime(&info);
	return *ret_item != NULL
		       ? 0
		       : err_set(e, ERR_PEER, 0, "describe runtime %u", index);
}

static void
send_list(struct api *api, const char *name, struct http_response *res,
	  int (*get)(const char *socket_path, uint32_t index, json_t **ret_item,
		     struct err *e))
{
	json_t *list = json_array(), *item = NULL;
	struct err e = ERR_INIT;

	for (uint32_t i = 0; i < LIST_MAX; i++) {
		if (get(api->config.supervisor_socket, i, &item, &e) < 0) {
			json_decref(list);
			http_problem_from_err(res, &e);
			return;
		}
		if (item == NULL)
			break;
		json_array_append_new(list, item);
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:o}}", "status", "success", "data", name,
			    list));
}

void
policies_list(struct api *api, const struct http_request *req,
	      struct http_response *res)
{
	(void)req;
	send_list(api, "policies", res, get_policy);
}

void
runtimes_list(struct api *api, const struct http_request *req,
	      struct http_response *res)
{
	(void)req;
	send_list(api, "runtimes", res, get_runtime);
}
