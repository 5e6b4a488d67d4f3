/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - durable state behind one interface: SQLite (sqlite*.c, embedded,
 * for one process) or Redis (redis*.c, shared by several).  Documents are JSON
 * texts that the store never parses.
 *
 * Every function may be called from any thread, also from within the callback
 * of a list: lists are read whole before the first call.  Strings given in are
 * copied; `char **ret_*` results are malloc'd and owned by the caller.
 * ERR_NOT_FOUND and ERR_CONFLICT are ordinary answers, anything else means the
 * store is in trouble: ERR_UNAVAILABLE if it may be over soon (Redis does not
 * answer).  A function that returns 0 has its change on disk; one that fails
 * with ERR_UNAVAILABLE may have made it.
 */
#ifndef PC_API_STORE_H
#define PC_API_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

struct store;

/* Where Redis is and who we are to it. */
struct store_redis_options {
	char host[256]; /* name, address, or absolute path of a socket */
	uint16_t port;
	uint32_t db;
	char username[128]; /* "": the default user */
	char password[512]; /* "": none */
	/*
	 * Who makes TCP connections where this process may not: a connected,
	 * non-blocking socket.  NULL: we do, to the addresses that the name had
	 * at the start.
	 */
	int (*connect)(void *arg, const char *host, uint16_t port,
		       uint32_t timeout_ms, int *ret_fd, struct err *e);
	void *connect_arg;
};

struct store_options {
	char backend[16]; /* "sqlite" or "redis" */
	struct store_redis_options redis;
};

/* The one that the options name; dir is for SQLite. */
int store_open(const struct store_options *options, const char *dir,
	       struct store **ret, struct err *e);
/* Opens or creates DIR/promptcraft.db (mode 0600) and brings its schema up. */
int store_open_sqlite(const char *dir, struct store **ret, struct err *e);
/*
 * Connects, and looks whether this Redis may be trusted with the data; the
 * connections of later calls are made when needed.
 */
int store_open_redis(const struct store_redis_options *options,
		     struct store **ret, struct err *e);
void store_close(struct store *s);

/* "sqlite", "redis": for GET /health. */
const char *store_backend_name(const struct store *s);
/* What the operator should change at the back end, with the setting; or "". */
const char *store_warning(const struct store *s);
/* Cheap round trip; 0 if reads and writes would work. */
int store_ping(struct store *s, struct err *e);

/* ---- users ----------------------------------------------------------- */

enum user_role { USER_ROLE_USER = 1, USER_ROLE_APPROVER, USER_ROLE_ADMIN };

struct store_user {
	char user_id[40]; /* UUID text */
	char username[64];
	char password_hash[128]; /* argon2id, crypto_pwhash_str format */
	enum user_role role;
	uint32_t token_version; /* bumped by a new password: old tokens die */
	bool is_disabled;
	uint64_t created_us;
};

int store_user_add(struct store *s, const struct store_user *user,
		   struct err *e); /* ERR_CONFLICT: the name is taken */
int store_user_get(struct store *s, const char *username,
		   struct store_user *ret, struct err *e);
int store_user_get_by_id(struct store *s, const char *user_id,
			 struct store_user *ret, struct err *e);
int store_user_set_password(struct store *s, const char *username,
			    const char *password_hash, struct err *e);
/* Calls fn for each user by name; stops when fn returns non-zero. */
int store_user_list(struct store *s,
		    int (*fn)(void *arg, const struct store_user *user),
		    void *arg, struct err *e);

/* ---- the outbox ------------------------------------------------------ */

/*
 * A notification on its way.  It is stored in the same write as the change of
 * the workflow that it tells of, so that neither is ever without the other.
 */
struct store_delivery {
	char delivery_id[40]; /* stored once: the same id again is ignored */
	char workflow_id[40]; /* "" if it tells of none */
	char status[12];      /* pending, delivered, dead */
	uint32_t attempts;
	uint64_t due_us;     /* wall clock; of a pending one */
	uint64_t updated_us; /* set by the store at each write */
};

/* A delivery to be written; the document says where to and what. */
struct store_outgoing {
	struct store_delivery delivery;
	char *document; /* owned by whoever holds the struct */
};

/* ---- workflows ------------------------------------------------------- */

struct store_workflow_meta {
	char workflow_id[40];
	char user_id[40];
	char status[20]; /* created, running, waiting_approval, ... */
	uint64_t version;
	uint64_t created_us, updated_us;
	uint64_t due_us; /* when a worker should next look at it; 0: never */
	uint64_t expires_us; /* terminal ones only; 0: never */
};

/*
 * Insert (version becomes 1).  meta->due_us makes it claimable.  The summary is
 * a short text of the caller's: what a list of workflows shows.
 */
int store_workflow_create(struct store *s,
			  const struct store_workflow_meta *meta,
			  const char *summary, const char *document,
			  struct err *e); /* ERR_CONFLICT: the id is taken */
int store_workflow_get(struct store *s, const char *workflow_id,
		       struct store_workflow_meta *ret_meta,
		       char **ret_document, struct err *e);
/* The same without the document, which may be megabytes. */
int store_workflow_peek(struct store *s, const char *workflow_id,
			struct store_workflow_meta *ret_meta, struct err *e);

/* What a request about a workflow must know, found in one round trip. */
struct store_glance {
	struct store_user user;		 /* user_id "": there is none */
	struct store_workflow_meta meta; /* workflow_id "": there is none */
	uint64_t hits;			 /* as store_counter_hit() says; 0: */
	uint32_t reset_s;		 /* nothing was counted */
};

/*
 * Counts only if there is the user, not disabled and still with this
 * token_version (who has an old token uses up nobody's limit), and nothing
 * with counter_key NULL.
 */
int store_glance(struct store *s, const char *user_id, uint32_t token_version,
		 const char *workflow_id, const char *counter_key,
		 uint32_t window_s, struct store_glance *ret, struct err *e);
/*
 * Compare-and-set: writes only if the stored version is meta->version, which
 * then becomes meta->version + 1; else ERR_CONFLICT.  With a non-zero
 * lease_token it also demands that this lease is still the newest (fencing).
 * The outgoing deliveries are stored in the same write.
 */
int store_workflow_update(struct store *s, struct store_workflow_meta *meta,
			  const char *summary, const char *document,
			  const struct store_outgoing *out, size_t out_len,
			  uint64_t lease_token, struct err *e);

struct store_workflow_query {
	const char *user_id; /* NULL: of everybody */
	const char *status;  /* NULL: any */
	uint64_t before_us;  /* created before; 0: from the newest */
	uint32_t limit;
};

/*
 * Newest first.  Stops when fn returns non-zero.  Documents are not read: a
 * few hundred of them may be gigabytes.
 */
int
store_workflow_list(struct store *s, const struct store_workflow_query *query,
		    int (*fn)(void *arg, const struct store_workflow_meta *meta,
			      const char *summary),
		    void *arg, struct err *e);
/*
 * Claim one workflow that is due and not leased: its id, and a lease token
 * greater than any before (fencing number), valid for lease_ms.  ERR_NOT_FOUND
 * when nothing is due.
 */
int store_workflow_claim(struct store *s, const char *worker, uint64_t lease_ms,
			 char ret_workflow_id[40], uint64_t *ret_lease_token,
			 struct err *e);
int store_workflow_lease_renew(struct store *s, const char *workflow_id,
			       uint64_t lease_token, uint64_t lease_ms,
			       struct err *e);
/* The token is worth nothing afterwards, also for updates. */
int store_workflow_lease_release(struct store *s, const char *workflow_id,
				 uint64_t lease_token, struct err *e);
/*
 * Forget the leases that a process which died has left: all of them if the
 * store belongs to one process (SQLite), none if other nodes share it.
 */
int store_workflow_lease_reset(struct store *s, struct err *e);
/*
 * Wall-clock time at which a claim can next succeed: when the next workflow is
 * due, or when the lease ends that still holds a due one; 0 if there is none.
 */
int store_workflow_next_due(struct store *s, uint64_t *ret_due_us,
			    struct err *e);
/*
 * Delete workflows whose expires_us has passed; only those that are completed,
 * failed or cancelled, whatever expires_us says.
 */
int store_workflow_expire(struct store *s, uint64_t now_us, uint64_t *ret_count,
			  struct err *e);

/* ---- deliveries ------------------------------------------------------ */

/* Claim one pending delivery that is due, as store_workflow_claim does. */
int store_delivery_claim(struct store *s, uint64_t lease_ms,
			 struct store_delivery *ret, char **ret_document,
			 uint64_t *ret_lease_token, struct err *e);
/*
 * Write how it went (status, attempts, due_us; document NULL: as it was) and
 * give the lease back; ERR_CONFLICT if the lease is no longer ours.
 */
int store_delivery_update(struct store *s, const struct store_delivery *d,
			  const char *document, uint64_t lease_token,
			  struct err *e);
/* Store one that belongs to no workflow. */
int store_delivery_put(struct store *s, const struct store_outgoing *out,
		       struct err *e);
/*
 * A dead one is pending again, due at due_us and with no attempts counted;
 * ERR_NOT_FOUND: there is no dead one of this id.
 */
int store_delivery_retry(struct store *s, const char *delivery_id,
			 uint64_t due_us, struct err *e);
int store_delivery_next_due(struct store *s, uint64_t *ret_due_us,
			    struct err *e);
/* Latest change first; status NULL: any. */
int store_delivery_list(struct store *s, const char *status, uint32_t limit,
			int (*fn)(void *arg, const struct store_delivery *d,
				  const char *document),
			void *arg, struct err *e);
/* Delete delivered and dead ones last changed before this. */
int store_delivery_expire(struct store *s, uint64_t before_us,
			  uint64_t *ret_count, struct err *e);

/* ---- idempotency keys ------------------------------------------------ */

/*
 * The first request with (user, key) claims it; a later one gets what the
 * first left: its fingerprint (SHA-256 hex of what was asked) and its answer,
 * NULL while there is none.  Forgotten after expires_us.
 */
int store_idempotency_claim(struct store *s, const char *user_id,
			    const char *key, const char *fingerprint,
			    uint64_t expires_us, bool *ret_is_new,
			    char ret_fingerprint[65], char **ret_answer,
			    struct err *e);
int store_idempotency_answer(struct store *s, const char *user_id,
			     const char *key, const char *answer,
			     struct err *e);
/* Give up a claim that has no answer, so that a retry may try. */
int store_idempotency_release(struct store *s, const char *user_id,
			      const char *key, struct err *e);

/* ---- usage and money ------------------------------------------------- */

/*
 * One line (a JSON text) of the log of a day, "YYYY-MM-DD" in UTC.  As with a
 * counter, a power failure may take the last ones.
 */
int store_usage_add(struct store *s, const char *date, const char *entry,
		    struct err *e);
int store_usage_list(struct store *s, const char *date, uint32_t limit,
		     int (*fn)(void *arg, const char *entry), void *arg,
		     struct err *e); /* latest first */
/* Delete the logs of days before this one. */
int store_usage_expire(struct store *s, const char *before_date, struct err *e);

/* What one thing cost or may cost; amounts are millionths of a dollar. */
struct store_spend {
	char spend_id[40]; /* of (workflow, step, attempt): counted once */
	char workflow_id[40];
	char user_id[40];
	char date[12]; /* YYYY-MM-DD in UTC, the day it counts for */
	uint32_t step;
	uint64_t micros;
};

struct store_spend_totals {
	uint64_t day_micros, workflow_micros; /* reserved and settled */
};

/*
 * Set aside spend->micros unless the day's or the workflow's sum would exceed
 * its limit (0: none): then ERR_LIMIT, nothing is set aside, and *ret_totals
 * says the sums without it.  The same id again takes the place of the first.
 */
int store_spend_reserve(struct store *s, const struct store_spend *spend,
			uint64_t day_limit_micros,
			uint64_t workflow_limit_micros,
			struct store_spend_totals *ret_totals, struct err *e);
/* What it came to in the end; 0: nothing was spent. */
int store_spend_settle(struct store *s, const char *spend_id, uint64_t micros,
		       struct store_spend_totals *ret_totals, struct err *e);
/* Sum of a day (NULL: all), a user (NULL: all), a workflow (NULL: all). */
int store_spend_sum(struct store *s, const char *date, const char *user_id,
		    const char *workflow_id, uint64_t *ret_micros,
		    struct err *e);

/* ---- jobs ------------------------------------------------------------ */

/* status: "running" or "done".  The document is the response's data object. */
int store_job_put(struct store *s, const char *job_id, const char *user_id,
		  const char *status, const char *document, struct err *e);
int store_job_get(struct store *s, const char *job_id, char ret_user_id[40],
		  char ret_status[20], char **ret_document, struct err *e);
/* Delete jobs that were done before this wall-clock time. */
int store_job_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		     struct err *e);
/* Every job still "running", of whatever process. */
int store_job_list_running(struct store *s,
			   int (*fn)(void *arg, const char *job_id,
				     const char *document),
			   void *arg, struct err *e);

/* ---- counters (rate limits), settings -------------------------------- */

/*
 * Add 1 to key's counter in the window that started at its first hit and lasts
 * window_s; atomically returns the count including this hit and the seconds
 * until the window ends.  Survives a crash of the process; of all writes only
 * this and the usage log do not wait for the disk.
 */
int store_counter_hit(struct store *s, const char *key, uint32_t window_s,
		      uint64_t *ret_count, uint32_t *ret_reset_s,
		      struct err *e);
/* Forget a counter, as if its key had never been hit. */
int store_counter_clear(struct store *s, const char *key, struct err *e);
/* Small named values (generated JWT secret, ...). */
int store_setting_get(struct store *s, const char *key, char **ret_value,
		      struct err *e);
/* ERR_CONFLICT if it exists and replace is false. */
int store_setting_put(struct store *s, const char *key, const char *value,
		      bool replace, struct err *e);
/* A setting that is made of random bytes (64 hex digits) if there is none. */
int store_secret(struct store *s, const char *key, char **ret, struct err *e);

#endif
