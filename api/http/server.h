/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the HTTP server as main() sees it.
 */
#ifndef PC_API_SERVER_H
#define PC_API_SERVER_H

#include <stdint.h>

#include "api/api.h"
#include "supervisor/base/err.h"

struct http_server;

/*
 * A listening TCP socket on config's host and port, owned by the caller; done
 * before privileges are dropped.  *ret_port is the port it got.
 */
int http_listen(const struct api_config *config, int *ret_fd,
		uint16_t *ret_port, struct err *e);

/* Serves http_routes on listen_fd, which it owns from then on, also if -1. */
int http_server_start(struct api *api, int listen_fd, struct http_server **ret,
		      struct err *e);

/*
 * Accept no more, let running requests end (api->stop_fd must be readable
 * before: it is what ends the long ones), close, free.
 */
void http_server_stop(struct http_server *server);

#endif
