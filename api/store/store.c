/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - opens the back end that the operator chose and hands every call to
 * it.
 */
#include <string.h>

#include "api/store/store_ops.h"

int
store_open(const struct store_options *options, const char *dir,
	   struct store **ret, struct err *e)
{
	if (strcmp(options->backend, "redis") == 0)
		return store_open_redis(&options->redis, ret, e);
	return store_open_sqlite(dir, ret, e);
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

const char *
store_backend_name(const struct store *s)
{
	return s->ops->name;
}

const char *
store_warning(const struct store *s)
{
	return s->warning;
}

int
store_ping(struct store *s, struct err *e)
{
	return s->ops->ping(s, e);
}

int
store_user_add(struct store *s, const struct store_user *user, struct err *e)
{
	return s->ops->user_add(s, user, e);
}

int
store_user_get(struct store *s, const char *username, struct store_user *ret,
	       struct err *e)
{
	return s->ops->user_get(s, username, ret, e);
}

int
store_user_get_by_id(struct store *s, const char *user_id,
		     struct store_user *ret, struct err *e)
{
	return s->ops->user_get_by_id(s, user_id, ret, e);
}

int
store_user_set_password(struct store *s, const char *username,
			const char *password_hash, struct err *e)
{
	return s->ops->user_set_password(s, username, password_hash, e);
}

int
store_user_list(struct store *s,
		int (*fn)(void *arg, const struct store_user *user), void *arg,
		struct err *e)
{
	return s->ops->user_list(s, fn, arg, e);
}

int
store_workflow_create(struct store *s, const struct store_workflow_meta *meta,
		      const char *summary, const char *document, struct err *e)
{
	return s->ops->workflow_create(s, meta, summary, document, e);
}

int
store_workflow_get(struct store *s, const char *workflow_id,
		   struct store_workflow_meta *ret_meta, char **ret_document,
		   struct err *e)
{
	return s->ops->workflow_get(s, workflow_id, ret_meta, ret_document, e);
}

int
store_workflow_peek(struct store *s, const char *workflow_id,
		    struct store_workflow_meta *ret_meta, struct err *e)
{
	return s->ops->workflow_peek(s, workflow_id, ret_meta, e);
}

int
store_glance(struct store *s, const char *user_id, uint32_t token_version,
	     const char *workflow_id, const char *counter_key,
	     uint32_t window_s, struct store_glance *ret, struct err *e)
{
	return s->ops->glance(s, user_id, token_version, workflow_id,
			      counter_key, window_s, ret, e);
}

int
store_workflow_update(struct store *s, struct store_workflow_meta *meta,
		      const char *summary, const char *document,
		      const struct store_outgoing *out, size_t out_len,
		      uint64_t lease_token, struct err *e)
{
	return s->ops->workflow_update(s, meta, summary, document, out, out_len,
				       lease_token, e);
}

int
store_workflow_list(struct store *s, const struct store_workflow_query *query,
		    int (*fn)(void *arg, const struct store_workflow_meta *meta,
			      const char *summary),
		    void *arg, struct err *e)
{
	return s->ops->workflow_list(s, query, fn, arg, e);
}

int
store_workflow_claim(struct store *s, const char *worker, uint64_t lease_ms,
		     char ret_workflow_id[40], uint64_t *ret_lease_token,
		     struct err *e)
{
	return s->ops->workflow_claim(s, worker, lease_ms, ret_workflow_id,
				      ret_lease_token, e);
}

int
store_workflow_lease_renew(struct store *s, const char *workflow_id,
			   uint64_t lease_token, uint64_t lease_ms,
			   struct err *e)
{
	return s->ops->workflow_lease_renew(s, workflow_id, lease_token,
					    lease_ms, e);
}

int
store_workflow_lease_release(struct store *s, const char *workflow_id,
			     uint64_t lease_token, struct err *e)
{
	return s->ops->workflow_lease_release(s, workflow_id, lease_token, e);
}

int
store_workflow_lease_reset(struct store *s, struct err *e)
{
	return s->ops->workflow_lease_reset(s, e);
}

int
store_workflow_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	return s->ops->workflow_next_due(s, ret_due_us, e);
}

int
store_workflow_expire(struct store *s, uint64_t now_us, uint64_t *ret_count,
		      struct err *e)
{
	return s->ops->workflow_expire(s, now_us, ret_count, e);
}

int
store_delivery_claim(struct store *s, uint64_t lease_ms,
		     struct store_delivery *ret, char **ret_document,
		     uint64_t *ret_lease_token, struct err *e)
{
	return s->ops->delivery_claim(s, lease_ms, ret, ret_document,
				      ret_lease_token, e);
}

int
store_delivery_update(struct store *s, const struct store_delivery *d,
		      const char *document, uint64_t lease_token, struct err *e)
{
	return s->ops->delivery_update(s, d, document, lease_token, e);
}

int
store_delivery_put(struct store *s, const struct store_outgoing *out,
		   struct err *e)
{
	return s->ops->delivery_put(s, out, e);
}

int
store_delivery_retry(struct store *s, const char *delivery_id, uint64_t due_us,
		     struct err *e)
{
	return s->ops->delivery_retry(s, delivery_id, due_us, e);
}

int
store_delivery_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	return s->ops->delivery_next_due(s, ret_due_us, e);
}

int
store_delivery_list(struct store *s, const char *status, uint32_t limit,
		    int (*fn)(void *arg, const struct store_delivery *d,
			      const char *document),
		    void *arg, struct err *e)
{
	return s->ops->delivery_list(s, status, limit, fn, arg, e);
}

int
store_delivery_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		      struct err *e)
{
	return s->ops->delivery_expire(s, before_us, ret_count, e);
}

int
store_idempotency_claim(struct store *s, const char *user_id, const char *key,
			const char *fingerprint, uint64_t expires_us,
			bool *ret_is_new, char ret_fingerprint[65],
			char **ret_answer, struct err *e)
{
	return s->ops->idempotency_claim(s, user_id, key, fingerprint,
					 expires_us, ret_is_new,
					 ret_fingerprint, ret_answer, e);
}

int
store_idempotency_answer(struct store *s, const char *user_id, const char *key,
			 const char *answer, struct err *e)
{
	return s->ops->idempotency_answer(s, user_id, key, answer, e);
}

int
store_idempotency_release(struct store *s, const char *user_id, const char *key,
			  struct err *e)
{
	return s->ops->idempotency_release(s, user_id, key, e);
}

int
store_usage_add(struct store *s, const char *date, const char *entry,
		struct err *e)
{
	return s->ops->usage_add(s, date, entry, e);
}

int
store_usage_list(struct store *s, const char *date, uint32_t limit,
		 int (*fn)(void *arg, const char *entry), void *arg,
		 struct err *e)
{
	return s->ops->usage_list(s, date, limit, fn, arg, e);
}

int
store_usage_expire(struct store *s, const char *before_date, struct err *e)
{
	return s->ops->usage_expire(s, before_date, e);
}

int
store_spend_reserve(struct store *s, const struct store_spend *spend,
		    uint64_t day_limit_micros, uint64_t workflow_limit_micros,
		    struct store_spend_totals *ret_totals, struct err *e)
{
	return s->ops->spend_reserve(s, spend, day_limit_micros,
				     workflow_limit_micros, ret_totals, e);
}

int
store_spend_settle(struct store *s, const char *spend_id, uint64_t micros,
		   struct store_spend_totals *ret_totals, struct err *e)
{
	return s->ops->spend_settle(s, spend_id, micros, ret_totals, e);
}

int
store_spend_sum(struct store *s, const char *date, const char *user_id,
		const char *workflow_id, uint64_t *ret_micros, struct err *e)
{
	return s->ops->spend_sum(s, date, user_id, workflow_id, ret_micros, e);
}

int
store_job_put(struct store *s, const char *job_id, const char *user_id,
	      const char *status, const char *document, struct err *e)
{
	return s->ops->job_put(s, job_id, user_id, status, document, e);
}

int
store_job_get(struct store *s, const char *job_id, char ret_user_id[40],
	      char ret_status[20], char **ret_document, struct err *e)
{
	return s->ops->job_get(s, job_id, ret_user_id, ret_status, ret_document,
			       e);
}

int
store_job_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		 struct err *e)
{
	return s->ops->job_expire(s, before_us, ret_count, e);
}

int
store_job_list_running(struct store *s,
		       int (*fn)(void *arg, const char *job_id,
				 const char *document),
		       void *arg, struct err *e)
{
	return s->ops->job_list_running(s, fn, arg, e);
}

int
store_counter_hit(struct store *s, const char *key, uint32_t window_s,
		  uint64_t *ret_count, uint32_t *ret_reset_s, struct err *e)
{
	return s->ops->counter_hit(s, key, window_s, ret_count, ret_reset_s, e);
}

int
store_counter_clear(struct store *s, const char *key, struct err *e)
{
	return s->ops->counter_clear(s, key, e);
}

int
store_setting_get(struct store *s, const char *key, char **ret_value,
		  struct err *e)
{
	return s->ops->setting_get(s, key, ret_value, e);
}

int
store_setting_put(struct store *s, const char *key, const char *value,
		  bool replace, struct err *e)
{
	return s->ops->setting_put(s, key, value, replace, e);
}
