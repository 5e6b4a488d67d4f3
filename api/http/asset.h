/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asset.h - files that are part of the program: the OpenAPI document and the
 * page that shows it.  They are public and the same for everybody, so clients
 * may keep them and ask by ETag whether they are still right.
 */
#ifndef PC_API_ASSET_H
#define PC_API_ASSET_H

#include <stddef.h>

struct http_asset {
	const char *path;   /* of its route */
	const char *type;   /* Content-Type */
	const char *policy; /* Content-Security-Policy; NULL: none */
	const unsigned char *begin, *end;
};

/* NULL: there is none at this path. */
const struct http_asset *asset_find(const char *path);
size_t asset_len(const struct http_asset *asset);
/* It follows from the bytes, and is made once for all of them. */
const char *asset_etag(const struct http_asset *asset);

#endif
