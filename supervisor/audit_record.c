/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_record.c - what the records of a job say.
 *
 * Who asked is what the client says, and is named so (actor_claimed); the rest
 * is the supervisor's own knowledge.  Lists are bounded so that no jail can
 * make a record too long to write; counts are exact.
 */
#include <stdio.h>
#include <string.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/callargs.h"
#include "supervisor/base/str.h"

/* What must stay free in a line for all that follows a list. */
#define ROOM_AFTER_LIST 4096
#define ROOM_AFTER_COUNTS 10240

/* ---- jobs under way -------------------------------------------------- */

static bool
is_open(const char *entry, const char *job_id, size_t len)
{
	return strncmp(entry, job_id, len) == 0 && entry[len] == '\0';
}

void
audit_open_set(struct audit *audit, const char *job_id, size_t len)
{
	if (len == 0 || len >= PROTO_ID_MAX)
		return;
	for (size_t i = 0; i < AUDIT_OPEN_MAX; i++) {
		if (audit->open[i][0] != '\0')
			continue;
		memcpy(audit->open[i], job_id, len);
		audit->open[i][len] = '\0';
		return;
	}
}

void
audit_open_unset(struct audit *audit, const char *job_id, size_t len)
{
	if (len == 0 || len >= PROTO_ID_MAX)
		return;
	for (size_t i = 0; i < AUDIT_OPEN_MAX; i++) {
		if (is_open(audit->open[i], job_id, len)) {
			audit->open[i][0] = '\0';
			return;
		}
	}
}

unsigned
audit_open_count(const struct audit *audit)
{
	unsigned count = 0;

	for (size_t i = 0; i < AUDIT_OPEN_MAX; i++)
		count += audit->open[i][0] != '\0';
	return count;
}

/* ---- denials --------------------------------------------------------- */

void
audit_denials_add(struct audit_denials *denials, const struct policy *policy,
		  int audit_index, uint32_t nr, const uint64_t args[6],
		  uint32_t errnum)
{
	struct audit_denial new = {.nr = nr,
				   .errnum = errnum,
				   .count = 1,
				   .audit_index = audit_index};
	size_t count = ARRAY_LEN(new.args);

	/* The other registers hold whatever the caller had there. */
	if (audit_index >= 0)
		count = callargs_count(policy->audit[audit_index].name);
	memcpy(new.args, args, count * sizeof(args[0]));
	for (uint32_t i = 0; i < denials->len; i++) {
		struct audit_denial *d = &denials->first[i];

		if (d->nr == nr &&
		    memcmp(d->args, new.args, sizeof(d->args)) == 0) {
			d->count++;
			return;
		}
	}
	if (denials->len < AUDIT_DENIALS_MAX)
		denials->first[denials->len++] = new;
}

static void
put_counts(struct audit_line *l, const struct audit_job *job)
{
	const char *comma = "";
	uint64_t others = job->done->denials_total;

	audit_put(l, ",\"calls\":{");
	for (uint32_t i = 0; i < job->policy->audit_len; i++) {
		uint32_t count = job->denial_counts[i];

		if (count == 0 || l->len > AUDIT_LINE_MAX - ROOM_AFTER_COUNTS)
			continue;
		audit_put(l, "%s\"", comma);
		audit_put_escaped(l, job->policy->audit[i].name);
		audit_put(l, "\":%u", count);
		comma = ",";
		others -= count < others ? count : others;
	}
	audit_put(l, "}");
	if (others > 0)
		audit_put_u64(l, "other_calls", others);
}

static void
put_denial(struct audit_line *l, const struct policy *policy,
	   const struct audit_denial *d)
{
	char number[24], text[CALLARGS_SIZE];
	const char *name = number;

	(void)snprintf(number, sizeof(number), "syscall_%u", d->nr);
	if (d->audit_index >= 0)
		name = policy->audit[d->audit_index].name;
	callargs_describe(text, sizeof(text), name, d->args);
	audit_put(l, "{\"call\":\"");
	audit_put_escaped(l, text);
	audit_put(l, "\",\"args\":[");
	for (size_t i = 0; i < callargs_count(name); i++)
		audit_put(l, "%s\"0x%llx\"", i > 0 ? "," : "",
			  (unsigned long long)d->args[i]);
	audit_put(l, "],\"errno\":%u,\"count\":%llu}", d->errnum,
		  (unsigned long long)d->count);
}

static void
put_denials(struct audit_line *l, const struct audit_job *job)
{
	const char *comma = "";

	audit_put(l, ",\"denials\":{\"total\":%llu",
		  (unsigned long long)job->done->denials_total);
	if (job->policy != NULL && job->denial_counts != NULL)
		put_counts(l, job);
	if (job->policy != NULL && job->denials != NULL) {
		audit_put(l, ",\"first\":[");
		for (uint32_t i = 0; i < job->denials->len; i++) {
			if (l->len > AUDIT_LINE_MAX - ROOM_AFTER_LIST)
				break;
			audit_put(l, "%s", comma);
			put_denial(l, job->policy, &job->denials->first[i]);
			comma = ",";
		}
		audit_put(l, "]");
	}
	audit_put(l, "}");
}

/* ---- jobs ------------------------------------------------------------ */

static const char *
outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[PROTO_OUTCOME_EXITED] = "exited",
		[PROTO_OUTCOME_SIGNALED] = "signaled",
		[PROTO_OUTCOME_TIMEOUT] = "timeout",
		[PROTO_OUTCOME_KILLED] = "killed",
		[PROTO_OUTCOME_REFUSED] = "refused",
		[PROTO_OUTCOME_ERROR] = "error",
	};

	_Static_assert(ARRAY_LEN(names) == PROTO_OUTCOME_COUNT,
		       "every outcome has a name");
	return outcome < ARRAY_LEN(names) && names[outcome] != NULL
		       ? names[outcome]
		       : "unknown";
}

static void
put_limits(struct audit_line *l, const struct proto_limits *limits)
{
	audit_put(l, ",\"limits\":{");
	audit_put_u64(l, "wall_ms", limits->wall_ms);
	audit_put_u64(l, "memory_bytes", limits->memory_bytes);
	audit_put_u64(l, "output_bytes", limits->output_bytes);
	audit_put_u64(l, "pids", limits->pids);
	audit_put_u64(l, "cpu_percent", limits->cpu_percent);
	audit_put(l, "}");
}

static void
put_usage(struct audit_line *l, const struct proto_job_done *done)
{
	audit_put(l, ",\"usage\":{");
	audit_put_u64(l, "wall_us", done->wall_us);
	audit_put_u64(l, "cpu_us", done->cpu_us);
	audit_put_u64(l, "memory_peak_bytes", done->memory_peak_bytes);
	audit_put_u64(l, "pids_peak", done->pids_peak);
	audit_put(l, "}");
}

/* job_id first: audit_recover.c looks for it there. */
static void
put_request(struct audit_line *l, const struct audit_job *job)
{
	const struct proto_job_submit *submit = job->submit;
	const struct policy *policy = job->policy;

	audit_put_string(l, "job_id", submit->job_id);
	audit_put_string(l, "actor_claimed", submit->actor);
	audit_put_u64(l, "peer_uid", job->peer_uid);
	audit_put_u64(l, "peer_pid", (uint64_t)job->peer_pid);
	audit_put_string(l, "workflow", submit->workflow);
	audit_put_u64(l, "step", submit->step);
	audit_put_u64(l, "attempt", submit->attempt);
	audit_put_string(l, "policy", submit->policy);
	audit_put_hash(l, "policy_sha256",
		       policy != NULL ? policy->sha256 : NULL);
	audit_put_hash(l, "bpf_sha256",
		       policy != NULL ? policy->bpf_sha256 : NULL);
	audit_put_string(l, "runtime", submit->runtime);
	audit_put_hash(l, "runtime_sha256",
		       job->runtime != NULL ? job->runtime->sha256 : NULL);
	audit_put_hash(l, "bundle_sha256", job->bundle_sha256);
	if (job->has_slot)
		audit_put_u64(l, "slot", job->slot);
	put_limits(l, job->limits != NULL ? job->limits : &submit->limits);
}

static void
put_ending(struct audit_line *l, const struct audit_job *job)
{
	const struct proto_job_done *done = job->done;

	audit_put_string(l, "posture", job->posture);
	audit_put_hash(l, "collected_sha256", job->collected_sha256);
	put_usage(l, done);
	put_denials(l, job);
	audit_put_string(l, "outcome", outcome_name(done->outcome));
	audit_put_string(l, "reason",
			 proto_reason_name((enum proto_reason)done->reason));
	audit_put(l, ",\"exit_code\":%d,\"signal\":%d", done->exit_code,
		  done->signal);
	audit_put_string(l, "error", done->err.text);
}

int
audit_job_begin(struct audit *audit, const struct audit_job *job, struct err *e)
{
	const char *id = job->submit->job_id;
	struct audit_line l;

	audit_line_begin(&l, audit, "job_begin");
	put_request(&l, job);
	if (audit_append(audit, &l, false, e) < 0)
		return -1;
	audit_open_set(audit, id, strlen(id));
	return 0;
}

int
audit_job(struct audit *audit, const struct audit_job *job, struct err *e)
{
	const char *id = job->submit->job_id;
	struct audit_line l;

	audit_line_begin(&l, audit, "job");
	put_request(&l, job);
	put_ending(&l, job);
	if (audit_append(audit, &l, false, e) < 0)
		return -1;
	audit->wants_flush = true;
	audit_open_unset(audit, id, strlen(id));
	return 0;
}

int
audit_refusal(struct audit *audit, const struct audit_job *job,
	      unsigned jobs_live, struct err *e)
{
	enum err_kind kind = (enum err_kind)job->done->err.kind;
	struct audit_line l;

	if (!audit_may_tell_refusal(audit, job->peer_uid, kind, jobs_live))
		return 0;
	audit_line_begin(&l, audit, "refusal");
	put_request(&l, job);
	audit_put_string(&l, "kind", err_kind_name(kind));
	audit_put_string(&l, "error", job->done->err.text);
	return audit_append(audit, &l, true, e);
}
