/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.c - see object.h.
 */
#include "api/agents/object.h"

#include <string.h>

int
answer_object_read(const char *text, size_t len, json_t **ret, struct err *e)
{
	const char *begin = len > 0 ? memchr(text, '{', len) : NULL;
	const char *end = len > 0 ? memrchr(text, '}', len) : NULL;
	json_t *object;

	if (begin == NULL || end == NULL || end < begin)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer has no JSON object");
	object = json_loadb(begin, (size_t)(end - begin) + 1,
			    JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is no JSON object");
	*ret = object;
	return 0;
}
