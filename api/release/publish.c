/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c - the order of a release: staged and forced to the disk, recorded
 * by the supervisor, named.
 *
 * Killed before the record: what was staged is removed by the next try.  Killed
 * between record and name: the next try makes the same bytes, gets the record
 * that is there, and names them.  Killed after the name: the next try finds the
 * release and compares it.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "api/jobs/host.h"
#include "api/release/release.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"

static int
hex_to_hash(const char *hex, uint8_t ret[PROTO_SHA256_SIZE], const char *what,
	    struct err *e)
{
	size_t len = 0;

	if (sodium_hex2bin(ret, PROTO_SHA256_SIZE, hex, strlen(hex), NULL, &len,
			   NULL) == 0 &&
	    len == PROTO_SHA256_SIZE)
		return 0;
	return err_set(e, ERR_INVALID, 0, "%s is no SHA-256", what);
}

static uint32_t
count_people(const struct workflow_state *state)
{
	const json_t *approvals = workflow_state_part(state, "approvals");
	json_int_t count = 0;

	for (size_t i = 0; i < json_array_size(approvals); i++) {
		const json_t *a = json_array_get(approvals, i);

		if (strcmp(json_text(a, "status"), "approved") == 0)
			count += json_number(a, "approvals_given");
	}
	return (uint32_t)count;
}

static int
fill_request(const struct workflow_state *state, const json_t *evidence,
	     const struct release_set *set, uint32_t attempt,
	     struct proto_release *ret, struct err *e)
{
	const json_t *policy = json_object_get(evidence, "policy");

	*ret = (struct proto_release){
		.bytes = set->bytes,
		.files = (uint32_t)set->len,
		.approvals = count_people(state),
		.attempt = attempt,
	};
	memcpy(ret->manifest_sha256, set->manifest_sha256,
	       sizeof(ret->manifest_sha256));
	/* The first bytes of a longer name: it is only told, not compared. */
	(void)snprintf(ret->actor, sizeof(ret->actor), "%s",
		       json_text(state->doc, "username"));
	if (str_copy(ret->workflow, sizeof(ret->workflow),
		     state->meta.workflow_id) < 0 ||
	    str_copy(ret->policy, sizeof(ret->policy),
		     json_text(policy, "name")) < 0 ||
	    str_copy(ret->runtime, sizeof(ret->runtime), set->runtime) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "release: a name is too long");
	if (hex_to_hash(json_text(policy, "sha256"), ret->policy_sha256,
			"the policy's hash", e) < 0)
		return -1;
	return hex_to_hash(json_text(evidence, "digest"), ret->shown_sha256,
			   "the digest", e);
}

/* The supervisor's words; what may pass is ERR_BUSY. */
static int
record(const struct release_office *office, const struct proto_release *request,
       const struct release_set *set, struct release_outcome *ret,
       struct err *e)
{
	struct proto_release_reply reply;

	if (client_release(job_host_socket(office->host), request, set->shown,
			   set->shown_len, &reply, e) < 0)
		return -1;
	if (reply.record == 0) {
		*e = reply.err;
		if (e->kind == ERR_IO || e->kind == ERR_UNSUPPORTED)
			e->kind = ERR_BUSY;
		return err_wrap(e, "the supervisor does not record it");
	}
	ret->record = reply.record;
	ret->is_repeated = reply.is_repeated != 0;
	return 0;
}

/*
 * It is published, so it was recorded; only the number of the record is wanted,
 * which the supervisor may not give any more (its policies were changed).
 */
static int
find_record(const struct release_office *office,
	    const struct proto_release *request, const struct release_set *set,
	    struct release_outcome *ret, struct err *e)
{
	ret->is_repeated = true;
	if (record(office, request, set, ret, e) == 0)
		return 0;
	return request->attempt > 1 && (e->kind == ERR_CONFLICT ||
					e->kind == ERR_NOT_FOUND)
		       ? 0
		       : -1;
}

static int
publish_locked(const struct release_office *office, int root,
	       const struct proto_release *request,
	       const struct release_set *set, struct release_outcome *ret,
	       struct err *e)
{
	const char *id = request->workflow;
	bool is_there = false;

	if (release_compare(root, id, set->files, set->len, &is_there, e) < 0)
		return -1;
	if (is_there)
		return find_record(office, request, set, ret, e);
	if (release_stage(root, id, set->files, set->len, e) < 0)
		return -1;
	if (record(office, request, set, ret, e) == 0)
		return release_publish(root, id, e);
	release_discard(root, id);
	return -1;
}

static int
publish(void *arg, const struct workflow_state *state, const json_t *evidence,
	uint32_t attempt, struct release_outcome *ret, struct err *e)
{
	const struct release_office *office = arg;
	owned_fd int root = -1, lock = -1;
	struct proto_release request;
	struct release_set set;
	int rc;

	*ret = (struct release_outcome){0};
	if (release_set_init(&set, state, evidence, office->host, e) < 0)
		return -1;
	rc = fill_request(state, evidence, &set, attempt, &request, e);
	if (rc == 0)
		rc = release_root_open(office->api->config.release_dir, &root,
				       e);
	if (rc == 0)
		rc = release_lock(root, request.workflow, &lock, e);
	if (rc == 0)
		rc = publish_locked(office, root, &request, &set, ret, e);
	str_hex(ret->manifest_sha256, set.manifest_sha256,
		sizeof(set.manifest_sha256));
	release_set_done(&set);
	return rc;
}

static int
check_room(void *arg, struct err *e)
{
	const struct release_office *office = arg;
	const struct api_config *config = &office->api->config;
	owned_fd int root = -1;

	if (release_root_open(config->release_dir, &root, e) < 0)
		return -1;
	return release_check_room(root, config->release_min_free_bytes, e);
}

struct workflow_publisher
release_publisher(struct release_office *office)
{
	return (struct workflow_publisher){
		.arg = office, .check_room = check_room, .publish = publish};
}
