/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.c - a model's answer as JSON, to be put on the disk before it is used,
 * and back.  What went wrong with it is a part of it: an answer without use is
 * paid for, too, and is not asked for again.
 */
#include <errno.h>
#include <string.h>

#include "api/agents/model.h"
#include "api/json.h"
#include "supervisor/base/str.h"

static const char *const charges[] = {
	[MODEL_CHARGE_NONE] = "none",
	[MODEL_CHARGE_UNKNOWN] = "unknown",
	[MODEL_CHARGE_TOKENS] = "tokens",
};

json_t *
model_reply_to_json(const struct model_reply *reply, const struct err *failure)
{
	json_t *kept =
		json_pack("{s:b, s:s, s:I, s:I, s:I}", "is_cut", reply->is_cut,
			  "charge", charges[reply->charge], "tokens_in",
			  (json_int_t)reply->tokens_in, "tokens_out",
			  (json_int_t)reply->tokens_out, "retry_after_s",
			  (json_int_t)reply->retry_after_s);
	int rc = kept != NULL ? 0 : -1;

	if (rc == 0 && failure != NULL)
		rc = json_object_set_new(kept, "error",
					 json_pack("{s:s, s:s}", "kind",
						   err_kind_name(failure->kind),
						   "text", failure->text));
	else if (rc == 0)
		rc = json_object_set_new(kept, "text",
					 json_stringn(reply->text, reply->len));
	if (rc == 0)
		return kept;
	json_decref(kept);
	return NULL;
}

static int
set_failure(const json_t *failure, struct err *e)
{
	for (int kind = ERR_NONE + 1; kind < ERR_KIND_COUNT; kind++)
		if (strcmp(err_kind_name((enum err_kind)kind),
			   json_text(failure, "kind")) == 0)
			return err_set(e, (enum err_kind)kind, 0, "%s",
				       json_text(failure, "text"));
	return err_set(e, ERR_INVALID, 0, "%s", json_text(failure, "text"));
}

int
model_reply_from_json(const json_t *kept, struct model_reply *ret,
		      struct err *e)
{
	const json_t *text = json_object_get(kept, "text");
	struct model_reply reply = {
		.is_answered = true,
		.is_cut = json_is_true(json_object_get(kept, "is_cut")),
		.tokens_in = (uint64_t)json_integer_value(
			json_object_get(kept, "tokens_in")),
		.tokens_out = (uint64_t)json_integer_value(
			json_object_get(kept, "tokens_out")),
		.retry_after_s = (uint32_t)json_integer_value(
			json_object_get(kept, "retry_after_s")),
		.charge = MODEL_CHARGE_UNKNOWN,
	};

	for (size_t i = 0; i < ARRAY_LEN(charges); i++)
		if (strcmp(charges[i], json_text(kept, "charge")) == 0)
			reply.charge = (enum model_charge)i;
	*ret = reply;
	if (!json_is_string(text))
		return set_failure(json_object_get(kept, "error"), e);
	ret->len = json_string_length(text);
	ret->text = strdup(json_string_value(text));
	if (ret->text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "take the kept answer");
	return 0;
}
