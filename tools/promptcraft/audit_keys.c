/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_keys.c - head, keys and signatures of an audit log.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/audit.h"

int
audit_hex(const char *hex, size_t size, uint8_t *ret)
{
	size_t len = 0;

	if (hex == NULL || strlen(hex) != 2 * size ||
	    strspn(hex, "0123456789abcdef") != 2 * size)
		return -1;
	return sodium_hex2bin(ret, size, hex, 2 * size, NULL, &len, NULL) == 0
		       ? 0
		       : -1;
}

void
audit_log_id(const uint8_t public_key[AUDIT_KEY_SIZE],
	     uint8_t ret[AUDIT_LOG_ID_SIZE])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, public_key, AUDIT_KEY_SIZE);
	memcpy(ret, hash, AUDIT_LOG_ID_SIZE);
}

/* The message as audit_format.h says, in the order of its fields. */
bool
audit_is_signed(const uint8_t public_key[AUDIT_KEY_SIZE], uint64_t file,
		uint64_t seq, const uint8_t hash[AUDIT_HASH_SIZE],
		const uint8_t sig[AUDIT_SIG_SIZE])
{
	struct {
		char domain[sizeof(AUDIT_SIGN_DOMAIN) - 1];
		uint8_t log_id[AUDIT_LOG_ID_SIZE];
		uint8_t file[8], seq[8];
		uint8_t hash[AUDIT_HASH_SIZE];
	} message;

	_Static_assert(sizeof(message) == AUDIT_SIGNED_SIZE, "no padding");
	memcpy(message.domain, AUDIT_SIGN_DOMAIN, sizeof(message.domain));
	audit_log_id(public_key, message.log_id);
	for (unsigned i = 0; i < 8; i++) {
		message.file[i] = (uint8_t)(file >> (8 * i));
		message.seq[i] = (uint8_t)(seq >> (8 * i));
	}
	memcpy(message.hash, hash, sizeof(message.hash));
	return crypto_sign_verify_detached(sig, (const uint8_t *)&message,
					   sizeof(message), public_key) == 0;
}

/* ---- head ------------------------------------------------------------ */

static bool
get_u64(const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

static bool
get_hex(const json_t *object, const char *key, size_t size, uint8_t *ret)
{
	return audit_hex(json_string_value(json_object_get(object, key)), size,
			 ret) == 0;
}

static bool
parse_head(const json_t *json, struct audit_head *h)
{
	const char *boot = json_string_value(json_object_get(json, "boot"));

	return boot != NULL &&
	       str_copy(h->boot_id, sizeof(h->boot_id), boot) == 0 &&
	       get_hex(json, "log", sizeof(h->log_id), h->log_id) &&
	       get_u64(json, "synced", &h->synced) &&
	       get_u64(json, "file", &h->file) &&
	       get_u64(json, "count", &h->count) &&
	       get_hex(json, "hash", sizeof(h->hash), h->hash) &&
	       get_hex(json, "sig", sizeof(h->sig), h->sig);
}

static int
read_head(const struct audit_files *files, struct audit_head *ret,
	  struct err *e)
{
	char text[AUDIT_HEAD_SIZE];
	owned_fd int fd = openat(files->state_dir, AUDIT_HEAD_FILE,
				 O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text));
	struct audit_head h = {0};
	json_t *json;
	bool is_good;

	/* Empty it is for a moment when it is made. */
	if ((fd < 0 && errno == ENOENT) || n == 0)
		return err_set(e, ERR_NOT_FOUND, 0, AUDIT_HEAD_FILE " is gone");
	if (n < 0)
		return err_sys(e, "read " AUDIT_HEAD_FILE);
	json = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	is_good = n == AUDIT_HEAD_SIZE && parse_head(json, &h);
	json_decref(json);
	if (!is_good)
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_HEAD_FILE " is damaged");
	*ret = h;
	return 0;
}

void
audit_pause(void)
{
	const struct timespec t = {.tv_nsec = 20000000};

	(void)nanosleep(&t, NULL);
}

/*
 * Nothing keeps a read(2) from seeing half of a write(2) at the same moment,
 * and halves of two heads may well be JSON: only the signature tells.
 */
int
audit_head_read(const struct audit_files *files,
		const uint8_t key[AUDIT_KEY_SIZE], struct audit_head *ret,
		struct err *e)
{
	uint8_t log_id[AUDIT_LOG_ID_SIZE];
	struct audit_head h;
	int rc = -1;

	for (int i = 0; i < AUDIT_PATIENCE; i++) {
		if (i > 0)
			audit_pause();
		rc = read_head(files, &h, e);
		if (rc < 0 && e->kind != ERR_INVALID)
			return -1;
		if (rc == 0 &&
		    audit_is_signed(key, h.file, h.count, h.hash, h.sig)) {
			*ret = h;
			return 0;
		}
	}
	if (rc < 0)
		return -1;
	audit_log_id(key, log_id);
	return err_set(e, ERR_INVALID, 0,
		       memcmp(h.log_id, log_id, sizeof(log_id)) != 0
			       ? AUDIT_HEAD_FILE ": it is of another log, or "
						 "the key was replaced"
			       : AUDIT_HEAD_FILE ": its signature is wrong");
}

/* ---- keys ------------------------------------------------------------ */

static int
read_key(int dir, const char *path, uint8_t ret[AUDIT_KEY_SIZE], struct err *e)
{
	char text[2 * AUDIT_KEY_SIZE + 2] = "";
	owned_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n =
		fd < 0 ? -1 : fd_read_full(fd, text, 2 * AUDIT_KEY_SIZE + 1);
	int rc;

	if (n < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			       errno, "read %s", path);
	text[strcspn(text, "\n")] = '\0';
	rc = audit_hex(text, AUDIT_KEY_SIZE, ret);
	sodium_memzero(text, sizeof(text));
	return rc < 0 ? err_set(e, ERR_INVALID, 0, "%s: not a key", path) : 0;
}

int
audit_public_key(const struct audit_files *files, uint8_t ret[AUDIT_KEY_SIZE],
		 bool *ret_differs, struct err *e)
{
	uint8_t seed[AUDIT_KEY_SIZE], derived[AUDIT_KEY_SIZE], secret[64];
	struct err ignored = ERR_INIT;

	if (read_key(files->dir, AUDIT_PUBLIC_FILE, ret, e) < 0)
		return -1;
	*ret_differs = false;
	/* A copy that is checked elsewhere has no secret key. */
	if (read_key(files->dir, AUDIT_KEY_FILE, seed, &ignored) < 0)
		return 0;
	(void)crypto_sign_seed_keypair(derived, secret, seed);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(secret, sizeof(secret));
	*ret_differs = memcmp(derived, ret, sizeof(derived)) != 0;
	return 0;
}

int
audit_parse_key(const char *text, uint8_t ret[AUDIT_KEY_SIZE], struct err *e)
{
	if (audit_hex(text, AUDIT_KEY_SIZE, ret) == 0)
		return 0;
	return read_key(AT_FDCWD, text, ret, e);
}
