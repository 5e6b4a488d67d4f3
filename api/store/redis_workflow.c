/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_workflow.c - workflows with compare-and-set and leases, and jobs, in
 * Redis.
 *
 * Leases are the server's to count: a node whose clock is wrong neither keeps
 * a lease too long nor takes one too early.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/redis_store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define CLAIMABLE "promptcraft:workflows:claimable"

/* Elements 0 to 6 of a reply that describes a workflow. */
int
redis_read_meta(const redisReply *reply, const char *workflow_id,
		struct store_workflow_meta *ret, struct err *e)
{
	struct store_workflow_meta meta = {0};

	if (str_copy(meta.workflow_id, sizeof(meta.workflow_id), workflow_id) <
		    0 ||
	    redis_text(reply->element[0], meta.user_id, sizeof(meta.user_id),
		       e) < 0 ||
	    redis_text(reply->element[1], meta.status, sizeof(meta.status), e) <
		    0 ||
	    redis_u64(reply->element[2], &meta.version, e) < 0 ||
	    redis_u64(reply->element[3], &meta.created_us, e) < 0 ||
	    redis_u64(reply->element[4], &meta.updated_us, e) < 0 ||
	    redis_u64(reply->element[5], &meta.due_us, e) < 0 ||
	    redis_u64(reply->element[6], &meta.expires_us, e) < 0)
		return err_wrap(e, "workflow %s", workflow_id);
	*ret = meta;
	return 0;
}

int
redis_workflow_create(struct store *s, const struct store_workflow_meta *meta,
		      const char *summary, const char *document, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, meta->workflow_id);
	redis_arg(&args, meta->user_id);
	redis_arg(&args, meta->status);
	redis_arg_u64(&args, meta->created_us);
	redis_arg_u64(&args, meta->updated_us);
	redis_arg_u64(&args, meta->due_us);
	redis_arg_u64(&args, meta->expires_us);
	redis_arg(&args, summary);
	redis_arg(&args, document);
	if (redis_run(s, SCRIPT_WORKFLOW_CREATE, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "conflict"))
		return err_set(e, ERR_CONFLICT, 0, "workflow %s exists already",
			       meta->workflow_id);
	return 0;
}

/* It stands under a key of its own: one that was removed is empty. */
static int
read_document(const redisReply *reply, char **ret, struct err *e)
{
	if (reply->type != REDIS_REPLY_NIL)
		return redis_text_dup(reply, ret, e);
	*ret = strdup("");
	return *ret != NULL
		       ? 0
		       : err_set(e, ERR_IO, ENOMEM, "store: read a document");
}

int
redis_workflow_get(struct store *s, const char *workflow_id,
		   struct store_workflow_meta *ret_meta, char **ret_document,
		   struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	struct store_workflow_meta meta;

	redis_arg(&args, workflow_id);
	if (redis_run(s, SCRIPT_WORKFLOW_GET, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	if (redis_expect(reply, 8, e) < 0 ||
	    redis_read_meta(reply, workflow_id, &meta, e) < 0 ||
	    read_document(reply->element[7], ret_document, e) < 0)
		return -1;
	*ret_meta = meta;
	return 0;
}

int
redis_workflow_peek(struct store *s, const char *workflow_id,
		    struct store_workflow_meta *ret_meta, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, workflow_id);
	if (redis_run(s, SCRIPT_WORKFLOW_PEEK, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	if (redis_expect(reply, 7, e) < 0)
		return -1;
	return redis_read_meta(reply, workflow_id, ret_meta, e);
}

static int
explain_refusal(const char *workflow_id, const char *word, uint64_t has,
		uint64_t wanted, struct err *e)
{
	if (strcmp(word, "missing") == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	if (strcmp(word, "version") == 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "workflow %s changed meanwhile: version %" PRIu64
			       ", not %" PRIu64,
			       workflow_id, has, wanted);
	return err_set(e, ERR_CONFLICT, 0, "workflow %s: the lease is lost",
		       workflow_id);
}

int
redis_workflow_update(struct store *s, struct store_workflow_meta *meta,
		      const char *summary, const char *document,
		      const struct store_outgoing *out, size_t out_len,
		      uint64_t lease_token, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	uint64_t has_version;
	char word[16];

	redis_arg(&args, meta->workflow_id);
	redis_arg_u64(&args, meta->version);
	redis_arg(&args, meta->status);
	redis_arg_u64(&args, meta->updated_us);
	redis_arg_u64(&args, meta->due_us);
	redis_arg_u64(&args, meta->expires_us);
	redis_arg(&args, summary);
	redis_arg(&args, document);
	redis_arg_u64(&args, lease_token);
	for (size_t i = 0; i < out_len; i++)
		redis_arg_outgoing(&args, &out[i]);
	if (redis_run(s, SCRIPT_WORKFLOW_UPDATE, &args, &reply, e) < 0 ||
	    redis_expect(reply, 2, e) < 0 ||
	    redis_text(reply->element[0], word, sizeof(word), e) < 0 ||
	    redis_u64(reply->element[1], &has_version, e) < 0)
		return -1;
	if (strcmp(word, "ok") != 0)
		return explain_refusal(meta->workflow_id, word, has_version,
				       meta->version, e);
	meta->version++;
	return 0;
}

static int
show_workflow(const redisReply *row,
	      int (*fn)(void *arg, const struct store_workflow_meta *meta,
			const char *summary),
	      void *arg, bool *ret_stop, struct err *e)
{
	struct store_workflow_meta meta;
	char id[sizeof(meta.workflow_id)];

	if (redis_expect(row, 9, e) < 0 ||
	    redis_text(row->element[8], id, sizeof(id), e) < 0 ||
	    redis_read_meta(row, id, &meta, e) < 0)
		return -1;
	if (row->element[7]->type != REDIS_REPLY_STRING)
		return err_set(e, ERR_IO, 0, "store: workflow %s: no summary",
			       id);
	*ret_stop = fn(arg, &meta, row->element[7]->str) != 0;
	return 0;
}

int
redis_workflow_list(struct store *s, const struct store_workflow_query *query,
		    int (*fn)(void *arg, const struct store_workflow_meta *meta,
			      const char *summary),
		    void *arg, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	bool is_stop = false;
	char before[32] = "+inf";

	if (query->before_us != 0)
		(void)str_printf(before, sizeof(before), "(%" PRIu64,
				 query->before_us);
	redis_arg(&args, query->user_id != NULL ? query->user_id : "");
	redis_arg(&args, query->status != NULL ? query->status : "");
	redis_arg(&args, before);
	redis_arg_u64(&args, query->limit);
	if (redis_run(s, SCRIPT_WORKFLOW_LIST, &args, &reply, e) < 0)
		return -1;
	for (size_t i = 0; i < reply->elements && !is_stop; i++)
		if (show_workflow(reply->element[i], fn, arg, &is_stop, e) < 0)
			return -1;
	return 0;
}

/* ---- leases ---------------------------------------------------------- */

int
redis_workflow_claim(struct store *s, const char *worker, uint64_t lease_ms,
		     char ret_workflow_id[40], uint64_t *ret_lease_token,
		     struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	uint64_t token;
	char id[40];

	redis_arg(&args, worker);
	redis_arg_u64(&args, lease_ms);
	if (redis_run(s, SCRIPT_WORKFLOW_CLAIM, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "no workflow is due");
	if (redis_expect(reply, 2, e) < 0 ||
	    redis_u64(reply->element[0], &token, e) < 0 ||
	    redis_text(reply->element[1], id, sizeof(id), e) < 0)
		return -1;
	memcpy(ret_workflow_id, id, sizeof(id));
	*ret_lease_token = token;
	return 0;
}

static int
lease_change(struct store *s, enum script which, const char *workflow_id,
	     uint64_t lease_token, uint64_t lease_ms, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	char word[16];

	assert(lease_token != 0);
	redis_arg(&args, workflow_id);
	redis_arg_u64(&args, lease_token);
	redis_arg_u64(&args, lease_ms);
	if (redis_run(s, which, &args, &reply, e) < 0 ||
	    redis_text(reply, word, sizeof(word), e) < 0)
		return -1;
	if (strcmp(word, "ok") != 0)
		return explain_refusal(workflow_id, word, 0, 0, e);
	return 0;
}

int
redis_workflow_lease_renew(struct store *s, const char *workflow_id,
			   uint64_t lease_token, uint64_t lease_ms,
			   struct err *e)
{
	return lease_change(s, SCRIPT_LEASE_RENEW, workflow_id, lease_token,
			    lease_ms, e);
}

int
redis_workflow_lease_release(struct store *s, const char *workflow_id,
			     uint64_t lease_token, struct err *e)
{
	return lease_change(s, SCRIPT_LEASE_RELEASE, workflow_id, lease_token,
			    0, e);
}

/* The leases may be those of other nodes, which live. */
int
redis_workflow_lease_reset(struct store *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

int
redis_workflow_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	return redis_next_due(s, CLAIMABLE, ret_due_us, e);
}

int
redis_workflow_expire(struct store *s, uint64_t now_us, uint64_t *ret_count,
		      struct err *e)
{
	return redis_expire(s, SCRIPT_WORKFLOW_EXPIRE, now_us, ret_count, e);
}

/* ---- jobs ------------------------------------------------------------ */

int
redis_job_put(struct store *s, const char *job_id, const char *user_id,
	      const char *status, const char *document, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	redis_arg(&args, job_id);
	redis_arg(&args, user_id);
	redis_arg(&args, status);
	redis_arg(&args, document);
	if (redis_run(s, SCRIPT_JOB_PUT, &args, &reply, e) < 0)
		return -1;
	if (redis_says(reply, "conflict"))
		return err_set(e, ERR_CONFLICT, 0,
			       "job %s is done, or another user's", job_id);
	return 0;
}

int
redis_job_get(struct store *s, const char *job_id, char ret_user_id[40],
	      char ret_status[20], char **ret_document, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;
	char user_id[40], status[20];

	redis_arg(&args, job_id);
	if (redis_run(s, SCRIPT_JOB_GET, &args, &reply, e) < 0)
		return -1;
	if (reply->type == REDIS_REPLY_NIL)
		return err_set(e, ERR_NOT_FOUND, 0, "Job not found");
	if (redis_expect(reply, 3, e) < 0 ||
	    redis_text(reply->element[0], user_id, sizeof(user_id), e) < 0 ||
	    redis_text(reply->element[1], status, sizeof(status), e) < 0 ||
	    redis_text_dup(reply->element[2], ret_document, e) < 0)
		return -1;
	memcpy(ret_user_id, user_id, sizeof(user_id));
	memcpy(ret_status, status, sizeof(status));
	return 0;
}

int
redis_job_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		 struct err *e)
{
	return redis_expire(s, SCRIPT_JOB_EXPIRE, before_us, ret_count, e);
}

int
redis_job_list_running(struct store *s,
		       int (*fn)(void *arg, const char *job_id,
				 const char *document),
		       void *arg, struct err *e)
{
	owned_args struct redis_args args = {0};
	owned_reply redisReply *reply = NULL;

	if (redis_run(s, SCRIPT_JOB_LIST_RUNNING, &args, &reply, e) < 0)
		return -1;
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *row = reply->element[i];

		if (redis_expect(row, 2, e) < 0)
			return -1;
		if (row->element[0]->type != REDIS_REPLY_STRING ||
		    row->element[1]->type != REDIS_REPLY_STRING)
			return err_set(e, ERR_IO, 0, "store: a job is damaged");
		if (fn(arg, row->element[0]->str, row->element[1]->str) != 0)
			break;
	}
	return 0;
}
