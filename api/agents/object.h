/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - the JSON object in a model's answer.  Models put prose or a fence
 * around what they were asked for; what stands outside of the outermost braces
 * is passed over.  The answer is untrusted: what the object has in it is the
 * caller's to check, member by member.
 */
#ifndef PC_API_AGENTS_OBJECT_H
#define PC_API_AGENTS_OBJECT_H

#include <jansson.h>
#include <stddef.h>

#include "supervisor/base/err.h"

/*
 * A new reference.  ERR_INVALID: there is none, or none that is plain: a member
 * twice, a NUL, more than one object.
 */
int answer_object_read(const char *text, size_t len, json_t **ret,
		       struct err *e);

#endif
