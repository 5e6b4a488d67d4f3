/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.c - argon2id by libsodium.
 *
 * Responsible for what a stolen database is worth and for what the time of an
 * answer tells.  Each hash takes 64 MiB, so a semaphore bounds how many run at
 * once: a flood of logins costs its senders time, not this machine its memory.
 * Passwords are never logged and never leave the caller's buffer.
 */
#include "api/auth/password.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <string.h>

#include "supervisor/base/str.h"

#define HASHES_AT_ONCE 2
#define HASH_OPS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define HASH_MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES,
	       "a hash fits the user's record");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t places;
static bool is_ready;

/*
 * Verified in place of the hash of a user that does not exist.  Its password
 * is random and forgotten; the parameters are those of real hashes.
 */
static char nobody_hash[PASSWORD_HASH_SIZE];

static void
init_once(void)
{
	unsigned char secret[32];

	if (sodium_init() < 0 || sem_init(&places, 0, HASHES_AT_ONCE) < 0)
		return;
	randombytes_buf(secret, sizeof(secret));
	is_ready =
		crypto_pwhash_str(nobody_hash, (const char *)secret,
				  sizeof(secret), HASH_OPS, HASH_MEMORY) == 0;
	sodium_memzero(secret, sizeof(secret));
}

static int
init(struct err *e)
{
	pthread_once(&once, init_once);
	if (!is_ready)
		return err_set(e, ERR_IO, 0,
			       "password hashing could not be set up: "
			       "not enough memory or no random numbers");
	return 0;
}

static void
place_take(void)
{
	while (sem_wait(&places) < 0 && errno == EINTR)
		;
}

static void
place_give(void)
{
	(void)sem_post(&places);
}

int
password_check(const char *password, struct err *e)
{
	size_t len = strlen(password);

	if (len < PASSWORD_MIN_BYTES)
		return err_set(e, ERR_INVALID, 0,
			       "a password has at least %d bytes",
			       PASSWORD_MIN_BYTES);
	if (len > PASSWORD_MAX_BYTES)
		return err_set(e, ERR_INVALID, 0,
			       "a password has at most %d bytes",
			       PASSWORD_MAX_BYTES);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)password[i] < 0x20 || password[i] == 0x7f)
			return err_set(e, ERR_INVALID, 0,
				       "a password has no control characters");
	return 0;
}

static bool
is_name_char(char c, bool is_first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_')
		return true;
	return !is_first && (c == '.' || c == '-' || c == '@');
}

int
username_check(const char *username, struct err *e)
{
	size_t len = strlen(username);
	bool is_good = len >= 1 && len <= USERNAME_MAX_BYTES;

	for (size_t i = 0; is_good && i < len; i++)
		is_good = is_name_char(username[i], i == 0);
	if (!is_good)
		return err_set(e, ERR_INVALID, 0,
			       "a user name is 1 to %d of A-Z a-z 0-9 _ . @ - "
			       "and does not begin with . @ or -",
			       USERNAME_MAX_BYTES);
	return 0;
}

int
password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE],
	      struct err *e)
{
	char hash[PASSWORD_HASH_SIZE] = "";
	int rc;

	if (init(e) < 0 || password_check(password, e) < 0)
		return -1;
	place_take();
	rc = crypto_pwhash_str(hash, password, strlen(password), HASH_OPS,
			       HASH_MEMORY);
	place_give();
	if (rc != 0)
		return err_set(e, ERR_IO, ENOMEM, "hash password");
	memcpy(ret_hash, hash, sizeof(hash));
	return 0;
}

int
password_verify(const char *hash, const char *password, bool *ret_matches,
		struct err *e)
{
	size_t len = strlen(password);
	int rc;

	if (init(e) < 0)
		return -1;
	if (len > PASSWORD_MAX_BYTES) {
		*ret_matches = false;
		return 0;
	}
	place_take();
	errno = 0;
	rc = crypto_pwhash_str_verify(hash != NULL ? hash : nobody_hash,
				      password, len);
	place_give();
	/* libsodium says a mismatch with EINVAL or no errno at all. */
	if (rc != 0 && errno == ENOMEM)
		return err_set(e, ERR_IO, ENOMEM, "verify password");
	*ret_matches = rc == 0 && hash != NULL;
	return 0;
}

int
password_generate(char ret_password[PASSWORD_GENERATED_SIZE], struct err *e)
{
	/* No 0 O 1 l I: it is read from a terminal and typed. */
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	_Static_assert(sizeof(letters) - 1 == 32, "5 bits a character");
	if (init(e) < 0)
		return -1;
	for (size_t i = 0; i < PASSWORD_GENERATED_SIZE - 1; i++)
		ret_password[i] =
			letters[randombytes_uniform(sizeof(letters) - 1)];
	ret_password[PASSWORD_GENERATED_SIZE - 1] = '\0';
	return 0;
}
