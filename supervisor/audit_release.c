/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_release.c - the records of releases, and which of them are remembered.
 *
 * A release is published only after its record is on the disk, so this one is
 * synced at once, not at the end of the turn.
 */
#include <string.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/str.h"

static struct audit_release_seen *
next_place(struct audit *audit)
{
	struct audit_release_seen *place =
		&audit->releases[audit->releases_next];

	audit->releases_next = (audit->releases_next + 1) % AUDIT_RELEASES_MAX;
	return place;
}

/* The value of ,"key":"value" at *at; moves *at behind it. */
static const char *
take_value(const char **at, const char *key, size_t *ret_len)
{
	size_t len = strlen(key);
	const char *value;

	if (strncmp(*at, key, len) != 0)
		return NULL;
	value = *at + len;
	*ret_len = strcspn(value, "\"");
	*at = value + *ret_len;
	return value;
}

static bool
take_hash(const char **at, const char *key, uint8_t ret[PROTO_SHA256_SIZE])
{
	size_t len = 0;
	const char *value = take_value(at, key, &len);

	return value != NULL && len == (size_t)2 * PROTO_SHA256_SIZE &&
	       audit_parse_hex(value, PROTO_SHA256_SIZE, ret) == 0;
}

void
audit_release_remember(struct audit *audit, const char *text, uint64_t seq)
{
	struct audit_release_seen seen = {.seq = seq};
	size_t len = 0;
	const char *id = take_value(&text, "\",\"workflow\":\"", &len);

	if (id == NULL || len >= sizeof(seen.workflow))
		return;
	memcpy(seen.workflow, id, len);
	if (take_hash(&text, "\",\"shown_sha256\":\"", seen.shown_sha256) &&
	    take_hash(&text, "\",\"manifest_sha256\":\"", seen.manifest_sha256))
		*next_place(audit) = seen;
}

const struct audit_release_seen *
audit_release_find(const struct audit *audit, const char *workflow)
{
	for (size_t i = 0; i < AUDIT_RELEASES_MAX; i++)
		if (audit->releases[i].workflow[0] != '\0' &&
		    strcmp(audit->releases[i].workflow, workflow) == 0)
			return &audit->releases[i];
	return NULL;
}

/* The first three as audit_release_remember() reads them. */
static void
put_release(struct audit_line *l, const struct proto_release *r, uid_t peer_uid,
	    pid_t peer_pid)
{
	audit_put_string(l, "workflow", r->workflow);
	audit_put_hash(l, "shown_sha256", r->shown_sha256);
	audit_put_hash(l, "manifest_sha256", r->manifest_sha256);
	audit_put_string(l, "policy", r->policy);
	audit_put_hash(l, "policy_sha256", r->policy_sha256);
	audit_put_string(l, "runtime", r->runtime);
	audit_put_u64(l, "files", r->files);
	audit_put_u64(l, "bytes", r->bytes);
	audit_put_string(l, "actor_claimed", r->actor);
	audit_put_u64(l, "approvals_claimed", r->approvals);
	audit_put_u64(l, "attempt_claimed", r->attempt);
	audit_put_u64(l, "peer_uid", peer_uid);
	audit_put_u64(l, "peer_pid", (uint64_t)peer_pid);
}

int
audit_release(struct audit *audit, const struct proto_release *release,
	      uid_t peer_uid, pid_t peer_pid, uint64_t *ret_seq, struct err *e)
{
	struct audit_release_seen *place;
	struct audit_line l;

	audit_line_begin(&l, audit, "release");
	put_release(&l, release, peer_uid, peer_pid);
	if (audit_append(audit, &l, true, e) < 0 || audit_sync(audit, e) < 0)
		return -1;
	place = next_place(audit);
	*place = (struct audit_release_seen){.seq = audit->seq};
	memcpy(place->workflow, release->workflow, sizeof(place->workflow));
	memcpy(place->shown_sha256, release->shown_sha256,
	       sizeof(place->shown_sha256));
	memcpy(place->manifest_sha256, release->manifest_sha256,
	       sizeof(place->manifest_sha256));
	*ret_seq = audit->seq;
	return 0;
}

int
audit_release_refused(struct audit *audit, const struct proto_release *release,
		      uid_t peer_uid, pid_t peer_pid,
		      const uint8_t *found_sha256, const struct err *why,
		      unsigned jobs_live, struct err *e)
{
	struct audit_line l;

	if (!audit_may_tell_refusal(audit, peer_uid, (enum err_kind)why->kind,
				    jobs_live))
		return 0;
	audit_line_begin(&l, audit, "release_refused");
	put_release(&l, release, peer_uid, peer_pid);
	audit_put_hash(&l, "found_sha256", found_sha256);
	audit_put_string(&l, "kind", err_kind_name((enum err_kind)why->kind));
	audit_put_string(&l, "error", why->text);
	return audit_append(audit, &l, true, e);
}
