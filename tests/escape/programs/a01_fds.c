/* SPDX-License-Identifier: Apache-2.0 */
/* The same from a program that the harness compiled and started. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(void)
{
	char name[64], target[256];
	int extra = 0;

	for (int fd = 3; fd < 4096; fd++) {
		ssize_t n;

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		if (n < 0)
			n = 0;
		target[n] = '\0';
		printf("%sfd %d is %s\n", "", fd, target);
		extra++;
	}
	if (extra > 0)
		printf("attempt undeclared_fd done %d\n", extra);
	else
		printf("attempt undeclared_fd blocked nothing-there\n");
	return 0;
}
