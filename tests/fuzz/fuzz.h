/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the fuzz targets share: the check that stops a run, and an
 * input that is eaten from its front.
 *
 * A target is one LLVMFuzzerTestOneInput.  Built by clang with libFuzzer it
 * searches; built by gcc with replay.c it feeds the files of its corpus.  It
 * checks what must hold, not only that nothing crashes.
 */
#ifndef PC_TESTS_FUZZ_H
#define PC_TESTS_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Holds in every build, and names what did not. */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
				__FILE__, __LINE__, #condition);               \
			abort();                                               \
		}                                                              \
	} while (0)

/* Which of the numbers 0..63 are open; equal before and after: no leak. */
static inline uint64_t
fuzz_open_fds(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t
fuzz_u8(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint32_t
fuzz_u32(struct fuzz_input *in)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value |= (uint32_t)fuzz_u8(in) << (8 * i);
	return value;
}

/* Up to len bytes into dst; the rest of dst becomes 0. */
static inline void
fuzz_fill(struct fuzz_input *in, void *dst, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(dst, 0, len);
	if (n > 0)
		memcpy(dst, in->at, n);
	in->at += n;
	in->left -= n;
}

/* All up to the next `end` byte (eaten) or the end, malloc'd with a NUL. */
static inline char *
fuzz_text_until(struct fuzz_input *in, char end, size_t *ret_len)
{
	const uint8_t *stop =
		in->left > 0 ? memchr(in->at, end, in->left) : NULL;
	size_t len = stop != NULL ? (size_t)(stop - in->at) : in->left;
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, in->at, len);
	text[len] = '\0';
	if (ret_len != NULL)
		*ret_len = len;
	len += stop != NULL;
	in->at += len;
	in->left -= len;
	return text;
}

/* What is left as a malloc'd string. */
static inline char *
fuzz_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

#endif
