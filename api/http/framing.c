/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framing.c - see framing.h.
 *
 * Two statements of a body's length are how requests are smuggled past a proxy
 * that believes the other one (RFC 9112, 6.3).  With an encoding other than
 * "chunked" libmicrohttpd takes all that follows on the connection, other
 * people's requests too, for the body.  A length whose name has a blank before
 * the colon is none for libmicrohttpd, and is one for those who forgive it
 * (5.1).  HTTP/1.0 knows no chunks: who speaks it sees no end there (6.1).
 */
#include "api/http/framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct framing {
	unsigned lengths, encodings;
	bool is_unknown;  /* an encoding that is not just "chunked" */
	bool is_misnamed; /* a header's name that is no token */
};

static bool
is_token(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *p = name;

	for (; *p != '\0'; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
		    !(*p >= '0' && *p <= '9') && strchr(others, *p) == NULL)
			return false;
	return p > name;
}

static enum MHD_Result
count(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct framing *framing = cls;

	(void)kind;
	if (!is_token(key)) {
		framing->is_misnamed = true;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		framing->lengths++;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		framing->encodings++;
		if (value == NULL || strcasecmp(value, "chunked") != 0)
			framing->is_unknown = true;
	}
	return MHD_YES;
}

const char *
framing_fault(struct MHD_Connection *connection, const char *version)
{
	struct framing framing = {0};

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count,
					&framing);
	if (framing.is_misnamed)
		return "a header's name has letters, digits and signs only, "
		       "and no blank before its colon";
	if (framing.lengths + framing.encodings > 1 || framing.is_unknown)
		return "the length of the body must be given once, by "
		       "Content-Length or Transfer-Encoding: chunked";
	if (framing.encodings > 0 && strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
		return "Transfer-Encoding needs HTTP/1.1";
	return NULL;
}
