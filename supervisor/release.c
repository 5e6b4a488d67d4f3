/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.c - see release.h.
 *
 * The client is not believed: the hash is computed here, of bytes that nobody
 * can change any more, and the policy is looked up in what is loaded.  Nothing
 * of the document is parsed.  What remains the client's word (who asked, how
 * many approved) is recorded as such.
 *
 * A client that was killed between the record and its rename asks again.  The
 * latest records are remembered, also over a restart: then the answer is the
 * record that is there.  One that is remembered no more gets a second record,
 * in which attempt_claimed tells it from a first one.
 */
#include "supervisor/release.h"

#include <sodium.h>
#include <string.h>

#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

static int
check_names(const struct proto_release *r, struct err *e)
{
	if (!job_id_is_uuid(r->workflow))
		return err_set(e, ERR_INVALID, 0, "workflow: not a UUID");
	if (!str_is_name(r->runtime, sizeof(r->runtime) - 1))
		return err_set(e, ERR_INVALID, 0,
			       "runtime: letters, digits, _ and - only");
	if (r->attempt == 0)
		return err_set(e, ERR_INVALID, 0, "attempt: counts from 1");
	return 0;
}

static int
check_policy(const struct supervisor *sup, const struct proto_release *r,
	     struct err *e)
{
	const struct catalog_policy *p =
		catalog_policy(&sup->catalog, r->policy);

	if (p == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "policy: no such policy is installed");
	if (sodium_memcmp(p->policy.sha256, r->policy_sha256,
			  sizeof(r->policy_sha256)) != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "policy %s is not the one that was shown: it "
			       "was changed since",
			       p->policy.name);
	return 0;
}

static int
check(struct supervisor *sup, const struct proto_release *r, struct err *e)
{
	if (sup->is_stopping)
		return err_set(e, ERR_BUSY, 0, "supervisor is stopping");
	if (check_names(r, e) < 0 || check_policy(sup, r, e) < 0)
		return -1;
	return audit_may_begin(&sup->audit, job_unanswered(sup), e);
}

static int
check_shown(const struct proto_release *r, const uint8_t sha256[32],
	    struct err *e)
{
	if (sodium_memcmp(sha256, r->shown_sha256, sizeof(r->shown_sha256)) !=
	    0)
		return err_set(e, ERR_CONFLICT, 0,
			       "what is released is not what was shown: the "
			       "digest differs");
	return 0;
}

static int
record(struct supervisor *sup, const struct peer *peer,
       const struct proto_release *r, struct proto_release_reply *reply,
       struct err *e)
{
	const struct audit_release_seen *seen =
		audit_release_find(&sup->audit, r->workflow);

	if (seen == NULL)
		return audit_release(&sup->audit, r, peer->uid, peer->pid,
				     &reply->record, e);
	if (memcmp(seen->shown_sha256, r->shown_sha256,
		   sizeof(r->shown_sha256)) != 0 ||
	    memcmp(seen->manifest_sha256, r->manifest_sha256,
		   sizeof(r->manifest_sha256)) != 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "another release of this workflow is on record");
	reply->record = seen->seq;
	reply->is_repeated = 1;
	return 0;
}

static void
refuse(struct supervisor *sup, const struct peer *peer,
       const struct proto_release *r, const uint8_t *sha256,
       struct proto_release_reply *reply, const struct err *why)
{
	static struct log_limit limit;
	struct err e = ERR_INIT;
	char id[2 * PROTO_ID_MAX];

	reply->record = 0;
	reply->err = *why;
	str_quote(id, sizeof(id), r->workflow, strlen(r->workflow));
	if (log_may(&limit, "release_refused"))
		log_warning("release_refused workflow=%s kind=%s cause=\"%s\"",
			    id, err_kind_name((enum err_kind)why->kind),
			    why->text);
	if (audit_release_refused(&sup->audit, r, peer->uid, peer->pid, sha256,
				  why, job_unanswered(sup), &e) < 0)
		log_error("release_refusal_unrecorded cause=\"%s\"", e.text);
}

static void
answer(struct peer *peer, struct proto_release_reply *reply)
{
	wire_head_init(&reply->head, PROTO_RELEASE_REPLY, sizeof(*reply), 0);
	peer_send(peer, &reply->head, NULL);
}

static struct proto_release_reply
reply_to(const struct proto_release *r)
{
	struct proto_release_reply reply = {.head.seq = r->head.seq};

	(void)str_copy(reply.workflow, sizeof(reply.workflow), r->workflow);
	return reply;
}

int
release_request(struct supervisor *sup, struct peer *peer,
		const union wire_message *msg, struct err *e)
{
	const struct proto_release *r = &msg->release;
	struct proto_release_reply reply = reply_to(r);
	struct err why = ERR_INIT;

	(void)e;
	if (check(sup, r, &why) == 0 &&
	    upload_begin(&peer->upload, msg, "what was shown", r->shown_bytes,
			 PROTO_SHOWN_MAX, &why) == 0)
		return 0;
	refuse(sup, peer, r, NULL, &reply, &why);
	answer(peer, &reply);
	upload_skip(&peer->upload, r->shown_bytes);
	return 0;
}

void
release_uploaded(struct supervisor *sup, struct peer *peer)
{
	const struct proto_release *r = &peer->upload.request.release;
	struct proto_release_reply reply = reply_to(r);
	uint8_t sha256[PROTO_SHA256_SIZE] = {0};
	struct err why = ERR_INIT;
	int none = -1;

	if (upload_finish(&peer->upload, sha256, &none, &why) < 0 ||
	    check(sup, r, &why) < 0 || check_shown(r, sha256, &why) < 0 ||
	    record(sup, peer, r, &reply, &why) < 0)
		refuse(sup, peer, r, sha256, &reply, &why);
	else
		log_info("release_recorded workflow=%s record=%llu repeated=%u",
			 r->workflow, (unsigned long long)reply.record,
			 reply.is_repeated);
	answer(peer, &reply);
}
