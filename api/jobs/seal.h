/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - who wrote a line of the result stream?
 *
 * A runner that shares its process with the code under test announces a key in
 * the start record, which it writes before it loads any of that code, and ends
 * each later line with
 *
 *   ,"mac":"<64 hex digits>"}
 *
 * HMAC-SHA256 over the line's number (8 bytes, little-endian, the start record
 * is 0) and all of the line before that.  A line that was changed, made up,
 * left out or put elsewhere does not verify.
 */
#ifndef PC_API_JOBS_SEAL_H
#define PC_API_JOBS_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_SIZE 32

struct seal {
	bool has_key;
	uint8_t key[SEAL_KEY_SIZE];
	uint64_t number; /* of the next line */
};

/* hex: 64 hex digits, else -1. */
int seal_set_key(struct seal *seal, const char *hex);

/* Was the next line written with the key?  Always true without a key. */
bool seal_check(struct seal *seal, const char *line, size_t len);

#endif
