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
#include <sys/types.h>

#include "api/api.h"
#include "api/store/store.h"

struct http_user { /* who sent the request; from the token and the store */
	char user_id[40];
	char username[64];
	enum user_role role;
	uint32_t token_version;	  /* of the token that was sent */
	uint64_t token_expires_s; /* wall clock */
};

struct http_request {
	const char *method;
	const char *path;
	const char *id;		/* what matched {id} in the pattern, or NULL */
	json_t *body;		/* parsed JSON object; NULL if route has none */
	struct http_user user;	/* all zero on a public route */
	char address[48];	/* of the client (forwarded.h), as text */
	const char *request_id; /* what X-Request-Id of the answer says */
	void *connection;	/* for http_query() */
	/* HTTP_WORKFLOW: how the store has it; workflow_id "": not there */
	const struct store_workflow_meta *workflow;
	/*
	 * With an Idempotency-Key: the id of what the request makes, the same
	 * each time it is sent.  NULL without.
	 */
	const char *once_id;
	bool is_retry; /* it may have run already, and nobody knows how far */
	int gone_fd;   /* HTTP_SLOW: readable as soon as the client has gone or
			  the process stops, and nobody wants the answer */
};

/* The text of an answer; many may hold it. */
struct http_text;

/* How all our JSON is written: 2.842 is not to be 2.8420000000000001. */
#define HTTP_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

/* Takes the JSON, NULL too; NULL without memory. */
struct http_text *http_text_new(json_t *body);
struct http_text *http_text_ref(struct http_text *text);
void http_text_unref(struct http_text *text);  /* NULL is ignored */
char *http_text_bytes(struct http_text *text); /* not to be changed */
size_t http_text_len(const struct http_text *text);

/* An answer without end: text/event-stream, sent as its source has more. */
struct http_stream;

#define HTTP_STREAM_WAIT 0 /* nothing now: http_stream_wake() tells when */
#define HTTP_STREAM_END (-1)

struct http_stream_source {
	/* Copy up to max bytes; their number, HTTP_STREAM_WAIT or _END. */
	ssize_t (*read)(void *arg, char *dst, size_t max);
	/* The stream may be woken from here on, until closed() returns. */
	void (*opened)(void *arg, struct http_stream *stream);
	/* The client has gone, or the end is sent: frees arg. */
	void (*closed)(void *arg);
};

/* There is something to read: from any thread, never from read() itself. */
void http_stream_wake(struct http_stream *stream);

struct http_response {
	int status;		/* 0 is turned into 500 */
	json_t *body;		/* owned: the server decrefs it */
	const char *media_type; /* of a body that is no problem; static; NULL:
				   application/json */
	char *text; /* owned, instead of a body: Prometheus text, or a file */
	size_t text_len;		/* of a file */
	char file_name[64];		/* "": no file */
	struct http_text *shared;	/* owned, instead of a body: JSON */
	const struct http_asset *asset; /* instead of a body */
	const struct http_stream_source *source; /* instead of a body */
	void *source_arg;
	uint32_t retry_after_s; /* >0: Retry-After header */
	bool is_replayed;	/* the answer to an earlier request */
	bool is_problem;	/* the body is one of RFC 9457 */
};

typedef void (*http_handler)(struct api *api, const struct http_request *req,
			     struct http_response *res);

enum http_flag {
	HTTP_PUBLIC = 1u << 0,	 /* no token needed */
	HTTP_APPROVER = 1u << 1, /* role approver or admin */
	HTTP_ADMIN = 1u << 2,
	HTTP_BODY = 1u << 3,	   /* a JSON object body is required */
	HTTP_SLOW = 1u << 4,	   /* may block for minutes: runs on a worker \
				      thread while the connection is suspended */
	HTTP_BRIEF = 1u << 5,	   /* may block for seconds: the same, but on
				      threads that no job can occupy */
	HTTP_SCRAPE = 1u << 7,	   /* PROMPTCRAFT_METRICS_TOKEN lets in, too */
	HTTP_IDEMPOTENT = 1u << 6, /* makes or changes something: takes an \
				      Idempotency-Key */
	HTTP_WORKFLOW = 1u << 8,   /* {id} is a workflow: it is looked up \
				      together with the user */
	HTTP_LEGACY = 1u << 9,	   /* kept for old clients; http_successors[] \
				      says since when, and what comes after */
};

struct field_table;

struct http_route {
	const char *method;
	const char *pattern; /* "/api/v3/execute/status/{id}" */
	uint32_t flags;
	const char *rate_operation; /* "execute", ...; NULL: not limited */
	http_handler handler;
	const struct field_table *body; /* HTTP_BODY: its fields */
};

/* The whole surface, in api/http/routes.c; ends with a NULL method. */
extern const struct http_route http_routes[];

struct http_successor {
	const char *pattern;	 /* of the HTTP_LEGACY route */
	const char *deprecation; /* RFC 9745: "@" and the Unix time */
	const char *link;	 /* RFC 8288, of relation successor-version */
};

/* One for each HTTP_LEGACY route; ends with a NULL pattern. */
extern const struct http_successor http_successors[];

#define HTTP_MEDIA_SARIF "application/sarif+json"

/* Value of a query parameter, or NULL; lives as long as the request. */
const char *http_query(const struct http_request *req, const char *name);

/* The same for a header. */
const char *http_header(const struct http_request *req, const char *name);

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

/* res->text and text_len are a file to be kept, never to be shown. */
void http_attachment(struct http_response *res, const char *name);

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

/* What a request's body may have. */
struct field_table {
	const struct field *fields;
	size_t len;
	uint32_t flags; /* FIELD_CLOSED */
};

/*
 * Check object against the table; on the first fault fills res (422, field
 * named with its dotted path) and returns -1.
 */
int fields_check(const json_t *object, const struct field *table, size_t len,
		 struct http_response *res);

#endif
