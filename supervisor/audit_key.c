/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_key.c - the key that signs records.
 *
 * Only the supervisor holds it: the file is root's alone, the page it is kept
 * in reads as zeros in every child from its first instruction, and is in no
 * core dump.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/audit_line.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define HEX_SIZE (2 * AUDIT_KEY_SIZE + 1)

static int
write_hex(int dir_fd, const char *name, mode_t mode,
	  const uint8_t bytes[AUDIT_KEY_SIZE], struct err *e)
{
	char text[HEX_SIZE + 1];
	owned_fd int fd = openat(
		dir_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc;

	str_hex(text, bytes, AUDIT_KEY_SIZE);
	text[HEX_SIZE - 1] = '\n';
	rc = fd < 0 || fchmod(fd, mode) < 0 || /* whatever the umask */
			     fd_write_all(fd, text, HEX_SIZE) < 0 ||
			     fsync(fd) < 0
		     ? -1
		     : 0;
	sodium_memzero(text, sizeof(text));
	return rc < 0 ? err_sys(e, "make %s", name) : 0;
}

static int
read_hex(int dir_fd, const char *name, uint8_t ret[AUDIT_KEY_SIZE],
	 struct err *e)
{
	char text[HEX_SIZE + 1];
	owned_fd int fd =
		openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text));
	int rc;

	if (n < 0)
		return err_sys(e, "read %s", name);
	rc = n != HEX_SIZE || text[HEX_SIZE - 1] != '\n' ||
			     audit_parse_hex(text, AUDIT_KEY_SIZE, ret) < 0
		     ? -1
		     : 0;
	sodium_memzero(text, sizeof(text));
	return rc < 0 ? err_set(e, ERR_INVALID, 0, "%s is damaged", name) : 0;
}

int
audit_key_make(int dir_fd, struct err *e)
{
	uint8_t seed[AUDIT_KEY_SIZE], public_key[AUDIT_KEY_SIZE], secret[64];
	int rc;

	randombytes_buf(seed, sizeof(seed));
	(void)crypto_sign_seed_keypair(public_key, secret, seed);
	rc = write_hex(dir_fd, AUDIT_KEY_FILE, 0600, seed, e);
	if (rc == 0)
		rc = write_hex(dir_fd, AUDIT_PUBLIC_FILE, 0644, public_key, e);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(secret, sizeof(secret));
	return rc;
}

int
audit_key_load(int dir_fd, struct audit_key **ret_key,
	       uint8_t ret_public[AUDIT_KEY_SIZE], struct err *e)
{
	uint8_t seed[AUDIT_KEY_SIZE], stored[AUDIT_KEY_SIZE];
	struct audit_key *key = mmap(NULL, sizeof(*key), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (key == MAP_FAILED)
		return err_sys(e, "map key");
	if (madvise(key, sizeof(*key), MADV_WIPEONFORK) < 0 ||
	    madvise(key, sizeof(*key), MADV_DONTDUMP) < 0) {
		err_sys(e, "protect key");
		audit_key_free(key);
		return -1;
	}
	if (read_hex(dir_fd, AUDIT_KEY_FILE, seed, e) < 0 ||
	    read_hex(dir_fd, AUDIT_PUBLIC_FILE, stored, e) < 0) {
		audit_key_free(key);
		return -1;
	}
	(void)crypto_sign_seed_keypair(ret_public, key->secret, seed);
	sodium_memzero(seed, sizeof(seed));
	if (sodium_memcmp(ret_public, stored, sizeof(stored)) != 0) {
		audit_key_free(key);
		return err_set(e, ERR_INVALID, 0,
			       AUDIT_PUBLIC_FILE " is not of " AUDIT_KEY_FILE
						 ": one was replaced");
	}
	*ret_key = key;
	return 0;
}

void
audit_key_free(struct audit_key *key)
{
	if (key == NULL)
		return;
	sodium_memzero(key, sizeof(*key));
	(void)munmap(key, sizeof(*key));
}

void
audit_log_id_of(const uint8_t public_key[AUDIT_KEY_SIZE],
		uint8_t ret[AUDIT_LOG_ID_SIZE])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, public_key, AUDIT_KEY_SIZE);
	memcpy(ret, hash, AUDIT_LOG_ID_SIZE);
}
