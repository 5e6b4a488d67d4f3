/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.c - see usage.h.
 *
 * Two batches: requests note into one while the thread writes the other.  A
 * batch is a bounded table with an index by hash, so noting costs the same
 * however many calls there are: a client that polls a thousand times in a
 * second makes one line.
 */
#include "api/cost/usage.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/cost/cost.h"
#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define RECORDS_MAX 1024
#define INDEX_SIZE 2048 /* a power of two, above RECORDS_MAX */
#define PERIOD_MS 1000
#define EXPIRY_PERIOD_MS 3600000
#define DAY_US UINT64_C(86400000000)

struct record {
	char user_id[40], operation[24];
	char *details;
	int status;
	uint64_t count, duration_us, last_us;
};

struct batch {
	struct record records[RECORDS_MAX];
	uint16_t index[INDEX_SIZE]; /* number of the record + 1; 0: none */
	size_t count;
};

struct usage_log {
	struct api *api;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, written;
	struct batch *noted, *writing;
	uint64_t notes, notes_written; /* how many batches were taken, done */
	uint64_t lost, lost_told, expired_ms;
	bool is_due, is_stopping;
};

/* ---- noting ---------------------------------------------------------- */

static uint32_t
hash_text(uint32_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return (hash ^ 0xffu) * 16777619u;
}

static bool
is_same(const struct record *record, const struct usage_call *call)
{
	return record->status == call->status &&
	       strcmp(record->details, call->details) == 0 &&
	       strcmp(record->operation, call->operation) == 0 &&
	       strcmp(record->user_id, call->user_id) == 0;
}

/* The slot of the call's record, or the free one where it belongs. */
static uint16_t *
find_slot(struct batch *batch, const struct usage_call *call)
{
	uint32_t at = hash_text(2166136261u, call->user_id);

	at = hash_text(at, call->operation);
	at = hash_text(at, call->details) + (uint32_t)call->status;
	for (;; at++) {
		uint16_t *slot = &batch->index[at & (INDEX_SIZE - 1)];

		if (*slot == 0 || is_same(&batch->records[*slot - 1], call))
			return slot;
	}
}

static struct record *
add_record(struct batch *batch, const struct usage_call *call)
{
	struct record *record = &batch->records[batch->count];

	if (batch->count == RECORDS_MAX)
		return NULL;
	*record = (struct record){.status = call->status};
	if (str_copy(record->user_id, sizeof(record->user_id), call->user_id) <
		    0 ||
	    str_copy(record->operation, sizeof(record->operation),
		     call->operation) < 0)
		return NULL;
	record->details = strdup(call->details);
	if (record->details == NULL)
		return NULL;
	batch->count++;
	return record;
}

static void
note(struct usage_log *log, const struct usage_call *call, uint64_t now_us)
{
	struct batch *batch = log->noted;
	uint16_t *slot = find_slot(batch, call);
	struct record *record;

	if (*slot != 0) {
		record = &batch->records[*slot - 1];
	} else {
		record = add_record(batch, call);
		if (record == NULL) {
			log->lost++;
			return;
		}
		*slot = (uint16_t)batch->count;
	}
	record->count++;
	record->duration_us += call->duration_us;
	record->last_us = now_us;
	if (batch->count >= RECORDS_MAX / 2 && !log->is_due) {
		log->is_due = true;
		pthread_cond_signal(&log->wake);
	}
}

void
usage_note(struct usage_log *log, const struct usage_call *call)
{
	uint64_t now_us = clock_wall_us();

	if (log == NULL)
		return;
	pthread_mutex_lock(&log->lock);
	note(log, call, now_us);
	pthread_mutex_unlock(&log->lock);
}

uint64_t
usage_lost(struct usage_log *log)
{
	uint64_t lost;

	pthread_mutex_lock(&log->lock);
	lost = log->lost;
	pthread_mutex_unlock(&log->lock);
	return lost;
}

/* ---- writing --------------------------------------------------------- */

static char *
dump_record(const struct record *record)
{
	char timestamp[CLOCK_ISO_SIZE];
	json_t *entry;
	char *text;

	clock_iso8601(record->last_us, timestamp);
	entry = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:f}", "user_id",
			  record->user_id, "operation", record->operation,
			  "details", record->details, "timestamp", timestamp,
			  "count", (json_int_t)record->count, "status",
			  record->status, "duration_ms",
			  (double)record->duration_us / 1000.0);
	text = entry != NULL ? json_dumps(entry,
					  JSON_COMPACT | JSON_REAL_PRECISION(9))
			     : NULL;
	json_decref(entry);
	return text;
}

static int
write_record(struct usage_log *log, const struct record *record, struct err *e)
{
	char date[COST_DATE_SIZE];
	char *text = dump_record(record);
	int rc;

	if (text == NULL)
		return err_set(e, ERR_IO, 0, "usage entry");
	cost_today(record->last_us, date);
	rc = store_usage_add(log->api->store, date, text, e);
	free(text);
	return rc;
}

/* What the store does not take is lost: nothing may pile up here. */
static uint64_t
write_batch(struct usage_log *log, struct batch *batch)
{
	struct err e = ERR_INIT;
	uint64_t lost = 0;
	bool has_failed = false;

	for (size_t i = 0; i < batch->count; i++) {
		struct record *record = &batch->records[i];

		if (!has_failed && write_record(log, record, &e) < 0) {
			has_failed = true;
			log_warning("event=usage_write error=\"%s\"", e.text);
		}
		if (has_failed)
			lost += record->count;
		free(record->details);
	}
	batch->count = 0;
	memset(batch->index, 0, sizeof(batch->index));
	return lost;
}

/* The lock is held before and after, not while it writes. */
static void
write_noted(struct usage_log *log)
{
	struct batch *batch = log->noted;
	uint64_t lost;

	log->noted = log->writing;
	log->writing = batch;
	log->notes++;
	log->is_due = false;
	pthread_mutex_unlock(&log->lock);
	lost = write_batch(log, batch);
	pthread_mutex_lock(&log->lock);
	log->lost += lost;
	log->notes_written = log->notes;
	pthread_cond_broadcast(&log->written);
	if (log->lost > log->lost_told)
		log_warning("event=usage_lost calls=%" PRIu64,
			    log->lost - log->lost_told);
	log->lost_told = log->lost;
}

static void
expire(struct usage_log *log)
{
	uint64_t days_us = log->api->config.usage_days * DAY_US;
	uint64_t now_us = clock_wall_us();
	char date[COST_DATE_SIZE];
	struct err e;

	log->expired_ms = clock_mono_ms();
	if (days_us > now_us)
		return;
	cost_today(now_us - days_us, date);
	if (store_usage_expire(log->api->store, date, &e) < 0)
		log_warning("event=usage_expire error=\"%s\"", e.text);
}

static void
wait_for_period(struct usage_log *log)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PERIOD_MS / 1000;
	while (!log->is_due && !log->is_stopping)
		if (pthread_cond_timedwait(&log->wake, &log->lock, &until) != 0)
			return;
}

static void *
thread_main(void *arg)
{
	struct usage_log *log = arg;
	bool is_last = false;

	(void)pthread_setname_np(pthread_self(), "usage");
	expire(log);
	pthread_mutex_lock(&log->lock);
	while (!is_last) {
		wait_for_period(log);
		is_last = log->is_stopping;
		if (log->noted->count > 0 || log->is_due)
			write_noted(log);
		if (clock_mono_ms() - log->expired_ms > EXPIRY_PERIOD_MS) {
			/* A day's lines may take long, and requests note. */
			pthread_mutex_unlock(&log->lock);
			expire(log);
			pthread_mutex_lock(&log->lock);
		}
	}
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

int
usage_flush(struct usage_log *log, uint32_t wait_ms)
{
	struct timespec until;
	uint64_t want;
	int rc = 0;

	if (log == NULL)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&log->lock);
	want = log->notes + 1; /* the batch that is being noted */
	log->is_due = true;
	pthread_cond_signal(&log->wake);
	while (log->notes_written < want && rc == 0)
		rc = pthread_cond_timedwait(&log->written, &log->lock, &until);
	pthread_mutex_unlock(&log->lock);
	return rc == 0 ? 0 : -1;
}

/* ---- start and stop -------------------------------------------------- */

static void
log_free(struct usage_log *log)
{
	free(log->noted);
	free(log->writing);
	free(log);
}

static struct usage_log *
log_new(struct api *api)
{
	struct usage_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->api = api;
	log->noted = calloc(1, sizeof(*log->noted));
	log->writing = calloc(1, sizeof(*log->writing));
	if (log->noted != NULL && log->writing != NULL)
		return log;
	log_free(log);
	return NULL;
}

int
usage_start(struct api *api, struct usage_log **ret, struct err *e)
{
	struct usage_log *log = log_new(api);
	pthread_condattr_t attr;
	int rc;

	if (log == NULL)
		return err_sys(e, "start the usage log");
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&log->wake, &attr);
	pthread_cond_init(&log->written, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&log->lock, NULL);
	rc = pthread_create(&log->thread, NULL, thread_main, log);
	if (rc != 0) {
		log_free(log);
		return err_set(e, ERR_IO, rc, "start the usage log");
	}
	*ret = log;
	return 0;
}

void
usage_stop(struct usage_log *log)
{
	if (log == NULL)
		return;
	pthread_mutex_lock(&log->lock);
	log->is_stopping = true;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->thread, NULL);
	pthread_mutex_destroy(&log->lock);
	pthread_cond_destroy(&log->wake);
	pthread_cond_destroy(&log->written);
	log_free(log);
}
