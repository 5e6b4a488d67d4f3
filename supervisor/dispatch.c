/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.c - the table of requests and the small ones' handlers.
 */
#include "supervisor/dispatch.h"

#include <string.h>

#include "supervisor/base/str.h"
#include "supervisor/job.h"
#include "supervisor/release.h"
#include "supervisor/supervisor.h"

static int
handle_hello(struct supervisor *sup, struct peer *peer,
	     const union wire_message *msg, struct err *e)
{
	struct proto_hello_reply reply = {
		.head.seq = msg->head.seq,
		.slots_total = sup->config.slots,
		.slots_free = job_slots_free(sup),
		.policies = sup->catalog.policies_len,
		.runtimes = sup->catalog.runtimes_len,
		.cgroup_version =
			sup->has_cgroup ? (uint32_t)sup->cgroup.version : 0,
		.landlock_abi = sup->host.landlock_abi,
		.is_ready = sup->cause.kind == ERR_NONE,
		.version = PROMPTCRAFT_VERSION,
		.cause = sup->cause,
	};

	(void)e;
	if (reply.is_ready != 0 &&
	    audit_may_begin(&sup->audit, job_unanswered(sup), &reply.cause) < 0)
		reply.is_ready = 0;
	memcpy(reply.instance, sup->instance, sizeof(reply.instance));
	wire_head_init(&reply.head, PROTO_HELLO_REPLY, sizeof(reply), 0);
	peer_send(peer, &reply.head, NULL);
	return 0;
}

static void
fill_policy(struct proto_policy_info *info, const struct policy *p)
{
	(void)str_copy(info->name, sizeof(info->name), p->name);
	(void)str_copy(info->description, sizeof(info->description),
		       p->description);
	memcpy(info->policy_sha256, p->sha256, sizeof(info->policy_sha256));
	memcpy(info->bpf_sha256, p->bpf_sha256, sizeof(info->bpf_sha256));
	info->ceiling = (struct proto_limits){
		.wall_ms = p->limits.wall_ms,
		.memory_bytes = p->limits.memory_bytes,
		.output_bytes = p->limits.output_bytes,
		.pids = p->limits.pids,
		.cpu_percent = p->limits.cpu_percent,
	};
	info->syscalls_allowed = p->syscalls_allowed;
	info->has_loopback = p->has_loopback;
}

static int
handle_policy(struct supervisor *sup, struct peer *peer,
	      const union wire_message *msg, struct err *e)
{
	struct proto_policy_info info = {.head.seq = msg->head.seq};
	uint32_t index = msg->get.index;

	(void)e;
	if (index < sup->catalog.policies_len)
		fill_policy(&info, &sup->catalog.policies[index].policy);
	wire_head_init(&info.head, PROTO_POLICY_INFO, sizeof(info), 0);
	peer_send(peer, &info.head, NULL);
	return 0;
}

static int
handle_runtime(struct supervisor *sup, struct peer *peer,
	       const union wire_message *msg, struct err *e)
{
	struct proto_runtime_info info = {.head.seq = msg->head.seq};
	uint32_t index = msg->get.index;

	(void)e;
	if (index < sup->catalog.runtimes_len) {
		const struct catalog_runtime *known =
			&sup->catalog.runtimes[index];
		const struct runtime *r = &known->runtime;

		(void)str_copy(info.name, sizeof(info.name), r->name);
		(void)str_copy(info.aliases, sizeof(info.aliases), r->aliases);
		(void)str_copy(info.code_path, sizeof(info.code_path),
			       r->code_path);
		(void)str_copy(info.tests_path, sizeof(info.tests_path),
			       r->tests_path);
		(void)str_copy(info.description, sizeof(info.description),
			       r->description);
		(void)str_copy(info.policy, sizeof(info.policy), r->policy);
		info.is_unusable = known->unusable.kind != ERR_NONE;
	}
	wire_head_init(&info.head, PROTO_RUNTIME_INFO, sizeof(info), 0);
	peer_send(peer, &info.head, NULL);
	return 0;
}

/* Size and number of fds are in wire.c's table: one row a type, both ends. */
static const struct {
	int (*handler)(struct supervisor *sup, struct peer *peer,
		       const union wire_message *msg, struct err *e);
	/* All that follows the message is in peer->upload. */
	void (*complete)(struct supervisor *sup, struct peer *peer);
} table[PROTO_TYPE_COUNT] = {
	[PROTO_HELLO] = {handle_hello},
	[PROTO_POLICY_GET] = {handle_policy},
	[PROTO_RUNTIME_GET] = {handle_runtime},
	[PROTO_JOB_SUBMIT] = {job_submit, job_uploaded},
	[PROTO_JOB_KILL] = {job_kill_request},
	[PROTO_RELEASE] = {release_request, release_uploaded},
};

int
dispatch(struct supervisor *sup, struct peer *peer,
	 const union wire_message *msg, struct err *e)
{
	if (table[msg->head.type].handler == NULL)
		return err_set(
			e, ERR_PEER, 0, "%s is not a client's to send",
			proto_type_name((enum proto_type)msg->head.type));
	return table[msg->head.type].handler(sup, peer, msg, e);
}

void
dispatch_uploaded(struct supervisor *sup, struct peer *peer)
{
	table[peer->upload.request.head.type].complete(sup, peer);
	upload_done(&peer->upload);
}
