/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - from the bytes of a request body to a JSON object.
 */
#ifndef PC_API_BODY_H
#define PC_API_BODY_H

#include "api/http/http.h"

#define BODY_DEPTH_MAX 32
#define BODY_VALUES_MAX 100000

/*
 * *ret_object is the caller's.  Otherwise -1 and res filled: 400 for what is
 * not JSON (with line and column), 413 for too many or too deeply nested
 * values, 422 for what is no object or has a NUL in a string (field named).
 */
int body_parse(const char *bytes, size_t len, json_t **ret_object,
	       struct http_response *res);

/* Is this Content-Type (NULL: none given) one that we read? */
bool body_is_json_type(const char *content_type);

#endif
