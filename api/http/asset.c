/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asset.c - see asset.h.  The bytes are in the program itself, so that nothing
 * has to be found, read or allowed when it runs; the Makefile makes them
 * (ASSETS) from api/http/openapi and api/http/docs.
 */
#include "api/http/asset.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "api/http/handlers.h"
#include "supervisor/base/str.h"

#define ETAG_BYTES 16
#define ETAG_SIZE                                                              \
	((size_t)2 * ETAG_BYTES + sizeof("\"\"")) /* with its quotes */

/* The assembler finds the file where the compiler finds headers. */
#define EMBED(name, file)                                                      \
	__asm__(".pushsection .rodata\n"                                       \
		".global " name ", " name "_end\n" name ":\n"                  \
		".incbin \"" file "\"\n" name "_end:\n"                        \
		".byte 0\n"                                                    \
		".popsection\n")

EMBED("asset_openapi", "openapi.json");
EMBED("asset_docs", "docs.html");
EMBED("asset_style", "style.css");
EMBED("asset_script", "script.js");

extern const unsigned char asset_openapi[], asset_openapi_end[];
extern const unsigned char asset_docs[], asset_docs_end[];
extern const unsigned char asset_style[], asset_style_end[];
extern const unsigned char asset_script[], asset_script_end[];

/* Nothing from elsewhere, nothing inline, in nobody's frame. */
static const char page_policy[] =
	"default-src 'none'; style-src 'self'; script-src 'self'; "
	"connect-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'";

static const struct http_asset assets[] = {
	{"/openapi.json", "application/json", NULL, asset_openapi,
	 asset_openapi_end},
	{"/docs", "text/html; charset=utf-8", page_policy, asset_docs,
	 asset_docs_end},
	{"/docs/style.css", "text/css; charset=utf-8", page_policy, asset_style,
	 asset_style_end},
	{"/docs/script.js", "text/javascript; charset=utf-8", page_policy,
	 asset_script, asset_script_end},
};

const struct http_asset *
asset_find(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}

size_t
asset_len(const struct http_asset *asset)
{
	return (size_t)((uintptr_t)asset->end - (uintptr_t)asset->begin);
}

static char etags[ARRAY_LEN(assets)][ETAG_SIZE];
static pthread_once_t etags_once = PTHREAD_ONCE_INIT;

static void
make_etags(void)
{
	unsigned char hash[ETAG_BYTES];
	char hex[2 * ETAG_BYTES + 1];

	for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
		crypto_generichash(hash, sizeof(hash), assets[i].begin,
				   asset_len(&assets[i]), NULL, 0);
		str_hex(hex, hash, sizeof(hash));
		(void)str_printf(etags[i], ETAG_SIZE, "\"%s\"", hex);
	}
}

const char *
asset_etag(const struct http_asset *asset)
{
	(void)pthread_once(&etags_once, make_etags);
	return etags[asset - assets];
}

/* Tags have no quotes inside, so one of a list is found by its own. */
static bool
is_known(const struct http_request *req, const char *etag)
{
	const char *tags = http_header(req, "If-None-Match");

	return tags != NULL &&
	       (strcmp(tags, "*") == 0 || strstr(tags, etag) != NULL);
}

void
asset_get(struct api *api, const struct http_request *req,
	  struct http_response *res)
{
	const struct http_asset *asset = asset_find(req->path);

	(void)api;
	if (asset == NULL) {
		http_problem(res, 404, NULL, "there is no such resource");
		return;
	}
	res->asset = asset;
	res->status = is_known(req, asset_etag(asset)) ? 304 : 200;
}
