/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - see host.h.  One mutex guards what was learnt; it is never held
 * while the supervisor is being asked.
 */
#include "api/jobs/host.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"

#define RUNTIMES_MAX 32
#define POLICIES_MAX 32
#define WAIT_SLICE_MS 200u

struct host_policy {
	char name[PROTO_NAME_MAX];
	char sha256[2 * PROTO_SHA256_SIZE + 1];
};

/* Somebody who waits for a place; of the waiting thread's stack. */
struct waiter {
	struct waiter *next;
	pthread_cond_t turn;
};

struct job_host {
	char socket_path[108];
	pthread_condattr_t monotonic;
	pthread_mutex_t lock; /* guards all below */
	uint8_t instance[16];
	struct proto_runtime_info runtimes[RUNTIMES_MAX];
	size_t runtimes_len;
	uint8_t policies_instance[16]; /* whose the policies are */
	struct host_policy policies[POLICIES_MAX];
	size_t policies_len;
	uint32_t slots_total; /* 0: not known yet */
	uint32_t slots_used;
	struct waiter *first; /* who came first gets the next place */
	uint32_t waiters;
};

int
job_host_new(const char *socket_path, struct job_host **ret, struct err *e)
{
	struct job_host *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return err_set(e, ERR_IO, ENOMEM, "supervisor handle");
	if (str_copy(host->socket_path, sizeof(host->socket_path),
		     socket_path) < 0) {
		free(host);
		return err_set(e, ERR_INVALID, 0, "socket path is too long");
	}
	pthread_mutex_init(&host->lock, NULL);
	pthread_condattr_init(&host->monotonic);
	pthread_condattr_setclock(&host->monotonic, CLOCK_MONOTONIC);
	*ret = host;
	return 0;
}

void
job_host_free(struct job_host *host)
{
	if (host == NULL)
		return;
	pthread_condattr_destroy(&host->monotonic);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

const char *
job_host_socket(const struct job_host *host)
{
	return host->socket_path;
}

static bool
is_full(const struct job_host *host)
{
	return host->slots_used >= host->slots_total;
}

/* With the lock held. */
static void
wake_first(struct job_host *host)
{
	if (host->first != NULL && !is_full(host))
		pthread_cond_signal(&host->first->turn);
}

/* ---- what the supervisor has ----------------------------------------- */

static int
fetch_runtimes(const char *socket_path, struct proto_runtime_info *runtimes,
	       size_t *ret_len, struct err *e)
{
	uint32_t i;

	for (i = 0; i < RUNTIMES_MAX; i++) {
		if (client_runtime_get(socket_path, i, &runtimes[i], e) < 0)
			return -1;
		if (runtimes[i].name[0] == '\0')
			break;
	}
	*ret_len = i;
	return 0;
}

static bool
is_known_instance(struct job_host *host, const struct proto_hello_reply *hello)
{
	bool is_known;

	pthread_mutex_lock(&host->lock);
	is_known = host->runtimes_len > 0 &&
		   memcmp(host->instance, hello->instance,
			  sizeof(host->instance)) == 0;
	if (is_known)
		host->slots_total = hello->slots_total;
	pthread_mutex_unlock(&host->lock);
	return is_known;
}

int
job_host_refresh(struct job_host *host, struct proto_hello_reply *ret_hello,
		 struct err *e)
{
	struct proto_runtime_info runtimes[RUNTIMES_MAX];
	struct proto_hello_reply hello;
	size_t len = 0;

	if (client_hello(host->socket_path, &hello, e) < 0)
		return -1;
	if (!is_known_instance(host, &hello)) {
		if (fetch_runtimes(host->socket_path, runtimes, &len, e) < 0)
			return -1;
		pthread_mutex_lock(&host->lock);
		memcpy(host->instance, hello.instance, sizeof(host->instance));
		memcpy(host->runtimes, runtimes, len * sizeof(runtimes[0]));
		host->runtimes_len = len;
		host->slots_total = hello.slots_total;
		wake_first(host);
		pthread_mutex_unlock(&host->lock);
	}
	if (ret_hello != NULL)
		*ret_hello = hello;
	return 0;
}

int
job_host_check_ready(struct job_host *host, struct err *e)
{
	struct proto_hello_reply hello;

	if (job_host_refresh(host, &hello, e) < 0)
		return -1;
	if (!hello.is_ready) {
		*e = hello.cause;
		e->kind = ERR_UNSUPPORTED;
		return -1;
	}
	return 0;
}

void
job_host_instance(struct job_host *host, uint8_t ret_instance[16])
{
	pthread_mutex_lock(&host->lock);
	memcpy(ret_instance, host->instance, sizeof(host->instance));
	pthread_mutex_unlock(&host->lock);
}

bool
job_host_has_runtimes(struct job_host *host)
{
	bool has;

	pthread_mutex_lock(&host->lock);
	has = host->runtimes_len > 0;
	pthread_mutex_unlock(&host->lock);
	return has;
}

/* ---- look-ups -------------------------------------------------------- */

/* Those of a policy's own are tools of ours, not a client's to name. */
static bool
is_language(const struct proto_runtime_info *runtime)
{
	return runtime->policy[0] == '\0';
}

/* Is word one of the space-separated words? */
static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (n == len && len > 0 && strncasecmp(words, word, n) == 0)
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

static bool
is_called(const struct proto_runtime_info *runtime, const char *language)
{
	return strcasecmp(runtime->name, language) == 0 ||
	       has_word(runtime->aliases, language);
}

static bool
claims_extension(const struct proto_runtime_info *runtime, const char *ext)
{
	const char *own = strrchr(runtime->code_path, '.');

	return (own != NULL && strcasecmp(own + 1, ext) == 0) ||
	       has_word(runtime->aliases, ext);
}

static int
unknown_language(const struct job_host *host, const char *language,
		 struct err *e)
{
	char names[128] = "";
	char shown[48];
	size_t used = 0;

	for (size_t i = 0; i < host->runtimes_len; i++) {
		int n = 0;

		if (is_language(&host->runtimes[i]))
			n = snprintf(names + used, sizeof(names) - used, "%s%s",
				     used > 0 ? ", " : "",
				     host->runtimes[i].name);
		if (n < 0 || (size_t)n >= sizeof(names) - used)
			break;
		used += (size_t)n;
	}
	str_quote(shown, sizeof(shown), language, strlen(language));
	return err_set(e, ERR_NOT_FOUND, 0,
		       "no runtime is called %s; there are: %s", shown, names);
}

int
job_host_runtime(struct job_host *host, const char *language,
		 struct proto_runtime_info *ret, struct err *e)
{
	int rc = -1;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; rc < 0 && i < host->runtimes_len; i++) {
		if (!is_language(&host->runtimes[i]) ||
		    !is_called(&host->runtimes[i], language))
			continue;
		*ret = host->runtimes[i];
		rc = 0;
	}
	if (rc < 0)
		unknown_language(host, language, e);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

bool
job_host_runtime_by_path(struct job_host *host, const char *path,
			 struct proto_runtime_info *ret)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash != NULL ? slash : path, '.');
	bool is_found = false;

	if (dot == NULL || dot[1] == '\0')
		return false;
	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; !is_found && i < host->runtimes_len; i++) {
		is_found = is_language(&host->runtimes[i]) &&
			   claims_extension(&host->runtimes[i], dot + 1);
		if (is_found)
			*ret = host->runtimes[i];
	}
	pthread_mutex_unlock(&host->lock);
	return is_found;
}

bool
job_host_runtime_of_policy(struct job_host *host, const char *policy,
			   const char *name, struct proto_runtime_info *ret)
{
	bool is_found = false;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; !is_found && i < host->runtimes_len; i++) {
		is_found = strcmp(host->runtimes[i].policy, policy) == 0 &&
			   strcmp(host->runtimes[i].name, name) == 0;
		if (is_found)
			*ret = host->runtimes[i];
	}
	pthread_mutex_unlock(&host->lock);
	return is_found;
}

/* ---- policies -------------------------------------------------------- */

static int
fetch_policies(const char *socket_path, struct host_policy *policies,
	       size_t *ret_len, struct err *e)
{
	struct proto_policy_info info;
	uint32_t i;

	for (i = 0; i < POLICIES_MAX; i++) {
		if (client_policy_get(socket_path, i, &info, e) < 0)
			return -1;
		if (info.name[0] == '\0')
			break;
		(void)str_copy(policies[i].name, sizeof(policies[i].name),
			       info.name);
		str_hex(policies[i].sha256, info.policy_sha256,
			sizeof(info.policy_sha256));
	}
	*ret_len = i;
	return 0;
}

/* A supervisor loads its policies once, so they are known per instance. */
static int
refresh_policies(struct job_host *host, struct err *e)
{
	struct host_policy policies[POLICIES_MAX];
	struct proto_hello_reply hello;
	size_t len = 0;
	bool is_known;

	if (client_hello(host->socket_path, &hello, e) < 0)
		return -1;
	pthread_mutex_lock(&host->lock);
	is_known = host->policies_len > 0 &&
		   memcmp(host->policies_instance, hello.instance,
			  sizeof(hello.instance)) == 0;
	pthread_mutex_unlock(&host->lock);
	if (is_known)
		return 0;
	if (fetch_policies(host->socket_path, policies, &len, e) < 0)
		return -1;
	pthread_mutex_lock(&host->lock);
	memcpy(host->policies_instance, hello.instance, sizeof(hello.instance));
	memcpy(host->policies, policies, len * sizeof(policies[0]));
	host->policies_len = len;
	pthread_mutex_unlock(&host->lock);
	return 0;
}

int
job_host_check_policy(struct job_host *host, const char *name,
		      const char *sha256, struct err *e)
{
	bool is_there = false, is_same = false;

	if (refresh_policies(host, e) < 0)
		return -1;
	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->policies_len; i++) {
		if (strcmp(host->policies[i].name, name) != 0)
			continue;
		is_there = true;
		is_same = strcmp(host->policies[i].sha256, sha256) == 0;
	}
	pthread_mutex_unlock(&host->lock);
	if (is_same)
		return 0;
	return err_set(e, ERR_CONFLICT, 0, "policy %.31s was %s", name,
		       is_there ? "changed" : "removed");
}

/* ---- places ---------------------------------------------------------- */

static struct timespec
deadline_after(uint64_t wait_ms)
{
	uint64_t at_us = clock_mono_us() + wait_ms * 1000u;

	return (struct timespec){.tv_sec = (time_t)(at_us / 1000000u),
				 .tv_nsec = (long)(at_us % 1000000u * 1000u)};
}

static bool
is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0; /* never for a negative fd */
}

static void
line_add(struct job_host *host, struct waiter *w)
{
	struct waiter **link = &host->first;

	while (*link != NULL)
		link = &(*link)->next;
	*link = w;
	host->waiters++;
}

static void
line_remove(struct job_host *host, struct waiter *w)
{
	struct waiter **link = &host->first;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	host->waiters--;
}

static bool
is_turn_of(const struct job_host *host, const struct waiter *w)
{
	return host->first == w && !is_full(host);
}

/*
 * Called and returns with the lock held; a slice at a time, to see stop_fd.
 * True: a place was taken.
 */
static bool
wait_in_line(struct job_host *host, uint32_t wait_ms, int stop_fd)
{
	uint64_t end_ms = clock_mono_ms() + wait_ms;
	struct waiter self = {0};
	bool is_turn;

	pthread_cond_init(&self.turn, &host->monotonic);
	line_add(host, &self);
	wake_first(host);
	for (uint64_t now_ms = clock_mono_ms();
	     !is_turn_of(host, &self) && now_ms < end_ms &&
	     !is_readable(stop_fd);
	     now_ms = clock_mono_ms()) {
		uint64_t left_ms = end_ms - now_ms;
		struct timespec deadline = deadline_after(
			left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS);

		pthread_cond_timedwait(&self.turn, &host->lock, &deadline);
	}
	is_turn = is_turn_of(host, &self);
	line_remove(host, &self);
	pthread_cond_destroy(&self.turn);
	host->slots_used += is_turn;
	wake_first(host); /* there may be a place for the next, too */
	return is_turn;
}

static int
busy(struct err *e)
{
	return err_set(e, ERR_BUSY, 0, "all jails are busy; try again shortly");
}

int
job_host_slot_acquire(struct job_host *host, uint32_t wait_ms, int stop_fd,
		      struct err *e)
{
	bool has_slot = false;

	pthread_mutex_lock(&host->lock);
	if (host->first == NULL && !is_full(host)) {
		host->slots_used++;
		has_slot = true;
	} else if (wait_ms > 0 && host->waiters < JOB_HOST_WAITERS_MAX) {
		has_slot = wait_in_line(host, wait_ms, stop_fd);
	}
	pthread_mutex_unlock(&host->lock);
	return has_slot ? 0 : busy(e);
}

bool
job_host_slot_is_wanted(struct job_host *host)
{
	bool is_wanted;

	pthread_mutex_lock(&host->lock);
	is_wanted = host->first != NULL;
	pthread_mutex_unlock(&host->lock);
	return is_wanted;
}

int
job_host_slot_yield(struct job_host *host, uint32_t wait_ms, int stop_fd,
		    struct err *e)
{
	bool has_slot = true;

	pthread_mutex_lock(&host->lock);
	if (host->first != NULL) {
		host->slots_used--;
		has_slot = wait_in_line(host, wait_ms, stop_fd);
	}
	pthread_mutex_unlock(&host->lock);
	return has_slot ? 0 : busy(e);
}

void
job_host_slot_release(struct job_host *host)
{
	pthread_mutex_lock(&host->lock);
	host->slots_used--;
	wake_first(host);
	pthread_mutex_unlock(&host->lock);
}
