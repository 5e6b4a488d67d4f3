/* SPDX-License-Identifier: Apache-2.0 */
/*
 * E01: every address family with every type of socket.  Those that can be had
 * are listed; the test knows the exact set of each policy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SOCK_STREAM to SOCK_PACKET, without the unused 7 to 9. */
static const int types[] = {1, 2, 3, 4, 5, 6, 10};

int
main(void)
{
	unsigned tried = 0, made = 0;

	printf("attempt sockets done");
	for (int family = 0; family < 64; family++)
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			int fd = socket(family, types[i], 0);

			tried++;
			if (fd < 0)
				continue;
			made++;
			printf(" %d/%d", family, types[i]);
			close(fd);
		}
	printf("\nattempt pairs done");
	for (int family = 0; family < 64; family++)
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			int pair[2];

			tried++;
			if (socketpair(family, types[i], 0, pair) < 0)
				continue;
			made++;
			printf(" %d/%d", family, types[i]);
			close(pair[0]);
			close(pair[1]);
		}
	printf("\nattempt tried done %u %u\n", tried, made);
	return 0;
}
