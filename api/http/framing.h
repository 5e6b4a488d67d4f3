/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framing.h - do all who read a request agree where it ends?
 *
 * Where a proxy and this server differ about that, a client can hide a second
 * request in the body of the first, and have it answered to somebody else.
 */
#ifndef PROMPTCRAFT_API_HTTP_FRAMING_H
#define PROMPTCRAFT_API_HTTP_FRAMING_H

#include <microhttpd.h>

/* NULL: they do.  Else what is wrong; the connection must end with it. */
const char *framing_fault(struct MHD_Connection *connection,
			  const char *version);

#endif
