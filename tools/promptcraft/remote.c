/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.c - calls of the HTTP API; the only file that knows libcurl.
 *
 * The answer is untrusted: bounded in size and time, parsed by jansson, never
 * followed to another address.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

#define ANSWER_MAX (64u << 20)
#define CONNECT_TIMEOUT_S 10L
/* POST /api/v3/jobs answers when the job has ended. */
#define TOTAL_TIMEOUT_S 900L
/* A stream of events has a heartbeat every 15 seconds. */
#define STREAM_SILENCE_S 60L

struct answer {
	char *data;
	size_t len;
};

static size_t
take_bytes(char *data, size_t size, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t len = size * count;
	if (len > ANSWER_MAX - a->len)
		return 0;
	char *grown = realloc(a->data, a->len + len + 1);
	if (grown == NULL)
		return 0;
	memcpy(grown + a->len, data, len);
	a->data = grown;
	a->len += len;
	a->data[a->len] = '\0';
	return len;
}

static struct curl_slist *
make_headers(const struct cli *cli, struct err *e)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/json");
	if (cli->accept != NULL) {
		char line[128];
		if (str_printf(line, sizeof(line), "Accept: %s", cli->accept) ==
		    0)
			headers = curl_slist_append(headers, line);
	}
	if (cli->token != NULL) {
		char line[4096];
		if (str_printf(line, sizeof(line), "Authorization: Bearer %s",
			       cli->token) == -1) {
			curl_slist_free_all(headers);
			err_set(e, ERR_INVALID, 0, "the token is too long");
			return NULL;
		}
		headers = curl_slist_append(headers, line);
		explicit_bzero(line, sizeof(line));
	}
	if (headers == NULL)
		err_set(e, ERR_IO, 0, "out of memory");
	return headers;
}

/* A proxy from the environment is not for the machine itself. */
static void
restrict_transport(CURL *curl, const char *url)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	if (strncmp(url, "http://127.", 11) == 0 ||
	    strncmp(url, "http://localhost", 16) == 0)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
}

static int
perform(CURL *curl, const char *method, const char *url, const char *text,
	const struct curl_slist *headers, struct answer *answer,
	long *ret_status, struct err *e)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	restrict_transport(curl, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (text != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return err_set(e, ERR_PEER, 0, "%s %s: %s", method, url,
			       curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

int
cli_request(const struct cli *cli, const char *method, const char *path,
	    const json_t *body, long *ret_status, json_t **ret_body,
	    struct err *e)
{
	char url[1024];
	if (str_printf(url, sizeof(url), "%s%s", cli->url, path) == -1)
		return err_set(e, ERR_INVALID, 0, "the URL is too long");
	owned_mem char *text = NULL;
	if (body != NULL && (text = json_dumps(body, JSON_COMPACT)) == NULL)
		return err_set(e, ERR_INVALID, 0, "the request is not UTF-8");
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		return err_set(e, ERR_IO, 0, "libcurl does not start");
	struct curl_slist *headers = make_headers(cli, e);
	struct answer answer = {0};
	int rc = headers == NULL ? -1
				 : perform(curl, method, url, text, headers,
					   &answer, ret_status, e);
	if (rc == 0)
		*ret_body =
			answer.data == NULL
				? NULL
				: json_loadb(answer.data, answer.len, 0, NULL);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(answer.data);
	return rc;
}

static enum err_kind
kind_of_status(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 429:
	case 503:
		return ERR_BUSY;
	default:
		return status < 500 ? ERR_INVALID : ERR_PEER;
	}
}

static int
set_problem(const char *method, const char *path, long status,
	    const json_t *answer, const struct cli *cli, struct err *e)
{
	const char *hint = status == 401 && cli->token == NULL
				   ? " (set PROMPTCRAFT_TOKEN, see "
				     "`promptcraft token --help`)"
				   : "";

	return err_set(e, kind_of_status(status), 0, "%s %s: %ld: %s%s", method,
		       path, status,
		       cli_json_string(answer, "detail", "not a JSON answer"),
		       hint);
}

int
cli_call(const struct cli *cli, const char *method, const char *path,
	 const json_t *body, json_t **ret_body, struct err *e)
{
	long status = 0;
	json_t *answer = NULL;
	if (cli_request(cli, method, path, body, &status, &answer, e) == -1)
		return -1;
	if (status < 400 && answer != NULL) {
		*ret_body = answer;
		return 0;
	}
	set_problem(method, path, status, answer, cli, e);
	json_decref(answer);
	return -1;
}

/* ---- streams --------------------------------------------------------- */

struct stream {
	CURL *curl;
	int (*take)(void *arg, const char *bytes, size_t len, struct err *e);
	void *arg;
	struct answer problem; /* the body of an answer that is none */
	bool has_failed;       /* take() has said no */
	struct err *e;
};

static size_t
take_stream(char *data, size_t size, size_t count, void *arg)
{
	struct stream *s = arg;
	size_t len = size * count;
	long status = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return take_bytes(data, size, count, &s->problem);
	if (s->take(s->arg, data, len, s->e) == 0)
		return len;
	s->has_failed = true;
	return 0;
}

/* The next turn of a stream: 0 it ended or broke off, -1 with *e. */
static int
perform_stream(struct stream *s, const char *url, const char *path,
	       const struct curl_slist *headers, const struct cli *cli,
	       long *ret_status)
{
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	restrict_transport(s->curl, url);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, STREAM_SILENCE_S);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_stream);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	CURLcode code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, ret_status);
	if (s->has_failed)
		return -1;
	if (*ret_status == 0)
		return err_set(s->e, ERR_PEER, 0, "GET %s: %s", url,
			       curl_easy_strerror(code));
	if (*ret_status < 400)
		return 0;
	json_t *problem =
		s->problem.data == NULL
			? NULL
			: json_loadb(s->problem.data, s->problem.len, 0, NULL);
	set_problem("GET", path, *ret_status, problem, cli, s->e);
	json_decref(problem);
	return -1;
}

int
cli_stream(const struct cli *cli, const char *path, const char *last_id,
	   int (*take)(void *arg, const char *bytes, size_t len, struct err *e),
	   void *arg, long *ret_status, struct err *e)
{
	char url[1024], line[128];
	if (str_printf(url, sizeof(url), "%s%s", cli->url, path) == -1 ||
	    str_printf(line, sizeof(line), "Last-Event-ID: %s", last_id) == -1)
		return err_set(e, ERR_INVALID, 0, "the URL is too long");
	struct stream s = {
		.curl = curl_easy_init(), .take = take, .arg = arg, .e = e};
	if (s.curl == NULL)
		return err_set(e, ERR_IO, 0, "libcurl does not start");
	struct curl_slist *headers = make_headers(cli, e);
	if (headers != NULL && last_id[0] != '\0')
		headers = curl_slist_append(headers, line);
	int rc = headers == NULL ? -1
				 : perform_stream(&s, url, path, headers, cli,
						  ret_status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(s.curl);
	free(s.problem.data);
	return rc;
}

int
cli_fetch_token(const struct cli *cli, const char *username,
		const char *password, char **ret_token, struct err *e)
{
	json_t *body = json_pack("{s:s, s:s}", "username", username, "password",
				 password);
	if (body == NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the name or the password is not UTF-8");
	struct cli anonymous = *cli;
	anonymous.token = NULL;
	json_t *answer = NULL;
	int rc = cli_call(&anonymous, "POST", "/auth/token", body, &answer, e);
	json_decref(body);
	if (rc == -1)
		return -1;
	const char *token = cli_json_string(answer, "access_token", NULL);
	char *copy = token != NULL ? strdup(token) : NULL;
	json_decref(answer);
	if (copy == NULL)
		return err_set(e, ERR_PEER, 0, "/auth/token gave no token");
	*ret_token = copy;
	return 0;
}
