/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - members of a JSON object, with something for those that are absent
 * or of another type.
 */
#ifndef PC_API_JSON_H
#define PC_API_JSON_H

#include <jansson.h>
#include <stdint.h>

const char *json_text(const json_t *object, const char *name); /* "" */
int64_t json_number(const json_t *object, const char *name);   /* 0 */

#endif
