/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - see url.h.
 */
#include "api/net/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static void
url_free(CURLU **url)
{
	curl_url_cleanup(*url);
}
#define owned_url __attribute__((cleanup(url_free)))

/* Bytes that mean one thing to one parser and another to the next. */
static bool
is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\\\"<>^`{|}", *p) != NULL)
			return false;
	return true;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return is_there;
}

/* Copy a part into dst[size]; -1 if it is absent or too long. */
static int
get_part(CURLU *url, CURLUPart part, unsigned flags, char *dst, size_t size)
{
	char *text = NULL;
	int rc = -1;

	if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
		rc = str_copy(dst, size, text);
	curl_free(text);
	return rc;
}

static int
get_host(CURLU *url, char dst[GUARD_HOST_SIZE])
{
	size_t len;

	if (get_part(url, CURLUPART_HOST, 0, dst, GUARD_HOST_SIZE) < 0)
		return -1;
	len = strlen(dst);
	if (dst[0] == '[' && dst[len - 1] == ']') {
		memmove(dst, dst + 1, len - 2);
		dst[len - 2] = '\0';
	}
	/* Libcurl has decoded %XX in it. */
	return dst[0] != '\0' && is_plain(dst) && strchr(dst, '%') == NULL ? 0
									   : -1;
}

static int
read_parts(CURLU *url, struct net_url *ret)
{
	char scheme[8], port[8];
	uint64_t number;

	if (get_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) < 0 ||
	    get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port,
		     sizeof(port)) < 0 ||
	    get_host(url, ret->host) < 0 ||
	    str_to_u64(port, UINT16_MAX, &number) < 0 || number == 0)
		return -1;
	ret->port = (uint16_t)number;
	ret->is_tls = strcmp(scheme, "https") == 0;
	return ret->is_tls || strcmp(scheme, "http") == 0 ? 0 : -1;
}

int
net_url_parse(const char *name, const char *text, struct net_url *ret,
	      struct err *e)
{
	owned_url CURLU *url = curl_url();
	struct net_url parsed = {0};

	if (url == NULL)
		return err_set(e, ERR_IO, 0, "%s: no memory", name);
	if (strlen(text) > NET_URL_MAX)
		return err_set(e, ERR_INVALID, 0,
			       "%s: the URL is longer than %d bytes", name,
			       NET_URL_MAX);
	if (!is_plain(text))
		return err_set(e, ERR_INVALID, 0,
			       "%s: a URL has printable ASCII only (a name "
			       "with other letters is written xn--...)",
			       name);
	if ((strncasecmp(text, "http://", 7) != 0 &&
	     strncasecmp(text, "https://", 8) != 0) ||
	    curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    has_part(url, CURLUPART_ZONEID) || read_parts(url, &parsed) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be a URL such as "
			       "https://host/path",
			       name);
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return err_set(e, ERR_INVALID, 0,
			       "%s: a user or password in the URL is not "
			       "accepted",
			       name);
	if (has_part(url, CURLUPART_FRAGMENT))
		return err_set(e, ERR_INVALID, 0,
			       "%s: the URL must not have a #fragment", name);
	*ret = parsed;
	return 0;
}

int
net_url_join(const char *base, const char *location, char **ret, struct err *e)
{
	owned_url CURLU *url = curl_url();
	struct net_url from, to;
	char *text = NULL;
	int rc = -1;

	if (url == NULL || net_url_parse("URL", base, &from, e) < 0 ||
	    curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, location, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return err_set(e, ERR_INVALID, 0, "redirect to no URL");
	if (net_url_parse("redirect", text, &to, e) == 0)
		rc = from.is_tls && !to.is_tls
			     ? err_set(e, ERR_DENIED, 0,
				       "redirect from https to http")
			     : 0;
	*ret = rc == 0 ? strdup(text) : NULL;
	curl_free(text);
	return rc;
}
