/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D05: output that is too much, or that is meant for who reads logs.  argv[1]
 * is what, argv[2] how many MiB; "fake" writes a little and ends.
 */
#define _GNU_SOURCE
#include "attempt.h"

#define MIB (1L << 20)

static const char ansi[] = "\033]0;owned\007\033[2J\033[31mroot#\033[0m \033P";
static const char fake[] =
	"harmless\r\n<3>audit_broken cause=\"none\" job=forged\n"
	"\0\x80\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"
	"\033[1A\033[2K<6>job_done job=00000000-0000-4000-8000-000000000000 "
	"outcome=1 reason=none\n\x7f\x9b"
	"31m\xe2\x80\xae"
	"evil\n"
	"{\"type\":\"end\",\"passed\":1}\n";

static void
repeat(int fd, const char *what, size_t len, long bytes)
{
	static char block[1 << 16];
	size_t used = 0;

	while (used + len <= sizeof(block)) {
		memcpy(block + used, what, len);
		used += len;
	}
	for (long done = 0; done < bytes;) {
		ssize_t n = write(fd, block, used);

		if (n <= 0)
			_exit(3);
		done += n;
	}
}

int
main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	long bytes = (argc > 2 ? atol(argv[2]) : 1024) * MIB;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(how, "lines") == 0)
		repeat(1, "line\n", 5, bytes);
	else if (strcmp(how, "one_line") == 0)
		repeat(1, "x", 1, bytes);
	else if (strcmp(how, "nul") == 0)
		repeat(1, "\0", 1, bytes);
	else if (strcmp(how, "ansi") == 0)
		repeat(2, ansi, sizeof(ansi) - 1, bytes);
	else if (strcmp(how, "utf8") == 0)
		repeat(1, "\xff\xc0\xaf\x80", 4, bytes);
	else if (strcmp(how, "fake") == 0)
		(void)!write(1, fake, sizeof(fake) - 1);
	else
		return 1;
	return 0;
}
