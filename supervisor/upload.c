/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload.c - see upload.h.
 */
#include "supervisor/upload.h"

#include <sys/mman.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

int
upload_begin(struct upload *u, const union wire_message *request,
	     const char *what, uint32_t bytes, uint32_t most, struct err *e)
{
	if (bytes == 0 || bytes > most)
		return err_set(e, ERR_LIMIT, 0,
			       "%s: %u bytes, allowed are 1 to %u", what, bytes,
			       most);
	*u = UPLOAD_INIT;
	u->request = *request;
	u->left = bytes;
	u->is_wanted = true;
	u->started_us = clock_mono_us();
	u->deadline_us = u->started_us + UPLOAD_US;
	crypto_hash_sha256_init(&u->hash);
	return 0;
}

int
upload_keep(struct upload *u, struct err *e)
{
	u->memfd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return u->memfd < 0 ? err_sys(e, "bundle: create memfd") : 0;
}

void
upload_skip(struct upload *u, uint32_t bytes)
{
	fd_close(&u->memfd);
	u->is_wanted = false;
	u->left = bytes;
}

int
upload_add(struct upload *u, const void *bytes, size_t len, struct err *e)
{
	if (len > u->left)
		return err_set(e, ERR_PEER, 0, "%zu bytes, expected %u", len,
			       u->left);
	u->left -= (uint32_t)len;
	if (!u->is_wanted)
		return 0;
	crypto_hash_sha256_update(&u->hash, bytes, len);
	if (u->memfd >= 0 && fd_write_all(u->memfd, bytes, len) < 0)
		return err_sys(e, "bundle: keep it");
	return 0;
}

int
upload_finish(struct upload *u, uint8_t ret_sha256[32], int *ret_fd,
	      struct err *e)
{
	u->is_wanted = false;
	crypto_hash_sha256_final(&u->hash, ret_sha256);
	if (u->memfd >= 0 && fd_seal(u->memfd) < 0)
		return err_sys(e, "bundle: seal it");
	*ret_fd = fd_take(&u->memfd);
	return 0;
}

void
upload_done(struct upload *u)
{
	upload_skip(u, 0);
}
