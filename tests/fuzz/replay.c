/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - the main() of a fuzz target where libFuzzer is not: feeds it every
 * file named on the command line, and every file in a folder so named.
 *
 * Input is copied to a heap block of exactly its size, so that a sanitizer
 * sees one byte too many.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (64u << 20)

static unsigned count;

static void
feed_file(const char *path)
{
	struct err e = ERR_INIT;
	char *bytes, *exact;
	size_t len;

	if (fd_read_file(AT_FDCWD, path, INPUT_MAX, &bytes, &len, &e) < 0) {
		fprintf(stderr, "%s: %s\n", path, e.text);
		exit(2);
	}
	exact = malloc(len > 0 ? len : 1);
	FUZZ_CHECK(exact != NULL);
	memcpy(exact, bytes, len);
	free(bytes);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
	free(exact);
	count++;
}

/* In the order of names, so that a failure is the same one next time. */
static void
feed_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		perror(path);
		exit(2);
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (names[i]->d_name[0] != '.' &&
		    str_printf(file, sizeof(file), "%s/%s", path,
			       names[i]->d_name) == 0)
			feed_file(file);
		free(names[i]);
	}
	free(names);
}

int __attribute__((weak)) LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int
main(int argc, char **argv)
{
	struct stat st;

	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			feed_folder(argv[i]);
		else
			feed_file(argv[i]);
	}
	if (count == 0) {
		fprintf(stderr, "%s: no input\n", argv[0]);
		return 2;
	}
	printf("%u inputs\n", count);
	return 0;
}
