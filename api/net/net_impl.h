/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_impl.h - what the files of this folder share of struct net.
 */
#ifndef PC_API_NET_NET_IMPL_H
#define PC_API_NET_NET_IMPL_H

#include <curl/curl.h>

#include "api/net/broker.h"
#include "api/net/net.h"

struct net {
	int broker_fd;
	struct guard guard; /* as the broker has it */
	/*
	 * Certificates of the system and of PROMPTCRAFT_CA_FILE, as PEM: read
	 * at the start, the process cannot open them later.
	 */
	char *ca;
	size_t ca_len;
};

/*
 * A handle with what all have in common: no signals, no proxy, no redirects, no
 * reuse, certificates checked; its only connection is *sock, which it takes.
 */
int net_easy_new(const struct net *net, int *sock, CURL **ret, struct err *e);

#endif
