/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h - account names and passwords: what is allowed, hashing with
 * argon2id, verification.  Used by the API and the CLI, from any thread.
 */
#ifndef PC_API_PASSWORD_H
#define PC_API_PASSWORD_H

#include <stdbool.h>

#include "supervisor/base/err.h"

#define PASSWORD_MIN_BYTES 8
#define PASSWORD_MAX_BYTES 256
#define PASSWORD_HASH_SIZE 128
#define PASSWORD_GENERATED_SIZE 33
#define USERNAME_MAX_BYTES 63

/* ERR_INVALID with the rule that is broken. */
int password_check(const char *password, struct err *e);
/* 1..63 of [A-Za-z0-9._@-], the first one a letter or digit or '_'. */
int username_check(const char *username, struct err *e);

/*
 * Hash for store_user.password_hash.  Takes about 0.1 s and 64 MiB; at most
 * two run at a time in this process, others wait.
 */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE],
		  struct err *e);

/*
 * Does password belong to hash?  With hash NULL (no such user) the same work
 * is done and the answer is false, so that time does not tell who exists.
 * A failure of our own (no memory) is -1, not "wrong password".
 */
int password_verify(const char *hash, const char *password, bool *ret_matches,
		    struct err *e);

/* A random password of 32 characters, 160 bits. */
int password_generate(char ret_password[PASSWORD_GENERATED_SIZE],
		      struct err *e);

#endif
