/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c - the life of one request: begin (headers), receive (body), run,
 * send, complete.
 *
 * Everything here is hostile until checked, in this order: URI, route, method,
 * who sends it, media type, size, JSON, key, rate limit.  As soon as the answer
 * is known (401, 404, 413, ...) the rest of the body is thrown away unread, up
 * to a bound, so that the client gets to read the answer instead of a reset.  A
 * body is kept in memory only for a user who is known, and all bodies together
 * are bounded.
 */
#include "api/http/exchange.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "api/auth/bearer.h"
#include "api/http/address.h"
#include "api/http/body.h"
#include "api/http/forwarded.h"
#include "api/http/framing.h"
#include "api/metrics.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define DRAIN_MAX ((size_t)16 << 20)
#define PUBLIC_BODY_MAX ((size_t)8 << 10)
/* All buffered bodies together, in units of the largest one. */
#define BODIES_MAX 16
#define BUSY_RETRY_S 1
#define FORWARDED_LINES_MAX 16
#define REQUEST_ID_BYTES ((HTTP_REQUEST_ID_SIZE - 1) / 2)

/* ---- begin ----------------------------------------------------------- */

static void
make_request_id(char id[HTTP_REQUEST_ID_SIZE])
{
	static _Thread_local unsigned char random[64][REQUEST_ID_BYTES];
	static _Thread_local unsigned left;

	/* One call of the kernel for many ids. */
	if (left == 0) {
		randombytes_buf(random, sizeof(random));
		left = ARRAY_LEN(random);
	}
	str_hex(id, random[--left], sizeof(random[left]));
}

struct forwarded_lines {
	const char *at[FORWARDED_LINES_MAX];
	size_t len;
};

/* Of too many lines the last count: the first are the client's. */
static enum MHD_Result
add_forwarded(void *cls, enum MHD_ValueKind kind, const char *name,
	      const char *value)
{
	struct forwarded_lines *lines = cls;

	(void)kind;
	if (strcasecmp(name, "X-Forwarded-For") != 0 || value == NULL)
		return MHD_YES;
	if (lines->len == FORWARDED_LINES_MAX)
		memmove(lines->at, lines->at + 1,
			--lines->len * sizeof(lines->at[0]));
	lines->at[lines->len++] = value;
	return MHD_YES;
}

static void
read_address(struct exchange *ex)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		ex->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
	const struct guard *proxies = &ex->server->proxies;
	struct forwarded_lines lines = {.len = 0};

	if (guard_lists(proxies, peer))
		(void)MHD_get_connection_values(ex->connection, MHD_HEADER_KIND,
						add_forwarded, &lines);
	forwarded_sender(proxies, peer, lines.at, lines.len, ex->req.address);
}

/*
 * libmicrohttpd decodes %00 to a NUL that cuts the path short, and %2F to a
 * slash, so that a proxy's rule for a path would not see it for that path.
 */
static bool
is_bad_uri(const char *uri)
{
	const char *query = strchr(uri, '?');
	const char *slash = strcasestr(uri, "%2f");

	return strstr(uri, "%00") != NULL ||
	       (slash != NULL && (query == NULL || slash < query));
}

void *
exchange_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *ex = calloc(1, sizeof(*ex));

	if (ex == NULL)
		return NULL;
	ex->server = cls;
	ex->connection = connection;
	ex->peer = info != NULL ? info->socket_context : NULL;
	ex->began_us = clock_mono_us();
	ex->is_uri_bad = is_bad_uri(uri);
	make_request_id(ex->request_id);
	atomic_fetch_add(&ex->server->exchanges, 1);
	return ex;
}

static const char *
header(const struct exchange *ex, const char *name)
{
	return MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND,
					   name);
}

const char *
http_query(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection,
					   MHD_GET_ARGUMENT_KIND, name);
}

const char *
http_header(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND,
					   name);
}

static void
answer(struct exchange *ex)
{
	ex->is_answered = true;
}

static void
refuse_route(struct exchange *ex)
{
	if (!ex->match.is_path_known) {
		http_problem(&ex->res, 404, NULL, "there is no such resource");
	} else if (strcmp(ex->method, "OPTIONS") == 0) {
		ex->res.status = 204;
	} else {
		http_problem(&ex->res, 405, NULL,
			     "this resource knows the methods %s",
			     ex->match.allow);
	}
	answer(ex);
}

static int
check_role(struct exchange *ex)
{
	static const struct {
		uint32_t flag;
		enum user_role least;
		const char *word;
	} roles[] = {
		{HTTP_APPROVER, USER_ROLE_APPROVER, "approver or admin"},
		{HTTP_ADMIN, USER_ROLE_ADMIN, "admin"},
	};

	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (!(ex->match.route->flags & roles[i].flag) ||
		    ex->req.user.role >= roles[i].least)
			continue;
		http_problem(&ex->res, 403, NULL, "this needs the role %s",
			     roles[i].word);
		return -1;
	}
	return 0;
}

static int
authorise(struct exchange *ex)
{
	const char *authorization = header(ex, MHD_HTTP_HEADER_AUTHORIZATION);
	struct api *api = ex->server->api;
	uint32_t flags = ex->match.route->flags;

	if ((flags & HTTP_PUBLIC) ||
	    ((flags & HTTP_SCRAPE) &&
	     bearer_may_scrape(&api->config, authorization)))
		return 0;
	if (exchange_authenticate(ex, authorization) < 0)
		return -1;
	return check_role(ex);
}

static size_t
body_limit(const struct exchange *ex)
{
	size_t limit = ex->server->api->config.max_body_bytes;

	if ((ex->match.route->flags & HTTP_PUBLIC) && limit > PUBLIC_BODY_MAX)
		return PUBLIC_BODY_MAX;
	return limit;
}

static void
refuse_size(struct exchange *ex)
{
	http_problem(&ex->res, 413, NULL,
		     "the request body is larger than %zu bytes",
		     body_limit(ex));
	answer(ex);
}

static void
refuse_busy(struct exchange *ex, const char *detail)
{
	http_problem(&ex->res, 503, NULL, "%s", detail);
	ex->res.retry_after_s = BUSY_RETRY_S;
	answer(ex);
}

static int
check_media(struct exchange *ex)
{
	const char *encoding = header(ex, MHD_HTTP_HEADER_CONTENT_ENCODING);

	if (!(ex->match.route->flags & HTTP_BODY))
		return 0;
	if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
		http_problem(&ex->res, 415, NULL,
			     "send the body without Content-Encoding");
		return -1;
	}
	if (body_is_json_type(header(ex, MHD_HTTP_HEADER_CONTENT_TYPE)))
		return 0;
	http_problem(&ex->res, 415, NULL,
		     "send JSON with Content-Type: application/json");
	return -1;
}

/* Length that the client announces; 0 if it does not. */
static uint64_t
announced_length(const struct exchange *ex)
{
	const char *text = header(ex, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t length = 0;

	if (text == NULL || str_to_u64(text, UINT64_MAX, &length) < 0)
		return 0;
	return length;
}

static void
check_request(struct exchange *ex, const char *url, const char *version)
{
	bool is_path_good = str_copy(ex->path, sizeof(ex->path), url) == 0;
	const char *fault = framing_fault(ex->connection, version);

	if (fault != NULL) {
		http_problem(&ex->res, 400, NULL, "%s", fault);
		ex->is_unframed = true;
		answer(ex);
		return;
	}
	if (ex->is_uri_bad || !is_path_good) {
		http_problem(&ex->res, 404, NULL, "there is no such resource");
		answer(ex);
		return;
	}
	router_find(http_routes, ex->method, ex->path, &ex->match);
	if (ex->match.route == NULL) {
		refuse_route(ex);
		return;
	}
	if (authorise(ex) < 0) {
		answer(ex);
		return;
	}
	if (check_media(ex) < 0)
		answer(ex);
	else if (announced_length(ex) > body_limit(ex))
		refuse_size(ex);
}

static void
begin(struct exchange *ex, const char *url, const char *method,
      const char *version)
{
	ex->has_begun = true;
	if (str_copy(ex->method, sizeof(ex->method), method) < 0)
		(void)str_copy(ex->method, sizeof(ex->method), "(long)");
	read_address(ex);
	ex->req.method = ex->method;
	ex->req.path = ex->path;
	ex->req.request_id = ex->request_id;
	ex->req.connection = ex->connection;
	ex->req.gone_fd = -1;
	check_request(ex, url, version);
	if (ex->match.id[0] != '\0')
		ex->req.id = ex->match.id;
	peer_enter(ex->peer, PEER_RECEIVING,
		   ex->server->api->config.request_timeout_seconds);
}

/* ---- receive --------------------------------------------------------- */

static void
drop_body(struct exchange *ex)
{
	atomic_fetch_sub(&ex->server->body_bytes, ex->body_size);
	free(ex->body);
	ex->body = NULL;
	ex->body_len = ex->body_size = 0;
}

static int
grow_body(struct exchange *ex, size_t need)
{
	size_t size = ex->body_size > 0 ? ex->body_size : 4096, more;
	size_t all_max = BODIES_MAX * ex->server->api->config.max_body_bytes;
	char *grown;

	while (size < need)
		size *= 2;
	more = size - ex->body_size;
	if (atomic_fetch_add(&ex->server->body_bytes, more) + more > all_max) {
		atomic_fetch_sub(&ex->server->body_bytes, more);
		return -1;
	}
	grown = realloc(ex->body, size);
	if (grown == NULL) {
		atomic_fetch_sub(&ex->server->body_bytes, more);
		return -1;
	}
	ex->body = grown;
	ex->body_size = size;
	return 0;
}

/* Beyond this a body is not even thrown away. */
static size_t
drain_limit(const struct exchange *ex)
{
	return DRAIN_MAX + (ex->match.route != NULL ? body_limit(ex) : 0);
}

static enum MHD_Result
receive(struct exchange *ex, const char *data, size_t len)
{
	/* What comes in chunks has announced no length. */
	ex->received += len;
	if (!ex->is_answered && ex->received > body_limit(ex))
		refuse_size(ex);
	if (ex->is_answered) {
		drop_body(ex);
		return ex->received <= drain_limit(ex) ? MHD_YES : MHD_NO;
	}
	if (!(ex->match.route->flags & HTTP_BODY))
		return MHD_YES;
	if (ex->received > ex->body_size && grow_body(ex, ex->received) < 0) {
		refuse_busy(ex, "too many large requests at once");
		drop_body(ex);
		return MHD_YES;
	}
	memcpy(ex->body + ex->body_len, data, len);
	ex->body_len += len;
	return MHD_YES;
}

/* ---- run ------------------------------------------------------------- */

/* Parse, take the key and count; -1 if that already is the answer. */
static int
prepare_run(struct exchange *ex)
{
	const struct http_route *route = ex->match.route;
	int rc = 0;

	if ((route->flags & HTTP_SLOW) && !exchange_has_room(ex)) {
		refuse_busy(ex, EXCHANGE_NO_ROOM);
		drop_body(ex);
		return -1;
	}
	if (route->flags & HTTP_BODY)
		rc = body_parse(ex->body, ex->body_len, &ex->req.body,
				&ex->res);
	if (rc == 0)
		rc = exchange_once_begin(ex);
	drop_body(ex);
	return rc < 0 ? rc : exchange_count(ex);
}

static void
run_handler(struct exchange *ex)
{
	ex->match.route->handler(ex->server->api, &ex->req, &ex->res);
	if (ex->res.status == 0) {
		struct err e = ERR_INIT;

		err_set(&e, ERR_IO, 0, "the handler gave no answer");
		http_problem_from_err(&ex->res, &e);
	}
	exchange_once_end(ex);
	answer(ex);
}

/*
 * An epoll set, which itself can be polled.  The socket stays open while its
 * connection is suspended.  A client that has closed only its sending side
 * counts as gone: the two cannot be told apart before the answer is sent.  One
 * with an Idempotency-Key can come back for the answer, so it never is gone.
 */
static int
open_gone_fd(const struct exchange *ex, int *ret_fd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct epoll_event hang_up = {.events = EPOLLRDHUP};
	struct epoll_event stop = {.events = EPOLLIN};
	owned_fd int fd = epoll_create1(EPOLL_CLOEXEC);

	if (info == NULL || fd < 0 ||
	    (!ex->once.is_held &&
	     epoll_ctl(fd, EPOLL_CTL_ADD, info->connect_fd, &hang_up) < 0) ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, ex->server->api->stop_fd, &stop) < 0)
		return -1;
	*ret_fd = fd_take(&fd);
	return 0;
}

static void
run_slow(struct exchange *ex)
{
	owned_fd int gone_fd = -1;

	if (open_gone_fd(ex, &gone_fd) < 0) {
		log_error("watch_client request_id=%s errno=%d", ex->request_id,
			  errno);
		refuse_busy(ex, "too many requests at once");
		return;
	}
	ex->req.gone_fd = gone_fd;
	run_handler(ex);
	ex->req.gone_fd = -1;
}

static enum metrics_queue
queue_of(const struct exchange *ex)
{
	return ex->match.route->flags & HTTP_SLOW ? METRICS_QUEUE_SLOW
						  : METRICS_QUEUE_BRIEF;
}

/* On a thread of a pool: the connection is suspended, so ex is ours. */
void
exchange_run(void *item)
{
	struct exchange *ex = item;

	metrics_queue(queue_of(ex), -1);
	http_request_id_set(ex->request_id);
	if (atomic_load(&ex->server->is_stopping))
		refuse_busy(ex, "the service is stopping");
	else if (ex->match.route->flags & HTTP_SLOW)
		run_slow(ex);
	else
		run_handler(ex);
	exchange_render(ex);
	http_request_id_set(NULL);
	MHD_resume_connection(ex->connection);
}

_Static_assert(POOL_OWNER_SIZE >= ADDRESS_GROUP_SIZE, "either is an owner");

/* Whose turn it is: the user's, or of who shows no token the address's. */
static void
read_owner(const struct exchange *ex, char ret[POOL_OWNER_SIZE])
{
	const char *user = ex->req.user.user_id;

	if (user[0] != '\0')
		(void)str_copy(ret, POOL_OWNER_SIZE, user);
	else
		address_group_text(ex->req.address, ret);
}

/*
 * The connection is suspended before the pool knows of it: a resume that came
 * first would be lost.  From the submit on ex belongs to the pool.
 */
static void
run_on_pool(struct exchange *ex, struct pool *pool)
{
	char owner[POOL_OWNER_SIZE];

	read_owner(ex, owner);
	MHD_suspend_connection(ex->connection);
	metrics_queue(queue_of(ex), 1);
	if (pool_submit(pool, owner, ex) == 0)
		return;
	metrics_queue(queue_of(ex), -1);
	refuse_busy(ex, "too many requests are waiting already");
	MHD_resume_connection(ex->connection);
}

/* True if there is an answer to send; false: do not touch ex any more. */
static bool
run(struct exchange *ex)
{
	const struct http_route *route = ex->match.route;

	ex->has_run = true;
	peer_enter(ex->peer, PEER_RUNNING, 0);
	if (!ex->is_answered && prepare_run(ex) < 0)
		answer(ex);
	if (ex->is_answered)
		return true;
	if (route->flags & HTTP_SLOW) {
		run_on_pool(ex, ex->server->slow_pool);
		return false;
	}
	if (route->flags & HTTP_BRIEF) {
		run_on_pool(ex, ex->server->brief_pool);
		return false;
	}
	run_handler(ex);
	return true;
}

/* ---- send ------------------------------------------------------------ */

/*
 * May the answer be sent before the body has come?  That ends the connection,
 * so only where reading it all is worse: nobody knows where the body ends, the
 * client waits for leave to send, or it is beyond what is thrown away.
 */
static bool
must_answer_early(const struct exchange *ex)
{
	return ex->is_answered &&
	       (ex->is_unframed || header(ex, MHD_HTTP_HEADER_EXPECT) != NULL ||
		announced_length(ex) > drain_limit(ex));
}

static enum MHD_Result
go_on(struct exchange *ex, const char *url, const char *method,
      const char *version, const char *upload_data, size_t *upload_data_size)
{
	if (!ex->has_begun) {
		begin(ex, url, method, version);
		return must_answer_early(ex) ? exchange_send(ex) : MHD_YES;
	}
	if (*upload_data_size > 0) {
		size_t len = *upload_data_size;

		*upload_data_size = 0;
		return receive(ex, upload_data, len);
	}
	/* The second time we come here a pool has found the answer. */
	if (ex->has_run || run(ex))
		return exchange_send(ex);
	return MHD_YES;
}

enum MHD_Result
exchange_continue(void *cls, struct MHD_Connection *connection, const char *url,
		  const char *method, const char *version,
		  const char *upload_data, size_t *upload_data_size,
		  void **con_cls)
{
	struct exchange *ex = *con_cls;
	enum MHD_Result result;

	(void)cls;
	(void)connection;
	if (ex == NULL)
		return MHD_NO;
	http_request_id_set(ex->request_id);
	result = go_on(ex, url, method, version, upload_data, upload_data_size);
	http_request_id_set(NULL);
	return result;
}

/* ---- complete -------------------------------------------------------- */

void
exchange_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
		   enum MHD_RequestTerminationCode toe)
{
	struct exchange *ex = *con_cls;

	(void)cls;
	(void)connection;
	(void)toe;
	if (ex == NULL)
		return;
	*con_cls = NULL;
	if (ex->has_begun)
		exchange_note(ex);
	stream_close(ex->stream);
	if (ex->res.source != NULL)
		ex->res.source->closed(ex->res.source_arg);
	exchange_once_end(ex); /* if it has come to no answer */
	peer_enter(ex->peer, PEER_RECEIVING, EXCHANGE_IDLE_TIMEOUT_S);
	drop_body(ex);
	exchange_drop_answer(ex);
	json_decref(ex->req.body);
	json_decref(ex->res.body);
	free(ex->res.text);
	http_text_unref(ex->res.shared);
	atomic_fetch_sub(&ex->server->exchanges, 1);
	free(ex);
}
