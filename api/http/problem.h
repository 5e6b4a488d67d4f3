/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - what the server itself needs of problem.c beside http.h: the
 * request id that is in force on this thread.
 */
#ifndef PC_API_PROBLEM_H
#define PC_API_PROBLEM_H

#define HTTP_REQUEST_ID_SIZE 33

/* Name the request that this thread works for; NULL: none any more. */
void http_request_id_set(const char *id);
/* "-" outside a request. */
const char *http_request_id(void);

/* "Not Found"; "Error" for a status that the API never sends. */
const char *http_status_title(int status);

#endif
