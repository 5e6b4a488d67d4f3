/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - see digest.h.  What is hashed is JSON with sorted keys, so that
 * the same content has the same digest after being stored and read again.
 */
#include "api/workflow/digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

void
digest_bytes(const void *bytes, size_t len, char ret[DIGEST_HEX_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	str_hex(ret, hash, sizeof(hash));
}

static int
hash_chunk(const char *bytes, size_t len, void *arg)
{
	return crypto_hash_sha256_update(arg, (const unsigned char *)bytes,
					 len);
}

void
digest_json(const json_t *value, char ret[DIGEST_HEX_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state sha;
	int rc;

	crypto_hash_sha256_init(&sha);
	rc = json_dump_callback(value, hash_chunk, &sha,
				JSON_COMPACT | JSON_SORT_KEYS |
					JSON_ENCODE_ANY);
	/* Only memory can be lacking; half a digest must not pass for one. */
	assert(rc == 0);
	(void)rc;
	crypto_hash_sha256_final(&sha, hash);
	str_hex(ret, hash, sizeof(hash));
}

void
digest_program(const struct workflow_state *state, char ret[DIGEST_HEX_SIZE])
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	json_t *program =
		json_pack("{s:O*, s:O*}", "code",
			  json_object_get(artifacts, "generated_code"),
			  "program", workflow_state_part(state, "program"));

	digest_json(program, ret);
	json_decref(program);
}

static json_t *
shown_object(const struct workflow_state *state)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	const json_t *results = json_object_get(artifacts, "test_results");

	return json_pack(
		"{s:s, s:s, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*}",
		"format", "promptcraft approval 1", "workflow_id",
		state->meta.workflow_id, "goal",
		json_object_get(state->doc, "goal"), "code",
		json_object_get(artifacts, "generated_code"), "documentation",
		json_object_get(artifacts, "documentation"), "program",
		workflow_state_part(state, "program"), "sources",
		workflow_state_part(state, "sources"), "results", results,
		"analysis", json_object_get(artifacts, "security_report"),
		"policy", json_object_get(results, "policy"));
}

char *
digest_shown(const struct workflow_state *state, size_t *ret_len)
{
	json_t *shown = shown_object(state);
	char *text = NULL;

	if (shown != NULL)
		text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(shown);
	*ret_len = text != NULL ? strlen(text) : 0;
	return text;
}

void
digest_workflow(const struct workflow_state *state, char ret[DIGEST_HEX_SIZE])
{
	size_t len;
	char *text = digest_shown(state, &len);

	/* Only memory can be lacking; half a digest must not pass for one. */
	assert(text != NULL);
	digest_bytes(text, len, ret);
	free(text);
}

/* ---- ids ------------------------------------------------------------- */

static void
uuid_text(const unsigned char bytes[16], char ret_id[40])
{
	char hex[33];

	str_hex(hex, bytes, 16);
	snprintf(ret_id, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		 hex + 12, hex + 16, hex + 20);
}

void
digest_job_id(const char *workflow_id, uint32_t step, uint32_t attempt,
	      char ret_id[40])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[96];
	int n = snprintf(text, sizeof(text), "%s/%u/%u", workflow_id, step,
			 attempt);

	assert(n > 0 && (size_t)n < sizeof(text));
	crypto_hash_sha256(hash, (const unsigned char *)text,
			   (unsigned long long)n);
	hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80); /* version 8 */
	hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
	uuid_text(hash, ret_id);
}

void
digest_approval_id(const char *workflow_id, uint32_t step, uint32_t round,
		   char ret_id[40])
{
	unsigned char mask[crypto_hash_sha256_BYTES], bytes[16];
	char text[64];
	size_t len = 0;
	int n = snprintf(text, sizeof(text), "promptcraft approval/%u/%u", step,
			 round);

	assert(n > 0 && (size_t)n < sizeof(text));
	crypto_hash_sha256(mask, (const unsigned char *)text,
			   (unsigned long long)n);
	n = sodium_hex2bin(bytes, sizeof(bytes), workflow_id,
			   strlen(workflow_id), "-", &len, NULL);
	/* Ids that clients sent were checked before. */
	assert(n == 0 && len == sizeof(bytes));
	mask[6] &= 0x0f; /* version and variant stay as they are */
	mask[8] &= 0x3f;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] ^= mask[i];
	uuid_text(bytes, ret_id);
}

void
digest_approval_workflow(const char *approval_id, uint32_t step, uint32_t round,
			 char ret_workflow_id[40])
{
	digest_approval_id(approval_id, step, round, ret_workflow_id);
}
