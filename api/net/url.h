/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h - what of a URL decides where a connection goes.  Parsed by libcurl,
 * which later uses the same text, so that both see the same host.
 */
#ifndef PC_API_NET_URL_H
#define PC_API_NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "api/net/guard.h"
#include "supervisor/base/err.h"

#define NET_URL_MAX 2048

struct net_url {
	char host[GUARD_HOST_SIZE]; /* of an IPv6 address: without brackets */
	uint16_t port;
	bool is_tls;
};

/*
 * http or https, printable ASCII, no user or password, no fragment.  The error
 * begins with name (a setting, a field) and never repeats the URL, which may
 * be a secret.
 */
int net_url_parse(const char *name, const char *text, struct net_url *ret,
		  struct err *e);
/*
 * What a Location header means, relative to where it came from; malloc'd.  Not
 * from https to http.
 */
int net_url_join(const char *base, const char *location, char **ret,
		 struct err *e);

#endif
