/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - many calls at a time in one thread: waits for the broker's answers,
 * for libcurl's sockets and for what the caller waits for, and advances what
 * can go on.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/net/call.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

/* ---- the loop -------------------------------------------------------- */

int
net_loop_new(struct net *net, struct net_loop **ret, struct err *e)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));

	if (loop != NULL)
		loop->multi = curl_multi_init();
	if (loop == NULL || loop->multi == NULL) {
		free(loop);
		return err_set(e, ERR_IO, ENOMEM, "start a network loop");
	}
	loop->net = net;
	*ret = loop;
	return 0;
}

void
net_loop_free(struct net_loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->calls != NULL) {
		struct call *c = loop->calls;

		loop->calls = c->next;
		call_free(c);
	}
	curl_multi_cleanup(loop->multi);
	free(loop);
}

size_t
net_loop_count(const struct net_loop *loop)
{
	return loop->count;
}

int
net_loop_begin(struct net_loop *loop, const struct net_request *request,
	       net_done done, void *arg, struct err *e)
{
	struct call *c = NULL;

	if (call_new(loop, request, done, arg, &c, e) < 0)
		return -1;
	c->next = loop->calls;
	loop->calls = c;
	loop->count++;
	return 0;
}

/* The fds of the caller, then those on which the broker answers. */
static size_t
collect_fds(struct net_loop *loop, const int *fds, size_t fds_len,
	    struct curl_waitfd *ret, uint32_t *timeout_ms)
{
	size_t len = 0;

	for (; len < fds_len; len++)
		ret[len] = (struct curl_waitfd){.fd = fds[len],
						.events = CURL_WAIT_POLLIN};
	for (struct call *c = loop->calls; c != NULL; c = c->next) {
		if (c->reply_fd < 0)
			continue;
		ret[len++] = (struct curl_waitfd){.fd = c->reply_fd,
						  .events = CURL_WAIT_POLLIN};
		if (call_left_ms(c) < *timeout_ms)
			*timeout_ms = call_left_ms(c);
	}
	return len;
}

static bool
is_answered(const struct call *c, const struct curl_waitfd *waits, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (waits[i].fd == c->reply_fd)
			return waits[i].revents != 0;
	return false;
}

static void
advance_connecting(struct net_loop *loop, const struct curl_waitfd *waits,
		   size_t len)
{
	for (struct call *c = loop->calls; c != NULL; c = c->next) {
		struct err e = ERR_INIT;

		if (c->reply_fd < 0 || c->is_over)
			continue;
		if (is_answered(c, waits, len)) {
			call_take_answer(c);
		} else if (call_left_ms(c) == 0) {
			err_set(&e, ERR_PEER, ETIMEDOUT,
				"%s: %.100s port %u: connect", c->request.name,
				c->target.host, c->target.port);
			call_fail(c, &e);
		}
	}
}

static void
advance_transfers(struct net_loop *loop)
{
	int left = 0;
	CURLMsg *msg;

	(void)curl_multi_perform(loop->multi, &left);
	while ((msg = curl_multi_info_read(loop->multi, &left)) != NULL) {
		CURLcode rc = msg->data.result;
		char *c = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &c);
		call_finish_transfer((struct call *)(void *)c, rc);
	}
}

static void
tell_finished(struct net_loop *loop)
{
	struct call **link = &loop->calls;

	while (*link != NULL) {
		struct call *c = *link;

		if (!c->is_over) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		loop->count--;
		c->done(c->arg, &c->response, &c->error);
		call_free(c);
	}
}

int
net_loop_run(struct net_loop *loop, const int *fds, size_t fds_len,
	     uint32_t timeout_ms, struct err *e)
{
	owned_mem struct curl_waitfd *waits =
		calloc(fds_len + loop->count + 1, sizeof(*waits));
	size_t len;

	if (waits == NULL)
		return err_sys(e, "wait for the network");
	len = collect_fds(loop, fds, fds_len, waits, &timeout_ms);
	if (curl_multi_poll(loop->multi, waits, (unsigned)len, (int)timeout_ms,
			    NULL) != CURLM_OK)
		return err_set(e, ERR_IO, 0, "wait for the network");
	advance_connecting(loop, waits, len);
	advance_transfers(loop);
	tell_finished(loop);
	return 0;
}

/* ---- one call -------------------------------------------------------- */

struct one {
	struct net_response response;
	struct err error;
	bool is_over;
};

static void
one_done(void *arg, const struct net_response *response, const struct err *e)
{
	struct one *one = arg;

	one->response = *response;
	one->error = *e;
	one->is_over = true;
	if (response->body != NULL) {
		one->response.body = malloc(response->body_len + 1);
		if (one->response.body == NULL)
			err_set(&one->error, ERR_IO, ENOMEM, "keep the answer");
		else
			memcpy(one->response.body, response->body,
			       response->body_len + 1);
	}
}

static bool
is_readable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&wait, 1, 0) > 0;
}

static int
run_one(struct net_loop *loop, const struct net_request *request, int cancel_fd,
	struct one *one, struct err *e)
{
	if (net_loop_begin(loop, request, one_done, one, e) < 0)
		return -1;
	while (!one->is_over) {
		if (is_readable(cancel_fd))
			return err_set(e, ERR_CONFLICT, 0, "%s: cancelled",
				       request->name);
		if (net_loop_run(loop, &cancel_fd, cancel_fd >= 0 ? 1 : 0, 1000,
				 e) < 0)
			return -1;
	}
	return 0;
}

int
net_run(struct net *net, const struct net_request *request, int cancel_fd,
	struct net_response *ret, struct err *e)
{
	struct net_loop *loop = NULL;
	struct one one = {0};
	int rc;

	*ret = (struct net_response){0};
	if (net_loop_new(net, &loop, e) < 0)
		return -1;
	rc = run_one(loop, request, cancel_fd, &one, e);
	net_loop_free(loop);
	if (rc == 0 && one.error.kind != ERR_NONE) {
		*e = one.error;
		ret->status = one.response.status;
		rc = -1;
	}
	if (rc < 0) {
		net_response_done(&one.response);
		return -1;
	}
	*ret = one.response;
	return 0;
}
