#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"

static void bye(void)
{
	puts("bye");
}

int main(int argc, char **argv)
{
	long sum = 0;

	atexit(bye);
	if (argc < 2 || strcmp(argv[1], "add") != 0) {
		fprintf(stderr, "usage: main add NUMBER...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		long value;

		if (parse_number(argv[i], &value) < 0) {
			fprintf(stderr, "%d: %s: %s\n", i, argv[i], strerror(errno));
			continue;
		}
		sum += value;
	}
	printf("sum %ld of %d\n", sum, argc - 2);
	exit(argc - 1);
}
