/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - durable state behind one interface; the embedded back end is
 * SQLite (sqlite.c).  Documents are JSON texts that the store never parses.
 *
 * Every function may be called from any thread, also from within the callback
 * of a list: lists are read whole before the first call.  Strings given in are
 * copied; `char **ret_*` results are malloc'd and owned by the caller.
 * ERR_NOT_FOUND and ERR_CONFLICT are ordinary answers, anything else means the
 * store is in trouble.  A function that returns 0 has its change on disk.
 */
#ifndef PC_API_STORE_H
#define PC_API_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

struct store;

/* Opens or creates DIR/promptcraft.db (mode 0600) and brings its schema up. */
int store_open_sqlite(const char *dir, struct store **ret, struct err *e);
void store_close(struct store *s);

/* "sqlite": for GET /health. */
const char *store_backend_name(const struct store *s);
/* Cheap round trip; 0 if reads and writes would work. */
int store_ping(struct store *s, struct err *e);

/* ---- users ---------------------------------------------------------- */

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

/* ---- workflows ------------------------------------------------------ */

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
			  struct err *e);
int store_workflow_get(struct store *s, const char *workflow_id,
		       struct store_workflow_meta *ret_meta,
		       char **ret_document, struct err *e);
/*
 * Compare-and-set: writes only if the stored version is meta->version, which
 * then becomes meta->version + 1; else ERR_CONFLICT.  With a non-zero
 * lease_token it also demands that this lease is still the newest (fencing).
 */
int store_workflow_update(struct store *s, struct store_workflow_meta *meta,
			  const char *summary, const char *document,
			  uint64_t lease_token, struct err *e);
/*
 * Newest first; user_id NULL: of everybody.  Stops when fn returns non-zero.
 * Documents are not read: a few hundred of them may be gigabytes.
 */
int store_workflow_list(struct store *s, const char *user_id, uint32_t limit,
			int (*fn)(void *arg,
				  const struct store_workflow_meta *meta,
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
/* Forget every lease: for a single-node start after a crash. */
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

/* ---- jobs ----------------------------------------------------------- */

/* status: "running" or "done".  The document is the response's data object. */
int store_job_put(struct store *s, const char *job_id, const char *user_id,
		  const char *status, const char *document, struct err *e);
int store_job_get(struct store *s, const char *job_id, char ret_user_id[40],
		  char ret_status[20], char **ret_document, struct err *e);
/* Delete jobs that were done before this wall-clock time. */
int store_job_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		     struct err *e);
/* Every job still "running" (left over from a process that died). */
int store_job_list_running(struct store *s,
			   int (*fn)(void *arg, const char *job_id,
				     const char *document),
			   void *arg, struct err *e);

/* ---- counters (rate limits), settings ------------------------------- */

/*
 * Add 1 to key's counter in the window that started at its first hit and lasts
 * window_s; atomically returns the count including this hit and the seconds
 * until the window ends.  Survives a crash of the process; alone of all writes
 * it does not wait for the disk.
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

#endif
