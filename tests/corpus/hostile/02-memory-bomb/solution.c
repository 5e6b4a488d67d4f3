/* Memory by every way: heap, a shared mapping, a memfd, the tmpfs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP (4u << 20)

static void fill(int fd)
{
	static char block[1 << 16];

	memset(block, 'x', sizeof(block));
	for (size_t n = 0; n < STEP; n += sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			return;
}

int main(void)
{
	int memory = memfd_create("bomb", 0);
	int file = open("/tmp/bomb", O_RDWR | O_CREAT, 0600);

	puts("starting");
	fflush(stdout);
	for (int i = 0; i < 2000; i++) {
		char *heap = malloc(STEP);
		char *shared = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (heap != NULL)
			memset(heap, i, STEP);
		if (shared != MAP_FAILED)
			memset(shared, i, STEP);
		fill(memory);
		fill(file);
	}
	puts("ALL OF IT");
	return 0;
}
