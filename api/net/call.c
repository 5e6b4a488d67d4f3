/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - HTTP and mail: a call asks the broker for a connection, libcurl
 * speaks on it, and a redirect begins again with the broker.
 *
 * The answer is hostile: its head and body are bounded, nothing of it is
 * decoded, kept as a cookie or followed by libcurl itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/net/call.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define HEAD_MAX 65536u
#define BODY_IGNORED_MAX 65536u

void
net_response_done(struct net_response *response)
{
	free(response->body);
	*response = (struct net_response){0};
}

/* ---- what libcurl calls ---------------------------------------------- */

static size_t
on_head(char *bytes, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t len = size * count;
	long status = 0;

	c->head_len += len;
	if (c->head_len > HEAD_MAX)
		return 0;
	if (len > 2 || bytes[0] != '\r')
		return len;
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200)
		c->has_status = true;
	return len;
}

static bool
is_success(struct call *c)
{
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

/* Libcurl ends the call if it gets back less than it gave. */
static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t len = size * count;
	size_t max = c->request.response_max;
	char *longer;

	c->total += len;
	if (max == 0) {
		c->is_cut = c->total > BODY_IGNORED_MAX;
		return c->is_cut ? 0 : len;
	}
	if (c->total > max) {
		err_set(&c->error, ERR_LIMIT, 0,
			"%s: %.100s: the answer is larger than %zu bytes",
			c->request.name, c->target.host, max);
		return 0;
	}
	if (c->request.on_body != NULL && is_success(c))
		return c->request.on_body(c->request.arg, bytes, len) < 0 ? 0
									  : len;
	longer = realloc(c->response.body, c->response.body_len + len + 1);
	if (longer == NULL)
		return 0;
	memcpy(longer + c->response.body_len, bytes, len);
	c->response.body = longer;
	c->response.body_len += len;
	longer[c->response.body_len] = '\0';
	return len;
}

static size_t
on_mail(char *bytes, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t room = size * count, left = c->request.body_len - c->sent;
	size_t len = left < room ? left : room;

	memcpy(bytes, (const char *)c->request.body + c->sent, len);
	c->sent += len;
	return len;
}

/* ---- a call ---------------------------------------------------------- */

uint32_t
call_left_ms(const struct call *c)
{
	uint64_t now = clock_mono_ms();

	return now < c->end_ms ? (uint32_t)(c->end_ms - now) : 0;
}

static void
drop_transfer(struct call *c)
{
	if (c->easy != NULL) {
		(void)curl_multi_remove_handle(c->loop->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	curl_slist_free_all(c->headers);
	curl_slist_free_all(c->resolve);
	curl_slist_free_all(c->rcpt);
	c->easy = NULL;
	c->headers = c->resolve = c->rcpt = NULL;
	fd_close(&c->reply_fd);
	fd_close(&c->sock);
}

void
call_free(struct call *c)
{
	drop_transfer(c);
	net_response_done(&c->response);
	free(c->url);
	free(c);
}

static int
ask_broker(struct call *c, struct err *e)
{
	const struct net_request *r = &c->request;
	enum broker_kind kind =
		r->trust == NET_OPERATOR ? BROKER_TARGET : BROKER_GUARDED;

	if (r->mail != NULL) {
		if (str_copy(c->target.host, sizeof(c->target.host),
			     r->mail->host) < 0)
			return err_set(e, ERR_INVALID, 0,
				       "%s: the host name is too long",
				       r->name);
		c->target.port = r->mail->port;
	} else if (net_url_parse(r->name, c->url, &c->target, e) < 0) {
		return -1;
	}
	if (broker_ask(c->loop->net->broker_fd, kind, c->target.host,
		       c->target.port, call_left_ms(c), &c->reply_fd, e) < 0)
		return err_wrap(e, "%s", r->name);
	return 0;
}

static int
append(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

#define SET(option, value)                                                     \
	rc = rc != CURLE_OK ? rc : curl_easy_setopt(c->easy, option, value)

static CURLcode
set_http(struct call *c)
{
	const struct net_request *r = &c->request;
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
		if (append(&c->headers, r->headers[i]) < 0)
			return CURLE_OUT_OF_MEMORY;
	if (append(&c->headers, "Expect:") < 0)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_URL, c->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTPHEADER, c->headers);
	if (r->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		SET(CURLOPT_POSTFIELDS, r->body);
	}
	SET(CURLOPT_HEADERFUNCTION, on_head);
	SET(CURLOPT_HEADERDATA, c);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, c);
	return rc;
}

static CURLcode
set_mail(struct call *c)
{
	static const long use_ssl[] = {
		[NET_MAIL_STARTTLS] = CURLUSESSL_ALL,
		[NET_MAIL_OPPORTUNISTIC] = CURLUSESSL_TRY,
		[NET_MAIL_TLS] = CURLUSESSL_ALL,
		[NET_MAIL_PLAIN] = CURLUSESSL_NONE,
	};
	const struct net_mail *mail = c->request.mail;
	const char *domain = strrchr(mail->from, '@');
	bool is_v6 = strchr(mail->host, ':') != NULL;
	char url[GUARD_HOST_SIZE * 2 + 32];
	CURLcode rc = CURLE_OK;

	/* The path is the name that we greet with. */
	if (str_printf(url, sizeof(url), "%s://%s%s%s:%u/%s",
		       mail->security == NET_MAIL_TLS ? "smtps" : "smtp",
		       is_v6 ? "[" : "", mail->host, is_v6 ? "]" : "",
		       mail->port, domain != NULL ? domain + 1 : "") < 0 ||
	    append(&c->rcpt, mail->to) < 0)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_USE_SSL, use_ssl[mail->security]);
	SET(CURLOPT_MAIL_FROM, mail->from);
	SET(CURLOPT_MAIL_RCPT, c->rcpt);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_mail);
	SET(CURLOPT_READDATA, c);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->request.body_len);
	if (mail->user != NULL) {
		SET(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
		SET(CURLOPT_USERNAME, mail->user);
		SET(CURLOPT_PASSWORD, mail->password);
	}
	return rc;
}

/*
 * Whatever name libcurl asks for has an address, which is not used: the socket
 * is there.  So it never resolves anything.
 */
static int
begin_transfer(struct call *c, struct err *e)
{
	char any[48];
	CURLcode rc;

	if (net_easy_new(c->loop->net, &c->sock, &c->easy, e) < 0)
		return -1;
	(void)str_printf(any, sizeof(any), "*:%u:192.0.2.1", c->target.port);
	rc = append(&c->resolve, any) < 0 ? CURLE_OUT_OF_MEMORY : CURLE_OK;
	SET(CURLOPT_RESOLVE, c->resolve);
	SET(CURLOPT_PRIVATE, c);
	SET(CURLOPT_TIMEOUT_MS, (long)call_left_ms(c) + 1);
	if (rc == CURLE_OK)
		rc = c->request.mail != NULL ? set_mail(c) : set_http(c);
	if (rc != CURLE_OK ||
	    curl_multi_add_handle(c->loop->multi, c->easy) != CURLM_OK)
		return err_set(e, ERR_IO, 0, "%s: %.100s: %s", c->request.name,
			       c->target.host, curl_easy_strerror(rc));
	return 0;
}

#undef SET

/* ---- how it ended ---------------------------------------------------- */

void
call_fail(struct call *c, const struct err *e)
{
	if (c->error.kind == ERR_NONE)
		c->error = *e;
	c->is_over = true;
}

/* Same place, other path: then a secret header may go along. */
static bool
is_same_origin(const struct net_url *a, const struct net_url *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       a->is_tls == b->is_tls;
}

/* 307 and 308 repeat the request as it was; of a GET, the others do, too. */
static bool
is_redirect(const struct call *c, long status)
{
	if (status == 307 || status == 308)
		return true;
	return c->request.body == NULL &&
	       (status == 301 || status == 302 || status == 303);
}

static int
follow(struct call *c, struct err *e)
{
	const char *name = c->request.name;
	struct net_url before = c->target, after;
	owned_mem char *next = NULL;
	char *location = NULL;

	if (++c->redirects > NET_REDIRECTS_MAX)
		return err_set(e, ERR_INVALID, 0,
			       "%s: %.100s: more than %d redirects", name,
			       c->target.host, NET_REDIRECTS_MAX);
	/* Not resolved by libcurl: it would drop what it does not like. */
	(void)curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &location);
	if (location == NULL || net_url_join(c->url, location, &next, e) < 0 ||
	    net_url_parse(name, next, &after, e) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: %.100s: redirects to where webhooks do "
			       "not go",
			       name, c->target.host);
	if (c->request.trust == NET_OPERATOR &&
	    !is_same_origin(&before, &after))
		return err_set(e, ERR_DENIED, 0,
			       "%s: %.100s: redirects to another host: set "
			       "the new URL",
			       name, before.host);
	drop_transfer(c);
	net_response_done(&c->response);
	c->head_len = c->total = 0;
	c->has_status = c->is_cut = false;
	free(c->url);
	c->url = next;
	next = NULL;
	return ask_broker(c, e);
}

static bool
is_tls_error(CURLcode rc)
{
	return rc == CURLE_PEER_FAILED_VERIFICATION ||
	       rc == CURLE_SSL_CONNECT_ERROR || rc == CURLE_SSL_CERTPROBLEM ||
	       rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_USE_SSL_FAILED;
}

static void
note_result(struct call *c)
{
	curl_off_t after = 0;
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after);
	c->response.status = (int)status;
	if (after > 0)
		c->response.retry_after_s =
			after > UINT32_MAX ? UINT32_MAX : (uint32_t)after;
}

void
call_finish_transfer(struct call *c, CURLcode rc)
{
	struct err e = ERR_INIT;

	note_result(c);
	/* Who wants no more than the status has it. */
	if (rc != CURLE_OK && c->request.url != NULL && c->has_status &&
	    c->request.response_max == 0 && c->head_len <= HEAD_MAX)
		rc = CURLE_OK;
	if (rc == CURLE_OK && c->request.url != NULL &&
	    is_redirect(c, c->response.status)) {
		if (follow(c, &e) < 0)
			call_fail(c, &e);
		return;
	}
	c->is_over = true;
	if (rc == CURLE_OK || c->error.kind != ERR_NONE)
		return;
	if (c->head_len > HEAD_MAX)
		err_set(&c->error, ERR_LIMIT, 0,
			"%s: %.100s: the head of the answer is larger than "
			"%u bytes",
			c->request.name, c->target.host, HEAD_MAX);
	else
		err_set(&c->error, ERR_PEER, 0, "%s: %.100s port %u: %s%s",
			c->request.name, c->target.host, c->target.port,
			is_tls_error(rc) ? "TLS: " : "",
			curl_easy_strerror(rc));
}

void
call_take_answer(struct call *c)
{
	struct err e = ERR_INIT;
	int rc = broker_answer(c->reply_fd, &c->sock, &e);

	fd_close(&c->reply_fd);
	if (rc < 0)
		(void)err_wrap(&e, "%s", c->request.name);
	else
		rc = begin_transfer(c, &e);
	if (rc < 0)
		call_fail(c, &e);
}

int
call_new(struct net_loop *loop, const struct net_request *request,
	 net_done done, void *arg, struct call **ret, struct err *e)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_sys(e, "%s", request->name);
	*c = (struct call){.loop = loop,
			   .request = *request,
			   .done = done,
			   .arg = arg,
			   .end_ms = clock_mono_ms() + request->timeout_ms,
			   .reply_fd = -1,
			   .sock = -1};
	if (request->url != NULL)
		c->url = strdup(request->url);
	if ((request->url != NULL && c->url == NULL) || ask_broker(c, e) < 0) {
		call_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}
