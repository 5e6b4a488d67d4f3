/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.c - the thread that empties the outbox.
 *
 * It claims due deliveries, each with a lease that is longer than an attempt
 * can take, and drives many attempts at a time, so that a receiver that is slow
 * or dead holds up nobody; one host gets few at a time, so do the webhooks of
 * one user, and those of all users leave room for the operator's channels. What
 * must wait for that is put back, the later the more there is of it: a backlog
 * for one host neither hides what else is due nor keeps the store busy.
 *
 * What the attempt came
 * to is written with the lease's token.  Killed in between, the delivery is
 * sent again by who claims it next, under the same id: at least once, and twice
 * only then.
 */
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/net/url.h"
#include "api/notify/channel.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define IN_FLIGHT_MAX 32u
#define PER_HOST_MAX 4u
#define PER_USER_MAX 8u
#define CLIENTS_MAX 24u
#define POLL_MS 500u
#define CLAIMS_AT_ONCE 64u
#define PUT_BACK_US 1000000u
#define PUT_BACK_PER_S 100u /* so many are looked at again in a second */
#define PUT_BACK_MAX 60000u
#define STORE_PAUSE_MS 1000u
#define LEASE_SPARE_MS 15000u
#define DRAIN_MS 2000u
#define EXPIRY_PERIOD_MS 600000u
#define BACKOFF_MAX_US (UINT64_C(3600) * 1000000u)
#define RETRY_AFTER_MAX_S 86400u

struct flight {
	struct notifier *notifier;
	struct flight *next;
	struct store_delivery delivery;
	uint64_t lease_token;
	json_t *document;
	struct notify_send send;
	char host[GUARD_HOST_SIZE];
};

struct notifier {
	struct api *api;
	struct net_loop *loop;
	struct flight *flights;
	pthread_t thread;
	int kick_fd;
	atomic_bool is_stopping;
	uint64_t expired_ms, store_ok_ms; /* monotonic */
	unsigned put_back;		  /* since there was last nothing due */
};

/* ---- what an attempt came to ----------------------------------------- */

enum verdict { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_GIVE_UP };

static enum verdict
judge_http(int status)
{
	if (status >= 200 && status < 300)
		return VERDICT_DELIVERED;
	if (status == 408 || status == 429 || status >= 500)
		return VERDICT_RETRY;
	return VERDICT_GIVE_UP;
}

static enum verdict
judge(const struct flight *f, const struct net_response *response,
      const struct err *e)
{
	if (e->kind == ERR_NONE)
		return f->send.request.mail != NULL
			       ? VERDICT_DELIVERED
			       : judge_http(response->status);
	if (e->kind == ERR_DENIED || e->kind == ERR_INVALID)
		return VERDICT_GIVE_UP;
	/* A mail server's 5xx is its last word. */
	if (f->send.request.mail != NULL && response->status >= 500)
		return VERDICT_GIVE_UP;
	return VERDICT_RETRY;
}

/* Doubles each time, a quarter up or down by chance, at most an hour. */
static uint64_t
backoff_us(const struct api_config *config, uint32_t attempts,
	   uint32_t retry_after_s)
{
	uint64_t base = (uint64_t)config->notify_retry_s * 1000000u;
	uint64_t asked = retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s
							   : RETRY_AFTER_MAX_S;

	for (uint32_t i = 1; i < attempts && base < BACKOFF_MAX_US; i++)
		base *= 2;
	if (base > BACKOFF_MAX_US)
		base = BACKOFF_MAX_US;
	base = base / 4 * 3 + randombytes_uniform((uint32_t)(base / 2));
	asked *= 1000000u;
	return base > asked ? base : asked;
}

static void
note_failure(struct flight *f, const struct net_response *response,
	     const struct err *e)
{
	char text[ERR_TEXT_MAX];

	if (e->kind != ERR_NONE)
		(void)str_copy(text, sizeof(text), e->text);
	else
		(void)str_printf(text, sizeof(text), "%s: %.100s: HTTP %d",
				 f->send.request.name, f->host,
				 response->status);
	/* Of a host name or libcurl: ASCII. */
	json_object_set_new(f->document, "error", json_string(text));
	json_object_set_new(f->document, "http_status",
			    json_integer(response->status));
}

static void
write_result(struct flight *f)
{
	owned_mem char *text = json_dumps(f->document, JSON_COMPACT);
	struct err e = ERR_INIT;

	if (store_delivery_update(f->notifier->api->store, &f->delivery, text,
				  f->lease_token, &e) < 0)
		log_error("event=notify_record delivery=%s error=\"%s\"",
			  f->delivery.delivery_id, e.text);
}

static void
unlink_flight(const struct flight *f)
{
	struct flight **link = &f->notifier->flights;

	while (*link != NULL && *link != f)
		link = &(*link)->next;
	if (*link == f)
		*link = f->next;
}

static void
flight_free(struct flight *f)
{
	free(f->send.body);
	json_decref(f->document);
	sodium_memzero(&f->send, sizeof(f->send));
	free(f);
}

static void
conclude(struct flight *f, enum verdict verdict,
	 const struct net_response *response, const struct err *e)
{
	static const char *const words[] = {"delivered", "pending", "dead"};
	const struct api_config *config = &f->notifier->api->config;
	const char *channel =
		json_string_value(json_object_get(f->document, "channel"));

	f->delivery.attempts++;
	if (verdict != VERDICT_DELIVERED)
		note_failure(f, response, e);
	else
		json_object_del(f->document, "error");
	if (verdict == VERDICT_RETRY &&
	    f->delivery.attempts >= config->notify_attempts)
		verdict = VERDICT_GIVE_UP;
	(void)str_copy(f->delivery.status, sizeof(f->delivery.status),
		       words[verdict]);
	f->delivery.due_us =
		verdict == VERDICT_RETRY
			? clock_wall_us() + backoff_us(config,
						       f->delivery.attempts,
						       response->retry_after_s)
			: 0;
	write_result(f);
	log_event(verdict == VERDICT_GIVE_UP ? LOG_LEVEL_WARNING
					     : LOG_LEVEL_INFO,
		  "event=notify delivery=%s channel=%s status=%s attempt=%u "
		  "error=\"%s\"",
		  f->delivery.delivery_id, channel != NULL ? channel : "",
		  f->delivery.status, f->delivery.attempts,
		  verdict == VERDICT_DELIVERED
			  ? ""
			  : json_string_value(
				    json_object_get(f->document, "error")));
}

static void
on_done(void *arg, const struct net_response *response, const struct err *e)
{
	struct flight *f = arg;

	conclude(f, judge(f, response, e), response, e);
	unlink_flight(f);
	flight_free(f);
}

/* ---- beginning an attempt -------------------------------------------- */

static const char *
user_of(const struct flight *f)
{
	const char *user =
		json_string_value(json_object_get(f->document, "user_id"));

	return user != NULL ? user : "";
}

/* Would this attempt be one too many for its receiver or its user? */
static bool
must_wait(const struct notifier *n, const struct flight *new)
{
	bool is_client = new->send.request.trust == NET_CLIENT;
	unsigned to_host = 0, of_user = 0, of_clients = 0;

	for (const struct flight *f = n->flights; f != NULL; f = f->next) {
		to_host += strcasecmp(f->host, new->host) == 0;
		if (!is_client || f->send.request.trust != NET_CLIENT)
			continue;
		of_clients++;
		of_user += strcmp(user_of(f), user_of(new)) == 0;
	}
	return to_host >= PER_HOST_MAX || of_user >= PER_USER_MAX ||
	       of_clients >= CLIENTS_MAX;
}

/* Not now: it does not count as an attempt. */
static void
put_back(struct flight *f)
{
	struct notifier *n = f->notifier;

	f->delivery.due_us =
		clock_wall_us() + PUT_BACK_US +
		(uint64_t)n->put_back * (PUT_BACK_US / PUT_BACK_PER_S);
	if (n->put_back < PUT_BACK_MAX)
		n->put_back++;
	write_result(f);
	flight_free(f);
}

static int
make_request(struct flight *f, struct err *e)
{
	const struct api *api = f->notifier->api;
	const char *name =
		json_string_value(json_object_get(f->document, "channel"));
	const struct notify_channel *channel =
		name != NULL ? notify_channel_find(name) : NULL;
	struct net_url url = {0};

	if (channel == NULL)
		return err_set(e, ERR_DENIED, 0,
			       "this version has no such channel");
	f->send.request.headers = f->send.headers;
	f->send.request.timeout_ms = api->config.notify_timeout_s * 1000u;
	if (channel->request(api, &f->delivery, f->document, &f->send, e) < 0)
		return -1;
	if (f->send.request.mail != NULL)
		(void)str_copy(url.host, sizeof(url.host), f->send.mail.host);
	else if (net_url_parse(f->send.request.name, f->send.request.url, &url,
			       e) < 0)
		return -1;
	/* For the operator, who must not see the path. */
	json_object_set_new(f->document, "host", json_string(url.host));
	(void)str_copy(f->host, sizeof(f->host), url.host);
	return 0;
}

static void
begin(struct notifier *n, struct flight *f)
{
	static const struct net_response nothing;
	struct err e = ERR_INIT;

	if (make_request(f, &e) == 0) {
		if (must_wait(n, f)) {
			put_back(f);
			return;
		}
		if (net_loop_begin(n->loop, &f->send.request, on_done, f, &e) ==
		    0) {
			f->next = n->flights;
			n->flights = f;
			return;
		}
	}
	conclude(f, judge(f, &nothing, &e), &nothing, &e);
	flight_free(f);
}

/* 1: one was claimed, 0: none is due. */
static int
claim_one(struct notifier *n)
{
	const struct api *api = n->api;
	uint64_t lease_ms =
		api->config.notify_timeout_s * 1000u + LEASE_SPARE_MS;
	struct flight *f = calloc(1, sizeof(*f));
	owned_mem char *text = NULL;
	struct err e = ERR_INIT;

	if (f == NULL)
		return 0;
	f->notifier = n;
	if (store_delivery_claim(api->store, lease_ms, &f->delivery, &text,
				 &f->lease_token, &e) < 0) {
		free(f);
		if (e.kind == ERR_NOT_FOUND) {
			n->put_back = 0;
			return 0;
		}
		log_error("event=notify_claim error=\"%s\"", e.text);
		n->store_ok_ms = clock_mono_ms() + STORE_PAUSE_MS;
		return 0;
	}
	f->document = json_loads(text, 0, NULL);
	if (f->document == NULL)
		f->document = json_object();
	begin(n, f);
	return 1;
}

/*
 * True: there may be more.  What was put back can be due again before the last
 * one was looked at, and attempts go on only between two calls of this.
 */
static bool
claim_some(struct notifier *n)
{
	for (unsigned i = 0; i < CLAIMS_AT_ONCE; i++)
		if (net_loop_count(n->loop) >= IN_FLIGHT_MAX ||
		    atomic_load(&n->is_stopping) ||
		    clock_mono_ms() < n->store_ok_ms || claim_one(n) == 0)
			return false;
	return true;
}

/* ---- the thread ------------------------------------------------------ */

static void
expire(struct notifier *n)
{
	uint64_t keep_us =
		n->api->config.notify_keep_hours * UINT64_C(3600000000);
	uint64_t now_us = clock_wall_us(), count = 0;
	struct err e = ERR_INIT;

	n->expired_ms = clock_mono_ms();
	if (keep_us < now_us &&
	    store_delivery_expire(n->api->store, now_us - keep_us, &count, &e) <
		    0)
		log_error("event=notify_expire error=\"%s\"", e.text);
}

static void
run_loop(struct notifier *n, uint32_t timeout_ms)
{
	struct err e = ERR_INIT;
	uint64_t kicks;

	if (net_loop_run(n->loop, &n->kick_fd, 1, timeout_ms, &e) < 0)
		log_error("event=notify_loop error=\"%s\"", e.text);
	(void)!read(n->kick_fd, &kicks, sizeof(kicks));
}

static void *
thread_main(void *arg)
{
	struct notifier *n = arg;
	uint64_t end_ms;

	(void)pthread_setname_np(pthread_self(), "notify");
	while (!atomic_load(&n->is_stopping)) {
		run_loop(n, claim_some(n) ? 0 : POLL_MS);
		if (clock_mono_ms() - n->expired_ms > EXPIRY_PERIOD_MS)
			expire(n);
	}
	/* What is on its way may arrive, so that it is not sent again. */
	end_ms = clock_mono_ms() + DRAIN_MS;
	while (net_loop_count(n->loop) > 0 && clock_mono_ms() < end_ms)
		run_loop(n, 50);
	return NULL;
}

void
notify_kick(struct notifier *n)
{
	const uint64_t one = 1;

	if (n != NULL)
		(void)!write(n->kick_fd, &one, sizeof(one));
}

static void
notifier_free(struct notifier *n)
{
	net_loop_free(n->loop);
	while (n->flights != NULL) {
		struct flight *f = n->flights;

		n->flights = f->next;
		flight_free(f);
	}
	fd_close(&n->kick_fd);
	free(n);
}

int
notify_start(struct api *api, struct notifier **ret, struct err *e)
{
	struct notifier *n = calloc(1, sizeof(*n));
	int rc;

	if (n == NULL)
		return err_sys(e, "start notifications");
	n->api = api;
	n->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->kick_fd < 0 || net_loop_new(api->net, &n->loop, e) < 0) {
		if (n->kick_fd < 0)
			(void)err_sys(e, "start notifications");
		notifier_free(n);
		return -1;
	}
	expire(n);
	rc = pthread_create(&n->thread, NULL, thread_main, n);
	if (rc != 0) {
		notifier_free(n);
		return err_set(e, ERR_IO, rc, "start notifications");
	}
	*ret = n;
	return 0;
}

void
notify_stop(struct notifier *n)
{
	if (n == NULL)
		return;
	atomic_store(&n->is_stopping, true);
	notify_kick(n);
	pthread_join(n->thread, NULL);
	notifier_free(n);
}
