/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_ledger.c - idempotency keys, the usage log and the money in SQLite.
 *
 * Responsible for a limit that two spenders at once cannot exceed together:
 * sums are read and the amount set aside under one write lock.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/sqlite_store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

/* ---- idempotency keys ------------------------------------------------ */

struct kept_answer {
	char fingerprint[65];
	char *answer; /* NULL: none yet */
};

static int
idempotency_expire(struct store *s, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_IDEMPOTENCY_EXPIRE);
	query_bind_u64(&q, 1, clock_wall_us());
	return query_step(&q, e) < 0 ? -1 : 0;
}

static int
idempotency_add(struct store *s, const char *user_id, const char *key,
		const char *fingerprint, uint64_t expires_us, bool *ret_is_new,
		struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_IDEMPOTENCY_ADD);
	query_bind_text(&q, 1, user_id);
	query_bind_text(&q, 2, key);
	query_bind_text(&q, 3, fingerprint);
	query_bind_u64(&q, 4, expires_us);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_is_new = query_changes(&q) == 1;
	return 0;
}

static int
idempotency_get(struct store *s, const char *user_id, const char *key,
		struct kept_answer *ret, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_IDEMPOTENCY_GET);
	query_bind_text(&q, 1, user_id);
	query_bind_text(&q, 2, key);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_IO, 0,
			       "store: an idempotency key "
			       "vanished");
	if (rc < 0 || query_text(&q, 0, ret->fingerprint,
				 sizeof(ret->fingerprint), e) < 0)
		return -1;
	if (sqlite3_column_type(q.stmt, 1) == SQLITE_NULL)
		return 0;
	return query_text_dup(&q, 1, &ret->answer, e);
}

int
sqlite_idempotency_claim(struct store *s, const char *user_id, const char *key,
			 const char *fingerprint, uint64_t expires_us,
			 bool *ret_is_new, char ret_fingerprint[65],
			 char **ret_answer, struct err *e)
{
	struct kept_answer kept = {0};
	bool is_new = false;
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = idempotency_expire(s, e);
	if (rc == 0)
		rc = idempotency_add(s, user_id, key, fingerprint, expires_us,
				     &is_new, e);
	if (rc == 0)
		rc = idempotency_get(s, user_id, key, &kept, e);
	if (sqlite_transaction_end(s, rc, e) < 0) {
		free(kept.answer);
		return -1;
	}
	*ret_is_new = is_new;
	memcpy(ret_fingerprint, kept.fingerprint, sizeof(kept.fingerprint));
	*ret_answer = kept.answer;
	return 0;
}

int
sqlite_idempotency_answer(struct store *s, const char *user_id, const char *key,
			  const char *answer, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_IDEMPOTENCY_ANSWER);
	query_bind_text(&q, 1, user_id);
	query_bind_text(&q, 2, key);
	query_bind_text(&q, 3, answer);
	if (query_step(&q, e) < 0)
		return -1;
	if (query_changes(&q) == 0)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "nobody has claimed this idempotency key");
	return 0;
}

int
sqlite_idempotency_release(struct store *s, const char *user_id,
			   const char *key, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_IDEMPOTENCY_RELEASE);
	query_bind_text(&q, 1, user_id);
	query_bind_text(&q, 2, key);
	return query_step(&q, e) < 0 ? -1 : 0;
}

/* ---- usage ----------------------------------------------------------- */

struct texts {
	char **text;
	size_t count;
};

static void
texts_done(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->text[i]);
	free(texts->text);
}

#define owned_texts __attribute__((cleanup(texts_done)))

int
sqlite_usage_add(struct store *s, const char *date, const char *entry,
		 struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_USAGE_ADD);
	query_bind_text(&q, 1, date);
	query_bind_text(&q, 2, entry);
	return query_step(&q, e) < 0 ? -1 : 0;
}

static int
read_usage(struct store *s, const char *date, uint32_t limit,
	   struct texts *texts, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_USAGE_LIST);
	query_bind_text(&q, 1, date);
	query_bind_u64(&q, 2, limit);
	while ((rc = query_step(&q, e)) == 1) {
		char **grown = reallocarray(texts->text, texts->count + 1,
					    sizeof(*texts->text));

		if (grown == NULL)
			return err_sys(e, "list usage");
		texts->text = grown;
		if (query_text_dup(&q, 0, &grown[texts->count], e) < 0)
			return -1;
		texts->count++;
	}
	return rc;
}

int
sqlite_usage_list(struct store *s, const char *date, uint32_t limit,
		  int (*fn)(void *arg, const char *entry), void *arg,
		  struct err *e)
{
	owned_texts struct texts texts = {0};

	if (read_usage(s, date, limit, &texts, e) < 0)
		return -1;
	for (size_t i = 0; i < texts.count; i++)
		if (fn(arg, texts.text[i]) != 0)
			break;
	return 0;
}

int
sqlite_usage_expire(struct store *s, const char *before_date, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_USAGE_EXPIRE);
	query_bind_text(&q, 1, before_date);
	return query_step(&q, e) < 0 ? -1 : 0;
}

/* ---- money ----------------------------------------------------------- */

/* The sums without the spend of this id; "" leaves none out. */
static int
read_totals(struct store *s, const char *date, const char *workflow_id,
	    const char *spend_id, struct store_spend_totals *ret, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_SPEND_TOTALS);
	query_bind_text(&q, 1, date);
	query_bind_text(&q, 2, workflow_id);
	query_bind_text(&q, 3, spend_id);
	if (query_step(&q, e) < 0)
		return -1;
	ret->day_micros = query_u64(&q, 0);
	ret->workflow_micros = query_u64(&q, 1);
	return 0;
}

static int
put_spend(struct store *s, const struct store_spend *spend, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_SPEND_PUT);
	query_bind_text(&q, 1, spend->spend_id);
	query_bind_text(&q, 2, spend->workflow_id);
	query_bind_text(&q, 3, spend->user_id);
	query_bind_text(&q, 4, spend->date);
	query_bind_u64(&q, 5, spend->step);
	query_bind_u64(&q, 6, spend->micros);
	return query_step(&q, e) < 0 ? -1 : 0;
}

static bool
is_above(uint64_t sum, uint64_t more, uint64_t limit)
{
	return limit != 0 && (sum > limit || more > limit - sum);
}

int
sqlite_spend_reserve(struct store *s, const struct store_spend *spend,
		     uint64_t day_limit_micros, uint64_t workflow_limit_micros,
		     struct store_spend_totals *ret_totals, struct err *e)
{
	struct store_spend_totals totals = {0};
	bool is_known;
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = read_totals(s, spend->date, spend->workflow_id, spend->spend_id,
			 &totals, e);
	is_known = rc == 0;
	if (rc == 0 &&
	    is_above(totals.day_micros, spend->micros, day_limit_micros))
		rc = err_set(e, ERR_LIMIT, 0,
			     "the day's cost limit would be exceeded");
	else if (rc == 0 && is_above(totals.workflow_micros, spend->micros,
				     workflow_limit_micros))
		rc = err_set(e, ERR_LIMIT, 0,
			     "the workflow's cost limit would be exceeded");
	if (rc == 0)
		rc = put_spend(s, spend, e);
	rc = sqlite_transaction_end(s, rc, e);
	if (rc == 0) {
		totals.day_micros += spend->micros;
		totals.workflow_micros += spend->micros;
	}
	if (is_known)
		*ret_totals = totals;
	return rc;
}

static int
settle_step(struct store *s, const char *spend_id, uint64_t micros,
	    struct store_spend *ret, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_SPEND_SETTLE);
	query_bind_text(&q, 1, spend_id);
	query_bind_u64(&q, 2, micros);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "nothing was set aside as %s", spend_id);
	if (rc < 0 ||
	    query_text(&q, 0, ret->workflow_id, sizeof(ret->workflow_id), e) <
		    0 ||
	    query_text(&q, 1, ret->date, sizeof(ret->date), e) < 0)
		return -1;
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_spend_settle(struct store *s, const char *spend_id, uint64_t micros,
		    struct store_spend_totals *ret_totals, struct err *e)
{
	struct store_spend_totals totals = {0};
	struct store_spend spend = {0};
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = settle_step(s, spend_id, micros, &spend, e);
	if (rc == 0)
		rc = read_totals(s, spend.date, spend.workflow_id, "", &totals,
				 e);
	if (sqlite_transaction_end(s, rc, e) < 0)
		return -1;
	*ret_totals = totals;
	return 0;
}

int
sqlite_spend_sum(struct store *s, const char *date, const char *user_id,
		 const char *workflow_id, uint64_t *ret_micros, struct err *e)
{
	enum statement which = workflow_id != NULL
				       ? STATEMENT_SPEND_SUM_OF_WORKFLOW
			       : date != NULL	 ? STATEMENT_SPEND_SUM_OF_DATE
			       : user_id != NULL ? STATEMENT_SPEND_SUM_OF_USER
						 : STATEMENT_SPEND_SUM;
	owned_query struct query q;

	query_begin(&q, s, which);
	query_bind_text(&q, 1, date);
	query_bind_text(&q, 2, user_id);
	query_bind_text(&q, 3, workflow_id);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_micros = query_u64(&q, 0);
	return 0;
}
