/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - what a route handler sees of HTTP.  The server (libmicrohttpd) has
 * parsed, limited, authenticated and rate-limited the request before a
 * handler runs; the handler validates, acts and fills the response.
 */
#ifndef PC_API_HTTP_H
#define PC_API_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "api/store/store.h"

struct http_user { /* who sent the request; from the token and the store */
	char user_id[40];
	char username[64];
	enum user_role role;
};

struct http_request {
	const char *method;
	const char *path;
	const char *id;		/* what matched {id} in the pattern, or NULL */
	json_t *body;		/* parsed JSON object; NULL if route has none */
	struct http_user user;	/* all zero on a public route */
	char address[48];	/* of the client, as text */
	const char *request_id; /* what X-Request-Id of the answer says */
	void *connection;	/* for http_query() */
	int gone_fd; /* HTTP_SLOW: readable as soon as the client has gone or
			the process stops, and nobody wants the answer */
};

struct http_response {
	int status;		/* 0 is turned into 500 */
	json_t *body;		/* owned: the server decrefs it */
	uint32_t retry_after_s; /* >0: Retry-After header */
};

typedef void (*http_handler)(struct api *api, const struct http_request *req,
			     struct http_response *res);

enum http_flag {
	HTTP_PUBLIC = 1u << 0,	 /* no token needed */
	HTTP_APPROVER = 1u << 1, /* role approver or admin */
	HTTP_ADMIN = 1u << 2,
	HTTP_BODY = 1u << 3,  /* a JSON object body is required */
	HTTP_SLOW = 1u << 4,  /* may block for minutes: runs on a worker \
				 thread while the connection is suspended */
	HTTP_BRIEF = 1u << 5, /* may block for seconds: the same, but on
				 threads that no job can occupy */
};

struct http_route {
	const char *method;
	const char *pattern; /* "/api/v3/execute/status/{id}" */
	uint32_t flags;
	const char *rate_operation; /* "execute", ...; NULL: not limited */
	http_handler handler;
};

/* The whole surface, in api/http/routes.c; ends with a NULL method. */
extern const struct http_route http_routes[];

/* Value of a query parameter, or NULL; lives as long as the request. */
const char *http_query(const struct http_request *req, const char *name);

/*
 * RFC 9457 problem details: status, "title" from the status, "detail" (the
 * sentence a person reads: what is wrong and what would be right) and, if not
 * NULL, "field" (dotted name of the offending field: "context.files[2].path").
 */
void http_problem(struct http_response *res, int status, const char *field,
		  const char *detail_fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Map *e to a problem: INVALID 422, DENIED 403, NOT_FOUND 404, CONFLICT 409,
 * BUSY and PEER 503, LIMIT 413, others 500 without inner text (logged). */
void http_problem_from_err(struct http_response *res, const struct err *e);

/* 200 (or status) with body; takes the reference. */
void http_json(struct http_response *res, int status, json_t *body);

/* ---- validation of JSON input by table (api/http/fields.c) ----------- */

enum field_type {
	FIELD_STRING,  /* min, max: bytes of UTF-8; no NUL inside */
	FIELD_INTEGER, /* min, max: value */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_OBJECT, /* sub, sub_len: its fields, if given */
	FIELD_ARRAY,  /* min, max: length; sub: one field for each element */
	FIELD_ENUM,   /* choices */
};

#define FIELD_REQUIRED 1u
#define FIELD_NULLABLE 2u
#define FIELD_CLOSED 4u /* object: a key that is not in sub is an error */

struct field {
	const char *name;
	enum field_type type;
	uint32_t flags;
	int64_t min, max;
	const char *const *choices; /* NULL-terminated */
	const struct field *sub;
	size_t sub_len;
};

/*
 * Check object against the table; on the first fault fills res (422, field
 * named with its dotted path) and returns -1.
 */
int fields_check(const json_t *object, const struct field *table, size_t len,
		 struct http_response *res);

#endif
